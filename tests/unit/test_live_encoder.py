"""The encoder beside the panels: one frame at a time, the newest next, and never a wait for the panels."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from encoder_bridge import Answer, NativeBridge

from autogaze_web import FrameDecoder, SiglipImageProcessor, SiglipVisionModel
from autogaze_web.encoder import FeatureMemory
from autogaze_web.encoder.checkpoint import SiglipCheckpoint
from autogaze_web.encoder.frame_decoder import FrameDecoderCheckpoint
from autogaze_web.graph.encoder import encoder_graph
from autogaze_web.graph.frame_decoder import frame_decoder_graph
from autogaze_web.live.gazer import GazeProgress
from autogaze_web.masks.cells import Cells
from autogaze_web.masks.choice import Choice
from autogaze_web.page.encoder_model import PageEncoder
from autogaze_web.page.encoder_session import LiveEncoder
from autogaze_web.page.frame_encoder import FrameEncoder
from autogaze_web.page.live_session import PageSession

FOLDER = Path(__file__).parents[2] / "site" / "encoder"


def head_of(path):
    data = path.read_bytes()
    return data[: 8 + int.from_bytes(data[:8], "little")], len(data)


@pytest.fixture(scope="module")
def model():
    texts = [(FOLDER / name).read_text() for name in ("config.json", "preprocessor_config.json")]
    encoder = PageEncoder(*texts)
    encoder.read_heads([("model.safetensors", *head_of(FOLDER / "model.safetensors"))])
    encoder.read_decoder((FOLDER / "decoder.json").read_text(), *head_of(FOLDER / "decoder.safetensors"))
    return encoder


@pytest.fixture
def bridge(model):
    weights = {**SiglipCheckpoint.from_folder(FOLDER).weights}
    weights |= FrameDecoderCheckpoint.from_folder(FOLDER).weights
    graphs = {"encoder": encoder_graph(model.config), "frame_decoder": frame_decoder_graph(model.decoder)}
    return NativeBridge(graphs, weights)


class Shown:
    """What JavaScript is given."""

    def __init__(self):
        self.frames, self.faults = [], []

    def __call__(self, header, memory, fault):
        if fault is not None:
            self.faults.append(fault)
            return
        told, data = json.loads(header), memory.tobytes()
        frame = dict(told["numbers"])
        for name, dtype, start, size in told["feeds"]:
            frame[name] = np.frombuffer(data[start : start + size], dtype).reshape(told["shapes"][name])
        self.frames.append(frame)


def frame_of(index):
    return np.random.default_rng(index).integers(0, 256, (30, 40, 4), np.uint8)


def gaze_of(*tokens):
    choice = Choice(Cells.none(), np.array(tokens, np.int64))
    return GazeProgress(choice, stage_ms={"model": 3.0, "decode": 1.0})


async def settled(encoder):
    while encoder._work is not None:
        await asyncio.sleep(0)


def test_frames_are_encoded_and_rebuilt_as_natively(model, bridge):
    shown = Shown()

    async def run():
        encoder = LiveEncoder(model, bridge, shown, True)
        for index, tokens in enumerate([(0, 3, 200), (), (264,)]):
            encoder.take(frame_of(index), index)(gaze_of(*tokens))
            await settled(encoder)

    asyncio.run(run())
    native, decoder = SiglipVisionModel.from_pretrained(FOLDER), FrameDecoder.from_pretrained(FOLDER)
    processor = SiglipImageProcessor.from_pretrained(FOLDER)
    stream, memory = native.stream(decoder.config.window), FeatureMemory.of(decoder.config)
    assert [frame["index"] for frame in shown.frames] == [0, 1, 2]
    # The first frame is a keyframe: what the encoder remembers starts with all patches.
    assert [frame["keyframe"] for frame in shown.frames] == [True, False, False]
    assert [frame["tokens"].tolist() for frame in shown.frames] == [list(range(265)), [], [264]]
    first = shown.frames[0]
    np.testing.assert_array_equal(first["features"], first["full_features"])
    for frame in shown.frames:
        pixels = processor(frame_of(frame["index"])[None, ..., :3])[0]
        features = stream.step(pixels).last_hidden_state[0]
        np.testing.assert_allclose(frame["full_features"], features, atol=1e-5)
        memory.add(features, range(265))
        rows = memory.rows()
        rebuilt = decoder(rows.features, rows.patch_ids, rows.ages)
        picture = np.clip((rebuilt.transpose(1, 2, 0) + 1) * 127.5, 0, 255)
        np.testing.assert_allclose(frame["full_rebuilt"][..., :3], picture, atol=0.51)
        assert (frame["full_rebuilt"][..., 3] == 255).all()
        assert frame["features"].shape == (frame["tokens"].size, 192)
        assert frame["gaze_ms"] == 4
        assert (
            min(frame[name] for name in ("encode_ms", "decode_ms", "full_encode_ms", "full_decode_ms")) >= 1.5
        )


def test_what_all_patches_left_is_freed_when_they_are_not_asked_for_any_more(model, bridge):
    async def run():
        encoder = LiveEncoder(model, bridge, Shown(), True)
        for index, full in enumerate([True, False, True, False]):
            encoder.full = full
            encoder.take(frame_of(index), index)(gaze_of(index))
            await settled(encoder)
            assert bridge.streams == ({"gazed", "all"} if full else {"gazed"})

    asyncio.run(run())


def test_one_frame_at_a_time_and_the_newest_next(model, bridge):
    shown = Shown()

    async def run():
        encoder = LiveEncoder(model, bridge, shown, False)
        bridge.gate = asyncio.Event()
        for index in range(6):
            encoder.take(frame_of(index), index)(gaze_of(index))
            for _ in range(5):
                await asyncio.sleep(0)
        assert (shown.frames, bridge.most_at_once) == ([], 1)
        bridge.gate.set()
        await settled(encoder)
        assert (encoder.encoded, encoder.skipped) == (2, 4)

    asyncio.run(run())
    assert [frame["index"] for frame in shown.frames] == [0, 5]
    assert bridge.most_at_once == 1
    cached = [header["kept"] for header in bridge.headers if header["graph"] == "encoder"]
    assert cached == [[], list(range(265))], "the stream goes on with the frames that were encoded"


def test_a_new_stream_forgets_the_old_one(model, bridge):
    shown = Shown()

    async def run():
        encoder = LiveEncoder(model, bridge, shown, False)
        bridge.gate = asyncio.Event()
        late = encoder.take(frame_of(0), 0)
        encoder.take(frame_of(1), 1)(gaze_of(1))
        await asyncio.sleep(0)
        encoder.restart()
        late(gaze_of(0))
        encoder.take(frame_of(2), 0)(gaze_of(2))
        bridge.gate.set()
        await settled(encoder)
        encoder.close()
        encoder.take(frame_of(3), 1)(gaze_of(3))
        assert encoder._work is None

    asyncio.run(run())
    assert [(frame["index"], frame["keyframe"]) for frame in shown.frames] == [(0, True)]
    runs = [header for header in bridge.headers if header["graph"] == "encoder"]
    assert [header["restart"] for header in runs] == [True, True]


def test_a_frame_of_an_old_stream_is_no_part_of_the_new_one(model, bridge):
    """Whenever the new stream starts while a frame of the old one is encoded."""

    async def run(steps):
        shown = Shown()
        encoder = LiveEncoder(model, bridge, shown, True)
        encoder.take(frame_of(0), 0)(gaze_of(0, 1, 2))
        for _ in range(steps):
            await asyncio.sleep(0)
        encoder.restart()
        encoder.take(frame_of(1), 0)(gaze_of(7))
        await settled(encoder)
        return shown.frames[-1]

    first = asyncio.run(run(0))
    for steps in range(1, 12):
        frame = asyncio.run(run(steps))
        assert frame["keyframe"]
        for name in ("features", "rebuilt", "full_features", "full_rebuilt"):
            np.testing.assert_array_equal(frame[name], first[name])


def test_a_failure_is_said_once_and_ends_it(model):
    class Broken:
        async def execute(self, _header, _packed):
            raise RuntimeError("The GPU was lost.")

    class Short:
        async def execute(self, _header, _packed):
            return Answer(np.zeros(3, np.float32))

    for bridge, message in (
        (Broken(), "The GPU was lost."),
        (Short(), "the encoder answered 2 numbers where 50880"),
    ):
        shown = Shown()

        async def run(bridge=bridge, shown=shown):
            encoder = LiveEncoder(model, bridge, shown, False)
            for index in range(3):
                encoder.take(frame_of(index), index)(gaze_of(index))
                await settled(encoder)

        asyncio.run(run())
        assert shown.frames == []
        assert len(shown.faults) == 1
        assert message in shown.faults[0]


def streams_of(grids):
    return SimpleNamespace(model=SimpleNamespace(config=SimpleNamespace(scale_grids=lambda: grids)))


def test_a_model_of_other_scales_is_refused(model, bridge):
    session, shown = PageSession(), Shown()
    session.set_encoder(model, bridge, shown, False)
    assert session._gaze.observe(frame_of(0)) is None, "without a model"
    session._gaze.streams = streams_of((2, 4))
    assert session._gaze.observe(frame_of(0)) is None
    assert shown.faults == [
        "the model chooses cells of [2, 4] per side, but the encoder reads patches of [2, 4, 7, 14] per "
        "side: use a model for its scales"
    ]
    session._gaze.streams = streams_of((2, 4, 7, 14))
    session.set_encoder(model, bridge, shown, False)
    assert session._gaze.observe(frame_of(0)) is not None
    assert json.loads(session.encoder_counters()) == {"encoded": 0, "skipped": 0}
    session.encode_all(True)
    assert session._gaze.encoder.live.full
    session.restart()
    session.clear_encoder()
    session.encode_all(True)
    assert session._gaze.observe(frame_of(0)) is None
    assert json.loads(session.encoder_counters()) == {}


def test_a_frame_that_was_gazed_at_before_the_encoder_came_is_encoded(model, bridge):
    session, shown = PageSession(), Shown()
    session.draw_synthetic("synthetic-pan", 0, 30, 40)
    session.process()
    session._gaze.streams = streams_of((2, 4, 7, 14))
    session._gaze.gazer = SimpleNamespace(
        latest=SimpleNamespace(index=4, gaze=gaze_of(7)), index=4, close=lambda: None
    )

    async def run():
        session.set_encoder(model, bridge, shown, False)
        await settled(session._gaze.encoder.live)
        session._gaze.gazer.index = 5  # a newer frame is being gazed at
        session.set_encoder(model, bridge, shown, False)
        assert session._gaze.encoder.live._work is None

    asyncio.run(run())
    assert [(frame["keyframe"], frame["gaze_ms"]) for frame in shown.frames] == [(True, 4)]


def test_frames_of_the_api(model, bridge):
    frames = FrameEncoder(model, bridge)

    async def encode(stream, tokens):
        frames.frame_memory(30, 40).reshape(30, 40, 4)[:] = frame_of(0)
        header, memory = await frames.encode(stream, tokens)
        told = json.loads(header)
        return told["shapes"], memory

    async def run():
        frames.open("stream 1", 2)
        for _ in range(3):
            shapes, _ = await encode("stream 1", [5, 6])
            assert shapes == {"features": [2, 192], "rebuilt": [224, 224, 4]}
        shapes, memory = await encode("", None)
        assert shapes["features"] == [265, 192]
        pixels = SiglipImageProcessor.from_pretrained(FOLDER)(frame_of(0)[None, ..., :3])[None]
        expected = SiglipVisionModel.from_pretrained(FOLDER)(pixels).last_hidden_state[0]
        got = np.frombuffer(memory.tobytes(), np.float32, 265 * 192).reshape(265, 192)
        np.testing.assert_allclose(got, expected, atol=1e-5)
        shapes, _ = await encode("", [])
        assert shapes["features"] == [0, 192]
        for wrong in ([265], [-1], [0.5], [[1]]):
            with pytest.raises(ValueError, match="tokens are the ids of patches, 0 to 264, or null for all"):
                await encode("", wrong)
        frames.close("stream 1")
        with pytest.raises(ValueError, match=r"^this stream was closed: open another one with stream\(\)$"):
            await encode("stream 1", [1])

    asyncio.run(run())
    assert [header["dropped"] for header in bridge.headers if header["stream"] == "stream 1"][:3] == [0, 0, 2]
    with pytest.raises(ValueError, match="window is 1 to"):
        frames.open("stream 2", 0)


def test_error_for_a_damaged_file():
    config = (FOLDER / "config.json").read_text()
    with pytest.raises(ValueError, match="not valid JSON"):
        PageEncoder("{", None)
    encoder = PageEncoder(config, None)
    head, size = head_of(FOLDER / "model.safetensors")
    with pytest.raises(ValueError, match="truncated or damaged"):
        encoder.read_heads([("model.safetensors", head, size - 1)])
    decoder = json.loads((FOLDER / "decoder.json").read_text())
    place = head_of(FOLDER / "decoder.safetensors")
    for change, message in (
        ({"encoder_hidden_size": 96}, "hidden_size"),
        ({"model_type": "x"}, "model_type"),
    ):
        with pytest.raises(ValueError, match=message):
            encoder.read_decoder(json.dumps(decoder | change), *place)
    with pytest.raises(ValueError, match="missing"):
        encoder.read_decoder(json.dumps(decoder), head, size)
    assert json.loads(encoder.description())["side"] == 0
    causal = PageEncoder(config, None, attn_type="bidirectional")
    with pytest.raises(ValueError, match="every token sees later frames"):
        FrameEncoder(causal, None).open("stream", None)
