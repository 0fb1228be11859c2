"""The JavaScript API computes what the native package computes."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pytest
from api_page import MODEL, ApiPage, assert_panels, pan_frames, text_of
from model_page import serve
from served import served

from autogaze_web import AutoGaze, AutoGazeImageProcessor, GazingInfo, __version__, options
from autogaze_web.files.gaze_store import gaze_from_bytes
from autogaze_web.frames.rgba import as_frame
from autogaze_web.model.config import AutoGazeConfig
from autogaze_web.native.sources import autogaze_source
from autogaze_web.tiles.inference_mode import InferenceMode

pytestmark = pytest.mark.browser

HEIGHT, WIDTH = 61, 97


def test_a_clip_and_a_stream_are_those_of_the_native_package(api, checkpoint):
    frames = pan_frames(5, HEIGHT, WIDTH)
    told = api.run(
        f"""const gaze = await AutoGaze.create({{ ...{MODEL}, backend: "wasm", maxTokens: 0 }});
        const rgba = bytesOf(text);
        const clip = await gaze.inferClip(rgba, {{ width, height, frames: 5, taskLossRequirement: 0.6 }});
        const clipFile = [...await gaze.gazeFile()];
        const stream = gaze.stream();
        await gaze.set({{ taskLossRequirement: "off", maskVisualization: "overlay" }});
        const streamed = [];
        for (let at = 0; at < rgba.length; at += rgba.length / 5) {{
          const data = rgba.subarray(at, at + rgba.length / 5);
          streamed.push(plain(await stream.next({{ data, width, height }})));
        }}
        const json = {{ format: "json", frames: 3, times: [1, 2, 3] }};
        const streamFile = JSON.parse(new TextDecoder().decode(await gaze.gazeFile(json)));
        stream.close();
        const {{ backend, settings }} = gaze;
        gaze.close();
        return {{ clip: clip.frames.map(plain), streamed, backend, settings, clipFile, streamFile }};""",
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
        if kind == "clip":
            stored = gaze_from_bytes(bytes(told["clipFile"]), ".npz")
            for name, expected in asdict(GazingInfo.of(gaze)).items():
                np.testing.assert_array_equal(getattr(stored.info, name), expected)
        else:
            assert told["streamFile"]["num_gazing_each_frame"] == gaze.num_gazing_each_frame.tolist()[2:]
            assert told["streamFile"]["times"] == [1, 2, 3]
    assert any(point["padded"] for frame in told["clip"] for point in frame["points"])


def test_two_at_once_from_another_origin(open_page, site_dist, checkpoint, subpath_url):
    recorded = open_page()
    serve(recorded.page, checkpoint)
    frames = pan_frames(3, 40, 64)
    with served(site_dist, headers={"Access-Control-Allow-Origin": "*"}) as shared:
        told = ApiPage(recorded, subpath_url, f"{shared}wasm_bridge/autogaze.mjs").run(
            f"""const [gaze, diff] = await Promise.all([
              AutoGaze.create({{ ...{MODEL}, backend: "wasm" }}),
              PatchDiff.create({{ settings: {{ patchDiffGrid: 5, patchDiffThreshold: "0.1" }} }}),
            ]);
            const clip = {{ width: 64, height: 40 }};
            const infer = (each) => each.inferClip(bytesOf(text), clip);
            const results = await Promise.all([gaze, diff].map(infer));
            const last = results[1].last;
            const wide = last.sideBySide();
            gaze.close();
            const after = await failure(gaze.inferClip(bytesOf(text), clip));
            const goesOn = await diff.inferClip(bytesOf(text), {{ ...clip, continued: true, panels: false }});
            diff.resetVisualization();
            const anew = await diff.inferClip(bytesOf(text), {{ ...clip, continued: true, panels: false }});
            return {{
              anew: anew.frames.map(({{ keyframe, index }}) => [keyframe, index]),
              frames: results.map((result) => result.frames.map(plain)),
              wide: [wide.width, wide.height],
              version: diff.version,
              backend: diff.backend,
              after,
              goesOn: goesOn.frames.map(({{ keyframe, index, mask }}) => [keyframe, index, mask]),
            }};""",
            text=text_of(frames),
        )
    model = AutoGaze.from_pretrained(checkpoint)
    processor = AutoGazeImageProcessor.from_pretrained(checkpoint)
    stream = model.stream(1.0, 0.7, max_tokens=16)  # the limit replaces the budget of the model
    gazes = [stream.step(processor(frame[None, ..., :3])[0]) for frame in frames]
    assert_panels(told["frames"][0], frames, [gaze.cells() for gaze in gazes])
    for frame, gaze in zip(told["frames"][0], gazes, strict=True):
        assert frame["tokens"] == gaze.gazing_pos[0][~gaze.if_padded_gazing[0]].tolist()
    options = {"patch-diff-grid": 5, "patch-diff-threshold": 0.1}
    assert_panels(told["frames"][1], frames, [None] * 3, options)
    assert told["frames"][1][2]["cells"] == sum(told["frames"][1][2]["masks"][0]["mask"]) > 0
    assert (told["wide"], told["version"], told["backend"]) == ([192, 40], __version__, "")
    assert told["after"] == "This AutoGaze was closed: create another one."
    assert told["anew"] == [[True, 0], [False, 1], [False, 2]]
    assert told["goesOn"] == [[False, 3, None], [False, 4, None], [False, 5, None]]


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
          results[mode] = {{ frames: clip.frames.map(plain), seen, count, limit }};
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
        limit = options.defaults(tiled=True)["max-gaze-tokens-each-frame"]
        assert (result["count"], result["limit"]) == (tiles, limit)
        shares = [min(done, tiles) / tiles for done in range(3, tiles + 3, 3)]
        assert result["seen"] == [[index + share, 2] for index in range(2) for share in shares]
        source = autogaze_source(str(checkpoint), max_tokens=limit, task_loss=0.7, mode=inference)
        chosen = [source.choose(as_frame(frame)) for frame in frames]
        assert_panels(result["frames"], frames, [each.cells for each in chosen])
        for frame, each in zip(result["frames"], chosen, strict=True):
            assert frame["paddedTokens"] == each.padded
            masked = sum(sum(mask["mask"]) for mask in frame["masks"])
            assert masked == (len(each.cells) if mode == "tiled" else 0)
            lefts = [point["left"] for point in frame["points"]]
            assert lefts == each.cells.rectangles(50, 90)[:, 1].tolist()


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
