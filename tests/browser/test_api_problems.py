"""The JavaScript API: a sentence for everything done wrong, cancelling, and a GPU that is lost."""

from __future__ import annotations

import pytest
from api_page import MODEL, ApiPage, assert_panels, pan_frames, text_of
from in_page import in_page
from live_page import LOAD_TIMEOUT_MS
from model_page import serve

from autogaze_web import AutoGaze, AutoGazeImageProcessor

pytestmark = pytest.mark.browser


def test_wrong_use_ends_in_a_sentence_and_changes_nothing(api, recorded):
    # A site that is none: what was asked of it is not there, or ended with its worker.
    recorded.expect_problem("404|ERR_ABORTED")
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
        model: await failure(AutoGaze.create({ model: "large" })),
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
        "half": "config and weights are of one model: give both, or neither to use model.",
        "model": 'model is "built-in" or "nvidia", got "large".',
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
    waiting, held = [], []

    def hold(route):
        waiting.append(route)
        while held:
            held.pop().fallback()

    # The first bytes come, and the load is cancelled, once the weights have been asked for.
    api.page.route("**/model/*config.json", lambda r: r.fallback() if waiting else held.append(r))
    api.page.route("**/model/model.safetensors", hold)
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
        const few = (await gaze.inferClip(bytesOf(text), size)).frames.map(plain);
        await gaze.set({ maxGazeTokensEachFrame: 0 });
        const all = (await gaze.inferClip(bytesOf(text), size)).frames.map(plain);
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


def test_a_lost_gpu_is_told_and_the_next_clip_is_exact(open_page, site_url, gpu_checkpoint):
    recorded = open_page(webgpu=True)
    recorded.expect_problem("[Dd]evice|GPU|[Ll]ost|[Ii]nstance|ERR_")
    serve(recorded.page, gpu_checkpoint)
    held = []  # until the worker's GPU can be reached
    recorded.page.route("**/model/config.json", lambda route: held.append(route))
    api = ApiPage(recorded, site_url, site_url + "wasm_bridge/autogaze.mjs")
    api.run(
        f"""globalThis.notes = [];
        const onNote = (sentence) => notes.push(sentence);
        globalThis.creating = AutoGaze.create({{ ...{MODEL}, backend: "webgpu", onNote }});"""
    )
    while not held:
        api.page.wait_for_timeout(20)
    (worker,) = api.page.workers
    in_page(worker, "worker_hooks.watchDevice")
    for route in held:
        route.fallback()
    frames = pan_frames(2, 40, 64)
    api.run("""globalThis.gaze = await creating;
      const onProgress = (done) => { globalThis.done = done; };
      const many = new Uint8Array(4 * 64 * 40 * 2000);
      globalThis.failed = failure(gaze.inferClip(many, { width: 64, height: 40, onProgress }));""")
    api.page.wait_for_function("() => globalThis.done >= 2", timeout=LOAD_TIMEOUT_MS)
    in_page(worker, "worker_hooks.loseDevice", "at once")
    told = api.run(
        """const failed = await globalThis.failed;
        const clip = await gaze.inferClip(bytesOf(text), { width: 64, height: 40 });
        const { backend } = gaze;
        gaze.close();
        return { failed, notes, backend, frames: clip.frames.map(plain) };""",
        text=text_of(frames),
    )
    assert told["failed"] == (
        "The GPU was lost; the model is being started again: give the clip or frame once more."
    )
    assert "The GPU was lost: the model is being started again." in told["notes"]
    assert told["backend"].startswith("WebGPU on google")
    model = AutoGaze.from_pretrained(gpu_checkpoint)
    processor = AutoGazeImageProcessor.from_pretrained(gpu_checkpoint)
    stream = model.stream(1.0, 0.7, max_tokens=16)  # the limit replaces the budget of the model
    gazes = [stream.step(processor(frame[None, ..., :3])[0]) for frame in frames]
    assert_panels(told["frames"], frames, [gaze.cells() for gaze in gazes])
