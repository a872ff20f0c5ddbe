"""History: merging, keeping, and showing itself."""

import json
import re

import pandas as pd
import pytest
from histories import same

import mastermind_lab as lab
from mastermind_lab.frames import FRAMES, Account, Coverage

VALID = json.dumps({"decision": {"recommendation": "ship", "confidence": 0.5}, "published_at": "2026-11-23"})


@pytest.fixture(scope="module")
def sample():
    return lab.sample(payloads=True)


@pytest.fixture(scope="module")
def some(sample):
    return lab.read(sample.payloads["payload"][:400], payloads=True)


class TestSample:
    def test_it_is_there(self, sample):
        assert (len(sample), len(sample.rejects)) == (2_000, 0)

    def test_it_is_frozen(self, sample):
        with pytest.raises(AttributeError):
            sample.decisions = None


class TestMerging:
    def test_lines_are_renumbered_never_dropped(self):
        one = lab.read([VALID, "broken"])
        both = one + one + lab.read([])
        assert both.decisions["stream_id"].tolist() == ["0-1", "1-1"]
        assert both.rejects["stream_id"].tolist() == ["0-2", "1-2"]
        assert both.coverage["first_id"].dropna().tolist() == ["0-1", "1-1"]

    @pytest.mark.parametrize("left", [True, False])
    def test_lines_of_which_coverage_tells_nothing_any_more_are_lines(self, left):
        told = lab.read([VALID, "broken"])
        untold = told.with_frames(coverage=Coverage())
        both = untold + told if left else told + untold
        assert both.decisions["stream_id"].tolist() == ["0-1", "1-1"]
        assert both.rejects["stream_id"].tolist() == ["0-2", "1-2"]

    def test_lines_do_not_get_the_number_of_such_a_file(self, tmp_path):
        for name in "ab":
            (tmp_path / f"{name}.ndjson").write_text(VALID + "\n")
        several = lab.read(tmp_path)
        both = lab.read([VALID]) + several.with_frames(coverage=Coverage.of(several.account.accounts[0]))
        assert both.decisions["stream_id"].tolist() == ["0-1", "1-1", "2-1"]

    def test_files_beside_a_stream(self, redis_url):
        import redis

        from mastermind_lab.envelope import DEFAULT_STREAM_NAME as STREAM

        with redis.Redis.from_url(redis_url) as raw:
            ids = [raw.xadd(STREAM, {"data": VALID}).decode() for _ in range(3)]
        stream, lines = lab.read(redis_url), lab.read([VALID] * 2)
        for both in (stream + lines, lines + stream, stream + lines + stream):
            assert both.decisions["stream_id"].tolist() == ["0-1", "0-2", *ids]

    def test_overlapping_reads_count_once(self, redis_url):
        import redis

        from mastermind_lab.envelope import DEFAULT_STREAM_NAME as STREAM

        with redis.Redis.from_url(redis_url) as raw:
            for number in range(1, 11):
                raw.xadd(STREAM, {"data": VALID if number % 3 else "broken"}, f"{number}-0")
        whole = lab.read(redis_url)
        same(lab.read(redis_url, until="6-0") + lab.read(redis_url, since="4-0"), whole, FRAMES)
        same(lab.read(redis_url, since="4-0") + lab.read(redis_url, until="6-0"), whole, FRAMES)

    def test_small_ids_of_a_stream_are_no_lines_if_coverage_tells_nothing(self, redis_url, tmp_path):
        import redis

        from mastermind_lab.envelope import DEFAULT_STREAM_NAME as STREAM

        with redis.Redis.from_url(redis_url) as raw:
            for number, payload in enumerate([VALID, VALID, "broken"]):
                raw.xadd(STREAM, {"data": payload}, f"{number}-1")
        whole = lab.read(redis_url)
        untold = whole.with_frames(coverage=Coverage())
        for both in (whole + untold, untold + whole, untold + untold):
            same(both, whole, FRAMES)
        saved = lab.read(untold.save(tmp_path / "s"))  # with coverage of its own, which has no stream
        same(saved + whole, whole, FRAMES)
        same(whole + saved, whole, FRAMES)
        lines = lab.read([VALID])
        assert (untold + lines).decisions["stream_id"].tolist() == ["0-1", "1-1", "3-1"]

    @pytest.mark.filterwarnings("ignore::mastermind_lab.errors.NothingDecodedWarning")
    def test_lines_beside_a_stream_are_renumbered_and_never_dropped(self, redis_url, tmp_path):
        import redis

        from mastermind_lab.envelope import DEFAULT_STREAM_NAME as STREAM

        with redis.Redis.from_url(redis_url) as raw:
            for _ in range(4):
                raw.xadd(STREAM, {"data": VALID})
        stream, good = lab.read(redis_url), lab.read([VALID, VALID])
        one, two = lab.read(["broken 1", "more"]), lab.read(["broken 2"])
        saved = lab.read((stream + one).save(tmp_path / "s"))
        for beside in (stream + one, saved):
            both = two + beside
            assert (len(both), both.rejects["stream_id"].tolist()) == (4, ["0-1", "1-1", "1-2"])
            assert len((good + beside).rejects) == 2
        assert len(((stream + one) + (stream + two)).rejects) == 3

    def test_payloads_stay_where_both_have_them(self):
        kept, bare = lab.read([VALID], payloads=True), lab.read([VALID])
        assert len((kept + kept).payloads) == 2
        assert (kept + bare).payloads is None

    def test_with_something_else(self, sample):
        with pytest.raises(TypeError):
            sample + 1


class TestKeeping:
    @pytest.mark.further
    def test_ndjson_of_raw_payloads_is_the_same(self, sample, tmp_path):
        again = lab.read(sample.to_ndjson(tmp_path / "a.ndjson.zst"), payloads=True)
        same(again, sample, FRAMES)
        assert again.payloads["payload"].tolist() == sample.payloads["payload"].tolist()

    @pytest.mark.once
    @pytest.mark.further
    def test_ndjson_rebuilt_from_the_frames_gives_the_same_frames(self, some, tmp_path):
        rebuilt = lab.History({name: some.tables()[name] for name in FRAMES}, some.account)
        same(lab.read(rebuilt.to_ndjson(tmp_path / "a.ndjson.gz")), some, FRAMES)

    def test_what_was_no_whole_payload_is_not_judged_again(self, tmp_path):
        (tmp_path / "a.ndjson").write_text(f"{VALID}\n{VALID[:40]}{'x' * 400}\nbroken\n")
        history = lab.read(tmp_path / "a.ndjson", payloads=True, max_line_bytes=300)
        assert history.rejects["reason"].tolist() == ["too_long", "not_json"]
        same(lab.redecode(history.save(tmp_path / "snap")), history, FRAMES)

    @pytest.mark.once
    @pytest.mark.further
    def test_envelopes(self, some):
        rebuilt = dict(lab.History({name: some.tables()[name] for name in FRAMES}, some.account).envelopes())
        assert len(rebuilt) == len(some) > 0
        for stream_id, envelope in some.envelopes():
            found = rebuilt[stream_id]
            assert found.decision.recommendation == envelope.decision.recommendation
            assert found.decision.votes == envelope.decision.votes
            assert found.published_at == envelope.published_at

    @pytest.mark.further
    def test_through_redis_and_back(self, sample, redis_url):
        from mastermind_lab.envelope import DEFAULT_STREAM_NAME as STREAM
        from mastermind_lab.stream import publish_payloads

        list(publish_payloads(redis_url, STREAM, sample.payloads["payload"]))
        again = lab.read(redis_url, payloads=True)
        assert repr(again).endswith("UTC streamed>")
        assert again.payloads["payload"].tolist() == sample.payloads["payload"].tolist()
        ids = ["stream_id", "streamed_at"]
        pd.testing.assert_frame_equal(again.decisions.drop(columns=ids), sample.decisions.drop(columns=ids))


HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>"


class TestShowing:
    def test_the_card_counts(self, sample):
        card = sample._repr_html_()
        assert "2,000" in card
        assert repr(sample).startswith("<History: 2,000 decisions")
        assert repr(sample).endswith("UTC published>")

    def test_the_card_escapes(self, tmp_path):
        folder = tmp_path / "<img src=x onerror=alert(1)>"
        folder.mkdir()
        (folder / "a.ndjson").write_text(VALID)
        assert "<img" not in lab.read(folder)._repr_html_()

    def test_the_card_says_what_is_missing(self, redis_url):
        import redis

        from mastermind_lab.envelope import DEFAULT_STREAM_NAME as STREAM

        with redis.Redis.from_url(redis_url) as raw:
            for number in range(1, 11):
                raw.xadd(STREAM, {"data": "broken"}, f"{number}-0", maxlen=6, approximate=False)
        with pytest.warns(lab.NothingDecodedWarning):
            card = lab.read(redis_url, last=4)._repr_html_()
        for said in ("4 not_json", "left out by limits</th><td>2", "gone before reading</th><td>4"):
            assert said in card

    def test_the_card_of_all_that_can_be_said(self):
        one = {
            "decision": {"recommendation": "a", "confidence": 0.5, "votes": [{"voter": "v", "choice": "a"}]}
        }
        said = [one | {"meta": {f"m{n}": value for n in range(7)}} for value in (1, "1", [2])]
        lines = [
            json.dumps(line | {"published_at": f"2026-11-0{n}T10:20:30Z"}) for n, line in enumerate(said, 1)
        ]
        tables = lab.read([*lines, "x", "y", '{"schema_version": "2"}']).tables()
        accounts = [
            Account(source=name, left_out=left_out, missing=missing, certainty=certainty)
            for name, left_out, missing, certainty in (
                ("one", 1_000, 5, "exact"), ("two", 7, None, None), ("three", None, None, "not verified"),
                ("four", 0, 0, "exact"),
            )
        ]  # fmt: skip
        card = lab.History(tables, Coverage.of(*accounts))._repr_html_()
        assert dict(re.findall("<th>(.*?)</th><td>(.*?)</td>", card)) == {
            "decisions": "3", "votes": "3", "citations": "0", "arguments": "0",
            "rejects": "3 (2 not_json, 1 version)", "published": "2026-11-01 10:20 to 2026-11-03 10:20 UTC",
            "left out by limits": "1,007, not known", "gone before reading": "5, not known",
            "mixed columns": "meta.m0, meta.m1, meta.m2, meta.m3, meta.m4 and 2 more",
            "from": "one; two; three",
        }  # fmt: skip

    def test_an_empty_one_shows_itself(self):
        assert "decisions" in lab.read([])._repr_html_()


async def test_aread_does_not_hold_up_the_loop(sample):
    import asyncio

    ticks = 0

    async def tick():
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0.005)

    task = asyncio.create_task(tick())
    history = await lab.aread(sample.payloads["payload"].tolist())
    task.cancel()
    assert len(history) == 2_000
    assert ticks > 3
