"""Pictures as files: provenance, and the page of one decision."""

import gzip
import json
import re

import numpy as np
import pandas as pd
import pytest
from histories import sample
from matplotlib import pyplot
from matplotlib.figure import Figure
from PIL import Image
from telling import telling

import mastermind_lab as lab
from mastermind_lab.charts.argument_tree import MOST, argument_tree
from mastermind_lab.charts.decision import decision
from mastermind_lab.charts.export import FastRenderer, save
from mastermind_lab.charts.overview import overview
from mastermind_lab.history import sample_folder

pytestmark = pytest.mark.once

HOSTILE = "$\\foo$ \x00\u202e<script>" + "x" * 200_000


@pytest.fixture(scope="module")
def history():
    return sample(300)


def page(history, stream_id):
    return decision(history, stream_id, figure=Figure(figsize=(6.5, 8), layout="constrained"))


def tree(data, stream_id, **kw):
    return argument_tree(data, stream_id, ax=Figure(figsize=(6.5, 8)).add_subplot(), **kw)


def texts(ax):
    return [one.get_text() for one in ax.texts]


class TestRedrawn:
    @pytest.mark.thorough
    @pytest.mark.parametrize(
        ("chart", "kind"),
        telling(
            {"votes": ("votes", "Votes"), "over time": ("confidence_over_time", "ConfidenceOverTime")},
            "votes",
        ),
    )
    def test_what_was_laid_out_for_nothing_is_laid_out_anew(self, history, chart, kind):
        nothing, much = (getattr(lab.stats, kind).of(one) for one in (lab.read([]), history))
        again, fresh = (FastRenderer(getattr(lab.charts, chart)) for _ in range(2))
        again.png(nothing)
        assert again.png(much) == fresh.png(much)

    @pytest.mark.thorough
    def test_it_keeps_its_place_while_all_fits(self, history):
        summary = lab.stats.Votes.of(history)
        picture = FastRenderer(lab.charts.votes)
        picture.png(summary)
        place = picture._place
        assert picture.png(summary) == picture.png(summary)
        assert picture._place == pytest.approx(place)


class TestSave:
    @pytest.mark.further
    def test_a_png_says_where_it_comes_from(self, history, tmp_path):
        save(tmp_path / "a.png", lab.charts.confidence, history, by="meta.model")
        with Image.open(tmp_path / "a.png") as picture:
            said = picture.info
        assert said["Source"] == "arena.ndjson.gz"  # and not the folders of this machine
        assert said["Description"].startswith("Confidence by model. n = 300 decisions. Dot: mean. ")
        assert (
            "n = 300 decisions; ids 0-1701 to 0-2000; no rejects, 1700 left out, missing not known"
            in (said["Description"])
        )
        assert said["Software"] == f"mastermind_lab {lab.__version__}"

    def test_an_svg_too(self, history, tmp_path):
        save(tmp_path / "a.svg", lab.charts.confidence, history)
        assert "ids 0-1701 to 0-2000" in (tmp_path / "a.svg").read_text()

    @pytest.mark.parametrize("name", ["a.png", "a.svg", "a.pdf"])
    @pytest.mark.further
    def test_of_a_summary(self, history, tmp_path, name):
        save(tmp_path / name, lab.charts.confidence, lab.stats.Confidence.of(history))
        assert (tmp_path / name).stat().st_size > 1_000

    @pytest.mark.further
    def test_text_stays_text(self, history, tmp_path):
        for name in ("a.svg", "a.pdf"):
            save(tmp_path / name, lab.charts.confidence, history)
        assert ">Confidence<" in (tmp_path / "a.svg").read_text()
        written = (tmp_path / "a.pdf").read_bytes()
        assert b"/Type42" not in written or b"/CIDFontType2" in written
        assert b"/Type3" not in written
        assert b"/Subject" in written

    def test_what_was_drawn_before(self, history, tmp_path):
        ax = lab.charts.confidence(history, ax=Figure().subplots())
        save(tmp_path / "a.png", ax)
        with Image.open(tmp_path / "a.png") as picture:
            assert picture.info["Description"] == lab.charts.caption(ax)
            assert "Source" not in picture.info
        with pytest.raises(lab.OptionError, match="takes no by"):
            save(tmp_path / "a.png", ax, by="meta.model")
        ax.remove()
        with pytest.raises(lab.OptionError, match="removed from their figure"):
            save(tmp_path / "a.png", ax)

    def test_an_unknown_ending(self, history, tmp_path):
        with pytest.raises(lab.OptionError, match=r"'docx': take one of .*png"):
            save(tmp_path / "a.docx", lab.charts.confidence, history)

    def test_pyplot_is_left_alone(self, history, tmp_path):
        save(tmp_path / "a.png", lab.charts.votes, history)
        assert pyplot.get_fignums() == []


class TestTree:
    def test_every_node_is_a_row(self, history):
        stream_id = history.arguments["stream_id"].iloc[0]
        nodes = history.arguments[history.arguments["stream_id"] == stream_id]
        ax = tree(history, stream_id)
        marked = np.concatenate([line.get_xydata() for line in ax.lines[1:]])
        marked = marked[np.argsort(-marked[:, 1])]
        assert marked[:, 0].tolist() == nodes["depth"].tolist()
        assert (-marked[:, 1]).tolist() == list(range(len(nodes)))
        assert f"n = {len(nodes)} nodes" in lab.charts.caption(ax)

    def test_pro_and_con_differ_without_colour(self, history):
        stream_id = history.arguments["stream_id"].iloc[0]
        pro, con = tree(history, stream_id).lines[1:3]
        assert pro.get_marker() != con.get_marker()
        assert pro.get_markerfacecolor() != con.get_markerfacecolor()

    def test_a_frame_will_do_and_keywords_reach_the_markers(self, history):
        ax = tree(history.arguments, history.arguments["stream_id"].iloc[0], markersize=9)
        assert ax.lines[1].get_markersize() == 9

    def test_the_rows_of_a_frame_may_be_in_any_order(self, history):
        nodes = history.arguments
        stream_id = nodes["stream_id"].iloc[0]
        expected, turned = tree(nodes, stream_id), tree(nodes.iloc[::-1], stream_id)
        assert texts(turned) == texts(expected)
        assert turned.lines[0].get_ydata().tolist() == pytest.approx(
            expected.lines[0].get_ydata().tolist(), nan_ok=True
        )

    def test_of_what_is_left_of_a_tree_a_node_without_its_parent_has_no_branch(self, history):
        nodes = history.arguments.query("depth > 0")
        stream_id = nodes["stream_id"].iloc[0]
        mine = nodes[nodes["stream_id"] == stream_id]
        branches = tree(nodes, stream_id).lines[0].get_xdata()
        assert len(branches) == 4 * mine["parent"].isin(mine["node"]).sum() < 4 * len(mine)

    def test_a_tree_beyond_the_page_is_cut_and_says_so(self):
        claims = [{"claim": f"c{n}"} for n in range(MOST + 5)]
        payload = {"recommendation": "x", "confidence": 1, "argument_tree": claims}
        made = lab.DecisionEnvelope(decision=lab.Decision.model_validate(payload))
        history = lab.read([made.model_dump_json()])
        ax = tree(history, "0-1")
        assert f"The first {MOST} are drawn" in lab.charts.caption(ax)
        assert len(texts(ax)) == MOST

    def test_no_arguments(self):
        history = lab.read(['{"decision": {"recommendation": "x", "confidence": 1}}'])
        ax = tree(history, "0-1")
        assert texts(ax) == ["no arguments"]
        assert ax.get_title(loc="left").split("\n") == ["Argument tree of 0-1", "no arguments"]

    def test_hostile_claims_are_text(self):
        payload = {
            "recommendation": "x",
            "confidence": 1,
            "argument_tree": {"claim": HOSTILE, "author": HOSTILE},
        }
        made = lab.DecisionEnvelope(decision=lab.Decision.model_validate(payload))
        ax = tree(lab.read([made.model_dump_json()]), "0-1")
        ax.figure.draw_without_rendering()
        assert len(texts(ax)[0]) < 200
        assert "\x00" not in texts(ax)[0]

    @pytest.mark.parametrize("chart", [tree, page])
    def test_an_unknown_decision(self, history, chart):
        with pytest.raises(lab.OptionError, match="there is no decision '7-7'"):
            chart(history, "7-7")


class TestDecision:
    def test_it_says_all(self, history):
        row = history.decisions.iloc[5]
        figure = page(history, row["stream_id"])
        said = " ".join(text for ax in figure.axes for text in texts(ax))
        assert row["recommendation"] in said
        assert f"confidence {row['confidence']:.2f}" in said
        for voter in history.votes.query("stream_id == @row.stream_id")["voter"]:
            assert voter in said

    def test_a_bare_decision(self):
        history = lab.read(['{"decision": {"recommendation": "x", "confidence": 1}}'])
        titles = [ax.get_title(loc="left") for ax in page(history, "0-1").axes]
        assert titles[1:3] == ["no votes", "no sources"]

    @pytest.mark.further
    def test_of_several_rounds_the_last_votes_are_drawn(self):
        debate = {"w": [*"abc"] * 2 + ["d"], "c": ["no", "no", "no", "yes", "yes", "no", "no"]}
        votes = pd.DataFrame({"q": "tram", **debate, "r": [1, 1, 1, 2, 2, 2, 1]})
        read = lab.from_votes(votes, decision="q", voter="w", choice="c", round="r")
        read.votes.loc[[0, 6], "voter"] = None  # nobody's: no other vote takes its place
        figure = page(read, "0-1")
        assert figure.axes[1].get_title(loc="left") == "5 votes"
        listed = [text for text in texts(figure.axes[1]) if text]
        assert listed == ["no", "3 votes", "(no voter)", "c", "(no voter)", "yes", "2 votes", "a", "b"]
        assert "5 votes. 2 votes of earlier rounds not drawn." in lab.charts.caption(figure)
        assert "yes (2 of 5)" in str(read.decision("0-1"))

    def test_hostile_text_draws(self):
        payload = {
            "recommendation": HOSTILE, "confidence": 1, "question": HOSTILE,
            "votes": [{"voter": HOSTILE, "choice": HOSTILE}] * 50, "citations": [{"source": HOSTILE}] * 50,
        }  # fmt: skip
        made = lab.DecisionEnvelope(decision=lab.Decision.model_validate(payload))
        figure = page(lab.read([made.model_dump_json()]), "0-1")
        figure.draw_without_rendering()
        assert figure.axes[1].get_title(loc="left") == "50 votes, 8 shown"  # none with a confidence

    def test_in_a_notebook_it_makes_its_own_figure(self, history):
        figure = decision(history, history.decisions["stream_id"].iloc[0])
        assert pyplot.get_fignums() == [figure.number]
        pyplot.close(figure)

    @pytest.mark.further
    def test_drawing_is_fast(self, history):
        import time

        ids = history.decisions["stream_id"].head(4)
        began = time.process_time()
        for stream_id in ids:
            page(history, stream_id)
        assert (time.process_time() - began) / len(ids) < 1


class TestOverview:
    def subjects(self, history, **options):
        figure = overview(history, figure=Figure(figsize=(10, 13), layout="constrained"), **options)
        figure.draw_without_rendering()
        titles = [ax.get_title(loc="left").split() for ax in figure.axes[:6]]
        return [words[len(titles) > 1] for words in titles]  # behind a letter

    @pytest.mark.further
    def test_six_charts(self, history):
        assert self.subjects(history, by="meta.model") == [
            "Confidence", "Agreement", "Confidence", "Voters", "Margin", "Votes",
        ]  # fmt: skip

    @pytest.mark.thorough
    def test_with_outcomes_it_shows_calibration(self, history):
        known = lab.with_outcomes(history, sample_folder() / "outcomes.csv")
        assert self.subjects(known)[5] == "Reliability"

    def test_of_nothing(self):
        assert self.subjects(lab.read([])) == ["Confidence"]

    @pytest.mark.thorough
    def test_what_the_data_cannot_say_is_left_out(self):
        votes = pd.DataFrame({"q": [1, 1, 2, 2], "v": ["a", "b"] * 2, "c": ["x", "x", "y", "x"]})
        known = lab.from_votes(votes, decision="q", voter="v", choice="c")
        assert self.subjects(known) == ["Agreement", "Voters", "Margin", "Votes"]

    def test_without_a_confidence_of_panels_outcomes_do_not_take_the_place_of_the_votes(self):
        votes = pd.DataFrame({"q": [1, 1, 2, 2], "v": ["a", "b"] * 2, "c": ["x", "x", "y", "x"]})
        truth = pd.DataFrame({"q": [1, 2], "truth": ["x", "y"]})
        read = lab.from_votes(votes, decision="q", voter="v", choice="c")
        known = lab.with_outcomes(read, truth, on="q", correct="truth")
        assert self.subjects(known) == ["Agreement", "Voters", "Margin", "Votes"]

    @pytest.mark.thorough
    @pytest.mark.parametrize(("width", "columns"), [(3.3, 1), (6.5, 2)])
    def test_a_page_and_a_column(self, history, width, columns):
        figure = overview(history, width=width)
        figure.draw_without_rendering()
        wide = [ax.get_position().width for ax in figure.axes[:6]]
        pyplot.close(figure)
        assert figure.get_figwidth() == width
        assert min(wide) * columns >= 0.4
        with pytest.raises(lab.OptionError, match="width is from 2 to 40 inches"):
            overview(history, width=0)


class TestScans:
    """The pages take what every chart takes."""

    SAMPLE = sample_folder() / "arena.ndjson.gz"

    @pytest.mark.thorough
    def test_one_decision_is_found_in_its_batch(self):
        history = lab.read(self.SAMPLE)
        stream_id = history.decisions["stream_id"].iloc[1_500]
        for draw in (page, lambda data, one: tree(data, one).figure):
            expected, found = draw(history, stream_id), draw(lab.scan(self.SAMPLE), stream_id)
            assert list(map(texts, found.axes)) == list(map(texts, expected.axes))

    @pytest.mark.parametrize("chart", [tree, page])
    def test_an_unknown_decision(self, chart):
        with pytest.raises(lab.OptionError, match="there is no decision '7-7'"):
            chart(lab.scan(self.SAMPLE), "7-7")

    @pytest.mark.parametrize("chart", [tree, page])
    def test_an_id_that_decisions_of_two_batches_have_is_refused(self, chart, tmp_path):
        twice = json.dumps({"decision": {"decision_id": "d1", "recommendation": "x", "confidence": 1}})
        between = json.dumps({"decision": {"recommendation": "x" * 1_000_000, "confidence": 1}})
        (tmp_path / "a.ndjson").write_text("\n".join([twice, *[between] * 40, twice]))
        assert len(list(lab.scan(tmp_path))) > 1
        for of in (lab.read(tmp_path), lab.scan(tmp_path)):
            with pytest.raises(lab.OptionError, match="2 decisions have the decision_id 'd1'"):
                chart(of, "d1")

    @pytest.mark.parametrize("chart", [tree, page])
    def test_two_rows_of_one_id_are_two_decisions(self, history, chart):
        read = history.where(history.decisions["stream_id"].tolist()[:3])
        again = read.with_frames(decisions=pd.concat([read.decisions, read.decisions.head(1)]))
        with pytest.raises(
            lab.OptionError, match=r"2 decisions have the stream_id .*: drop all rows but one"
        ):
            chart(again, read.decisions["stream_id"].iloc[0])

    @pytest.mark.thorough
    @pytest.mark.parametrize("outcomes", [True, False])
    def test_the_overview(self, outcomes, tmp_path):
        with gzip.open(self.SAMPLE) as stream:
            lines = stream.readlines()[::50]
        for half in range(2):
            (tmp_path / f"{half}.ndjson").write_bytes(b"".join(lines[half * 20 :][:20]))

        def drawn(source):
            known = lab.with_outcomes(source, sample_folder() / "outcomes.csv") if outcomes else source
            figure = Figure(figsize=(10, 13), layout="constrained")
            overview(known, by="meta.model", figure=figure)
            return [lab.charts.caption(ax) for ax in figure.axes[:6]]

        assert drawn(lab.scan(tmp_path)) == drawn(lab.read(tmp_path))

    @pytest.mark.thorough
    def test_a_page_is_saved(self, tmp_path):
        history = lab.read(self.SAMPLE, last=50)
        save(tmp_path / "a.png", decision, history, stream_id=history.decisions["stream_id"].iloc[0])
        assert "n = 50 decisions" in Image.open(tmp_path / "a.png").text["Description"]


UNSAID = {"question": "q", "worker": [*"ABC"], "answer": ["yes", "no", "unsure"]}


@pytest.mark.parametrize("sure", [None, [0.5, None, 1.0]])
def test_what_nobody_said_is_said_to_be_missing(sure):
    votes = pd.DataFrame(UNSAID | ({"sure": sure} if sure else {}))
    named = {"decision": "question", "voter": "worker", "choice": "answer"}
    history = lab.from_votes(votes, **named, abstain="unsure", confidence="sure" if sure else None)
    figure = page(history, "0-1")
    drawn = [text for ax in figure.axes for text in [*texts(ax), ax.get_title(loc="left")]]
    assert {"(no recommendation)", "(no confidence)", "(no choice)"} <= {*drawn}
    assert not any("nan" in text for text in drawn)
    assert len(figure.axes[0].patches) == 0
    assert len(figure.axes[1].patches) == (2 * 2 if sure else 0)  # a bar and its frame
    assert ("3 votes; bar: confidence (0-1)" if sure else "3 votes") in drawn
    assert drawn.count("not said") == (1 if sure else 0)


@pytest.mark.parametrize(
    "written", ["<p>Is 1 &lt; 2?</p>", "Is <b>1</b> &lt; 2?", "<div class='q'>Is 1 < 2?<br/></div>"]
)
def test_html_that_somebody_wrote_is_drawn_as_what_it_says(written):
    payload = {
        "recommendation": "yes",
        "confidence": 1,
        "question": written,
        "argument_tree": {"claim": written},
    }
    figure = page(lab.read([json.dumps({"decision": payload})]), "0-1")
    assert [text for ax in figure.axes for text in texts(ax)].count("Is 1 < 2?") == 2


def described(path):
    return " ".join(re.findall(r"<dc:description>([^<]*)", path.read_text()))


def test_a_file_tells_of_a_scan_and_of_each_source(tmp_path):
    whole = sample(20)
    for name, ids in (("a", [True] * 19 + [False]), ("b", [False] * 19 + [True])):
        whole.where(pd.Series(ids)).to_ndjson(tmp_path / f"{name}.ndjson")
    lab.charts.save(tmp_path / "scan.svg", lab.charts.votes, lab.scan(tmp_path / "a.ndjson"))
    assert "ids 0-1 to 0-19; 0 left out" in described(tmp_path / "scan.svg")
    both = lab.read([tmp_path / "a.ndjson", tmp_path / "b.ndjson"])
    lab.charts.save(tmp_path / "both.svg", lab.charts.votes, both)
    assert "n = 20 decisions; ids 0-1 to 0-19 of a.ndjson; ids" in described(tmp_path / "both.svg")
    assert "of b.ndjson; no rejects" in described(tmp_path / "both.svg")


@pytest.mark.parametrize(
    ("chart", "name", "options", "said"),
    [
        (lab.charts.votes, "nowhere/x.png", {}, "cannot write .*nowhere/x.png: No such file or directory"),
        (lab.charts.votes, "x.png", {"ax": None}, "leave out ax"),
        (len, "x.png", {}, "len takes neither ax nor figure"),
    ],
)
def test_what_cannot_be_saved_is_said(tmp_path, chart, name, options, said):
    with pytest.raises(lab.errors.LabError, match=said):
        lab.charts.save(tmp_path / name, chart, sample(9), **options)
