"""Columns of texts with other values among them: no odd value respells the rest, and nothing is lost."""

import json
import math
from itertools import pairwise

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from envelopes import envelope
from telling import telling

import mastermind_lab as lab
from mastermind_lab import snapshot
from mastermind_lab.decode import MOST_OPEN, Batch
from mastermind_lab.frames import SchemaUnion, concat, tables
from mastermind_lab.frames.open_columns import IS_TEXT, JSON

INF, NAN = float("inf"), float("nan")
TEXTS = [
    "c1", "7", "-0.0", "true", "null", "[1]", '"q"', '"', "1.5", "NaN", "Infinity", "", "1e400", " 7", "7 ",
    "{}", "007", "[" * 2_000, "9" * 5_000, "18446744073709551616",
]  # fmt: skip
ODD = {
    "whole": 7, "negative": -7, "true": True, "false": False, "fraction": 0.1, "zero": -0.0,
    "2^53": 2**53 + 1, "2^63": 2**63, "2^64": 2**64, "2^70": 2**70 + 1, "digits": 10**4_000 + 1,
    "large": 1e300, "infinity": INF, "-infinity": -INF, "nan": NAN, "list": [1, "x", None, NAN], "empty": [],
    "nothing": {}, "text": "c2",
}  # fmt: skip
SPELLED = {
    "zero": "-0.0",
    "2^64": "18446744073709551616",
    "large": "1e+300",
    "infinity": "Infinity",
    "nan": "NaN",
}
PAYLOADS = [envelope(meta=dict.fromkeys(ODD, text)) for text in TEXTS] + [envelope(meta=ODD)]
IDS = [f"{1_790_000_000_000 + number * 86_400_000}-0" for number in range(len(PAYLOADS))]


def tables_of(some):
    """The tables of some of the entries, as a page of a stream gives them."""
    batch = Batch()
    for stream_id, payload in [*zip(IDS, PAYLOADS, strict=True)][some]:
        batch.add(stream_id, payload)
    return tables(batch)


def one_batch(_):
    return lab.History(tables_of(slice(None)))


def batches(_):
    return lab.History(concat([tables_of(slice(3)), tables_of(slice(3, -1)), tables_of(slice(-1, None))]))


def added(_):
    parts = [lab.History(tables_of(slice(*ends))) for ends in pairwise([0, 5, 20, 21])]
    return parts[2] + (parts[0] + parts[1])


def files(folder):
    """A file for each payload: the odd values are read in a batch of their own."""
    for number, payload in enumerate(PAYLOADS):
        (folder / f"{number:02}.ndjson").write_text(payload + "\n")
    return lab.read(folder)


def saved(folder):
    return lab.read(one_batch(folder).save(folder / "s"))


def ranges(folder):
    for ends in pairwise([0, 5, 20, 21]):
        snapshot.commit(folder / "s", tables_of(slice(*ends)), {})
    return lab.read(folder / "s")


def compacted(folder):
    ranges(folder)
    lab.compact(folder / "s")
    return lab.read(folder / "s")


def older(folder):
    """As the versions wrote it that quoted the texts of a mixed column."""
    parts = tables_of(slice(None))
    names = [f"meta.{name}" for name in ODD if name != "text"]
    decisions = parts["decisions"]
    for name in names:
        values = [*TEXTS, ODD[name.removeprefix("meta.")]]
        quoted = [json.dumps(value, ensure_ascii=False) for value in values]
        place = decisions.column_names.index(name)
        field = pa.field(name, pa.large_string(), metadata=JSON)
        decisions = decisions.set_column(place, field, pa.array(quoted, pa.large_string()))
        decisions = decisions.drop_columns([one for one in [name + IS_TEXT] if one in decisions.column_names])
    snapshot.commit(folder / "s", parts | {"decisions": decisions}, {})
    return lab.read(folder / "s")


def live(_):
    follower = lab.Follower("redis://localhost:1")
    for entry in zip(IDS, PAYLOADS, strict=True):
        follower.feed([entry])
    return follower.history()


def looked_at(_):
    history = one_batch(_)
    assert len(history.decisions) == len(PAYLOADS)
    return history


def rearranged(_):
    """Its frame was sorted, and has a column more."""
    history = one_batch(_)
    frame = history.decisions.sample(frac=1, random_state=1)
    return lab.History(history.with_frames(decisions=frame.assign(mine=1)).tables())


def written(folder):
    return lab.read(one_batch(folder).to_ndjson(folder / "x.ndjson"))


def kept_payloads(folder):
    (folder / "x.ndjson").write_text("\n".join(PAYLOADS))
    history = lab.read(folder / "x.ndjson", payloads=True)
    assert len(history.decisions) == len(PAYLOADS)
    history.save(folder / "s")
    return lab.redecode(folder / "s")


WAYS = [
    one_batch, batches, added, files, saved, ranges, compacted, older, live, looked_at, rearranged, written,
    kept_payloads,
]  # fmt: skip


@pytest.fixture(scope="module", params=WAYS, ids=lambda way: way.__name__)
def history(request, tmp_path_factory):
    return request.param(tmp_path_factory.mktemp(request.param.__name__))


def spelled(values):
    """Values that can be compared, NaN and the sign of zero included; equal numbers are alike."""
    return [
        str(float(one)) if type(one) in (int, float) and abs(one) < 1e308 else repr(one) for one in values
    ]


class TestEveryWay:
    def test_a_text_stays_as_it_is_and_the_odd_value_is_json(self, history):
        for name, value in ODD.items():
            column = history.decisions[f"meta.{name}"]
            assert column.dtype == "str"
            assert column.tolist()[:-1] == TEXTS, name
            shown = value if name == "text" else SPELLED.get(name, json.dumps(value, separators=(",", ":")))
            assert column.iloc[-1] == shown

    def test_nothing_is_lost(self, history):
        metas = [found.meta for _, found in history.envelopes()]
        for name, value in ODD.items():
            assert spelled(meta[name] for meta in metas) == spelled([*TEXTS, value]), name

    @pytest.mark.once
    def test_the_history_names_the_mixed_columns(self, history):
        expected = {f"meta.{name}" for name in ODD if name != "text"}
        assert history.mixed_columns == expected
        assert history.json_columns == frozenset()
        table = lab.dictionary(history).query("frame == 'decisions'").set_index("column")
        assert table.loc["meta.whole", "meaning"] == "as it came; mixed: what is no text, as JSON"
        assert table.loc["meta.text", "meaning"] == "as it came"
        assert set(table.index) == set(history.decisions) == {*history.columns("decisions")}
        assert "<th>mixed columns</th><td>meta.-infinity, meta.2^53" in history._repr_html_()


def mixed(*values, **options):
    return lab.read([envelope(meta={"case": value}) for value in values], **options)


class TestWhatItIsFor:
    def test_selecting_joining_and_grouping(self):
        few, more = mixed("c0", "c1", "c1"), mixed("c0", "c1", "c1", 7)
        for history in (few, more):
            assert (history.decisions["meta.case"] == "c1").sum() == 2
            assert len(history.where("`meta.case` == 'c1'")) == 2
            assert history.decisions.groupby("meta.case").size()["c1"] == 2
            known = pd.DataFrame({"meta.case": ["c0", "c1"], "correct_choice": "ship"})
            joined = lab.with_outcomes(history, known, on="meta.case")
            assert joined.decisions["correct_choice"].notna().sum() == 3
            counted = lab.stats.Confidence.of(history, by="meta.case").table().set_index("meta.case")
            assert counted.loc["c1", "n"] == 2

    @pytest.mark.once
    @pytest.mark.further
    def test_a_scan_whose_batches_hold_one_kind_each(self, tmp_path):
        for name, values in {"a": ["c1", "7"], "b": [7, 8], "c": ["c1", True]}.items():
            lines = [envelope(meta={"case": value}) for value in values]
            (tmp_path / f"{name}.ndjson").write_text("\n".join(lines))
        scan, history = lab.scan(tmp_path), lab.read(tmp_path)
        known = pd.DataFrame({"meta.case": ["c1", "7"], "correct_choice": "ship"})
        for summary, options in ((lab.stats.Confidence, {"by": "meta.case"}), (lab.stats.Calibration, {})):
            found, expected = (
                summary.of(lab.with_outcomes(one, known, on="meta.case"), **options).table()
                for one in (scan, history)
            )
            pd.testing.assert_frame_equal(found, expected)
        assert sum(len(batch) for batch in scan.where("`meta.case` == 'c1'")) == 2

    def test_a_scan_of_texts_and_mixed_texts_reads_once(self, tmp_path, monkeypatch):
        from mastermind_lab.history.sources import files as source

        for name, values in {"a": ["c1", "7"], "b": ["c1", 8]}.items():
            lines = [envelope(meta={"case": value}) for value in values]
            (tmp_path / f"{name}.ndjson").write_text("\n".join(lines))
        read, batches = [], source.Lines.batches
        monkeypatch.setattr(source, "_SMALL_BYTES", 0)  # a partition each
        monkeypatch.setattr(source.Lines, "batches", lambda one: read.extend(one.files) or batches(one))
        lab.stats.Confidence.of(lab.scan(tmp_path), by="meta.case")
        assert read == [0, 1]

    def test_a_batch_of_numbers_that_is_told_of_texts(self):
        texts, numbers = mixed("c1").tables(), mixed(7).tables()
        told = lab.History((SchemaUnion.of(texts) + SchemaUnion.of(numbers)).fit(numbers))
        assert told.mixed_columns == {"meta.case"}
        assert told.decisions["meta.case"].tolist() == ["7"]

    def test_live(self):
        follower = lab.Follower("redis://localhost:1")
        follower.summary(lab.stats.Confidence, by="meta.case")
        for stream_id, case in zip(IDS, [1, "c1", True, "7", "c1"], strict=False):
            follower.feed([(stream_id, envelope(meta={"case": case}))])
        assert follower.latest("decisions", 4)["meta.case"].tolist() == ["c1", "true", "7", "c1"]
        found = follower.summary(lab.stats.Confidence, by="meta.case").table()
        assert dict(zip(found["meta.case"], found["n"], strict=True)) == {"1": 1, "7": 1, "c1": 2, "true": 1}

    def test_a_column_of_ones_own_by_path_is_spelled_alike(self):
        history = mixed("c1", "7", 7, 1.0, [1.0], True, columns=[lab.Column("case", "meta.case")])
        assert history.decisions["case"].tolist() == history.decisions["meta.case"].tolist()

    def test_children(self):
        votes = [{"voter": "a", "choice": "x", "seat": seat} for seat in ("north", "7", 7)]
        nodes = {"claim": "c", "tone": "dry", "children": [{"claim": "d", "tone": 3}]}
        history = lab.read([envelope({"votes": votes, "argument_tree": nodes})])
        assert history.votes["vote.seat"].tolist() == ["north", "7", "7"]
        assert history.arguments["argument.tone"].tolist() == ["dry", "3"]
        assert history.mixed_columns == {"vote.seat", "argument.tone"}
        [(_, found)] = history.with_frames(votes=history.votes.iloc[::-1]).envelopes()
        assert [vote.seat for vote in found.decision.votes] == ["north", "7", 7]
        assert found.decision.argument_tree.children[0].tone == 3

    @pytest.mark.parametrize(
        ("values", "shown"),
        [([True, 1], ["true", "1"]), ([[1], ["a"]], ["[1]", '["a"]']), ([[1], 2], ["[1]", "2"])],
    )
    def test_without_a_text_it_is_json_text(self, values, shown):
        history = mixed(*values)
        assert history.decisions["meta.case"].tolist() == shown
        assert (history.json_columns, history.mixed_columns) == ({"meta.case"}, frozenset())

    def test_an_object_among_texts_has_columns_of_its_own(self):
        history = mixed("c1", {"x": 1}, None)
        assert history.mixed_columns == frozenset()
        assert history.decisions["meta.case.x"].tolist()[1] == 1


class TestChangedFrames:
    def test_what_was_not_changed_is_what_it_was(self):
        history = mixed("7", 7, "c1", "true", True)
        history.decisions.loc[2, "meta.case"] = "[1]"
        history = history.with_frames(decisions=history.decisions.drop(index=3))
        assert [found.meta["case"] for _, found in history.envelopes()] == ["7", 7, "[1]", True]

    def test_a_column_made_anew_is_not_mixed(self):
        history = mixed("7", 7)
        history.decisions["meta.case"] = [1, 2]
        assert [found.meta["case"] for _, found in history.envelopes()] == [1, 2]
        table = lab.dictionary(history).set_index("column")
        assert table.loc["meta.case", "meaning"] == "as it came"

    def test_a_column_named_like_marks_is_its_users(self, tmp_path):
        history = mixed("c1")
        history.decisions["mine" + IS_TEXT] = True
        assert lab.read(history.save(tmp_path / "s")).decisions["mine" + IS_TEXT].tolist() == [True]

    def test_a_column_of_ones_own_in_two_histories(self):
        one, other = mixed("a"), mixed("b")
        one.decisions["mine"], other.decisions["mine"] = ["7"], [7]
        both = one + other
        assert both.decisions["mine"].tolist() == ["7", "7"]
        assert [found.decision.mine for _, found in both.envelopes()] == ["7", 7]

    def test_payloads_are_still_those_that_came(self):
        history = mixed("7", 7, NAN, payloads=True)
        assert len(history.decisions) == 3
        assert [text for _, text in history.encoded()] == history.payloads["payload"].tolist()


class TestParquet:
    def test_others_read_the_plain_texts(self, tmp_path):
        folder = mixed("c1", "7", 7, '"q"').save(tmp_path / "s")
        [part] = (folder / "decisions").rglob("*.parquet")
        table = pq.ParquetFile(part).read()
        assert table["meta.case"].to_pylist() == ["c1", "7", "7", '"q"']
        assert "meta.case" + IS_TEXT not in table.column_names
        assert pd.read_parquet(part)["meta.case"].tolist() == ["c1", "7", "7", '"q"']

    def test_no_column_beside_where_no_text_reads_as_json(self, tmp_path):
        folder = mixed("c1", 7, '"q"', None, "null", "007").save(tmp_path / "s")
        [part] = (folder / "decisions").rglob("*.parquet")
        assert not [name for name in pq.ParquetFile(part).schema_arrow.names if name.endswith(IS_TEXT)]
        assert [one.meta.get("case") for _, one in lab.read(folder).envelopes()] == [
            "c1", 7, '"q"', None, "null", "007",
        ]  # fmt: skip

    def test_cuts_of_a_snapshot(self, tmp_path):
        folder = mixed("7", 7, "c1", 8, "8").save(tmp_path / "s")
        for history in (lab.read(folder, last=3), lab.read(folder).where("`meta.case` != '7'")):
            assert history.columns("decisions")[-1] == "meta.case"  # before the frame is made
            assert [one.meta["case"] for _, one in history.envelopes()] == ["c1", 8, "8"]


class TestNotFinite:
    PAYLOAD = envelope({"x": NAN}, meta={"a": NAN, "b": INF, "c": -INF, "d": [NAN, INF], "e": {"f": NAN}})

    @pytest.mark.parametrize("look", [False, True])
    @pytest.mark.parametrize("way", ["as it is", "saved", "ndjson", "added", "children"])
    def test_survives(self, way, look, tmp_path):
        lines = [self.PAYLOAD, envelope(meta={"a": 1.5, "b": 2})]
        history = lab.read(lines)
        if look:
            assert history.decisions["meta.a"].isna().tolist() == [True, False]
        if way == "saved":
            history = lab.read(history.save(tmp_path / "s"))
        elif way == "ndjson":
            history = lab.read(history.to_ndjson(tmp_path / "x.ndjson"))
        elif way == "added":
            history += lab.read(lines)
        (_, first), (_, second), *_ = history.envelopes()
        assert repr(first.meta) == repr(json.loads(self.PAYLOAD)["meta"])
        assert math.isnan(first.decision.x)
        assert second.meta == {"a": 1.5, "b": 2}
        assert [type(one) for one in second.meta.values()] == [float, float]

    def test_a_number_too_large_is_what_the_models_read(self):
        history = lab.read([envelope(meta={"a": 0}).replace('"a": 0', '"a": 1e400')])
        assert history.decisions["meta.a"].tolist() == [INF]
        assert next(history.envelopes())[1].meta == {"a": INF}


KEYS = [
    "*", "", ".", "..", "a.b", '"', '""', "meta.*", "meta", "decision", "stream_id", "confidence", "n_votes",
    "a\nb", "\r", "a\x00b", "`", "\\", "is_text", "..is_text", " ", "\u2028", "é", "*.*",
]  # fmt: skip


@pytest.mark.parametrize("room", telling([MOST_OPEN, 3], "3"))
@pytest.mark.parametrize(
    "value", [1, "x", "7", [], {}, ["*"], {"*": {}}, {"": {"": 2}}, {"*": 1, "is_text": True}]
)
def test_awkward_keys_are_read_back_exactly(value, room, monkeypatch, tmp_path):
    monkeypatch.setattr("mastermind_lab.decode.open_columns.MOST_OPEN", room)
    meta, extra = dict.fromkeys(KEYS, value), {f"x{key}": value for key in KEYS} | {"*": value, "": value}
    history = lab.read([envelope(extra, meta=meta), envelope(extra, meta=dict.fromkeys(KEYS, 7))])
    for found in (
        history,
        lab.read(history.save(tmp_path / "s")),
        lab.read(history.to_ndjson(tmp_path / "x.ndjson")),
    ):
        (_, first), (_, second) = found.envelopes()
        assert first.meta == meta
        assert second.meta == dict.fromkeys(KEYS, 7)
        assert first.decision.model_extra == extra
        assert found.decisions["confidence"].tolist() == [0.5, 0.5]
        assert found.decisions["stream_id"].is_unique


class TestBeyondTheLimit:
    """Keys for which there was no room: ids that came first as keys have taken it."""

    MANY = tuple(envelope(meta={"ids": {f"{row}-{n}": n for n in range(3)}}) for row in range(3))
    LATE = tuple(envelope(meta={"model": model, "usage": {"cost.usd": 0.5}}) for model in ("m", "7", "m"))

    @pytest.fixture(autouse=True)
    def room(self, monkeypatch):
        monkeypatch.setattr("mastermind_lab.decode.open_columns.MOST_OPEN", 9)

    def test_a_key_can_still_be_asked_for(self):
        columns = [lab.Column("model", "meta.model"), lab.Column("cost", 'meta.usage."cost.usd"', "float64")]
        history = lab.read([*self.MANY, *self.LATE], columns=columns)
        assert "meta.model" not in history.decisions
        assert history.decisions["model"].dropna().tolist() == ["m", "7", "m"]
        assert history.decisions["cost"].sum() == 1.5
        assert lab.stats.Confidence.of(history, by="model").table()["n"].tolist() == [1, 2, 3]

    @pytest.mark.parametrize(
        "ask",
        [
            lambda data: lab.stats.Confidence.of(data, by="meta.model"),
            lambda data: lab.stats.Votes.of(data, by="meta.model"),
            lambda data: lab.charts.confidence(data, by="meta.model"),
            lambda data: lab.stats.Confidence.of(data.where("`meta.model` == 'm'")),
            lambda data: lab.with_outcomes(
                data, pd.DataFrame({"meta.model": ["m"], "correct_choice": "x"}), on="meta.model"
            ),
        ],
    )  # fmt: skip
    def test_the_error_says_how_where_one_was_meant_that_is_not_there(self, ask):
        history = lab.read([*self.MANY, self.LATE[0].replace("model", "modle")])
        with pytest.raises(lab.OptionError, match=r"columns=\[Column\('model', 'meta\.model'\)\]"):
            ask(history)

    def test_a_key_of_votes_can_be_taken_out_of_what_they_share(self):
        votes = [{"voter": str(n), "choice": "x", f"k{n}" if n < 9 else "late": n} for n in range(12)]
        history = lab.read([envelope({"votes": votes}), envelope({"votes": votes[-1:]})])
        assert "vote.late" not in history.votes
        with pytest.raises(
            lab.OptionError, match=r"share 'vote\.\*', as JSON; if .* out of there: "
        ) as refused:
            lab.stats.Votes.of(history, by="vote.late")
        told = str(refused.value).partition("out of there: ")[2].partition(". ")[0]
        exec(told, {"json": json, "history": history})  # what the error says to write
        found = lab.stats.Votes.of(history, by="vote.late").table()
        assert found["n"].tolist() == [1, 1, 2, 9]

    def test_a_history_looks_for_it_as_a_scan_does(self, tmp_path):
        (tmp_path / "a.ndjson").write_text("\n".join([*self.MANY, *self.LATE]))
        history, scan = lab.read(tmp_path), lab.scan(tmp_path)
        found, scanned = (lab.stats.Confidence.of(data, by="meta.model").table() for data in (history, scan))
        pd.testing.assert_frame_equal(found, scanned)
        assert found["n"].tolist() == [1, 2, 3]
        assert len(history.where("`meta.model` == 'm'")) == 2
        outcomes = pd.DataFrame({"meta.model": ["m"], "correct_choice": "x"})
        assert lab.with_outcomes(history, outcomes, on="meta.model").decisions["correct_choice"].count() == 2
        lab.charts.confidence(history, by="meta.model")
        assert "meta.model" not in history.decisions

    def test_a_scan_looks_for_it(self, tmp_path):
        (tmp_path / "a.ndjson").write_text("\n".join([*self.MANY, *self.LATE]))
        scan = lab.scan(tmp_path)
        assert lab.stats.Confidence.of(scan, by="meta.model").table()["n"].tolist() == [1, 2, 3]
        assert sum(len(batch) for batch in scan.where("`meta.model` == 'm'")) == 2
        with pytest.raises(lab.OptionError, match=r"no column 'meta\.modle'"):
            lab.stats.Confidence.of(scan, by="meta.modle")

    def test_what_came_in_another_batch_is_in_the_column(self, tmp_path):
        """One file had no room for a key that another had room for."""
        (tmp_path / "a.ndjson").write_text("\n".join([*self.MANY, *self.LATE]))
        (tmp_path / "b.ndjson").write_text("\n".join(self.LATE))
        one, other = (lab.read(tmp_path / f"{name}.ndjson") for name in "ab")
        for history in (one + other, lab.read([tmp_path / "a.ndjson", tmp_path / "b.ndjson"])):
            assert history.decisions["meta.model"].dropna().tolist() == ["m", "7", "m"] * 2
            metas = [found.meta for _, found in history.envelopes()]
            assert metas == [json.loads(payload)["meta"] for payload in [*self.MANY, *self.LATE * 2]]
        scan = lab.scan(tmp_path)
        found, expected = (lab.stats.Confidence.of(data, by="meta.model").table() for data in (scan, history))
        pd.testing.assert_frame_equal(found, expected)
        assert sum(len(batch) for batch in scan.where("`meta.model` == 'm'")) == 4
