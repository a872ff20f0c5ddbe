"""Several sources at once: an archive and its stream, files, and what tells them from payloads."""

import json
import sys

import pandas as pd
import pytest
import redis

import mastermind_lab as lab
from mastermind_lab.archive import Archiver
from mastermind_lab.decode import Batch
from mastermind_lab.frames import tables
from mastermind_lab.history.sources.reading import Options
from mastermind_lab.history.sources.several import Several, are_several, behind
from mastermind_lab.stream import StreamUpdate

pytestmark = pytest.mark.once

S = "s"


def payload(number, text="x"):
    return json.dumps({"decision": {"recommendation": text, "confidence": 0.5}, "meta": {"number": number}})


def add(raw, *numbers, text="x"):
    for one in numbers:
        raw.xadd(S, {"data": payload(one, text)}, f"{one}-0")


def names(*numbers, epoch=0):
    return [f"{one}-0" + (f"@{epoch}" if epoch else "") for one in numbers]


@pytest.fixture
def folder(raw, redis_url, tmp_path):
    """An archive of 1 to 10."""
    add(raw, *range(1, 11))
    lab.archive(redis_url, tmp_path / "archive", stream=S)
    return tmp_path / "archive"


class TestAnArchiveAndItsStream:
    @pytest.fixture(params=[False, True], ids=["archive first", "stream first"])
    def both(self, request, folder, redis_url):
        sources = [folder, redis_url][:: -1 if request.param else 1]
        return lambda **options: lab.read(sources, stream=S, **options)

    def row(self, history):
        [_, row] = history.coverage[["entries", "missing", "certainty", "note"]].itertuples(
            index=False, name=None
        )
        return row

    def test_they_meet(self, raw, both):
        add(raw, 11, 12)
        history = both()
        assert history.decisions["stream_id"].tolist() == names(*range(1, 13))
        assert self.row(history) == (2, 0, "exact", "goes on at the archive's end (10-0)")

    def test_what_is_archived_meanwhile_is_there_once(self, raw, both, folder, redis_url, monkeypatch):
        add(raw, 11, 12)

        def later(*asked):
            lab.archive(redis_url, folder, stream=S)
            return behind(*asked)

        monkeypatch.setattr(sys.modules[Several.__module__], "behind", later)
        history = both()
        assert history.decisions["stream_id"].tolist() == names(*range(1, 13))
        assert self.row(history) == (2, 0, "exact", "goes on at the archive's end (10-0)")

    def test_of_archives_the_one_that_ends_last_goes_on(self, raw, folder, redis_url, tmp_path):
        lab.archive(redis_url, tmp_path / "early", stream=S, until="6-0")
        raw.xtrim(S, minid="9-0", approximate=False)
        add(raw, 11, 12)
        for archives in ([folder, tmp_path / "early"], [tmp_path / "early", folder]):
            history = lab.read([*archives, redis_url], stream=S)
            assert history.decisions["stream_id"].tolist() == names(*range(1, 13))
            assert history.coverage["missing"].tolist() == [0, 0, 0]
            assert "goes on at the archive's end (10-0)" in history.coverage["note"].tolist()

    def test_only_what_was_archived_is_gone(self, raw, both):
        add(raw, 11, 12)
        raw.xtrim(S, maxlen=2, approximate=False)
        assert self.row(both())[:3] == (2, 0, "at most")

    def test_a_gap_is_counted(self, raw, both):
        add(raw, *range(11, 21))
        raw.xtrim(S, maxlen=3, approximate=False)
        history = both()
        assert history.decisions["stream_id"].tolist() == names(*range(1, 11), 18, 19, 20)
        said = "a gap: 7 entries behind the archive's end (10-0) were trimmed before they could be read"
        assert self.row(history)[:3] == (3, 7, "at most")
        assert self.row(history)[3].startswith(said + "; of what was read nothing is left")

    def test_nothing_new(self, both):
        assert self.row(both())[:3] == (0, 0, "exact")

    def test_begun_again(self, raw, both):
        raw.delete(S)
        add(raw, 3, 4, text="new")
        history = both()
        assert history.decisions["stream_id"].tolist() == names(*range(1, 11)) + names(3, 4, epoch=1)
        self.is_not_verified(history)

    def test_deleted(self, raw, both):
        add(raw, 11, 12)
        raw.delete(S)
        self.is_not_verified(both())

    def is_not_verified(self, history):
        _, missing, certainty, note = self.row(history)
        assert pd.isna(missing)
        assert certainty == "not verified"
        assert "began again" in note
        assert "what it held unread before it began again is not known" in note

    def test_with_payloads(self, raw, both):
        add(raw, 11)
        assert both(payloads=True).payloads["payload"].tolist() == [
            payload(one).encode() for one in range(1, 12)
        ]

    def test_limits_are_those_of_the_whole(self, raw, both):
        add(raw, 11, 12)
        history = both(last=4)
        assert history.decisions["stream_id"].tolist() == names(9, 10, 11, 12)
        rows = history.coverage[["entries", "left_out", "limits", "missing", "certainty"]]
        assert [*rows.itertuples(index=False, name=None)] == [
            (2, 8, "last=4", 0, "exact"),
            (2, 0, "last=4", 0, "exact"),
        ]

    def test_another_streams_archive_is_added_as_it_is(self, raw, folder, redis_url):
        raw.xadd("other", {"data": payload(99)}, "99-0")
        history = lab.read([folder, redis_url], stream="other")
        assert history.decisions["stream_id"].tolist() == names(*range(1, 11), 99)

    def test_an_archive_that_does_not_know_how_far_it_is(self, raw, redis_url, tmp_path):
        add(raw, *range(1, 4))
        with Archiver(tmp_path / "archive", stream=S) as archiver:
            archiver.take(StreamUpdate(S, [("1-0", payload(1).encode())]))
        history = lab.read([tmp_path / "archive", redis_url], stream=S)
        assert history.decisions["stream_id"].tolist() == names(1, 2, 3)
        assert history.coverage["certainty"].tolist() == ["not verified"] * 2
        assert history.coverage["missing"].isna().all()
        assert "whether the two meet is not known" in history.coverage["note"][1]

    def test_an_old_servers_stream_is_not_verified(self, old_server, tmp_path):
        with redis.Redis.from_url(old_server.url) as raw:
            add(raw, *range(1, 4))
            lab.archive(old_server.url, tmp_path / "archive", stream=S)
            add(raw, 4)
            history = lab.read([tmp_path / "archive", old_server.url], stream=S)
        assert history.decisions["stream_id"].tolist() == names(1, 2, 3, 4)
        assert history.coverage["certainty"].tolist() == ["not verified"] * 2
        assert history.coverage["missing"].isna().all()

    def test_an_archive_of_an_old_server_that_is_a_new_one_now_is_not_verified(
        self, raw, redis_url, old_server, tmp_path
    ):
        with redis.Redis.from_url(old_server.url) as old:
            add(old, 1, 2, 3)
            lab.archive(old_server.url, tmp_path / "archive", stream=S)
        add(raw, 1, 2, 3, 4)
        history = lab.read([tmp_path / "archive", redis_url], stream=S)
        assert history.decisions["stream_id"].tolist() == names(1, 2, 3, 4)
        said = "read from the archive's end (3-0); whether the two meet is not known"
        missing, *others = self.row(history)[1:]
        assert pd.isna(missing)
        assert others == ["not verified", said]


def test_files_keep_all_their_lines(tmp_path):
    for name in "ab":
        (tmp_path / f"{name}.ndjson").write_text(payload(1) + "\n" + payload(2) + "\n")
    history = lab.read([tmp_path / "a.ndjson", str(tmp_path / "b.ndjson")])
    assert len(history.decisions) == 4
    assert len(lab.read([tmp_path / "a.ndjson", tmp_path / "b.ndjson"], last=3).decisions) == 3


def test_a_missing_one_is_named(folder, redis_url):
    with pytest.raises(lab.SourceError, match="nowhere"):
        lab.read(["nowhere", redis_url])


def test_streams_and_files_have_no_common_order(folder, tmp_path):
    (tmp_path / "a.ndjson").write_text(payload(1) + "\n")
    with pytest.raises(lab.OptionError, match="one order"):
        lab.read([folder, tmp_path / "a.ndjson"], last=2)


def test_a_snapshot_of_both_has_no_common_order_either(folder, tmp_path):
    (tmp_path / "a.ndjson").write_text(payload(1) + "\n")
    both = (lab.read(folder) + lab.read(tmp_path / "a.ndjson")).save(tmp_path / "both")
    assert len(lab.read(both)) == 11
    for act in (lambda: lab.read(both, last=2), lambda: lab.scan(both, since="2026-01-01")):
        with pytest.raises(lab.OptionError, match="one order"):
            act()


@pytest.mark.parametrize(
    "payloads",
    [[], [payload(1)], [payload(1), "not an envelope"], ["broken", b"\xff"], ["\0"], ["x" * 9_999],
     [payload(1), "redis://localhost"], iter([payload(1)])],
)  # fmt: skip
def test_payloads_stay_payloads(payloads):
    assert not are_several(payloads)


@pytest.mark.parametrize("text", ['{"decision": ', "[1, 2", '{"decision": {"recommendation": "a"'])
def test_one_line_of_broken_json_is_not_taken_for_several(text):
    with pytest.raises(lab.LabError, match=r"(?s)^(?!.*several lines)"):
        lab.read(text)


def test_a_time_back_from_the_end_is_that_of_all_payloads_however_many_come_at_once(monkeypatch):
    monkeypatch.setattr("mastermind_lab.decode.batch._BATCH_BYTES", 200)
    one = '{"decision": {"recommendation": "a", "confidence": 0.5}, "published_at": "2026-11-26T10:00:%02dZ"}'
    payloads = [one % second for second in (59, 1, 50, 2, 55, 3)]
    history = lab.read(payloads, since="10s")
    assert history.decisions["published_at"].dt.second.tolist() == [59, 50, 55]
    [row] = history.coverage.to_dict("records")
    assert (row["entries"], row["left_out"]) == (3, 3)
    assert row["limits"].count("since") == 1


def test_what_is_shown_of_them_has_no_password():
    several = Several(["redis://me:secret@host", "a.ndjson"], Options(), lambda source, options: None)
    assert "secret" not in repr(several)


def test_decisions_of_two_streams_under_one_id_are_two(raw, tmp_path):
    histories = []
    for stream, numbers in (("one", [1, 2, 3]), ("two", [2, 3, 4])):
        for number in numbers:
            text = json.dumps(
                {
                    "decision": {
                        "recommendation": stream,
                        "confidence": 0.5,
                        "votes": [{"voter": "A", "choice": "x"}],
                    },
                    "correlation_id": f"{stream}-{number}",
                }
            )
            raw.xadd(stream, {"data": text}, f"{number}-0")
        histories.append(lab.read(raw, stream=stream))
    one, two = histories
    both = one + two
    expected = [*names(1, 2, 3), "4-0", "2-0@1", "3-0@1"]
    assert both.decisions["stream_id"].tolist() == both.votes["stream_id"].tolist() == expected
    assert both.decisions["recommendation"].tolist() == ["one"] * 3 + ["two"] * 3
    counts = both.coverage[["stream", "entries", "repeated", "first_id"]]
    assert counts.values.tolist() == [["one", 3, 0, "1-0"], ["two", 1, 0, "2-0"], ["two", 2, 0, "2-0@1"]]
    assert both.coverage["note"].dropna().tolist()[-1].startswith("2 with an id that a source before it has")
    again = sum([one, two, two, one])
    assert again.decisions["correlation_id"].tolist() == both.decisions["correlation_id"].tolist()
    assert lab.read(both.save(tmp_path / "both")).decisions["stream_id"].tolist() == expected
    cut = both.where("recommendation == 'two'")
    assert cut.coverage["left_out"].sum() == 3


def test_decisions_of_many_streams_under_one_id_stay_apart_in_any_order():
    def one(name):
        decided = {"recommendation": name, "confidence": 0.5, "votes": [{"voter": "A", "choice": name}]}
        batch = Batch()
        batch.add("50-0", json.dumps({"decision": decided, "correlation_id": name}))
        return lab.History(tables(batch))

    a, b, c, d = map(one, "abcd")
    for both in ((a + b) + (c + d), a + (b + (c + d)), sum([a, b, c, d]), (a + b) + (b + a) + c + d + c):
        assert sorted(both.decisions["recommendation"]) == ["a", "b", "c", "d"]
        assert both.decisions["stream_id"].is_unique
        said = both.decisions.set_index("stream_id")["recommendation"]
        assert (both.votes["stream_id"].map(said) == both.votes["choice"]).all()
