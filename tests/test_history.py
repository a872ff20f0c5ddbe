"""History: merging, keeping, and showing itself."""

import json

import pandas as pd
import pytest
from histories import same

import mastermind_lab as lab
from mastermind_lab.frames import FRAMES

VALID = json.dumps({"decision": {"recommendation": "ship", "confidence": 0.5}, "published_at": "2026-11-23"})


@pytest.fixture(scope="module")
def sample():
    return lab.sample(payloads=True)


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

    def test_payloads_stay_where_both_have_them(self):
        kept, bare = lab.read([VALID], payloads=True), lab.read([VALID])
        assert len((kept + kept).payloads) == 2
        assert (kept + bare).payloads is None

    def test_with_something_else(self, sample):
        with pytest.raises(TypeError):
            sample + 1


class TestKeeping:
    def test_ndjson_of_raw_payloads_is_the_same(self, sample, tmp_path):
        again = lab.read(sample.to_ndjson(tmp_path / "a.ndjson.zst"), payloads=True)
        same(again, sample, FRAMES)
        assert again.payloads["payload"].tolist() == sample.payloads["payload"].tolist()

    def test_ndjson_rebuilt_from_the_frames_gives_the_same_frames(self, sample, tmp_path):
        rebuilt = lab.History({name: sample.tables()[name] for name in FRAMES}, sample.account)
        same(lab.read(rebuilt.to_ndjson(tmp_path / "a.ndjson.gz")), sample, FRAMES)

    def test_envelopes(self, sample):
        rebuilt = dict(
            lab.History({name: sample.tables()[name] for name in FRAMES}, sample.account).envelopes()
        )
        for stream_id, envelope in sample.envelopes():
            found = rebuilt[stream_id]
            assert found.decision.recommendation == envelope.decision.recommendation
            assert found.decision.votes == envelope.decision.votes
            assert found.published_at == envelope.published_at

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
