"""Marks of right and wrong: what holds, what is in the file, and what becomes of a file that was torn."""

import json
from threading import Thread

import pandas as pd
import pytest

import mastermind_lab as lab
from mastermind_lab.errors import OptionError, SourceError
from mastermind_lab.history.marks import COLUMNS, NONE_OF_THESE, Marks, others, was

pytestmark = pytest.mark.once

HEADER = ",".join(COLUMNS)
ODD = [
    "=1+1", "'=1+1", "''-2", "'tis", "a,b", 'say "no"', '"', "two\nlines", "two\r\nlines", "a\rb", "-1",
    " x ", "\t=1", "naïve 日本", "a\x00b", NONE_OF_THESE, HEADER,
]  # fmt: skip


def panel(*choices, recommendation="ship", **envelope):
    votes = [{"voter": f"v{n}", "choice": one} for n, one in enumerate(choices)]
    core = {"recommendation": recommendation, "confidence": 0.8, "votes": votes}
    return json.dumps({"decision": core, **envelope}).encode()


@pytest.fixture
def history():
    return lab.read([panel("ship", "hold", "ship", "wait", correlation_id=f"c{n}") for n in range(6)])


@pytest.fixture
def path(tmp_path):
    return tmp_path / "made" / "marks.csv"


def said(marks):
    return dict(marks.table()[["correlation_id", "correct_choice"]].itertuples(index=False, name=None))


@pytest.mark.parametrize("is_kept", [True, False])
@pytest.mark.further
def test_what_was_right(history, path, is_kept):
    marks = Marks(path if is_kept else None)
    ids = history.decisions["stream_id"]
    assert (len(marks), len(marks.table()), marks.among(history)) == (0, 0, [])
    for id_, what in zip(ids, ["right", 0, 1, "other"], strict=False):
        assert marks.mark(history, id_, what) == 1
    expected = {"c0": "ship", "c1": "hold", "c2": "wait", "c3": NONE_OF_THESE}
    assert said(marks) == expected
    marks.mark(history, ids[0], 1, "on second thought")
    marks.mark(history, ids[1], "")
    assert [*said(marks).items()] == [
        ("c2", "wait"),
        ("c3", NONE_OF_THESE),
        ("c0", "wait"),
    ]  # the newest last
    assert (len(marks), marks.notes) == (3, {"c0": "on second thought", "c2": "", "c3": ""})
    joined = lab.with_outcomes(history, marks.table())
    assert joined.decisions["correct_choice"].fillna("?").tolist() == [
        "wait", "?", "wait", NONE_OF_THESE, "?", "?"
    ]  # fmt: skip
    assert marks.among(history) == [ids[0], ids[2], ids[3]]
    assert lab.stats.Calibration.of(marks.judged(history, marks.among(history))).table()["n"].tolist() == [3]
    cards = [joined.decision(id_).content for id_ in ids[:4]]
    assert [was(one) for one in cards] == [1, "", 1, "other"]
    assert others(cards[0]) == ["hold", "wait"]
    assert path.exists() == is_kept
    assert ("in memory" in marks.place, str(path) in marks.place) == (not is_kept, is_kept)


def test_a_line_a_mark_and_the_last_holds(history, path):
    marks = Marks(path)
    for what in ("right", 0, 1):
        before = path.read_bytes() if path.exists() else b""
        marks.mark(history, history.decisions["stream_id"][0], what)
        assert path.read_bytes().startswith(before)
    lines = path.read_bytes().decode().split("\r\n")
    assert (lines[0], len(lines), lines[-1]) == (HEADER, 5, "")
    assert said(Marks(path)) == {"c0": "wait"}  # another kernel
    named = lab.with_outcomes(history, path).decisions["correct_choice"].dropna()
    assert named.tolist() == ["wait"]


@pytest.mark.parametrize("odd", ODD, ids=ascii)
def test_odd_text_is_found_as_it_was_and_runs_nowhere(path, odd):
    history = lab.read([panel(odd, "x", recommendation=odd, correlation_id=f"c{odd}")])
    Marks(path).mark(history, history.decisions["stream_id"][0], "right", odd)
    cells = pd.read_csv(path, dtype=str, keep_default_na=False)
    assert len(cells) == 1
    assert not cells.map(lambda cell: cell.startswith(("=", "-", "@", "+", "\t", "\r"))).any(axis=None)
    marks = Marks(path)
    assert said(marks) == {f"c{odd}": odd}
    for outcomes in (marks.table(), path):
        [right] = lab.with_outcomes(history, outcomes).decisions["correct_choice"]
        assert right == odd
    [note] = marks.notes.values()
    assert note.isprintable()


def test_none_of_these_is_nobodys_choice():
    history = lab.read([panel(NONE_OF_THESE, f"({NONE_OF_THESE})", correlation_id="c")])
    marks = Marks()
    marks.mark(history, history.decisions["stream_id"][0], "other")
    joined = lab.with_outcomes(history, marks.table())
    assert not {*joined.decisions["correct_choice"]} & {*history.votes["choice"]}


@pytest.mark.further
def test_a_file_torn_anywhere_harms_no_other_line(history, path):
    ids, marks = history.decisions["stream_id"], Marks(path)
    marks.mark(history, ids[0], "right")
    first = len(path.read_bytes())
    marks.mark(history, ids[1], "other", 'a "quoted", note\x07')
    whole = path.read_bytes()
    for cut in range(len(whole)):
        path.write_bytes(whole[:cut])
        again = Marks(path)
        left = {id_: mark["correct_choice"] for id_, mark in again.latest().items()}
        assert left.items() <= {"c0": "ship", "c1": NONE_OF_THESE}.items()
        assert ("c0" in left) == (cut >= first - 2)
        if cut % 20 == 0 or whole[cut - 1 : cut] == b'"':
            again.mark(history, ids[2], 0)
            assert said(again) == said(Marks(path)) == left | {"c2": "hold"}
    path.write_bytes(whole[:-20] + b"\r\n")
    assert "(one line of it is no mark)" in Marks(path).place
    path.write_bytes(whole + b"neither\r\nnor\r\n")
    assert "(2 lines of it are no marks)" in Marks(path).place


def test_two_who_mark_in_one_file(history, path):
    one, two = Marks(path), Marks(path)
    ids = history.decisions["stream_id"]
    for n, id_ in enumerate(ids):
        (one, two)[n % 2].mark(history, id_, "right", f"by {n % 2}")
    two.mark(history, ids[0], 0)
    assert said(one) == said(two) == {f"c{n}": "ship" for n in range(1, 6)} | {"c0": "hold"}
    path.unlink()  # what is known is not lost with it
    one.mark(history, ids[1], 1)
    assert said(one) == said(two) | {"c1": "wait"}


@pytest.mark.further
def test_two_who_mark_at_once(history, path):
    def marks(name):
        own = Marks(path)
        for n in range(8):
            own.mark(history, history.decisions["stream_id"][n % 6], n % 2, name)

    running = [Thread(target=marks, args=[name]) for name in ("one", "two")]
    for one in running:
        one.start()
    for one in running:
        one.join()
    counts = pd.read_csv(path, dtype=str)["note"].value_counts()
    assert (counts["one"], counts["two"], len(Marks(path))) == (8, 8, 6)


@pytest.mark.parametrize(
    "content",
    ["correlation_id,correct_choice\nc0,ship\n", "\n\nhello", "hello", "\ufeffcorrelation_id\nc1\n", "{}"],
)
def test_another_file_is_left_alone(path, content):
    path.parent.mkdir()
    path.write_text(content)
    with pytest.raises(SourceError, match="no file of marks"):
        Marks(path)
    assert path.read_text() == content


def test_what_cannot_be_kept_is_said(history, path, tmp_path):
    id_ = history.decisions["stream_id"][0]
    with pytest.raises(SourceError, match="cannot read"):
        Marks(tmp_path)
    for wrong in (5, "s3://bucket/marks.csv", " "):
        with pytest.raises(OptionError, match=r"expected|empty"):
            Marks(wrong)
    (tmp_path / "file").touch()
    nowhere = Marks()
    nowhere._path = tmp_path / "file" / "marks.csv"  # a folder that has become a file meanwhile
    with pytest.raises(SourceError, match="nothing is kept"):
        nowhere.mark(history, id_, "right")
    assert not nowhere._seen[1]
    marks = Marks(path)
    for wrong in (2, -1, True, "left", None, 0.5, [0]):
        with pytest.raises(OptionError, match="expected 'right', 'other' or '', or a number below 2"):
            marks.mark(history, id_, wrong)
    with pytest.raises(OptionError, match="no decision"):
        marks.mark(history, "77-0", "right")
    nameless = lab.read([panel("a")])
    with pytest.raises(OptionError, match="no correlation_id"):
        marks.mark(nameless, nameless.decisions["stream_id"][0], "right")
    blank = lab.read([panel("a", recommendation=" ", correlation_id="c")])
    with pytest.raises(OptionError, match="number below 1"):
        marks.mark(blank, blank.decisions["stream_id"][0], "right")
    long = lab.read([panel("a", recommendation="x" * 200_000, correlation_id="c")])
    with pytest.raises(OptionError, match="longer than 100,000"):
        marks.mark(long, long.decisions["stream_id"][0], "right")
    assert not path.exists()


def test_decisions_of_one_correlation_id_are_marked_together():
    history = lab.read([panel("hold", correlation_id="c"), panel("hold", correlation_id="c")])
    marks = Marks()
    assert marks.mark(history, history.decisions["stream_id"][1], "right") == 2
    assert len(marks.among(history)) == 2
