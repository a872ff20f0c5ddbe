"""Corners of charts that the pictures of the sample do not reach."""

import json

import pytest
from histories import OUTCOMES, sample
from matplotlib.figure import Figure
from pictures import caption
from telling import telling

import mastermind_lab as lab

pytestmark = pytest.mark.once

NAMES = [
    name
    for name in lab.charts.__all__
    if name not in ("argument_tree", "caption", "decision", "overview", "save", "sheet")
]


def voted(weights):
    votes = [{"voter": f"v{n}", "choice": "ab"[n % 2], "weight": one} for n, one in enumerate(weights)]
    decision = {"recommendation": "a", "confidence": 0.5, "votes": votes}
    return lab.read([json.dumps({"decision": decision})])


@pytest.mark.parametrize(("second", "names"), [(1.0005, []), (1.003, ["weighted"])])
def test_weighted_shares_are_drawn_where_they_can_be_told_apart(ax, second, names):
    lab.charts.votes(voted([1, second]), ax=ax)
    legend = ax.get_legend()
    assert ([text.get_text() for text in legend.get_texts()][1:] if legend else []) == names


@pytest.mark.parametrize("pictures", [3, [(1, 2)], [(lab.charts.votes, None)], [(1, None, {})]])
def test_what_is_no_list_of_pictures_is_no_sheet(pictures):
    with pytest.raises(lab.OptionError, match=r"takes a list of \(chart, data, options\), as \["):
        lab.charts.sheet(pictures)


def test_a_sheet_has_a_place_for_each_picture():
    data = voted([1, 2])
    sizes = []
    for count in (0, 1, 2):
        figure = lab.charts.sheet([(lab.charts.votes, data, {})] * count)
        sizes.append(tuple(figure.get_size_inches()))
        ends = [ax.figure.bbox.y1 / figure.bbox.height for ax in figure.axes]
        assert ends == pytest.approx([1 - place / count for place in range(count)])
    assert [height for _, height in sizes] == pytest.approx([3.4, 3.4, 6.8])
    said = "Votes. n = 2 votes. Ring: weighted. No interval is known."
    assert [caption(ax) for ax in figure.axes] == [said] * 2


@pytest.mark.parametrize("name", telling(NAMES, "votes"))
def test_axes_without_any_room_are_drawn_on(name):
    ax = Figure(figsize=(0.05, 0.05)).subplots()
    getattr(lab.charts, name)(lab.with_outcomes(sample(9), OUTCOMES), ax=ax)


def test_an_earlier_run_may_be_empty():
    history = sample(9)
    ax = lab.charts.confidence(history, before=history.where("confidence > 2"))
    assert ax.get_xlabel().startswith("confidence")
