"""Scans on a cluster: real worker processes, one of which is killed."""

import gzip
import os
import platform
import signal

import pytest
from histories import OUTCOMES
from pandas.testing import assert_frame_equal
from summaries import SUBJECTS, agree
from telling import telling

import mastermind_lab as lab
from mastermind_lab.frames import FRAMES
from mastermind_lab.history import sample_folder
from mastermind_lab.history.sources import files


@pytest.fixture(autouse=True)
def files_apart(monkeypatch):
    """A partition each, though they are small."""
    monkeypatch.setattr(files, "_SMALL_BYTES", 0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The sample in three files; one has a column of its own, one an entry that cannot be read."""
    target = tmp_path_factory.mktemp("files")
    with gzip.open(sample_folder() / "arena.ndjson.gz") as stream:
        lines = stream.readlines()[::13]
    for number in range(3):
        (target / f"{number}.ndjson").write_bytes(b"".join(lines[number * 50 : number * 50 + 50]))
    first, last = target / "0.ndjson", target / "2.ndjson"
    first.write_bytes(first.read_bytes() + b"broken\n")
    last.write_bytes(last.read_bytes().replace(b'"meta":{', b'"meta":{"late":7,'))
    return target


@pytest.fixture(scope="module")
def history(folder):
    return lab.with_outcomes(lab.read(folder), OUTCOMES)


@pytest.fixture(scope="module")
def client():
    """Two workers, each a process of its own."""
    from distributed import Client, LocalCluster

    with (
        LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


@pytest.mark.parametrize(
    "subject", telling({one.__name__: one for one in SUBJECTS}, "Votes", "Calibration", "Regimes")
)
def test_every_summary_says_the_same(subject, folder, history, client):
    found = lab.with_outcomes(lab.scan(folder, engine="dask"), OUTCOMES)
    agree(subject.of(found, replicates=40).table(), subject.of(history, replicates=40).table())


def test_by_a_column_that_one_file_has(folder, history, client):
    found = lab.stats.Confidence.of(lab.scan(folder, engine="dask"), by="meta.late")
    agree(found.table(), lab.stats.Confidence.of(history, by="meta.late").table())
    with pytest.raises(lab.OptionError, match=r"no column 'meta\.never'"):
        lab.stats.Confidence.of(lab.scan(folder, engine="dask"), by="meta.never")


@pytest.mark.further
def test_the_frames(folder, client):
    import dask

    found, whole = lab.scan(folder, engine="dask"), lab.read(folder)
    frames = dask.compute(*(getattr(found, name) for name in FRAMES))
    for name, frame in zip(FRAMES, frames, strict=True):
        assert getattr(found, name).npartitions == 3
        assert getattr(found, name).dtypes.equals(getattr(whole, name).dtypes)
        assert_frame_equal(frame.reset_index(drop=True), getattr(whole, name))
    means = found.decisions.groupby("meta.model")["confidence"].mean().compute()
    assert means.sort_index().tolist() == pytest.approx(
        whole.decisions.groupby("meta.model")["confidence"].mean().sort_index().tolist()
    )


@pytest.mark.further
def test_a_snapshot(folder, history, client, tmp_path):
    lab.read(folder).save(tmp_path / "snapshot")
    found = lab.scan(tmp_path / "snapshot", engine="dask")
    agree(lab.stats.Votes.of(found).table(), lab.stats.Votes.of(history).table())
    assert_frame_equal(found.decisions.compute(), lab.read(folder).decisions)


def test_each_worker_is_told_to_keep_its_memory(client):
    from mastermind_lab import scale

    on_glibc = platform.libc_ver()[0] == "glibc"
    assert [*client.run(scale._keep_memory).values()] == [on_glibc] * 2


@pytest.mark.further
def test_without_a_cluster(folder, history):
    import dask

    two = folder / "[01].ndjson"
    with dask.config.set(scheduler="threads"):
        found = lab.stats.Votes.of(lab.scan(folder, engine="dask"))
        of_two = lab.stats.Votes.of(lab.scan(two, engine="dask"))
    agree(found.table(), lab.stats.Votes.of(history).table())
    agree(of_two.table(), lab.stats.Votes.of(lab.read(two)).table())


def test_a_stream_is_for_one_reader():
    with pytest.raises(lab.OptionError, match="save it to a folder"):
        lab.scan("redis://localhost", engine="dask")


@pytest.mark.thorough
def test_a_worker_killed_while_it_counts(folder, history, client, tmp_path):
    """Another one counts its files again: none is lost, none counts twice."""
    died = tmp_path / "died"

    def deadly_once(batch):
        if batch.coverage["source"].iloc[0].endswith("2.ndjson") and not died.exists():
            died.write_text(str(os.getpid()))
            os.kill(os.getpid(), signal.SIGKILL)
        return batch

    found = lab.scan(folder, engine="dask").map(deadly_once)
    counted = lab.stats.Votes.of(found, by="meta.model")
    agree(counted.table(), lab.stats.Votes.of(history, by="meta.model").table())
    assert int(died.read_text()) != os.getpid()
    client.wait_for_workers(2)  # a new process has taken its place


@pytest.mark.further
def test_a_function_of_a_notebook_that_names_our_modules_runs_on_workers(client, folder):
    notebook = {"__name__": "__main__"}
    exec(
        "import mastermind_lab as lab\n"
        "from mastermind_lab.stats import agreement\n"
        "def n_of(folder):\n"
        "    return agreement.__name__, len(lab.read(folder).decisions)\n",
        notebook,
    )
    ours = ("mastermind_lab.stats.agreement", len(lab.read(folder).decisions))
    assert client.submit(notebook["n_of"], folder).result() == ours
