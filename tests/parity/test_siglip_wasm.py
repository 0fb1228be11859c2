"""The encoder's graph on ONNX Runtime Web's WebAssembly, in Node: all recorded cases, clips and streams."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import siglip_cases as cases

from autogaze_web import GazingInfo
from autogaze_web.encoder.checkpoint import SiglipCheckpoint
from autogaze_web.graph.encoder import encoder_graph

OUTPUTS = ["last_hidden_state", "pooler_output"]
SCRIPT = Path(__file__).parents[1] / "javascript" / "run_graphs.mjs"


class RecordingSession:
    """A session that remembers what it was fed and what it returned."""

    def __init__(self, session: Any) -> None:
        self._session, self.runs = session, []
        self.get_inputs, self.get_outputs = session.get_inputs, session.get_outputs

    def run(self, names: list[str], feeds: dict[str, np.ndarray]) -> list[np.ndarray]:
        outputs = self._session.run(names, feeds)
        self.runs.append((feeds, dict(zip(names, outputs, strict=True))))
        return outputs


class Blob:
    """The values of all tensors, one after the other."""

    def __init__(self) -> None:
        self.bytes = bytearray()

    def add(self, name: str, array: np.ndarray) -> dict[str, Any]:
        start = len(self.bytes)
        self.bytes += np.ascontiguousarray(array).tobytes()
        return {"name": name, "type": array.dtype.name, "dims": list(array.shape), "start": start}


def encode(case, model):
    """A clip in one call; a stream frame by frame, so that keys and values of earlier frames are inputs."""
    video, gaze = cases.video_of(case), cases.gaze_of(case)
    if case["siglip_kind"] != "stream":
        model(video, gaze)
        return
    stream, patches = model.stream(), model.config.patch_scales.patches
    ends = np.cumsum(gaze.num_gazing_each_frame)
    for frame, (end, count) in enumerate(zip(ends, gaze.num_gazing_each_frame, strict=True)):
        slots = slice(end - count, end)
        position = gaze.gazing_pos[:, slots] - frame * patches
        stream.step(
            video[:, frame : frame + 1],
            GazingInfo(position, gaze.if_padded_gazing[:, slots], np.array([count])),
        )


def test_webassembly_gives_the_features_of_native_runs(folder, tmp_path):
    """Native runs are upstream's within a tenth of the tolerance (`test_siglip.py`)."""
    blob, jobs, expected = Blob(), [], []
    for name in [each for each in cases.names() if isinstance(each, str) and not each.startswith("base2")]:
        case = cases.read(name)
        model = cases.model_of(case, folder)
        recording = RecordingSession(model.session())
        model._sessions[()] = recording
        encode(case, model)
        checkpoint = SiglipCheckpoint.from_folder(folder(case["recipe"]))
        (tmp_path / f"{name}.onnx").write_bytes(encoder_graph(model.config).SerializeToString())
        jobs.append(
            {
                "graph": f"{name}.onnx",
                "weights": [blob.add(*each) for each in checkpoint.weights.items()],
                "runs": [
                    {"feeds": [blob.add(*each) for each in feeds.items()], "outputs": OUTPUTS}
                    for feeds, _ in recording.runs
                ],
            }
        )
        expected += [
            (native[each], case["tolerance"][each]) for _, native in recording.runs for each in OUTPUTS
        ]
    (tmp_path / "runs.json").write_text(json.dumps(jobs))
    (tmp_path / "values.bin").write_bytes(blob.bytes)
    subprocess.run(["node", str(SCRIPT), str(tmp_path)], check=True, timeout=300)
    got = np.fromfile(tmp_path / "outputs.bin", np.float32)
    assert got.size == sum(native.size for native, _ in expected)
    for native, tolerance in expected:
        ours, got = got[: native.size], got[native.size :]
        assert np.abs(ours - native.reshape(-1)).max(initial=0) <= tolerance
