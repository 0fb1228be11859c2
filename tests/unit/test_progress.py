import io

from autogaze_web.cli.progress import progress


def test_progress_is_drawn_on_terminals_only():
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    terminal, file = Terminal(), io.StringIO()
    assert list(progress(range(5), "frames", 5, terminal)) == list(range(5))
    assert "5/5" in terminal.getvalue()
    assert list(progress(range(5), "frames", None, file)) == list(range(5))
    assert file.getvalue() == ""
