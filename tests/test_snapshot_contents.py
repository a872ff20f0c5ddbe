"""What a snapshot holds: the same history, raw payloads, and files that other programs read."""

import json
import os
import stat
from itertools import chain
from pathlib import Path
from uuid import uuid4

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pytest
import redis
from histories import same, sample
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from pyarrow.parquet import ParquetFile

import mastermind_lab as lab
from mastermind_lab import snapshot
from mastermind_lab.decode import Batch
from mastermind_lab.envelope import DEFAULT_STREAM_NAME as STREAM
from mastermind_lab.frames import FRAMES, concat
from mastermind_lab.snapshot.encoding import encoded
from mastermind_lab.snapshot.parts import decoded
from mastermind_lab.stream import publish_payloads

DAY = 86_400_000
BEGAN = 1795392000000  # 2026-11-23


text = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
number = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
leaf = st.none() | st.booleans() | number | text | st.lists(number | text, max_size=2)
tree = st.recursive(leaf, lambda inner: st.dictionaries(text, inner, max_size=3), max_leaves=6)
meta = st.dictionaries(text | st.sampled_from("ab"), tree, max_size=4)
extras = st.fixed_dictionaries({}, optional={"latency": number | text, "tags": st.lists(text, max_size=2)})
vote = st.builds(lambda extra, choice: {"voter": "a", "choice": choice} | extra, extras, text)
decision = st.builds(
    lambda extra, votes: {"recommendation": "ship", "confidence": 0.5, "votes": votes} | extra,
    extras,
    st.lists(vote, max_size=2),
)
envelopes = st.builds(lambda d, m: json.dumps({"decision": d, "meta": m}).encode(), decision, meta)
entries = st.lists(envelopes | st.binary(max_size=6), max_size=6)


@pytest.mark.filterwarnings("ignore::mastermind_lab.errors.NothingDecodedWarning")
@given(st.lists(entries, max_size=3))
@settings(max_examples=20, deadline=None, phases=[Phase.generate])
@pytest.mark.further
def test_any_history_comes_back_the_same(batches):
    """Open columns that only some ranges have too: every batch is a range of a day of its own."""
    folder = f"memory://{uuid4().hex}"
    history = lab.read(list(chain(*batches)), payloads=True)
    history.save(f"{folder}/whole")
    same(lab.read(f"{folder}/whole", payloads=True), history)
    days = [
        at_day(lab.read(batch, payloads=True).tables(), day) for day, batch in enumerate(batches) if batch
    ]
    for rows in days:
        snapshot.commit(f"{folder}/parts", rows, {})
    if days:
        found = snapshot.tables_of(snapshot.ranges(f"{folder}/parts"), [*FRAMES, "payloads"])
        for frame, table in concat(days).items():
            assert found[frame].equals(table, check_metadata=True), frame


def at_day(parts, day):
    """Give numbered lines the ids of a day, as if they were a stream's."""
    moved = {}
    for name, table in parts.items():
        ids = [f"{BEGAN + day * DAY}-{one.partition('-')[2]}" for one in table["stream_id"].to_pylist()]
        moved[name] = table.set_column(0, table.schema.field(0), pa.array(ids, pa.large_string()))
    return moved


@pytest.fixture(scope="module")
def history():
    return lab.read([*sample(50, payloads=True).payloads["payload"], b"broken"], payloads=True)


@pytest.fixture(scope="module")
def two_days(tmp_path_factory):
    """A history in parts of two days, the second without most columns."""
    days = [sample(60), lab.read([b'{"decision": {"recommendation": "x", "confidence": 1}}'] * 3)]
    both = concat([at_day(one.tables(), day) for day, one in enumerate(days)])
    folder = tmp_path_factory.mktemp("two days") / "snap"
    lab.History(both, days[0].account).save(folder)
    return lab.read(folder), folder


class TestPayloads:
    @pytest.mark.further
    def test_are_read_when_asked_for(self, history, tmp_path):
        folder = history.save(tmp_path / "snap")
        assert lab.read(folder).payloads is None
        same(lab.read(folder, payloads=True), history)

    def test_are_left_out_when_asked(self, history, tmp_path):
        folder = history.save(tmp_path / "snap", payloads=False)
        assert not (folder / "payloads").exists()
        same(lab.read(folder), history)

    def test_are_for_the_owner_alone(self, history, tmp_path):
        os.umask(before := os.umask(0o022))
        folder = history.save(tmp_path / "snap")
        paths = [*folder.rglob("*.parquet")]
        assert {path.parts[-3] for path in paths} >= {"payloads", "rejects", "decisions", "votes"}
        for path in paths:
            private = path.parts[-3] in ("payloads", "rejects")
            assert stat.S_IMODE(path.stat().st_mode) == (0o600 if private else 0o666 & ~before), path

    def test_are_decoded_again(self, history, tmp_path):
        folder = history.save(tmp_path / "snap")
        same(lab.redecode(folder), history)

    def test_are_decoded_again_where_rejects_came_between(self, tmp_path):
        valid = json.dumps({"decision": {"recommendation": "ship", "confidence": 0.5}})
        history = lab.read([valid, "broken", valid, b"\xff", valid], payloads=True)
        folder = history.save(tmp_path / "snap")
        same(lab.redecode(folder), history)

    def test_a_stream_decoded_again_keeps_its_times(self, redis_url, tmp_path):
        with redis.Redis.from_url(redis_url) as raw:
            raw.xadd(STREAM, {"other": "field"}, "5-0")
            raw.xadd(
                STREAM,
                {"data": '{"decision": {"recommendation": "ship", "confidence": 1}}'},
                "7-0",
            )
        history = lab.read(redis_url, payloads=True)
        same(lab.redecode(history.save(tmp_path / "snap")), history)

    def test_a_decoder_that_learned_something_reaches_old_rejects(self, history, tmp_path, monkeypatch):
        folder = history.save(tmp_path / "snap")
        add, valid = Batch.add, b'{"decision": {"recommendation": "mended", "confidence": 0.5}}'
        monkeypatch.setattr(
            Batch, "add", lambda batch, id, data: add(batch, id, valid if data == b"broken" else data)
        )
        again = lab.redecode(folder)
        assert again.decisions["recommendation"].iloc[-1] == "mended"
        assert len(again.rejects) == 0

    def test_extra_columns_are_filled_from_them(self, history, tmp_path):
        column = lab.Column("first_voter", lambda envelope: envelope.decision.votes[0].voter)
        folder = history.save(tmp_path / "snap")
        found = lab.read(folder, columns=[column])
        assert (
            found.decisions["first_voter"].tolist()
            == history.votes.groupby("stream_id", sort=False)["voter"].first().tolist()
        )
        assert found.payloads is None
        cut = lab.read(folder, columns=[column], last=3)
        assert cut.decisions["first_voter"].tolist() == found.decisions["first_voter"].tolist()[-2:]


@pytest.mark.further
def test_from_a_stream_to_a_snapshot_to_ndjson_to_a_stream(redis_url, tmp_path):
    sent = [*sample(200, payloads=True).payloads["payload"]]
    sent += [b'{"decision":\n {"recommendation": "\\u00fc\\u0000", "confidence": 1e-7}, "new": [1, 2.0, {}]}']
    list(publish_payloads(redis_url, STREAM, sent))
    folder = lab.read(redis_url, payloads=True).save(tmp_path / "snap")
    path = lab.read(folder, payloads=True).to_ndjson(tmp_path / "again.ndjson.zst")
    list(publish_payloads(redis_url, "again", lab.read(path, payloads=True).payloads["payload"]))
    with redis.Redis.from_url(redis_url) as raw:
        arrived = [fields[b"data"] for _, fields in raw.xrange("again")]
    assert [json.loads(one) for one in arrived] == [json.loads(one) for one in sent]


class TestOtherPrograms:
    """They read the files directly, with their types and the day as a column."""

    def test_pandas(self, two_days):
        kept, folder = two_days
        first, _ = sorted((folder / "votes").rglob("*.parquet"))
        found = pd.read_parquet(first, partitioning=None)
        pd.testing.assert_frame_equal(found, kept.votes)
        whole = pd.read_parquet(folder / "decisions")
        assert whole["confidence"].tolist() == kept.decisions["confidence"].tolist()
        assert whole["date"].astype(str).unique().tolist() == ["2026-11-23", "2026-11-24"]

    def test_duckdb(self, two_days):
        kept, folder = two_days
        query = f"""
            select date, count(*), sum(confidence) from read_parquet('{folder}/decisions/*/*.parquet',
            hive_partitioning=true, union_by_name=true) group by date order by date"""
        (_, few, _), (_, rest, total) = duckdb.sql(query).fetchall()
        assert (few, rest, total) == (60, 3, 3.0)
        joined = duckdb.sql(
            f"""select count(*) from '{folder}/votes/*/*.parquet' join
            '{folder}/decisions/*/*.parquet' using (stream_id)"""
        ).fetchall()
        assert joined == [(len(kept.votes),)]

    def test_polars(self, two_days):
        kept, folder = two_days
        found = pl.scan_parquet(folder / "votes", hive_partitioning=True).collect()
        assert found["choice"].to_list() == kept.votes["choice"].tolist()
        paths = sorted((folder / "decisions").rglob("*.parquet"))
        decisions = pl.concat([pl.read_parquet(path) for path in paths], how="diagonal_relaxed")
        assert decisions["published_at"].to_list()[:60] == kept.decisions["published_at"].tolist()[:60]

    def test_arrow(self, two_days):
        kept, folder = two_days
        found = ds.dataset(folder / "decisions", partitioning="hive").to_table(
            filter=ds.field("date") == "2026-11-24"
        )
        assert found.num_rows == 3
        assert found["stream_id"].to_pylist() == kept.decisions["stream_id"].tolist()[-3:]


@pytest.mark.parametrize("name", ["format-1", "format-2", "format-3"])
def test_older_formats_are_still_read(name):
    history = lab.read(Path(__file__).parent / "snapshots" / name, payloads=True)
    assert history.decisions["meta.a"].tolist() == ["1", "x"]
    assert history.mixed_columns == {"meta.a"}
    assert history.rejects["payload"].tolist() == [b"broken"]
    assert len(history.payloads) == 2
    assert history.coverage["entries"].tolist() == [3]


def test_texts_whose_dictionary_grows_large():
    """They repeat at first; later each is new, and yet one group has one encoding."""
    texts = ["the same"] * 2_000 + [
        None,
        "",
        *(f"text {n} of its own, and {'rather ' * 24}long" for n in range(14_000)),
    ]
    table = pa.table({"title": pa.array(texts, pa.large_string()), "node": range(len(texts))})
    content = encoded(table, {})
    found = ParquetFile(pa.BufferReader(content)).metadata.row_group(0).column(0)
    assert "RLE_DICTIONARY" in found.encodings
    assert found.total_uncompressed_size > 2 * 2**20  # Parquet's own limit for a dictionary is 1 MB
    assert decoded(content).equals(table)
