"""Names that are cut stay apart: those of models above all, which differ in their middle or at their end."""

import io
import json
import re
import time

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure
from pictures import words
from rich.cells import cell_len
from rich.console import Console
from telling import telling

import mastermind_lab as lab
from mastermind_lab import charts, stats
from mastermind_lab.charts.drawing.text import fitted_apart, names_apart, text_width
from mastermind_lab.cli.dashboard import _names
from mastermind_lab.cli.following import _shown_on
from mastermind_lab.envelope import validate
from mastermind_lab.labels import _two, apart
from mastermind_lab.stats.engine.display import as_html, as_text
from mastermind_lab.text import visible
from mastermind_lab.widget.rows import rows_of

pytestmark = pytest.mark.once

MODELS = [
    "openai/gpt-4o-2024-08-06",
    "openai/gpt-4o-2024-11-20",
    "openai/gpt-4o-mini-2024-07-18",
    "openai/gpt-4.1-2025-04-14",
    "openai/gpt-4.1-mini-2025-04-14",
    "openai/o3-mini-2025-01-31",
    "anthropic/claude-3-5-sonnet-20240620",
    "anthropic/claude-3-5-sonnet-20241022",
    "anthropic/claude-3-5-haiku-20241022",
    "anthropic/claude-3-7-sonnet-20250219",
    "anthropic/claude-3-7-sonnet-20250219-thinking",
    "meta-llama/llama-3.1-70b-instruct",
    "meta-llama/llama-3.3-70b-instruct",
    "meta-llama/llama-3.3-70b-instruct-concrete",
    "meta-llama/llama-3.1-405b-instruct",
    "meta-llama/llama-3.1-405b-instruct-fp8",
    "mistralai/mixtral-8x7b-instruct-v0.1",
    "mistralai/mixtral-8x22b-instruct-v0.1",
    "mistralai/mistral-large-2407",
    "mistralai/mistral-large-2411",
    "google/gemini-1.5-pro-002",
    "google/gemini-2.0-flash-001",
    "google/gemini-2.0-flash-lite-001",
    "qwen/qwen-2.5-72b-instruct",
    "qwen/qwen-2.5-coder-32b-instruct",
]
LEAST = 8

texts = st.text(max_size=40) | st.text("ab-/. ", max_size=40) | st.sampled_from(MODELS)


@st.composite
def alike(draw):
    """Names that share a beginning, an end or both."""
    first, last = draw(texts), draw(texts)
    return [first + middle + last for middle in draw(st.lists(texts, unique=True, max_size=12))]


@pytest.mark.thorough
@given(alike() | st.lists(texts, max_size=12), st.integers(LEAST, 40))
def test_different_names_stay_different_and_within_their_room(names, most):
    labels = apart(names, most, visible)
    assert len(set(labels)) == len(set(names))
    assert all(len(label) <= most for label in labels)
    assert dict(zip(names, labels, strict=True)) == dict(zip(names, apart(names, most, visible), strict=True))


@pytest.mark.parametrize("most", [1, 2, 3, 5])
def test_there_may_be_next_to_no_room(most):
    assert len({*apart(["approve the plan now", "approve of the plan", "…"], most, visible)}) == 3


def test_many_that_clean_alike_are_numbered_in_time():
    names = ["yes" + "\x01" * number for number in range(1, 4_000)]
    began = time.process_time()
    assert len({*apart(names, 20, lambda text: visible(text, ""))}) == len(names)
    assert time.process_time() - began < 2


@given(st.lists(st.text("ab-", max_size=4), unique=True, max_size=8), st.integers(LEAST, 20))
def test_what_fits_is_not_cut(names, most):
    assert apart([f"x{name}" for name in names], most, visible) == [f"x{name}" for name in names]


def test_a_sentence_is_cut_between_its_words():
    names = [
        "The committee recommends to proceed with the first plan, later",
        "The committee recommends to proceed with the second, after a review in the spring",
        "Do something that nobody else has ever done before",
    ]
    whole = ["The committee … plan, later", "The committee … the spring", "Do something that… done before"]
    assert apart(names, 30, visible) == whole


@given(st.lists(st.text("ab ", min_size=9, max_size=30), unique=True, max_size=5), st.integers(LEAST, 20))
def test_sentences_stay_apart(names, most):
    labels = apart(names, most, visible)
    assert len(set(labels)) == len(set(names))
    assert all(len(label) <= most for label in labels)


@pytest.mark.parametrize("most", [LEAST, 9, 12, 16, 19, 24, 80])
def test_models_stay_apart(most):
    labels = apart([*MODELS, "6 others"], most, visible)
    assert len(set(labels)) == len(MODELS) + 1
    assert max(map(len, labels)) <= most


def test_those_that_come_out_alike_are_cut_once_more_where_they_differ():
    line = "Is it {} to open the new line {} year?".format
    questions = [line("safe", "this"), line("safe", "next"), line("cheap", "next"), "Should we wait for May?"]
    labels = apart(questions, 12, visible)
    assert labels[:3] == ["…safe …this…", "…safe …next…", "…cheap…next…"]


LLAMAS = [
    f"meta-llama/llama-{version}-70b-instruct{end}"
    for version in ("3.1", "3.3")
    for end in ("", "-concrete", "-turbo", "-abstract")
]


@pytest.mark.parametrize("names", [LLAMAS, LLAMAS[:2] + LLAMAS[4:6], LLAMAS[:6], LLAMAS[1:]])
@pytest.mark.parametrize("others", [[], MODELS[:4], [*MODELS[3:5], "mistralai/mistral-large-2411", "Ada"]])
def test_a_number_is_the_last_that_tells_names_apart(names, others):
    names = [*names, *others]
    for most in (LEAST, 10, 12, 14, 16, 18, 20, 24):
        labels = apart(names, most, visible)
        assert len(set(labels)) == len(names)
        assert not [label for label in labels if label.endswith(")")]
        fits = [
            {name for name in names if re.fullmatch(".*".join(map(re.escape, one.split("…"))), name)}
            for one in labels
        ]
        if most >= 16:
            assert [*map(len, fits)] == [1] * len(labels)  # each label is of one name only


@pytest.mark.parametrize(
    ("names", "most", "expected"),
    [
        (MODELS[:2], 20, ["…gpt-4o-2024-08-06", "…gpt-4o-2024-11-20"]),
        (MODELS[6:8], 16, ["…sonnet-20240620", "…sonnet-20241022"]),
        (["llama-3.1-70b-instruct", "llama-3.3-70b-instruct"], 12, ["…3.1-70b-in…", "…3.3-70b-in…"]),
        (["24-2024-preview", "24-2025-preview", "24-gpt-beta"], 8, ["…2024-p…", "…2025-p…", "…gpt…eta"]),
        (["run/alpha", "other/alpha"], 8, ["run/al…", "other/…"]),
        (["a" * 30, "a" * 31, "a" * 32], 10, ["…" + "a" * 9, "…aaaaa (2)", "…aaaaa (3)"]),
        (["\u4e2d\u6587", "\u4e2d\u56fd"], 9, ["\u4e2d\u6587", "\u4e2d\u56fd"]),
        (["x" * 100_000 + "1", "x" * 100_000 + "2"], 8, ["xxxx…xx1", "xxxx…xx2"]),
        (["/srv/panels/one", "/data/panels/one"], 12, ["…srv/panels…", "…data/panel…"]),
        (["gemma--uvwxyz", "gemma--123456"], 8, ["…-uvwxyz", "…-123456"]),  # all that there is room for
        (["abcdefgh-xyz", "abcd-1", "abcd…xyz"], 8, ["…bc…", "abcd-1", "abcd…xyz"]),  # what fits is not cut
        (
            ["gemma-4o-pro-pro-preview", "gemma-4o-pro-preview", "gemma-4o-pro-preview-7b"],
            12,
            ["…ro-pro-pre…", "…pro-p…eview", "…preview-7b"],
        ),
        (
            ["qwen-2024-8b-beta-x", "qwen-2025-2024-8b-8b-x", "qwen-8b-2024-8b-x", "qwen-2024-2-beta-8b-x"],
            8,
            ["…202…a-x", "…202…8b…", "…8b-…8b…", "…202…b-x"],
        ),
        (
            [
                "gpt 2024-mini-b-xx instruct mini 70b-yy", "gpt 2024-xx instruct mini 70b-x",
                "gpt 2024xx instruct mini 70b-x", "gpt 2024xx instruct mini 70b-yy",
                "gpt 2024-gpt-xx instruct mini 70b-x",
            ],
            9,
            ["…2024…-yy", "…2024-xx…", "…2024x…-x", "…2024x…yy", "…2024…b-x"],  # in every process
        ),
        (
            [
                "llama-beta-2025-pro-preview-chat-beta", "llama-2025-2025-pro-chat-beta",
                "llama-2025-pro-chat-beta", "llama-2025-turbo-pro-chat-2-beta",
                "llama-2025-pro-chat-pro-beta",
            ],
            9,
            ["…bet…hat…", "…2025…20…", "…pro-cha…", "…202…t-2…", "…2025…pr…"],
        ),
        (
            [
                "claude-3.3-1-large-it-fp8", "claude-1-large-large-it-it-fp8", "claude-1-large-it-chat-fp8",
                "claude-1-large-it-fp8-8b-7b", "claude-1-large-it-fp8", "claude-1-large-large-it-fp8",
            ],
            8,
            ["…3.3…fp8", "…it-fp8", "…it-…at…", "…1-l…-7b", "…it- (2)", "…it- (3)"],
        ),
    ],
)  # fmt: skip
def test_what_is_left_of_a_name(names, most, expected):
    assert apart(names, most, visible) == expected


@pytest.mark.parametrize(
    ("first", "expected"),
    [(0, "abcdef…uvwx…"), (1, "…bcdef…uvwx…"), (2, "…cdefg…uvwx…"), (16, "…opqrstuvwx…")],
)
def test_two_parts_of_a_name_say_where_it_was_cut(first, expected):
    assert _two("abcdefghijklmnopqrstuvwxyz", first, 20, 24, most=12) == expected


def test_what_the_fonts_lack_is_told_apart_by_a_number():
    found = names_apart(["\u1200\u1201", "\u1202\u1203", "\u1200\u1201"], 16)
    assert found == ["□□", "□□ (2)", "□□"]
    assert names_apart(["", " ", "Ada"], 16) == ["(empty)", "(empty) (2)", "Ada"]


@pytest.mark.parametrize("room", [5.0, 9.0, 14.0])
def test_names_on_a_picture_stay_apart_within_their_room(room):
    labels = fitted_apart(MODELS[:12], room)
    assert len(set(labels)) == 12
    assert max(map(text_width, labels)) <= room or max(map(len, labels)) <= LEAST


# Wherever they are shown.


@pytest.fixture(scope="module")
def history():
    """Twelve models that vote for each other."""
    votes = [
        (
            f"q{place}",
            one,
            MODELS[9 + (place * number) % 11],
            MODELS[6 + place % 5],
            (place + number) % 10 / 9,
        )
        for place in range(10)
        for number, one in enumerate(MODELS[8:20])
    ]
    frame = pd.DataFrame(votes, columns=["question", "worker", "answer", "model", "sure"])
    named = {"decision": "question", "voter": "worker", "choice": "answer", "confidence": "sure"}
    made = lab.from_votes(frame, **named)
    return made.with_frames(decisions=made.decisions.assign(confidence=0.5, recommendation=MODELS[9]))


def rows(ax):
    return [label.get_text().partition("\nn = ")[0] for label in ax.get_yticklabels()]


def legend(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


SHOWN = {
    "voters": (lambda history, ax: rows(charts.voters(history, ax=ax)), 12),
    "pivotal": (lambda history, ax: rows(charts.pivotal(history, ax=ax)), 12),
    "votes": (lambda history, ax: rows(charts.votes(history, ax=ax)), 11),
    "agreement": (lambda history, ax: rows(charts.agreement(history, ax=ax)), 12),
    "confidence by": (lambda history, ax: rows(charts.confidence(history, by="decision.model", ax=ax)), 5),
    "votes by": (lambda history, ax: legend(charts.votes(history, by="decision.model", ax=ax)), 5),
    "margin by": (lambda history, ax: rows(charts.margin(history, by="decision.model", ax=ax)), 5),
}


@pytest.mark.parametrize("width", telling([3.3, 6.4], "3.3"))
@pytest.mark.parametrize("name", SHOWN)
def test_the_names_on_a_chart_stay_apart(name, width, history):
    draw, many = SHOWN[name]
    found = draw(history, Figure(figsize=(width, 4)).subplots())
    assert len(found) == len(set(found)) == many


def test_the_voters_and_choices_of_a_decision_stay_apart(history):
    figure = charts.decision(history, history.decisions["stream_id"][3], figure=Figure(figsize=(3.3, 5)))
    said = words(figure.axes[1]).splitlines()
    assert len({*said[-13 - 11 :]}) >= 12


@pytest.mark.parametrize("show", [as_text, as_html])
def test_the_names_of_a_table_stay_apart(show):
    frame = pd.DataFrame({"voter": MODELS[6:16], "a" * 40 + "1": 1, "a" * 40 + "2": 2})
    shown = show("Voters", frame)
    assert {*apart(MODELS[6:16], 28, visible)} < {*re.split(r"[\s<>]+", shown)}
    assert {"aaaaaaaaaaaaaaa…aaaaaaaaaaa1", "aaaaaaaaaaaaaaa…aaaaaaaaaaa2"} < {*re.split(r"[\s<>]+", shown)}


def test_a_summary_shows_its_voters_apart(history):
    shown = [line.split()[0] for line in repr(stats.Voters.of(history)).splitlines()[2:14]]
    assert len(set(shown)) == 12


@pytest.mark.parametrize(
    "names", [MODELS[:10], [f"模型版本编号{number}的名字很长很长" for number in range(9)]]
)
def test_the_choices_on_a_full_screen_stay_apart(names):
    labels = _names(names, 20)
    assert len(set(labels)) == len(names)
    assert max(map(cell_len, labels)) <= 20


def test_the_choices_in_a_widget_stay_apart():
    long = [f"{'very ' * 10}{name}{' long' * 10}" for name in "abcd"]
    votes = [{"voter": one, "choice": one} for one in long]
    decision = {"recommendation": "a", "confidence": 0.5, "votes": votes}
    shown = rows_of(lab.read([json.dumps({"decision": decision})]))[0]["votes"]
    assert len({one.rpartition(" ")[0] for one in shown.split("; ")}) == 4


def test_near_spellings_of_long_choices_stay_apart():
    long = "a choice that is described in many words, and ends in a name, "
    votes = pd.DataFrame({"question": ["q"], "worker": ["w"], "answer": [long + "Ada"]})
    made = lab.from_votes(votes, decision="question", voter="worker", choice="answer")
    truth = pd.DataFrame({"question": ["q"], "correct_choice": [long + "ADA"]})
    note = lab.with_outcomes(made, truth, on="question").coverage["note"].item()
    one, other = re.findall("'(…[^']*)' where votes say '(…[^']*)'", note)[0]
    assert one != other


def test_the_streams_of_a_tail_stay_apart():
    streams = [f"maf:arena:{name}:mastermind:output" for name in ("north", "south")]
    printed = io.StringIO()
    show = _shown_on(Console(file=printed, width=100), streams)
    for stream in streams:
        show(stream, "1-1", validate('{"decision": {"recommendation": "a", "confidence": 1}}'))
    assert [line[:12] for line in printed.getvalue().splitlines()] == ["…north:mast…", "…south:mast…"]
