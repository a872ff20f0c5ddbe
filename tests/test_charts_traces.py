"""What drawing leaves behind: no settings of matplotlib that are others, and no figure that failed."""

import sys
from threading import Event, Thread

import pytest
from histories import sample
from matplotlib import pyplot, rcParams

import mastermind_lab as lab
from mastermind_lab.charts.drawing.figures import MAGNIFIED, styled_for, usual_size
from mastermind_lab.charts.export import FastRenderer

pytestmark = pytest.mark.once


def test_slides_of_two_threads_leave_the_settings_as_they_were():
    before, sizes = rcParams["font.size"], []
    one_is_in, both_are_in, one_is_out = Event(), Event(), Event()

    def first():
        with styled_for("slide"):
            one_is_in.set()
            both_are_in.wait(0.2)
            sizes.append(rcParams["font.size"])
        one_is_out.set()

    def second():
        one_is_in.wait(5)
        with styled_for("slide"):
            both_are_in.set()
            one_is_out.wait(5)
            sizes.append(rcParams["font.size"])

    try:
        in_threads(first, second)
        assert rcParams["font.size"] == before
        assert sizes == [MAGNIFIED * before] * 2
    finally:
        rcParams["font.size"] = before


def in_threads(*functions):
    threads = [Thread(target=each, daemon=True) for each in functions]
    for one in threads:
        one.start()
    for one in threads:
        one.join(10)
        assert not one.is_alive()


def test_the_size_of_a_picture_is_no_setting():
    before, elsewhere = tuple(rcParams["figure.figsize"]), []
    with styled_for("column"):
        assert usual_size() == (3.3, 2.4)
        assert tuple(rcParams["figure.figsize"]) == before
        in_threads(lambda: elsewhere.append(usual_size()))
    assert elsewhere == [before] == [usual_size()]


@pytest.mark.parametrize("draw", ["png", "scene"])
def test_a_view_is_not_drawn_with_the_type_of_a_slide(draw):
    summary = lab.stats.Votes.of(sample(20))
    expected, drawn = getattr(FastRenderer(lab.charts.votes), draw)(summary), []
    view = Thread(target=lambda: drawn.append(getattr(FastRenderer(lab.charts.votes), draw)(summary)))
    with styled_for("slide"):
        view.start()
        view.join(0.5)
    view.join(10)
    assert drawn == [expected]


@pytest.mark.parametrize(
    ("fails", "said"),
    [
        (lambda read: lab.charts.confidence(read, by="nope", figsize="column"), "nope"),
        (
            lambda read: lab.charts.confidence(read, before=lab.stats.Confidence.of(read, by="meta.model")),
            "by",
        ),
        (lambda read: lab.charts.argument_tree(read, "nope", figsize="page"), "no decision 'nope'"),
    ],
)
def test_a_chart_that_fails_leaves_no_empty_figure(fails, said):
    read, there = sample(20), pyplot.get_fignums()
    with pytest.raises(lab.OptionError, match=said):
        fails(read)
    assert pyplot.get_fignums() == there


@pytest.mark.parametrize("page", ["overview", "decision"])
def test_a_page_that_fails_leaves_no_empty_figure(page, monkeypatch):
    read, there = sample(20), pyplot.get_fignums()
    which = [read.decisions["stream_id"].iloc[0]] if page == "decision" else []
    monkeypatch.setattr(sys.modules[f"mastermind_lab.charts.{page}"], "_draw", _interrupted)
    with pytest.raises(KeyboardInterrupt):
        getattr(lab.charts, page)(read, *which)
    assert pyplot.get_fignums() == there


def _interrupted(*_, **__):
    raise KeyboardInterrupt
