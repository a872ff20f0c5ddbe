"""What drawing leaves behind: no settings of matplotlib that are others, and no figure that failed."""

from threading import Event, Thread

import pytest
from histories import sample
from matplotlib import rcParams

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
