"""The JavaScript API: what the native package computes, and a sentence for everything done wrong."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from api_page import MODEL, ApiPage, panel, text_of
from live_page import LOAD_TIMEOUT_MS
from model_page import serve

import serve_site
from autogaze_web import AutoGaze, AutoGazeImageProcessor, __version__
from autogaze_web.config import AutoGazeConfig
from autogaze_web.frames import allocate, as_frame
from autogaze_web.inference_mode import InferenceMode
from autogaze_web.live import LiveSettings, LiveView
from autogaze_web.synthetic import draw_pan
from autogaze_web.trace import autogaze_source

pytestmark = pytest.mark.browser

HEIGHT, WIDTH = 61, 97


def pan_frames(count, height=HEIGHT, width=WIDTH):
    frames = np.zeros((count, height, width, 4), np.uint8)
    for index, out in enumerate(frames):
        frame = allocate(height, width)
        draw_pan(frame, index)
        out[:] = frame
    return frames


@pytest.fixture
def api(recorded, subpath_url, checkpoint):
    """A page with the module, below a path of the site's server."""
    serve(recorded.page, checkpoint)
    return ApiPage(recorded, subpath_url, subpath_url + "wasm_bridge/autogaze.mjs")


def assert_panels(told, frames, cells, settings=None):
    view = LiveView(LiveSettings.of(settings or {}))
    for frame, pixels, chosen in zip(told, frames, cells, strict=True):
        report = view.step(as_frame(pixels), chosen)
        np.testing.assert_array_equal(panel(frame, "input"), pixels)
        np.testing.assert_array_equal(panel(frame, "mask"), view.mask)
        np.testing.assert_array_equal(panel(frame, "output"), view.output)
        assert frame["maskPixels"] == report.mask_pixels
        assert frame["updatedPixels"] == report.updated_pixels
        assert frame["maskRatio"] == report.mask_ratio
        assert frame["keyframe"] == report.keyframe
        assert frame["cells"] == report.cells


def test_a_clip_and_a_stream_are_those_of_the_native_package(api, checkpoint):
    frames = pan_frames(5)
    told = api.run(
        f"""const gaze = await AutoGaze.create({{ ...{MODEL}, backend: "wasm", maxTokens: 0 }});
        const rgba = bytesOf(text);
        const clip = await gaze.inferClip(rgba, {{ width, height, frames: 5, taskLossRequirement: 0.6 }});
        const stream = gaze.stream();
        await gaze.set({{ taskLossRequirement: "off", maskVisualization: "overlay" }});
        const streamed = [];
        for (let at = 0; at < rgba.length; at += rgba.length / 5) {{
          const data = rgba.subarray(at, at + rgba.length / 5);
          streamed.push(told(await stream.next({{ data, width, height }})));
        }}
        stream.close();
        const {{ backend, settings }} = gaze;
        gaze.close();
        return {{ clip: clip.frames.map(told), streamed, backend, settings }};""",
        text=text_of(frames),
        width=WIDTH,
        height=HEIGHT,
    )
    assert told["backend"] == "WebAssembly, 1 thread"
    assert told["settings"]["taskLossRequirement"] == "off"

    model = AutoGaze.from_pretrained(checkpoint)
    video = AutoGazeImageProcessor.from_pretrained(checkpoint)(frames[..., :3])[None]
    ratio = model.config.gazing_ratio
    for kind, requirement, settings in (
        ("clip", 0.6, {}),
        ("streamed", None, {"mask-visualization": "overlay"}),
    ):
        gaze = model.generate(video, ratio, requirement)
        ends = np.cumsum(gaze.num_gazing_each_frame)
        for index, frame in enumerate(told[kind]):
            slots = slice(ends[index] - gaze.num_gazing_each_frame[index], ends[index])
            padded = gaze.if_padded_gazing[0, slots]
            ids = gaze.gazing_pos[0, slots] - index * gaze.num_vision_tokens_each_frame
            assert [point["padded"] for point in frame["points"]] == padded.tolist()
            assert [point["token"] for point in frame["points"]] == np.where(padded, -1, ids).tolist()
            assert frame["tokens"] == ids[~padded].tolist()
            for mask, expected in zip(frame["masks"], gaze.gazing_mask, strict=True):
                assert mask["mask"] == expected[0, index].astype(int).tolist()
        assert_panels(told[kind], frames, [gaze.cells(t) for t in range(5)], settings)
    assert any(point["padded"] for frame in told["clip"] for point in frame["points"])


def test_two_at_once_from_another_origin(open_page, site_dist, checkpoint, subpath_url):
    shared = serve_site.make_server(site_dist, headers={"Access-Control-Allow-Origin": "*"})
    threading.Thread(target=shared.serve_forever, args=(0.02,), daemon=True).start()
    recorded = open_page()
    serve(recorded.page, checkpoint)
    module = f"http://127.0.0.1:{shared.server_address[1]}/wasm_bridge/autogaze.mjs"
    frames = pan_frames(3, 40, 64)
    told = ApiPage(recorded, subpath_url, module).run(
        f"""const [gaze, diff] = await Promise.all([
          AutoGaze.create({{ ...{MODEL}, backend: "wasm" }}),
          PatchDiff.create({{ settings: {{ patchDiffGrid: 5, patchDiffThreshold: "0.1" }} }}),
        ]);
        const clip = {{ width: 64, height: 40 }};
        const results = await Promise.all([gaze, diff].map((each) => each.inferClip(bytesOf(text), clip)));
        const last = results[1].last;
        const wide = last.sideBySide();
        gaze.close();
        const after = await failure(gaze.inferClip(bytesOf(text), clip));
        const goesOn = await diff.inferClip(bytesOf(text), {{ ...clip, continued: true, panels: false }});
        return {{
          frames: results.map((result) => result.frames.map(told)),
          wide: [wide.width, wide.height],
          version: diff.version,
          backend: diff.backend,
          after,
          goesOn: goesOn.frames.map(({{ keyframe, index, mask }}) => [keyframe, index, mask]),
        }};""",
        text=text_of(frames),
    )
    shared.shutdown()
    shared.server_close()
    model = AutoGaze.from_pretrained(checkpoint)
    processor = AutoGazeImageProcessor.from_pretrained(checkpoint)
    stream = model.stream(model.config.gazing_ratio, 0.7, max_tokens=16)
    gazes = [stream.step(processor(frame[None, ..., :3])[0]) for frame in frames]
    assert_panels(told["frames"][0], frames, [gaze.cells() for gaze in gazes])
    for frame, gaze in zip(told["frames"][0], gazes, strict=True):
        assert frame["tokens"] == gaze.gazing_pos[0][~gaze.if_padded_gazing[0]].tolist()
    options = {"patch-diff-grid": 5, "patch-diff-threshold": 0.1}
    assert_panels(told["frames"][1], frames, [None] * 3, options)
    assert told["frames"][1][2]["cells"] == sum(told["frames"][1][2]["masks"][0]["mask"]) > 0
    assert (told["wide"], told["version"], told["backend"]) == ([192, 40], __version__, "")
    assert told["after"] == "This AutoGaze was closed: create another one."
    assert told["goesOn"] == [[False, 3, None], [False, 4, None], [False, 5, None]]


def test_wrong_use_ends_in_a_sentence_and_changes_nothing(api, recorded):
    recorded.expect_problem("404")
    said = api.run("""
      const gaze = await PatchDiff.create();
      const rgba = new Uint8ClampedArray(2 * 4 * 8 * 6);
      const clip = { width: 8, height: 6 };
      const before = JSON.stringify(gaze.settings);
      const said = {
        length: await failure(gaze.inferClip(rgba, { ...clip, frames: 3 })),
        zero: await failure(gaze.inferClip(rgba, { ...clip, frames: 0 })),
        none: await failure(gaze.inferClip(new Uint8Array(0), clip)),
        width: await failure(gaze.inferClip(rgba, { width: 1.5, height: 6 })),
        text: await failure(gaze.inferClip("rgba", { ...clip, frames: 1 })),
        large: await failure(gaze.inferClip(new Uint8Array(4 * 20000), { width: 20000, height: 1 })),
        setting: await failure(gaze.inferClip(rgba, { ...clip, patchGrid: 4, speed: 1 })),
        settings: await failure(gaze.set({ blendAlpha: 2, backend: "wasm", keyframeDuration: 5 })),
        backend: await failure(AutoGaze.create({ backend: "cuda" })),
        half: await failure(AutoGaze.create({ config: "./model/config.json" })),
        kind: await failure(AutoGaze.create({ maskSource: "magic" })),
        type: await failure(AutoGaze.create({ config: 5, weights: 6 })),
        site: await failure(PatchDiff.create({ siteUrl: "./model/" })),
      };
      const unchanged = before === JSON.stringify(gaze.settings);
      await gaze.set({ keyframeDuration: 5, palette: "colour-blind-safe", taskLossRequirement: "20 dB" });
      const changed = gaze.settings;
      await gaze.reset("keyframeDuration");
      const { keyframeDuration, taskLossRequirement } = gaze.settings;
      await gaze.reset();
      const stream = gaze.stream();
      said.second = await failure((async () => gaze.stream())());
      said.clip = await failure(gaze.inferClip(rgba, clip));
      said.frame = await failure(stream.next({}));
      said.frameLength = await failure(stream.next({ data: rgba, ...clip }));
      stream.close();
      said.closedStream = await failure(stream.next({ data: rgba, ...clip }));
      const works = (await gaze.inferClip(rgba, clip)).frames.length;
      const pending = failure(gaze.inferClip(rgba, clip));
      gaze.close();
      said.pending = await pending;
      return { said, unchanged, changed, keyframeDuration, taskLossRequirement, works,
               reset: before === JSON.stringify(gaze.settings) };""")
    sentences = said.pop("said")
    changed = said.pop("changed")
    assert said == {
        "unchanged": True,
        "keyframeDuration": 0,
        "taskLossRequirement": 0.1,
        "works": 2,
        "reset": True,
    }
    assert changed["palette"] == "colour-blind-safe"
    settings = ", ".join(changed)
    assert sentences == {
        "length": "3 frames of 8x6 pixels are 576 bytes of RGBA, got 384.",
        "zero": "frames is a whole number of at least 1, got 0.",
        "none": "1 frame of 8x6 pixels is 192 bytes of RGBA, got 0.",
        "width": "width is a whole number of at least 1, got 1.5.",
        "text": "The pixels are RGBA bytes: a Uint8ClampedArray, a Uint8Array or an ArrayBuffer, such as the "
        "data of an ImageData.",
        "large": "a frame has 1 to 16384 pixels per side, got 20000x1 (width x height)",
        "setting": f"there is no setting 'speed'; the settings are {settings}",
        "settings": "blendAlpha is a number from 0 to 1, got 2\n"
        f"there is no setting 'backend'; the settings are {settings}",
        "backend": 'backend is "auto", "webgpu" or "wasm", got "cuda".',
        "half": "config and weights are of one model: give both, or neither for NVIDIA's release.",
        "kind": 'maskSource is "autogaze" or "patch-diff", got "magic".',
        "type": "config is an address, a File, a Blob or an ArrayBuffer of a config.json.",
        "site": '/pages/autogaze/model/build.json is missing (404): build the site with "make site".',
        "second": "A stream is open already: close it first, or create another AutoGaze for this one.",
        "clip": "A stream is open: close it first, or create another AutoGaze for the clip.",
        "frame": "A frame is a VideoFrame, an ImageBitmap, an image, video or canvas with a picture in it, "
        "or { data, width, height } with RGBA bytes; this is none of them.",
        "frameLength": "1 frame of 8x6 pixels is 192 bytes of RGBA, got 384.",
        "closedStream": "This stream was closed: open another one with stream().",
        "pending": "This AutoGaze was closed: create another one.",
    }


def test_cancelling_leaves_nothing_behind(api, recorded, checkpoint):
    recorded.expect_problem("ERR_ABORTED|ERR_FAILED")  # what was being fetched
    waiting = []
    api.page.route("**/model/model.safetensors", lambda route: waiting.append(route))
    cancelled = """
      const cancelAt = async (step) => {
        const controller = new AbortController();
        const onProgress = (at, done) => at === step && done > 0 && controller.abort();
        return failure(AutoGaze.create({ ...MODEL, backend: "wasm", onProgress, signal: controller.signal }));
      };
      const reason = AbortSignal.abort(new Error("not today"));
      return [await cancelAt("Loading Python"), await cancelAt("Loading the model"),
              await failure(PatchDiff.create({ signal: reason }))];""".replace("MODEL", MODEL)
    aborted = "signal is aborted without reason"
    assert api.run(cancelled) == [aborted, aborted, "not today"]
    while api.page.workers:  # Playwright hears of their end while it waits
        api.page.wait_for_timeout(20)
    assert len(waiting) == 1
    for route in waiting:
        route.abort()
    api.page.unroute("**/model/model.safetensors")

    frames = pan_frames(2, 40, 64)
    told = api.run(
        """const read = async (name) => (await fetch(`./model/${name}`)).arrayBuffer();
        const gaze = await AutoGaze.create({
          config: new Blob([await read("config.json")]),
          weights: await read("model.safetensors"),
          preprocessor: new URL("./model/preprocessor_config.json", location.href),
          graphs: "./model/",
          backend: "wasm",
          maxTokens: 4,
          settings: { taskLossRequirement: "off" },
        });
        const size = { width: 64, height: 40 };
        const seen = [];
        const cancel = new AbortController();
        const many = new Uint8Array(4 * 64 * 40 * 2000);
        const stopped = await failure(gaze.inferClip(many, {
          ...size,
          signal: cancel.signal,
          onProgress: (done, total) => { seen.push([done, total]); if (done === 3) cancel.abort(); },
        }));
        const few = (await gaze.inferClip(bytesOf(text), size)).frames.map(told);
        await gaze.set({ maxGazeTokensEachFrame: 0 });
        const all = (await gaze.inferClip(bytesOf(text), size)).frames.map(told);
        gaze.close();
        return { stopped, seen, few, all };""",
        text=text_of(frames),
    )
    assert told["stopped"] == aborted
    assert told["seen"] == [[1, 2000], [2, 2000], [3, 2000]]
    model = AutoGaze.from_pretrained(checkpoint)
    processor = AutoGazeImageProcessor.from_pretrained(checkpoint)
    for name, limit in (("few", 10), ("all", None)):  # never below topK
        stream = model.stream(model.config.gazing_ratio, max_tokens=limit)
        gazes = [stream.step(processor(frame[None, ..., :3])[0]) for frame in frames]
        assert [frame["tokens"] for frame in told[name]] == [gaze.gazing_pos[0].tolist() for gaze in gazes]
    assert len(told["all"][0]["tokens"]) > len(told["few"][0]["tokens"])


def test_large_frames_in_tiles(api, checkpoint):
    frames = pan_frames(2, 50, 90)
    told = api.run(
        f"""const gaze = await AutoGaze.create({{
          ...{MODEL}, backend: "wasm", settings: {{ tileStride: 24, tileBatchSize: 3 }},
        }});
        const results = {{}};
        for (const mode of ["tiled", "full-resolution"]) {{
          const seen = [];
          const onProgress = (done, total) => seen.push([done, total]);
          const {{ maxGazeTokensEachFrame: limit }} = await gaze.set({{ mode }});
          const clip = await gaze.inferClip(bytesOf(text), {{ width: 90, height: 50, onProgress }});
          const count = await gaze.tileCount(90, 50);
          results[mode] = {{ frames: clip.frames.map(told), seen, count, limit }};
        }}
        await gaze.reset("mode");
        const one = await gaze.tileCount(90, 50);
        gaze.close();
        return {{ ...results, one }};""",
        text=text_of(frames),
    )
    assert told.pop("one") == 1
    side = AutoGazeConfig.from_file(checkpoint / "config.json").input_img_size
    for mode, result in told.items():
        inference = InferenceMode(mode, stride=24, frames=2)
        tiles = len(inference.tiling(50, 90, side))
        assert (result["count"], result["limit"]) == (tiles, 24)
        shares = [min(done, tiles) / tiles for done in range(3, tiles + 3, 3)]
        assert result["seen"] == [[index + share, 2] for index in range(2) for share in shares]
        source = autogaze_source(str(checkpoint), max_tokens=24, task_loss=0.7, mode=inference)
        chosen = [source.choose(as_frame(frame)) for frame in frames]
        assert_panels(result["frames"], frames, [each.cells for each in chosen])
        for frame, each in zip(result["frames"], chosen, strict=True):
            assert frame["paddedTokens"] == each.padded
            masked = sum(sum(mask["mask"]) for mask in frame["masks"])
            assert masked == (len(each.cells) if mode == "tiled" else 0)
            lefts = [point["left"] for point in frame["points"]]
            assert lefts == each.cells.rectangles(50, 90)[:, 1].tolist()


def test_a_lost_gpu_is_told_and_the_next_clip_is_exact(open_page, site_url, checkpoint):
    recorded = open_page(webgpu=True)
    recorded.expect_problem("[Dd]evice|GPU|[Ll]ost|[Ii]nstance|ERR_")
    serve(recorded.page, checkpoint)
    api = ApiPage(recorded, site_url, site_url + "wasm_bridge/autogaze.mjs")
    api.run(
        f"""globalThis.notes = [];
        const onNote = (sentence) => notes.push(sentence);
        globalThis.creating = AutoGaze.create({{ ...{MODEL}, backend: "webgpu", onNote }});"""
    )
    while not api.page.workers:
        api.page.wait_for_timeout(20)
    (worker,) = api.page.workers
    worker.evaluate("""() => {
      const request = GPUAdapter.prototype.requestDevice;
      GPUAdapter.prototype.requestDevice = async function (...how) {
        globalThis.device = await request.apply(this, how);
        return globalThis.device;
      };
    }""")
    frames = pan_frames(2, 40, 64)
    api.run("""globalThis.gaze = await creating;
      const onProgress = (done) => { globalThis.done = done; };
      const many = new Uint8Array(4 * 64 * 40 * 2000);
      globalThis.failed = failure(gaze.inferClip(many, { width: 64, height: 40, onProgress }));""")
    api.page.wait_for_function("() => globalThis.done >= 2", timeout=LOAD_TIMEOUT_MS)
    worker.evaluate("() => globalThis.device.destroy()")
    told = api.run(
        """const failed = await globalThis.failed;
        const clip = await gaze.inferClip(bytesOf(text), { width: 64, height: 40 });
        const { backend } = gaze;
        gaze.close();
        return { failed, notes, backend, frames: clip.frames.map(told) };""",
        text=text_of(frames),
    )
    assert told["failed"] == (
        "The GPU was lost; the model is being started again: give the clip or frame once more."
    )
    assert "The GPU was lost: the model is being started again." in told["notes"]
    assert told["backend"].startswith("WebGPU on google")
    model = AutoGaze.from_pretrained(checkpoint)
    processor = AutoGazeImageProcessor.from_pretrained(checkpoint)
    stream = model.stream(model.config.gazing_ratio, 0.7, max_tokens=16)
    gazes = [stream.step(processor(frame[None, ..., :3])[0]) for frame in frames]
    assert_panels(told["frames"], frames, [gaze.cells() for gaze in gazes])


def test_a_stream_takes_whatever_is_a_picture(api):
    told = api.run("""
      const gaze = await PatchDiff.create({ settings: { patchDiffThreshold: 0.05 } });
      const canvas = new OffscreenCanvas(64, 48);
      const context = canvas.getContext("2d", { willReadFrequently: true });
      const draw = (index) => {
        context.fillStyle = `rgb(${40 * index} 90 200)`;
        context.fillRect(0, 0, 64, 48);
        return context.getImageData(0, 0, 64, 48);
      };
      const pixels = [];
      const same = (result) => pixels.push(result.input.every((byte, at) => byte === result.expected[at]));
      const stream = gaze.stream();
      const given = [];
      for (const [index, make] of [
        (image) => image,
        () => createImageBitmap(canvas),
        () => canvas,
        () => new VideoFrame(canvas, { timestamp: 0 }),
      ].entries()) {
        const image = draw(index);
        const frame = await make(image);
        given.push(frame);
        const result = await stream.next(frame);
        same(Object.assign(result, { expected: image.data }));
      }
      const [, bitmap, , video] = given;
      const kept = [bitmap.width, video.format !== null];
      video.close();
      const closed = await failure(stream.next(video));
      await stream.reset();
      const frames = new ReadableStream({
        start: (controller) => {
          for (let index = 0; index < 3; index++) {
            draw(index);
            controller.enqueue(new VideoFrame(canvas, { timestamp: index }));
          }
          controller.close();
        },
      });
      const streamed = [];
      for await (const { index, keyframe, cells } of stream.results(frames))
        streamed.push([index, keyframe, cells]);
      stream.close();
      const small = gaze.stream({ width: 33, height: 21, panels: false });
      const { width, height, input, mask } = await small.next(draw(1));
      gaze.close();
      const shut = await failure((async () => gaze.stream())());
      return { pixels, kept, closed, streamed, small: [width, height, input, mask], shut };""")
    assert told == {
        "pixels": [True, True, True, True],
        "kept": [64, True],
        "closed": "The VideoFrame was closed: give it before closing it.",
        "streamed": [[0, True, 0], [1, False, 196], [2, False, 196]],
        "small": [33, 21, None, None],
        "shut": "This AutoGaze was closed: create another one.",
    }
