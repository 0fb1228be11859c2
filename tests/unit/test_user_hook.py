"""A user's hook: what it is given, what it may answer, and that nothing it does ends the stream."""

from __future__ import annotations

import json

import numpy as np
import pytest

from autogaze_web.masks.cells import Cells
from autogaze_web.masks.footprint import footprint
from autogaze_web.page.live_session import PageSession
from autogaze_web.page.user_hook import MOST_PRINTED, Hook, HookError, HookTrace

FRAME = np.arange(8 * 12 * 4, dtype=np.uint8).reshape(8, 12, 4)
TRACE = HookTrace(3, np.array([7]), footprint(Cells.of(2, [0], [1]), 8, 12))


def call(body: str, limit: float = 5.0):
    output = FRAME.copy()
    code = "def on_frame(frame, trace, output):\n" + "".join(f"    {line}\n" for line in body.splitlines())
    return *Hook(code, limit).run(FRAME, TRACE, output), output


def test_it_sees_the_frame_and_what_was_chosen_and_writes_the_output():
    image, report, output = call(
        "assert trace.index == 3 and trace.tokens.tolist() == [7] and trace.grid.tolist() == [2]\n"
        "assert trace.rectangles.tolist() == [[0, 6, 4, 12]]\n"
        "output[~trace.mask] = 255 - frame[~trace.mask]"
    )
    assert (report.problem, report.line, report.stopped) == ("", None, False)
    assert image is output
    inside = np.zeros((8, 12), bool)
    inside[:4, 6:] = True
    np.testing.assert_array_equal(image[inside], FRAME[inside])
    np.testing.assert_array_equal(image[~inside], 255 - FRAME[~inside])


def test_a_returned_picture_is_shown_with_or_without_alpha():
    np.testing.assert_array_equal(call("return 255 - frame")[0], 255 - FRAME)
    np.testing.assert_array_equal(call("return frame[..., :3]")[0][..., :3], FRAME[..., :3])


@pytest.mark.parametrize(
    ("body", "line", "problem"),
    [
        ("frame[0] = 1", 2, "read-only"),
        ("\nreturn 1 / 0", 3, "ZeroDivisionError"),
        ("import sys\nsys.exit()", 3, "SystemExit"),
        ("raise KeyboardInterrupt", 2, "KeyboardInterrupt"),
        ("return frame[:2]", None, "returned no picture"),
        ("return 'a picture'", None, "returned no picture"),
    ],
)
def test_what_goes_wrong_is_told_with_its_line(body, line, problem):
    image, report, _ = call(body)
    assert image is None
    assert problem in report.problem
    assert report.line == line


@pytest.mark.parametrize(
    "body",
    [
        "while True: pass",
        "while True:\n    try:\n        x = 1\n    except Exception:\n        pass",
        "def again():\n    for _ in iter(int, 1):\n        pass\nagain()",
    ],
)
def test_a_loop_without_an_end_is_stopped(body):
    image, report, _ = call(body, 0.05)
    assert image is None
    assert report.stopped
    assert "one call may take 0.05 s" in report.problem
    assert report.line is not None


def test_the_code_outside_the_function_has_longer_for_its_imports():
    define = "\ndef on_frame(frame, trace, output): pass"
    assert Hook("import time; time.sleep(0.1)\nvalue = 1" + define, limit_seconds=0.05)
    with pytest.raises(HookError, match="the code outside on_frame may take"):
        Hook("while True: pass" + define, first_limit_seconds=0.05)


def test_what_is_printed_is_bounded():
    report = call("for i in range(10 ** 5):\n    print('x' * 100)")[1]
    assert MOST_PRINTED <= len(report.printed) <= MOST_PRINTED + 1


@pytest.mark.parametrize(
    ("code", "line", "problem"),
    [
        ("def on_frame(frame, trace, output)\n    pass", 1, "SyntaxError"),
        ("x = 1", None, "no function on_frame"),
        ("\nimport nothing_like_this", 2, "ModuleNotFoundError"),
        ("on_frame = 3", None, "no function on_frame"),
        ("a\0b", None, "null"),
    ],
)
def test_code_that_is_no_hook(code, line, problem):
    with pytest.raises(HookError, match=problem) as error:
        Hook(code)
    assert error.value.line == line


class TestSession:
    def step(self, session, index):
        session.draw_synthetic("synthetic-pan", index, 8, 12)
        return json.loads(session.process())

    def test_the_output_is_the_hooks_and_afterwards_its_own_again(self):
        session, plain = PageSession(), PageSession()
        assert json.loads(session.set_hook("def on_frame(f, t, o):\n    o[:] = 9")) == {
            "problem": "",
            "line": None,
        }
        for index in range(3):
            assert self.step(session, index)["hook"]["problem"] == ""
            self.step(plain, index)
            assert (session.output_memory() == 9).all()
        session.set_hook("")
        report, expected = self.step(session, 3), self.step(plain, 3)
        assert "hook" not in report
        assert report["output_box"] == [0, 0, 8, 12]
        np.testing.assert_array_equal(session.output_memory(), plain.output_memory())
        assert (report["psnr"], report["update_ratio"]) == (expected["psnr"], expected["update_ratio"])

    def test_a_hook_that_fails_or_is_no_hook_leaves_the_stream_as_it_is(self):
        session, plain = PageSession(), PageSession()
        session.set_hook("def on_frame(f, t, o):\n    o[:] = 9\n    nix")
        report = self.step(session, 0)
        self.step(plain, 0)
        assert report["hook"]["line"] == 3
        np.testing.assert_array_equal(session.output_memory(), plain.output_memory())
        assert json.loads(session.set_hook("def"))["line"] == 1
        assert "NameError" in self.step(session, 1)["hook"]["problem"]

    def test_the_packages_own_code_can_be_read(self):
        assert "def patch_difference" in PageSession().source("masks/patch_diff.py")
        with pytest.raises(ValueError, match=r"modules are masks/patch_diff\.py"):
            PageSession().source("../secret")
