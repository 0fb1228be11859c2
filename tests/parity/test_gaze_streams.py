"""The page's streams, with native ONNX Runtime in place of the bridge."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import oracle
import pytest
from native_bridge import Bridge

from autogaze_web import AutoGaze, AutoGazeImageProcessor
from autogaze_web.frames.rgba import as_frame
from autogaze_web.live.gazer import GazeStream
from autogaze_web.live.view import LiveView
from autogaze_web.masks.choice import Choice
from autogaze_web.model.clips import model_input
from autogaze_web.model.controls import own_budget
from autogaze_web.model.run import Run
from autogaze_web.page.bridge import pack_run
from autogaze_web.page.gaze_streams import GazeStreams
from autogaze_web.page.live_session import PageSession
from autogaze_web.page.memory import frame_bytes
from autogaze_web.page.model import PageModel
from autogaze_web.tiles.inference_mode import InferenceMode
from autogaze_web.tiles.tiling import Tiling

SIDE, CAPACITY = 64, 400
GRAPHS = json.dumps(
    [
        {"kind": "frame", "steps": 1, "capacity": CAPACITY},
        {"kind": "steps", "steps": 1, "capacity": CAPACITY},
    ]
)
FRAMES = [as_frame(frame) for frame in oracle.frames_224()[:3, :100, :150]]
MODE = InferenceMode("tiled", batch_size=2, frames=2)
STEPS = 2  # for four tokens


def graphs_with_tiles(target: str) -> str:
    return json.dumps([*json.loads(GRAPHS), {"kind": "tiles", "steps": STEPS, "target": target}])


@pytest.fixture(scope="module")
def model(folder: Callable[[str], Path]) -> AutoGaze:
    return AutoGaze.from_pretrained(folder("tiny"))


@pytest.fixture
def bridge(model: AutoGaze) -> Bridge:
    return Bridge(model, CAPACITY)


@pytest.fixture
def checkpoint(folder: Callable[[str], Path]) -> PageModel:
    files = folder("tiny")
    texts = [(files / name).read_text() for name in ("config.json", "preprocessor_config.json")]
    weights = (files / "model.safetensors").read_bytes()
    return PageModel(texts[0], texts[1], [("model.safetensors", weights, len(weights))])


@pytest.fixture
def stream(bridge: Bridge, checkpoint: PageModel) -> GazeStream:
    made = GazeStreams(checkpoint, GRAPHS, bridge, 4).open(MODE)
    bridge.restarts = 0
    return made


def submit(stream: GazeStream, frame: Any) -> list[Any]:
    async def states() -> list[Any]:
        return [gaze async for gaze in stream.submit(frame, 0.7)]

    return asyncio.run(states())


def places(choice: Choice) -> set[tuple[int, ...]]:
    cells: Any = choice.cells
    return set(map(tuple, np.concatenate([cells.start, cells.end, cells.parts], axis=1).tolist()))


def test_each_batch_updates_its_tiles(
    model: AutoGaze, bridge: Bridge, stream: GazeStream, folder: Callable[[str], Path]
) -> None:
    tiling = Tiling.anyres(100, 150, SIDE)
    processor = AutoGazeImageProcessor.from_pretrained(folder("tiny")).without_resizing()
    processed = processor(np.stack([frame[..., :3] for frame in FRAMES[:2]]))
    previous: set[tuple[int, ...]] = set()
    for index, frame in enumerate(FRAMES[:2]):
        gazes = submit(stream, frame)
        assert [(gaze.progress, gaze.tiles) for gaze in gazes] == [(2 / 6, 6), (4 / 6, 6), (1, 6)]
        *states, result = model.generate_tiled(
            processed[: index + 1], tiling, model.config.gazing_ratio, 0.7, max_tokens=4, batch_size=2
        )
        assert states
        final = result.frames[-1]
        last = gazes[-1].choice
        for name in ("start", "end", "parts", "grid"):
            np.testing.assert_array_equal(getattr(last.cells, name), getattr(final, name))
        np.testing.assert_allclose(last.cells.confidence, final.confidence, atol=1e-6)
        assert last.tokens.tolist() == list(range(len(final)))
        for gaze, state in zip(gazes, [*states, result], strict=True):
            here = places(gaze.choice)
            known = places(Choice.of(state.frames[-1]))
            assert known <= here
            # The rest are the cells that the remaining tiles had in the frame before.
            assert here - known <= previous
        assert places(gazes[0].choice) - places(Choice.of(states[0].frames[-1])) or index == 0
        previous = places(last)
    assert bridge.restarts == 6
    assert set(gazes[-1].stage_ms) == {"preprocess", "model", "decode"}


def test_an_aborted_gaze_runs_no_further_tile(bridge: Bridge, stream: GazeStream) -> None:
    async def first_batch() -> None:
        states = stream.submit(FRAMES[0], 0.7)
        await anext(states)
        await states.aclose()

    asyncio.run(first_batch())
    assert bridge.executed == 2 * STEPS, "two tiles, a run for each step"


def test_frames_of_another_size_start_a_new_stream(bridge: Bridge, stream: GazeStream) -> None:
    submit(stream, FRAMES[0])
    before = bridge.executed
    (only,) = submit(stream, as_frame(FRAMES[0][:SIDE, :SIDE].copy()))
    assert (only.progress, only.tiles) == (1, 1)
    assert bridge.executed == before + STEPS


@pytest.mark.parametrize("target", ["gpu", "cpu"])
@pytest.mark.parametrize("size", [1, 4, 64])
def test_batches_choose_what_tiles_choose_alone(
    model: AutoGaze, bridge: Bridge, checkpoint: PageModel, size: int, target: str
) -> None:
    tiling = Tiling.anyres(100, 150, SIDE)
    at_once = {"gpu": min({4: 3}.get(size, size), 6), "cpu": 1}[target]
    stream = GazeStreams(checkpoint, graphs_with_tiles(target), bridge, 4).open(
        InferenceMode("tiled", batch_size=size, frames=2)
    )
    processed = checkpoint.processor.without_resizing()(np.stack([frame[..., :3] for frame in FRAMES]))
    for last in range(3):
        gazes = submit(stream, FRAMES[last])
        assert bridge.executed == (2 * last + 1) * -(-6 // at_once)
        pair = processed[max(last - 1, 0) : last + 1]
        *_, result = model.generate_tiled(pair, tiling, model.config.gazing_ratio, 0.7, max_tokens=4)
        wanted = result.frames[-1]
        np.testing.assert_array_equal(gazes[-1].choice.cells.start, wanted.start)
        np.testing.assert_array_equal(gazes[-1].choice.cells.grid, wanted.grid)
    # Each batch of a clip of two frames is cut from the frame before and from the present one.
    firsts = range(0, 6, at_once)
    assert sorted(bridge.cuts[-2 * len(firsts) :]) == sorted(
        (first, age) for first in firsts for age in (0, 1)
    )
    ages = [age for first, age in bridge.cuts[-2 * len(firsts) :] if first == 0]
    assert ages == [1, 0]


@pytest.mark.parametrize("options", [{}, {"mode": "tiled"}])
@pytest.mark.parametrize("timing", ["own", "newest"])
def test_a_still_picture_has_the_cells_of_its_first_frame(
    bridge: Bridge, checkpoint: PageModel, options: dict[str, object], timing: str
) -> None:
    session = PageSession()
    session.set_model(checkpoint, GRAPHS, bridge, 4, lambda _: None)
    session.configure(json.dumps({**options, "mask-timing": timing}))

    async def report(still: bool) -> dict[str, Any]:
        session.frame_memory(*FRAMES[0].shape[:2])[:] = frame_bytes(FRAMES[0])
        session.still = still
        text = await session.process_with_model()
        await asyncio.sleep(0.05 if timing == "newest" else 0)
        return dict(json.loads(text))

    async def play() -> None:
        first = await report(still=True)
        while first.get("gaze_progress") != 1:
            first = await report(still=True)
        executed = bridge.executed
        for _ in range(5):
            again = await report(still=True)
            chosen = ("tokens", "cells", "cells_by_scale", "gazes", "tiles")
            assert [again[name] for name in chosen] == [first[name] for name in chosen]
            assert again["tokens"] > 0
            assert (again["mask_timing"], again["mask_age_frames"]) == ("own", 0)
        assert bridge.executed == executed, "the model gazed again"
        # Another requirement is another gaze at the picture, which is a first frame then too.
        session.configure(json.dumps({**options, "mask-timing": timing, "task-loss-requirement": 0.1}))
        other = await report(still=True)
        while other.get("gaze_progress") != 1:
            other = await report(still=True)
        assert bridge.executed > executed
        assert other["gazes"] == 1
        session.restart()
        assert (await report(still=False)).get("mask_age_frames", 0) == 0

    asyncio.run(play())


@pytest.mark.parametrize("timing", ["own", "newest"])
@pytest.mark.parametrize("mode", ["realtime", "tiled"])
def test_a_wait_for_cells_is_used_without_a_difference(
    bridge: Bridge, checkpoint: PageModel, monkeypatch: pytest.MonkeyPatch, mode: str, timing: str
) -> None:
    async def reports(used: bool) -> list[dict[str, Any]]:
        session = PageSession()
        session.set_model(checkpoint, GRAPHS, bridge, 4, lambda _: None)
        session.configure(json.dumps({"mode": mode, "mask-timing": timing}))
        execute, prepared = type(bridge).execute, []
        monkeypatch.setattr(LiveView, "prepare", lambda view: prepared.append(real(view)))

        async def use(self: Bridge, *packed: Any) -> Any:
            if used:
                session.use_wait()
            return await execute(self, *packed)

        monkeypatch.setattr(type(bridge), "execute", use)
        found = []
        for frame in (*FRAMES, *FRAMES[::-1]):
            session.frame_memory(*frame.shape[:2])[:] = frame_bytes(frame)
            found.append(json.loads(await session.process_with_model()))
            while timing == "newest" and session._gaze.gazer._work is not None:
                await asyncio.sleep(0)
        session.use_wait()  # no frame waits
        monkeypatch.setattr(type(bridge), "execute", execute)
        assert bool(prepared) == (used and timing == "own")
        timed = ("stage_ms", "gaze_stage_ms", "gaze_ms", "mask_age_ms")
        return [{name: value for name, value in each.items() if name not in timed} for each in found]

    real = LiveView.prepare
    assert asyncio.run(reports(used=True)) == asyncio.run(reports(used=False))


@pytest.mark.parametrize("mode", ["realtime", "tiled"])
def test_only_whole_frames_have_a_curve_of_quality(bridge: Bridge, checkpoint: PageModel, mode: str) -> None:
    session = PageSession()
    session.set_model(checkpoint, GRAPHS, bridge, 4, lambda _: None)
    session.configure(json.dumps({"mode": mode, "mask-timing": "own"}))

    async def reports() -> list[dict[str, Any]]:
        texts = []
        for frame in FRAMES:
            session.frame_memory(*frame.shape[:2])[:] = frame_bytes(frame)
            texts.append(await session.process_with_model())
        return [dict(json.loads(text)) for text in texts]

    assert any("curve" in report for report in asyncio.run(reports())) == (mode == "realtime")


def test_another_limit_chooses_what_a_model_loaded_with_it_would(
    bridge: Bridge, checkpoint: PageModel
) -> None:
    limits = (4, 1, 9, None, 10_000)

    def session(limit: int | None) -> PageSession:
        made = PageSession()
        made.limit_tokens(3)  # without a model it does nothing
        made.configure(json.dumps({"mask-timing": "own", "task-loss-requirement": "off"}))
        made.set_model(checkpoint, GRAPHS, bridge, limit, lambda _: None)
        return made

    async def two_frames(session: PageSession) -> list[Any]:
        chosen = []
        for frame in FRAMES:
            session.frame_memory(*frame.shape[:2])[:] = frame_bytes(frame)
            report = json.loads(await session.process_with_model())
            chosen.append((report["tokens"], json.loads(session.cells())["cells"]))
        return chosen

    async def play() -> None:
        config, limited = checkpoint.config, session(2)
        await two_frames(limited)
        counts = []
        for limit in limits:
            limited.limit_tokens(limit)
            here = await two_frames(limited)
            assert here == await two_frames(session(limit))
            counts.append(here[-1][0])
        assert counts == [4, 1, 9, own_budget(config), config.tokens_per_frame]

    asyncio.run(play())


def test_a_limit_above_the_models_own_never_fills_the_context(bridge: Bridge, checkpoint: PageModel) -> None:
    streams = GazeStreams(checkpoint, GRAPHS, bridge, checkpoint.config.tokens_per_frame)
    stream = streams.open(InferenceMode())

    async def play() -> None:
        for index in range(3 * checkpoint.config.max_num_frames):
            async for gaze in stream.submit(FRAMES[index % 2], None):
                assert gaze.choice.tokens.size == checkpoint.config.tokens_per_frame

    asyncio.run(play())
    description = streams.describe(InferenceMode(), None)
    assert description["gazing_ratio"] == 1
    assert 1 <= description["window"] <= checkpoint.config.max_num_frames


class UploadingBridge(Bridge):
    """Writes pixels into the model's input itself, as WebGPU does."""

    uploads_frames = True

    def __init__(self, model: AutoGaze, checkpoint: PageModel) -> None:
        super().__init__(model, CAPACITY)
        self._checkpoint = checkpoint
        self._pixels = np.zeros(0, np.uint8)

    def upload_frame(self, _passes: str, rows: Any, _tables: Any) -> None:
        frame = rows.reshape(1, rows.shape[0], -1, 4)[:, :, : FRAMES[0].shape[1], :3]
        image = model_input(self._checkpoint.config, self._checkpoint.processor(frame)[0])
        self._pixels = np.ascontiguousarray(image).view(np.uint8).ravel()

    async def execute(self, header: str, packed: Any) -> Any:
        run = json.loads(header)
        if run["graph"] == "frame":
            assert "frame" not in [name for name, *_ in run["feeds"]]
            run["feeds"].append(["frame", "float32", packed.size, self._pixels.size])
            packed = np.concatenate([packed, self._pixels])
        return await super().execute(json.dumps(run), packed)


@pytest.mark.parametrize("wait", [None, 0, 1e6], ids=["as it is", "at once", "never"])
def test_the_next_frame_is_prepared_when_this_one_was_shown(
    model: AutoGaze,
    bridge: Bridge,
    checkpoint: PageModel,
    monkeypatch: pytest.MonkeyPatch,
    wait: float | None,
) -> None:
    events = []

    def pack(index: int, run: Run) -> Any:
        events.append("packed" if run.graph == "frame" else "packed more")
        return pack_run(index, run)

    async def chosen(stream: GazeStream, frame: Any, shown: asyncio.Future[Choice]) -> None:
        try:
            async for gaze in stream.submit(frame, 0.7):
                shown.set_result(gaze.choice)
        except Exception as error:
            shown.set_exception(error)

    async def play(stream: GazeStream, prepares: bool) -> list[Any]:
        choices = []
        for frame in FRAMES:
            shown: asyncio.Future[Choice] = asyncio.get_running_loop().create_future()
            gazing = asyncio.ensure_future(chosen(stream, frame, shown))
            cells = (await shown).cells
            choices.append(np.stack([cells.grid, cells.row, cells.col]).tolist())
            events.append("shown")
            await gazing
            async with asyncio.timeout(60):
                while prepares and events.count("packed") <= len(choices):
                    await asyncio.sleep(0.001)
        return choices

    monkeypatch.setattr("autogaze_web.page.bridge.pack_run", pack)
    if wait is not None:
        monkeypatch.setattr("autogaze_web.page.gaze_streams.PREPARE_AFTER_S", wait)
    mode = InferenceMode("realtime")
    expected = asyncio.run(play(GazeStreams(checkpoint, GRAPHS, bridge, 4).open(mode), prepares=False))
    events.clear()
    uploading = UploadingBridge(model, checkpoint)
    stream = GazeStreams(checkpoint, GRAPHS, uploading, 4).open(mode)
    assert asyncio.run(play(stream, prepares=wait != 1e6)) == expected
    own = [event for event in events if event != "packed more"]
    if wait == 1e6:
        assert own == ["packed", "shown"] * len(FRAMES)
    else:  # only the first frame is packed when it comes
        assert own == ["packed", *["shown", "packed"] * len(FRAMES)]
