"""What was taken out of a history, or written over: it is gone from all that is saved, exported or played."""

import json
import pickle
from uuid import uuid4

import pandas as pd
import pyarrow as pa
import pytest
from pandas.testing import assert_frame_equal
from pyarrow import parquet
from telling import telling

import mastermind_lab as lab
from mastermind_lab import snapshot
from mastermind_lab.frames import FRAMES, to_pandas

# Many notebooks do so still, and what it leaves behind is what is tested here.
pytestmark = pytest.mark.filterwarnings("ignore:The inplace keyword")

SECRET = "Hush-4711"


def envelope(number, secret=""):
    """An envelope with a row in every frame; a secret stands in each of them."""
    return json.dumps(
        {
            "decision": {
                "question": f"q{number}{secret}",
                "recommendation": "ship",
                "confidence": 0.5,
                "votes": [{"voter": "ann", "choice": "ship", "rationale": f"because{secret}"}],
                "citations": [{"source": f"https://example.org/{secret}"}],
                "argument_tree": {"claim": f"claim{secret}", "children": [{"claim": "below"}]},
                "unheard": f"of{secret}",
            },
            "meta": {"case": f"c{number}{secret}"},
            "published_at": f"2026-11-0{1 + number // 3 % 3}T10:00:00Z",
            "correlation_id": f"{number:032x}",
        }
    )


LINES = [envelope(number, SECRET if number == 3 else "") for number in range(9)]


@pytest.fixture(params=[False, True], ids=["frames alone", "with payloads"])
def history(request):
    return lab.read(LINES, payloads=request.param)


def everything_in(folder):
    """All bytes of a snapshot: as they are, and as they unpack, with what a column's dictionary remembers."""
    parts = [*folder.rglob("*.parquet")]
    texts = [parquet.read_schema(path).names for path in parts]
    tables = [
        parquet.ParquetFile(path, read_dictionary=names).read()
        for path, names in zip(parts, texts, strict=True)
    ]
    chunks = [chunk for table in tables for column in table.columns for chunk in column.chunks]
    held = [getattr(chunk, "dictionary", chunk).to_pylist() for chunk in chunks]
    return b"".join([*(path.read_bytes() for path in parts), repr(held).encode()])


def others(decisions):
    return decisions["question"] != f"q3{SECRET}"


def drop_in_place(frame, wanted):
    frame.drop(index=frame.index[~wanted(frame)], inplace=True)


def has_no_secret(frame):
    return ~frame.apply(lambda row: SECRET in repr(row.tolist()), axis=1).astype(bool)


def blank(history):
    """Write over every text that has the secret."""
    for frame in FRAMES:
        for name in history[frame].select_dtypes("str"):
            if name != "stream_id":
                history[frame][name] = history[frame][name].str.replace(SECRET, "-")
    return history


def blank_with_frames(history):
    changed = blank(lab.read(LINES))
    return history.with_frames(**{name: changed[name] for name in FRAMES})


REMOVED = {
    "with_frames": lambda history: history.with_frames(
        decisions=history.decisions[others(history.decisions)]
    ),
    "where": lambda history: history.where(others),
    "a mask": lambda history: history.where(others(history.decisions)),
    "in each frame": lambda history: history.with_frames(
        **{name: history[name][has_no_secret(history[name])] for name in ("decisions", "votes", "citations")}
    ),
    "where after in place": lambda history: (
        drop_in_place(history.decisions, has_no_secret),
        history.where(history.decisions),
    )[1],
    "all of them": lambda history: history.with_frames(decisions=history.decisions.iloc[:0]),
}
BLANKED = {
    "in place": blank,
    "with_frames": blank_with_frames,
    "then where": lambda history: blank(history).where("confidence > 0"),
    "then +": lambda history: blank(history) + lab.read([], payloads=history.payloads is not None),
}
CHANGES = {**REMOVED, **{f"blanked {name}": change for name, change in BLANKED.items()}}


@pytest.mark.parametrize(
    "change", telling(CHANGES, "with_frames", "where after in place", "blanked in place", "blanked then +")
)
class TestASecretIsGone:
    def test_from_all_that_is_written(self, history, change, tmp_path):
        changed = change(history)
        assert SECRET.encode() not in changed.to_ndjson(tmp_path / "share.ndjson").read_bytes()
        assert len((tmp_path / "share.ndjson").read_text().splitlines()) == len(changed)
        folder = changed.save(tmp_path / "s")
        assert SECRET.encode() not in everything_in(folder)
        assert lab.verify(folder).empty
        equal(lab.read(folder), changed)

    def test_from_a_pickle(self, history, change):
        changed = change(history)
        assert (changed.payloads is None) == (history.payloads is None)  # looked at, it is no other
        changed.decisions["mine"] = 1
        kept = pickle.dumps(changed)
        assert SECRET.encode() not in kept
        again = pickle.loads(kept)
        for name in FRAMES:
            assert_frame_equal(again[name], changed[name])
        assert [*again.encoded()] == [*changed.encoded()]
        equal(again.where("confidence > 0"), changed.where("confidence > 0"))

    @pytest.mark.thorough
    def test_from_all_that_is_made_of_it(self, history, change, tmp_path):
        changed = change(history)
        played = [payload for _, payload in changed.encoded()]
        replayed = [one for update in lab.replay(changed, speed=float("inf")) for one in update.entries]
        follower = lab.Follower(lab.replay(changed, speed=float("inf")))
        for update in follower.source:
            follower.take(update)
        merged = changed + lab.read([envelope(7)], payloads=changed.payloads is not None)
        again = [merged[name] for name in FRAMES] + [follower.history()[name] for name in FRAMES]
        if changed.payloads is not None:
            again += [merged.payloads, lab.redecode(changed.save(tmp_path / "s")).decisions]
            assert len(lab.redecode(tmp_path / "s")) == len(changed)
        assert SECRET not in repr([played, replayed, *(frame.to_dict() for frame in again)])
        assert len(played) == len(replayed) == len(changed)

    @pytest.mark.thorough
    def test_from_a_snapshot_that_is_saved_over(self, history, change, tmp_path):
        history.save(tmp_path / "s")
        lab.read(LINES, payloads=True).save(tmp_path / "s", overwrite=True)
        change(history).save(tmp_path / "s", overwrite=True)
        assert SECRET.encode() not in everything_in(tmp_path / "s")
        assert [path.name for path in tmp_path.iterdir()] == ["s"]


class TestRawPayloads:
    def test_are_written_anew_for_what_was_changed_alone(self, tmp_path):
        history = lab.read(LINES, payloads=True)
        history.votes.loc[4, "rationale"] = "so"
        history.citations.drop(index=6, inplace=True)
        saved = lab.read(history.save(tmp_path / "s"), payloads=True).payloads["payload"]
        assert [number for number in range(9) if saved[number] != LINES[number].encode()] == [4, 6]
        again = lab.redecode(tmp_path / "s")
        assert again.votes["rationale"].tolist() == history.votes["rationale"].tolist()
        assert len(again.citations) == 8

    def test_stay_as_they_came_beside_a_column_of_ones_own(self, tmp_path):
        history = lab.read(LINES, payloads=True)
        history.decisions["mine"], history.votes["mine"] = 1, ["a"] * 9
        saved = lab.read(history.save(tmp_path / "s"), payloads=True)
        assert saved.payloads["payload"].tolist() == [line.encode() for line in LINES]
        assert saved.decisions["mine"].eq(1).all()

    @pytest.mark.parametrize("column", ["question", "meta.case", "decision.unheard"])
    def test_lose_a_column_that_was_taken_away(self, column, tmp_path):
        history = lab.read(LINES, payloads=True)
        fewer = history.with_frames(decisions=history.decisions.drop(columns=column))
        again = lab.redecode(fewer.save(tmp_path / "s"))
        assert again.decisions.get(column, pd.Series(dtype="str")).isna().all()
        assert len(again) == 9

    def test_are_there_for_a_decision_that_was_added(self, tmp_path):
        history = lab.read(LINES, payloads=True)
        more = history.decisions.tail(1).assign(stream_id="0-10", question="one more")
        longer = history.with_frames(decisions=pd.concat([history.decisions, more]))
        again = lab.redecode(longer.save(tmp_path / "s"))
        assert again.decisions["question"].tolist()[-1] == "one more"

    def test_that_cannot_be_written_anew_are_refused_and_the_way_out_is_said(self, tmp_path):
        history = lab.read(LINES, payloads=True)
        history.save(tmp_path / "s")
        history.decisions.loc[2, "recommendation"] = None
        with pytest.raises(lab.OptionError, match=r"entry 0-3 .*recommendation.*payloads=False"):
            history.save(tmp_path / "s", overwrite=True)
        history.save(tmp_path / "s", overwrite=True, payloads=False)
        assert lab.read(tmp_path / "s").decisions["recommendation"].isna().sum() == 1

    def test_of_rejects_go_with_their_rows(self, tmp_path):
        history = lab.read([*LINES, SECRET], payloads=True).where(others)
        history.rejects.drop(index=history.rejects.index, inplace=True)
        assert SECRET.encode() not in everything_in(history.save(tmp_path / "s"))

    def test_that_were_taken_away_are_rebuilt(self, tmp_path):
        history = lab.read(LINES, payloads=True)
        drop_in_place(history.payloads, lambda payloads: payloads["stream_id"] != "0-5")
        assert len(history.to_ndjson(tmp_path / "s.ndjson").read_text().splitlines()) == 9
        assert len(lab.redecode(history.save(tmp_path / "s"))) == 9


@pytest.mark.parametrize("kind", ["category", "string", "object"])
def test_a_column_of_ones_own_does_not_remember(history, tmp_path, kind):
    for frame in ("decisions", "votes"):
        mine = history[frame]["stream_id"].eq("0-4").map({True: SECRET, False: "kept"})
        history[frame]["mine"] = mine.astype(kind)
    some = history.where(others)
    assert SECRET.encode() not in everything_in(some.save(tmp_path / "s"))
    assert SECRET.encode() not in some.to_ndjson(tmp_path / "s.ndjson").read_bytes()


class TestWhatBelongsToADecision:
    def test_goes_with_it(self, history):
        some = history.with_frames(decisions=history.decisions.iloc[4:])
        assert [len(some[name]) for name in ("decisions", "votes", "citations", "arguments")] == [5, 5, 5, 10]
        assert lab.stats.Votes.of(some).n == 5
        assert some.coverage["left_out"].tolist() == [4]
        assert "taken out of decisions" in some.coverage["limits"].iloc[0]
        assert len(history.votes) == 9

    def test_is_as_it_is_given(self, history):
        some = history.with_frames(decisions=history.decisions.iloc[4:], votes=history.votes.iloc[6:])
        assert (len(some.votes), len(some.citations)) == (3, 5)

    def test_stays_with_an_entry_that_was_added(self, history):
        for name in ("decisions", "votes"):
            more = history[name].tail(1).assign(stream_id="0-10")
            history = history.with_frames(**{name: pd.concat([history[name], more], ignore_index=True)})
        some = history.with_frames(decisions=history.decisions.iloc[4:])
        assert (len(some.votes), some.votes["stream_id"].iloc[-1]) == (6, "0-10")

    def test_stays_where_nothing_was_taken_out(self, history):
        other = history.decisions.sample(frac=1, random_state=1).assign(mine=1)
        same = history.with_frames(decisions=other)
        assert (len(same.votes), same.coverage["left_out"].fillna(0).sum()) == (9, 0)

    @pytest.mark.parametrize("act", ["save", "+", "to_ndjson", "encoded"])
    @pytest.mark.parametrize("frame", ["votes", "citations", "arguments"])
    def test_is_not_left_behind(self, history, tmp_path, act, frame):
        assert len(history[frame])
        history.decisions.drop(index=range(3), inplace=True)
        acts = {
            "save": lambda: history.save(tmp_path / "s"),
            "+": lambda: history + history,
            "to_ndjson": lambda: history.to_ndjson(tmp_path / "s.ndjson"),
            "encoded": lambda: [*history.encoded()],
        }
        with pytest.raises(lab.OptionError, match=r"rows of entry 0-1, .*where\(history.decisions\)"):
            acts[act]()
        assert not [*tmp_path.iterdir()]

    def test_may_not_be_of_a_decision_that_never_was(self, history, tmp_path):
        history.votes.loc[2, "stream_id"] = "0-77"
        with pytest.raises(lab.OptionError, match="votes has rows of entry 0-77"):
            history.save(tmp_path / "s")


def change(frame, act):
    def changed(history):
        act(history[frame])
        return history

    return changed


def put(frame, **frames):
    return lambda history: history.with_frames(**{frame: frames[frame](history[frame])})


DAMAGES = {
    "a column renamed": change("decisions", lambda d: d.rename(columns={"confidence": "sure"}, inplace=True)),
    "a column of votes renamed": change("votes", lambda d: d.rename(columns={"voter": "who"}, inplace=True)),
    "a column dropped": change("decisions", lambda d: d.__delitem__("rationale")),
    "all columns but the ids dropped": put("votes", votes=lambda d: d[["stream_id"]]),
    "sorted": change("decisions", lambda d: d.sort_values("question", ascending=False, inplace=True)),
    "votes sorted": change("votes", lambda d: d.sort_values("rationale", ascending=False, inplace=True)),
    "decisions dropped": change("decisions", lambda d: d.drop(index=range(4), inplace=True)),
    "votes dropped": change("votes", lambda d: d.drop(index=range(4), inplace=True)),
    "all decisions dropped": change("decisions", lambda d: d.drop(index=d.index, inplace=True)),
    "the ids made the index": change("decisions", lambda d: d.set_index("stream_id", inplace=True)),
    "the ids of votes made the index": change("votes", lambda d: d.set_index("stream_id", inplace=True)),
    "another index": change("decisions", lambda d: d.set_index(d["question"], inplace=True)),
    "two levels of names": put(
        "decisions", decisions=lambda d: d.set_axis(pd.MultiIndex.from_product([["x"], d.columns]), axis=1)
    ),
    "an empty frame": put("decisions", decisions=lambda d: pd.DataFrame()),
    "empty votes": put("votes", votes=lambda d: pd.DataFrame()),
    "no rows": put("decisions", decisions=lambda d: d.iloc[:0]),
    "no votes": put("votes", votes=lambda d: d.iloc[:0]),
    "decisions doubled": put("decisions", decisions=lambda d: pd.concat([d, d])),
    "votes doubled": put("votes", votes=lambda d: pd.concat([d, d])),
    "an id changed": change("decisions", lambda d: d.__setitem__("stream_id", "1" + d["stream_id"])),
    "an id twice": change("decisions", lambda d: d.__setitem__("stream_id", "0-1")),
    "half an id": put("decisions", decisions=lambda d: d.assign(stream_id=d["stream_id"].str[2:])),
    "an id written otherwise": put("decisions", decisions=lambda d: d.assign(stream_id="0" + d["stream_id"])),
    "another epoch": put("decisions", decisions=lambda d: d.assign(stream_id=d["stream_id"] + "@1")),
    "an epoch of none": put("decisions", decisions=lambda d: d.assign(stream_id=d["stream_id"] + "@0")),
    "votes of nobody's": change("votes", lambda d: d.__setitem__("stream_id", "77-0")),
    "ids that are numbers": put("votes", votes=lambda d: d.assign(stream_id=range(len(d)))),
    "ids that are categories": put(
        "decisions", decisions=lambda d: d.assign(stream_id=d["stream_id"].astype("category"))
    ),
    "words for numbers": change("decisions", lambda d: d.__setitem__("confidence", "high")),
    "numbers for words": change("decisions", lambda d: d.__setitem__("question", 7)),
    "halves for counts": change("decisions", lambda d: d.__setitem__("n_votes", 0.5)),
    "words for times": change("decisions", lambda d: d.__setitem__("published_at", "today")),
    "times without a zone": put(
        "decisions", decisions=lambda d: d.assign(published_at=d["published_at"].dt.tz_localize(None))
    ),
    "objects": put("decisions", decisions=lambda d: d.astype(object)),
    "categories": put("votes", votes=lambda d: d.astype("category")),
    "an account of words": change("coverage", lambda d: d.__setitem__("entries", "many")),
}
"""Each is saved so that it is read again, or refused; never a good snapshot lost."""


def equal(saved, history):
    """Compare what was read with what was saved: rows in the order of ids, values of declared columns."""
    tables = history.tables()
    for name in FRAMES:
        expected = to_pandas({name: tables[name]})[name]
        declared = [column for column in lab.read([])[name] if column in history[name]]
        assert_frame_equal(saved[name][declared], expected[declared], check_dtype=False)


@pytest.fixture
def target():
    """Where an old snapshot is taken away before the new one is written."""
    return f"memory://removed/{uuid4().hex}"


OFTEN = [
    "a column renamed", "all columns but the ids dropped", "votes sorted", "decisions dropped",
    "two levels of names", "no votes", "an id twice", "an id written otherwise", "another epoch",
    "ids that are categories", "words for numbers", "times without a zone", "an account of words",
]  # fmt: skip


@pytest.mark.parametrize("damage", telling(DAMAGES, *OFTEN))
def test_what_is_saved_over_a_snapshot_is_read_again_or_refused(damage, target):
    good = lab.read(LINES, payloads=True)
    good.save(target)
    damaged = lab.read(LINES, payloads=True)
    try:
        damaged = damage(damaged) or damaged
        damaged.save(target, overwrite=True)
    except lab.OptionError:
        damaged = good
    assert lab.verify(target).empty
    equal(lab.read(target), damaged)
    assert len(lab.redecode(target)) == len(damaged)


@pytest.mark.parametrize("damage", telling(DAMAGES, *OFTEN))
def test_what_is_exported_over_a_file_is_read_again_or_refused(damage, tmp_path):
    history, path = lab.read(LINES), tmp_path / "s.ndjson"
    before = history.to_ndjson(path).read_bytes()
    try:
        damaged = damage(history) or history
        damaged.to_ndjson(path)
    except lab.OptionError:
        assert path.read_bytes() == before
        return
    assert len(lab.read(path)) == len(damaged)


def test_a_compacted_snapshot_remembers_nothing(tmp_path):
    history = REMOVED["with_frames"](lab.read(LINES, payloads=True))
    folder = history.save(tmp_path / "s")
    more = lab.read([envelope(1)], payloads=True).tables()
    ids = {name: pa.array(["0-20"] * table.num_rows, pa.large_string()) for name, table in more.items()}
    more = {name: table.set_column(0, "stream_id", ids[name]) for name, table in more.items()}
    snapshot.commit(folder, more, {})
    lab.compact(folder)
    assert SECRET.encode() not in everything_in(folder)
    assert lab.verify(folder).empty


def test_what_no_frame_holds_stays_with_entries_that_nobody_changed(tmp_path):
    lines = [json.dumps(json.loads(envelope(number)) | {"trace": f"t{number}"}) for number in range(3)]
    history = lab.read([*lines, "junk"], payloads=True)
    history = history.with_frames(rejects=history.rejects.head(0))
    history.decisions.loc[1, "question"] = "another"
    written = history.to_ndjson(tmp_path / "a.ndjson").read_text().splitlines()
    assert [written[0], written[2]] == [lines[0], lines[2]]
    assert json.loads(written[1])["decision"]["question"] == "another"


@pytest.mark.parametrize("way", ["saved", "merged", "exported"])
def test_counts_of_rows_follow_what_was_dropped_and_added(history, way, tmp_path):
    votes, citations = history.votes, history.citations
    history.decisions.loc[5, "n_votes"] = 7  # what was written over where no row has changed is the user's
    votes.drop(index=[2], inplace=True)
    votes.loc[100] = votes.loc[3]
    votes.loc[100, ["position", "voter"]] = 1, "bob"
    citations.drop(index=citations.index, inplace=True)
    if way == "saved":
        found = lab.read(history.save(tmp_path / "s")).decisions
    elif way == "merged":
        found = (history + lab.read([])).decisions
    else:
        found = lab.read(history.to_ndjson(tmp_path / "x.ndjson")).decisions
    by_hand = 1 if way == "exported" else 7
    assert found["n_votes"].tolist() == [1, 1, 0, 2, 1, by_hand, 1, 1, 1]
    assert found["n_citations"].tolist() == [0] * 9
    assert found["n_arguments"].tolist() == [2] * 9
