"""What is shown runs: the notebooks, offline and on a running arena, and the README's examples."""

import json
import os
import re
from pathlib import Path

import pytest

from mastermind_lab.arena import Arena, payloads
from mastermind_lab.envelope import DEFAULT_STREAM_NAME as STREAM
from mastermind_lab.history import sample_folder
from mastermind_lab.stream import publish_payloads

NOTEBOOKS = sorted((sample_folder().parent / "notebooks").glob("*.ipynb"))
ON_A_STREAM = [path for path in NOTEBOOKS if "MASTERMIND_LAB_URL" in path.read_text()]
RUNS = {f"{path.stem} offline": (path, "offline") for path in NOTEBOOKS}
RUNS |= {f"{path.stem} on a stream": (path, "on a stream") for path in ON_A_STREAM}


def ids(path: Path):
    return path.stem


@pytest.mark.parametrize("path", NOTEBOOKS, ids=ids)
def test_is_stored_without_outputs(path):
    for cell in json.loads(path.read_text())["cells"]:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None


@pytest.mark.thorough
@pytest.mark.filterwarnings("default::ResourceWarning", "default::DeprecationWarning")  # the client's own
@pytest.mark.parametrize(("path", "where"), RUNS.values(), ids=RUNS)
def test_runs(path, where, redis_url, monkeypatch, tmp_path):
    import nbformat  # takes seconds, so not where every worker collects
    from nbclient import NotebookClient

    monkeypatch.delenv("MASTERMIND_LAB_URL", raising=False)
    monkeypatch.setenv("JUPYTER_PLATFORM_DIRS", "1")
    if where == "on a stream":
        list(publish_payloads(redis_url, STREAM, payloads(Arena(), 300, malformed=0.02)))
        monkeypatch.setenv("MASTERMIND_LAB_URL", redis_url)
    # The kernel's own choice of backend, as in JupyterLab.
    monkeypatch.delitem(os.environ, "MPLBACKEND")
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=90, resources={"metadata": {"path": str(tmp_path)}}).execute()
    outputs = [one for cell in notebook.cells for one in cell.get("outputs", [])]
    assert not [one for one in outputs if one.output_type == "stream" and one.name == "stderr"]
    pictures = [one for one in outputs if "image/png" in one.get("data", {})]
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    assert len(pictures) == sum("lab.charts" in source for source in code)


def test_the_examples_of_the_readme_run(monkeypatch, tmp_path):
    from matplotlib import pyplot

    text = (sample_folder().parent / "README.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert len(blocks) == 7
    monkeypatch.chdir(tmp_path)
    names = {}
    for block in blocks:
        exec(block, names)
    pyplot.close("all")
    assert (tmp_path / "snapshots" / "run-42" / "decisions").is_dir()
    assert names["summary"].table()["n"].sum() > 1_900
    assert f'# "{names["lab"].stats.Margin.of(names["sure"]).unanimous:.0%}"' in text
    assert f"# {names['lab'].stats.Confidence.of(names['history']).mean};" in text
