"""The cached graphs are rebuilt when a module that they depend on changes, and only then."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import make_graphs
from make_graphs import GraphsError, graph_sources, obtain_graphs

ROOT = Path(__file__).parents[2]


@pytest.fixture
def checkout(tmp_path):
    """A copy of the package and of a config."""
    shutil.copytree(ROOT / make_graphs.PACKAGE, tmp_path / make_graphs.PACKAGE)
    (tmp_path / "site").mkdir()
    shutil.copy(ROOT / make_graphs.RELEASED, tmp_path / make_graphs.RELEASED)
    return tmp_path


@pytest.fixture
def builds(monkeypatch):
    """The folders that graphs are built into, without building any."""
    folders = []

    def build(command, **_):
        folder = Path(command[-1])
        folder.mkdir(parents=True)
        (folder / "graphs.json").write_text("{}")
        folders.append(folder)
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(make_graphs.subprocess, "run", build)
    return folders


def test_unrelated_changes_keep_the_cached_graphs_and_related_ones_do_not(checkout, builds, tmp_path):
    package, cache = checkout / make_graphs.PACKAGE, tmp_path / "cache"
    first = obtain_graphs(checkout, cache)
    assert builds == [first]

    for unrelated in ("panels/output.py", "page/live_session.py", "model/__init__.py", "cli/main.py"):
        with (package / unrelated).open("a") as module:
            module.write("# a change\n")
        assert obtain_graphs(checkout, cache) == first
    assert builds == [first]

    for related in ("graph/decoder.py", "model/config.py", "model/context.py"):
        with (package / related).open("a") as module:
            module.write("# a change\n")
        assert obtain_graphs(checkout, cache) == builds[-1]
    with (checkout / make_graphs.RELEASED).open("a") as config:
        config.write("\n")
    assert obtain_graphs(checkout, cache) == builds[-1]
    assert len(set(builds)) == 5


def test_the_sources_are_the_modules_that_the_interpreter_loads():
    code = (
        "import sys, autogaze_web.graph.export\n"
        "print(*(m.__file__ for name, m in sys.modules.items() if name.startswith('autogaze_web.')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT / "py"
    )
    loaded = {Path(file) for file in done.stdout.split()}
    sources = set(graph_sources(ROOT))
    assert {path for path in loaded if path.name not in ("__init__.py", "lazy.py")} <= sources
    assert ROOT / make_graphs.PACKAGE / "panels" / "output.py" not in sources


def test_a_failed_build_ends_in_the_last_line_of_its_error(checkout, tmp_path):
    (checkout / make_graphs.RELEASED).write_text("[]")
    with pytest.raises(GraphsError, match=r"the model's graphs could not be built: .*config"):
        obtain_graphs(checkout, tmp_path / "cache")
