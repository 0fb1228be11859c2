"""Which execution provider runs the graphs, and what is said where it cannot."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import onnxruntime as ort
import pytest

from autogaze_web import AutoGaze
from autogaze_web.native import devices
from autogaze_web.native.devices import CPU, CUDA, load_libraries, providers_of, with_options

MODEL = Path(__file__).parents[2] / "site" / "model"


@pytest.fixture(autouse=True)
def _loads_again() -> Iterator[None]:
    load_libraries.cache_clear()
    yield
    load_libraries.cache_clear()


def test_devices_choose_providers() -> None:
    assert providers_of("cpu", [CUDA, CPU]) == providers_of("auto", [CPU]) == [CPU]
    assert providers_of("auto", [CUDA, CPU]) == providers_of("cuda", [CUDA, CPU]) == [CUDA, CPU]
    with pytest.raises(ValueError, match="the device is one of cpu, cuda, auto, got 'tpu'"):
        AutoGaze.from_pretrained(MODEL, device="tpu")


def test_cuda_multiplies_all_bits() -> None:
    """TensorFloat-32, which ONNX Runtime uses unless told not to, would choose other tokens."""
    (name, options), (fallback, none) = with_options([CUDA, CPU])
    assert (name, options["use_tf32"], fallback, none) == (CUDA, "0", CPU, {})


@pytest.mark.filterwarnings("ignore:Specified provider")
def test_libraries_are_loaded_for_cuda_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A provider that is listed but cannot be loaded never computes on the CPU in silence."""
    calls = []

    def preload() -> None:
        calls.append(1)
        print("\033[33mFailed to load libcublas.so.13: no such file.\033[0m")
        print("Please follow the instructions.")

    monkeypatch.setattr(ort, "preload_dlls", preload, raising=False)
    monkeypatch.setattr(ort, "get_available_providers", lambda: [CUDA, CPU])
    AutoGaze.from_pretrained(MODEL).runtime.session("frame", 1)
    assert not calls
    model = AutoGaze.from_pretrained(MODEL, device="cuda")
    for _ in range(2):
        with pytest.raises(ValueError, match="CUDAExecutionProvider") as error:
            model.runtime.session("frame", 1)
        assert str(error.value) == (
            "CUDAExecutionProvider of ONNX Runtime cannot be loaded (Failed to load libcublas.so.13: no such "
            "file): install its libraries (pip install 'onnxruntime-gpu[cuda,cudnn]'), or use the device cpu"
        )
    assert len(calls) == 1


def test_an_onnx_runtime_that_cannot_load_libraries_is_left_to_find_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(ort, "preload_dlls", raising=False)
    assert devices.load_libraries() == ""
    load_libraries.cache_clear()

    def preload() -> None:
        raise RuntimeError("the directory does not exist")

    monkeypatch.setattr(ort, "preload_dlls", preload, raising=False)
    assert devices.load_libraries() == "the directory does not exist"
