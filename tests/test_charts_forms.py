"""The forms of the charts: what stands on a picture, where it stands, and what is left out and said."""

import json
from itertools import combinations
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot, rc_context
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from panels import arena
from test_charts_change_lines import decisions, words
from test_charts_layout import box, overlap

import mastermind_lab as lab
from mastermind_lab import charts, stats

pytestmark = pytest.mark.once

LONG = "prompts/2026/arbiter-of-the-second-panel-revision-"


def on(width, height):
    return Figure(figsize=(width, height), layout="constrained").subplots()


def laid_out(ax):
    ax.figure.draw_without_rendering()
    return ax


def apart(texts):
    assert not [pair for pair in combinations(texts, 2) if overlap(*map(box, pair))]


# Changes: a strip along time, and a row for each.


@pytest.mark.thorough
@pytest.mark.parametrize("width", [3.3, 6.5])
def test_the_rows_of_many_changes_are_not_printed_over_each_other(width):
    frame = decisions([f"{LONG}{number}" for number in range(29)], each=20)
    with rc_context({"figure.figsize": (width, 3)}):
        ax = laid_out(charts.regimes(frame, watch="meta.version"))
    found = stats.Regimes.of(frame, watch="meta.version").table()["change"].nunique()
    labels = ax.get_yticklabels()
    assert len(labels) == 12
    assert f"{found - 12} earlier changes in the strip alone" in charts.caption(ax)
    apart(labels)
    assert min(label.get_fontsize() for label in labels) >= 6
    assert min(box(label).x0 for label in labels) >= 0
    assert ax.get_window_extent().width > ax.figure.bbox.width / 2
    pyplot.close(ax.figure)


def test_the_strip_is_the_table_of_segments():
    summary = stats.Regimes.of(decisions(["v1", "v2", "v3"]), watch="meta.version")
    segments, table = summary.segments(), summary.table().drop_duplicates("change")
    assert segments["change"].tolist() == [0, 1, 2]
    for side, rows in (("before", segments[:-1]), ("after", segments[1:])):
        assert rows["n"].tolist() == table[side].tolist()
        for end in ("", "_low", "_high"):
            known = table[f"confidence_{side}{end}"].to_numpy()
            assert rows[f"confidence{end}"].to_numpy() == pytest.approx(known)
    assert (segments["last"][:-1].to_numpy() <= segments["first"][1:].to_numpy()).all()
    assert (segments["first"] < segments["last"]).all()
    ax = charts.regimes(summary, ax=on(6.5, 4))
    (strip,) = ax.child_axes
    means, lines = (one for one in strip.collections if isinstance(one, LineCollection))
    assert [line[0, 1] for line in means.get_segments()] == segments["confidence"].tolist()
    assert len(lines.get_segments()) == 2
    assert words(strip) == ["2", "1"]
    moved = [f"{row.confidence_before:.2f} → {row.confidence_after:.2f}" for row in table.itertuples()]
    assert words(ax) == [*moved, "confidence"]
    assert ax.get_legend() is None  # nothing is known of margins


def test_no_time_no_segments():
    assert stats.Regimes.of(lab.read([])).segments().empty


def test_a_value_that_ends_and_gives_way_to_none_is_marked(ax):
    frame = decisions(["v1", "v1"])
    frame.loc[60:, "meta.version"] = pd.NA
    charts.confidence_over_time(frame, regimes=stats.Regimes.of(frame, watch="meta.version"), ax=ax)
    assert words(ax) == ["version: v1 ends"]
    assert "Dotted: a value ends" in charts.caption(ax)
    assert "Dashed" not in charts.caption(ax)


# Groups: named where their lines end, or a panel each.


def grouped(levels, each=60):
    """Groups of decisions at even times whose confidences lie around a level of each."""
    random, n = np.random.default_rng(0), each * len(levels)
    frame = decisions(["v1"], each=n)
    frame["confidence"] = np.clip(np.resize(levels, n) + random.normal(0, 0.02, n), 0, 1)
    frame["meta.group"] = [f"group {place % len(levels)}" for place in range(n)]
    return frame


@pytest.mark.thorough
def test_lines_that_end_apart_are_named_there():
    early = grouped((0.2, 0.8)).iloc[:-40].query("`meta.group` == 'group 1' or index < 40")
    for frame, there in ((grouped((0.2, 0.8)), True), (grouped((0.5, 0.51)), False), (early, False)):
        summary = stats.ConfidenceOverTime.of(frame, by="meta.group")
        ax = charts.confidence_over_time(summary, ax=on(6.5, 4))
        assert (words(ax) == ["group 0\nn = 60", "group 1\nn = 60"]) == there
        assert (ax.get_legend() is None) == there
        laid_out(ax)
        apart(ax.texts)
        ends = [line.get_ydata()[-1] for line in ax.lines[:2]]
        assert [text.xy[1] for text in ax.texts] == (ends if there else [])


def test_groups_that_all_have_a_panel_are_no_others():
    ax = charts.confidence_over_time(grouped([0.3, 0.5, 0.6, 0.8], each=9), by="meta.group", ax=on(9, 6))
    assert len(ax.child_axes) == 4
    assert "other" not in charts.caption(ax)


@pytest.mark.thorough
def test_many_groups_have_panels_that_share_their_scales():
    frame = grouped(np.linspace(0.1, 0.9, 14), each=9)
    ax = laid_out(charts.confidence_over_time(frame, by="meta.group", ax=on(3.3, 4)))
    panels = ax.child_axes
    assert 4 <= len(panels) <= 12
    assert f"{15 - len(panels)} others: the smallest, drawn as one" in charts.caption(ax)
    assert len({panel.get_xlim() for panel in panels}) == len({panel.get_ylim() for panel in panels}) == 1
    titles = [panel._left_title for panel in panels]
    assert titles[0].get_text() == "group 0\nn = 9"
    apart(titles)
    below = [label for panel in panels for label in panel.get_xticklabels() if label.get_visible()]
    assert not [one for title in titles for one in below if one.get_text() and overlap(box(one), box(title))]
    assert min(title.get_fontsize() for title in titles) >= 6
    assert max(box(title).x1 for title in titles) <= ax.figure.bbox.x1


def test_a_group_too_small_for_a_curve_is_left_out_and_said():
    history = arena(200)
    history.decisions["meta.model"] = ["few" if row < 5 else f"m{row % 4}" for row in range(200)]
    ax = charts.risk_coverage(history, by="meta.model", ax=on(6.5, 4))
    assert len(ax.child_axes) == 4
    assert "No line for 1 group: fewer than 10 decisions" in charts.caption(ax)


# Reliability.


def judged(confidence, model="m"):
    """Decisions so sure, every second one right."""
    n = len(confidence)
    known = pd.DataFrame({"stream_id": [f"0-{row + 1}" for row in range(n)], "confidence": confidence})
    known["recommendation"] = "yes"
    known["correct_choice"] = np.where(np.arange(n) % 2, "no", "yes")
    texts = dict.fromkeys(("stream_id", "recommendation", "correct_choice", "meta.model"), "str")
    return known.assign(**{"meta.model": model}).astype(texts)


def test_a_line_does_not_cross_empty_bins(ax):
    summary = stats.Calibration.of(judged(np.repeat([0.15, 0.25, 0.75, 0.85], 20)))
    assert summary.diagram()["bin"].tolist() == [1, 2, 7, 8]
    line = charts.reliability(summary, ax=ax).lines[2]
    assert line.get_xdata() == pytest.approx([0.15, 0.25, np.nan, 0.75, 0.85], nan_ok=True)
    by_quantile = stats.Calibration.of(judged(np.repeat([0.15, 0.85], 40)), binning="quantile")
    assert by_quantile.diagram()["bin"].tolist() == [0, 1]


def test_intervals_at_one_confidence_stand_side_by_side(ax):
    frame = pd.concat([judged(np.full(40, 0.75), name) for name in "abc"], ignore_index=True)
    frame["stream_id"] = [f"0-{row + 1}" for row in range(120)]
    charts.reliability(frame, by="meta.model", ax=ax)
    three = [bars for bars in ax.collections if isinstance(bars, LineCollection)]
    places = [bars.get_transform().transform((0.75, 0.5))[0] for bars in three]
    assert 72 * np.diff(places) / ax.figure.dpi == pytest.approx([2.5, 2.5])
    assert [bars.get_segments()[0][0, 0] for bars in three] == [0.75] * 3


# Agreement.


def votes_of(*pairs):
    rows = [(f"0-{row + 1}", voter, "a") for row, pair in enumerate(pairs) for voter in pair]
    return pd.DataFrame(rows, columns=["stream_id", "voter", "choice"]).astype("str")


def test_the_heatmap_fills_its_axes_and_hatches_who_never_met():
    ax = laid_out(charts.agreement(votes_of(*["ab", "bc"] * 9, "cd"), ax=on(6.4, 3)))
    assert ax.get_window_extent().width > 0.7 * ax.figure.bbox.width
    (scale,) = ax.child_axes
    assert box(scale).x0 > ax.get_window_extent().x1
    hatched = {patch.get_xy() for patch in ax.patches if isinstance(patch, Rectangle) and patch.get_hatch()}
    assert len(hatched) == 3
    assert "Hatched: the two never met" in charts.caption(ax)


@pytest.mark.further
def test_columns_bear_the_numbers_of_rows_with_long_names():
    voters = [f"organisation/very-long-model-name-2026-{place}" for place in range(20)]
    ax = laid_out(charts.agreement(votes_of(*[voters] * 3), ax=on(3.3, 4)))
    rows, columns = ([label.get_text() for label in labels] for labels in (
        ax.get_yticklabels(), ax.get_xticklabels()))  # fmt: skip
    assert [row.split()[-1] for row in rows] == [str(place + 1) for place in range(len(rows))]
    assert columns == [str(place + 1) for place in range(0, len(rows), 2)]  # all would meet
    apart(ax.get_xticklabels())
    apart(ax.get_yticklabels())
    assert ax.get_window_extent().width > 0.4 * ax.figure.bbox.width
    shades = ax.images[0].get_array()
    assert shades.shape == (len(rows), len(rows))
    assert shades.filled(-1).T.tolist() == shades.filled(-1).tolist()  # too small for figures: both halves


# Margins at the values that panels can have, and sources that have a rank.


def test_margins_of_many_sizes_are_binned(ax):
    rows = [(f"0-{n}", f"v{voter}", "ab"[voter % 3 == 0]) for n in range(2, 60) for voter in range(n)]
    votes = pd.DataFrame(rows, columns=["stream_id", "voter", "choice"]).astype("str")
    summary = stats.Margin.of(votes)
    assert len(summary.values()) > 20
    charts.margin(summary, ax=ax)
    assert len(ax.patches[0].get_data().values) == 10
    assert "margin that occurs" not in charts.caption(ax)


def test_the_values_of_a_margin_are_shares_of_those_who_voted():
    values = stats.Margin.of(votes_of("abc", "ab", "a").assign(choice=[*"xxyxyx"])).values()
    assert values["margin"].tolist() == pytest.approx([0, 1 / 3, 1], abs=1e-3)
    assert values["n"].tolist() == [1, 1, 1]
    assert values["share"].sum() == pytest.approx(1)
    assert stats.Margin.of(lab.read([])).values().empty


@pytest.mark.parametrize(
    ("cited", "said"),
    [
        ([[f"s{n}"] for n in range(30)], "every source is cited once: none is drawn"),
        ([["a", "b", f"s{n}"] for n in range(30)], "30 sources not drawn; 30 are cited once"),
        ([["a"], ["b"], ["c"]], ""),
    ],
)
def test_sources_that_are_cited_once_have_no_rank(cited, said, ax):
    frame = pd.DataFrame(
        [(f"0-{row + 1}", source) for row, sources in enumerate(cited) for source in sources],
        columns=["stream_id", "source"], dtype="str",
    )  # fmt: skip
    charts.citations(frame, ax=ax)
    assert said.lower() in charts.caption(ax).lower()
    names = [text for text in words(ax) if not text.startswith("every")]
    assert names == {30: [], 90: ["a", "b"], 3: ["a", "b", "c"]}[len(frame)]


# One decision.


def told(**more):
    votes = [
        {"voter": f"organisation/very-long-model-name-2026-{place}", "choice": choice, "confidence": 0.5}
        for place, choice in enumerate(["yes", "yes", "to wait until the second report is there"])
    ]
    decision = {"recommendation": "To proceed with the second plan, at once and without any further delay"}
    decision |= {"confidence": 0.7, "question": "Should the council pay for it, and how? " * 4}
    tree = {"claim": "It is what all the others did before us, and they did well.", "author": "Ada"}
    said = {"votes": votes, "citations": [{"source": "<b>Report</b> 7"}], "argument_tree": tree}
    return lab.read([json.dumps({"decision": decision | said | more, "correlation_id": "c" * 32})])


@pytest.mark.thorough
@pytest.mark.parametrize("width", [3.3, 6.5])
def test_no_words_of_a_decision_lie_upon_others(width):
    with rc_context({"figure.figsize": (width, 3)}):
        figure = charts.decision(told(), "0-1")
    figure.draw_without_rendering()
    drawn = [text for ax in figure.axes for text in [*ax.texts, ax._left_title] if text.get_text()]
    assert figure.get_figwidth() == width
    apart(drawn)
    assert max(box(text).x1 for text in drawn) <= figure.bbox.x1 + 2
    bars = [patch.get_window_extent() for ax in figure.axes for patch in ax.patches]
    assert not [bar for bar in bars for text in drawn if overlap(bar, box(text))]
    assert "Report 7" in words(figure.axes[2])
    pyplot.close(figure)


def test_no_name_is_cut_beside_blank_space():
    votes = [{"voter": f"organisation/very-long-model-name-2026-{n}", "choice": "yes"} for n in range(2)]
    figure = charts.decision(told(votes=votes), "0-1", figsize=(8, 5))
    assert "organisation/very-long-model-name-2026-1" in " ".join(words(figure.axes[1]))
    pyplot.close(figure)


def test_a_decision_is_told_by_any_of_its_ids():
    twice = SimpleNamespace(**{name: getattr(told(), name) for name in ("votes", "citations", "arguments")})
    frame = told().decisions
    twice.decisions = pd.concat([frame, frame.assign(stream_id="0-2")], ignore_index=True)
    with pytest.raises(lab.OptionError, match=r"2 decisions have the correlation_id 'c{32}': take one of"):
        charts.decision(twice, "c" * 32)
    with pytest.raises(lab.OptionError, match="there is one already"):
        charts.decision(told(), "0-1", figsize=(3, 3), figure=Figure())
    bare = lab.read(['{"decision": {"recommendation": "x", "confidence": 1}}'])
    figure = charts.decision(bare, "0-1")
    titles = [ax.get_title(loc="left") for ax in figure.axes]
    assert titles[1:] == ["no votes", "no sources", "no arguments"]
    tree = charts.argument_tree(told(), "c" * 32, ax=Figure().subplots())
    assert tree.get_title(loc="left").startswith("Argument tree of 0-1")
    pyplot.close(figure)
