"""One decision to read: which one is meant, what its card says, and how it says it."""

import json
import re
from html import unescape
from html.parser import HTMLParser

import pandas as pd
import pytest

import mastermind_lab as lab
from mastermind_lab.history import sample_folder
from mastermind_lab.history.decision import plain

pytestmark = pytest.mark.once

EMPTY = {"br", "hr", "img", "input", "meta", "link"}


class Card(HTMLParser):
    """A page as its visible text, its elements by class, and the addresses it leads to."""

    def __init__(self, page):
        super().__init__()
        self.open, self.tags, self.links, self.styles, self.texts = [], [], [], [], []
        self.feed(page)
        assert not self.open, "every element is closed"
        self.text = re.sub(" (?=[,:])", "", " ".join(" ".join(self.texts).split()))

    def handle_starttag(self, tag, attributes):
        named = dict(attributes)
        self.tags.append((tag, *filter(None, [named.get("class")])))
        self.links += [value for name, value in attributes if name in ("href", "src", "action")]
        self.styles += [named["style"]] if "style" in named else []
        assert not [name for name in named if name.startswith("on")]
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1] != "style":
            self.texts.append(data)


def history_of(*decisions, meta=None):
    core = {"recommendation": "yes", "confidence": 0.5}
    return lab.read([json.dumps({"decision": core | one, "meta": meta or {}}) for one in decisions])


def card(decision, meta=None):
    return history_of(decision, meta=meta).decision("0-1")


def shown(decision, meta=None):
    return Card(card(decision, meta)._repr_html_())


@pytest.fixture(scope="module")
def sample():
    return lab.sample(until="2026-10-26")


class TestWhich:
    @pytest.mark.parametrize("column", ["stream_id", "decision_id", "correlation_id"])
    def test_by_each_kind_of_id(self, sample, column):
        row = sample.decisions.iloc[7]
        found = sample.decision(row[column]).history
        assert found.decisions["stream_id"].tolist() == [row["stream_id"]]
        assert len(found.votes) == row["n_votes"]
        assert len(found.arguments) == row["n_arguments"]

    @pytest.mark.parametrize(
        ("wanted", "said"),
        [
            ("0-9999999", "did you mean '0-"),
            ("0-1x", "did you mean '0-1"),
            ("", "and none like it; stream_ids run from '0-1' to"),
            ("a question?", "and none like it; stream_ids run from '0-1' to"),
            (7, r"decision\(7\): an id is a text"),
            (None, r"decision\(None\): an id is a text"),
            ("x" * 100_000, "none like it"),
            ("\x1b[2J\u202e", "none like it"),
        ],
    )
    def test_an_unknown_one(self, sample, wanted, said):
        with pytest.raises(lab.OptionError, match=said) as caught:
            sample.decision(wanted)
        assert len(str(caught.value)) < 500
        assert str(caught.value).isprintable()

    def test_the_ids_of_a_history_are_said_to_run_from_the_first_to_the_last(self):
        history = history_of(*[{"recommendation": str(n)} for n in range(3)])
        with pytest.raises(lab.OptionError, match="run from '0-1' to '0-3'"):
            history.decision("a question?")

    @pytest.mark.parametrize("column", ["decision_id", "correlation_id"])
    @pytest.mark.parametrize("wrong", [lambda id: id[:-1], lambda id: "x" + id[1:], lambda id: id + "0"])
    def test_a_slip_is_answered_with_the_id(self, sample, column, wrong):
        meant = sample.decisions[column].iloc[11]
        with pytest.raises(lab.OptionError, match=f"did you mean .*'{meant}'"):
            sample.decision(wrong(meant))

    def test_one_that_several_have(self):
        history = history_of(*[{"decision_id": "same", "recommendation": str(n)} for n in range(8)])
        with pytest.raises(lab.OptionError, match=r"8 decisions have this decision_id: .*'0-1', .* 3 more"):
            history.decision("same")
        assert "recommendation  6" in repr(history.decision("0-7"))

    def test_a_reject_is_said_to_be_one(self):
        history = lab.read([b"{", json.dumps({"decision": {"recommendation": "a", "confidence": 1}})])
        with pytest.raises(lab.OptionError, match=r"could not be decoded \(not_json\), see history.rejects"):
            history.decision("0-1")

    def test_in_an_empty_history(self):
        with pytest.raises(lab.OptionError, match="has no decisions"):
            lab.read([]).decision("0-1")

    def test_no_frame_of_the_whole_is_made_for_one(self):
        history = history_of({}, {})
        assert len(history.decision("0-2").history.decisions) == 1
        assert history._frames == {}

    def test_from_a_snapshot_and_from_what_is_followed(self, sample, tmp_path):
        said = repr(sample.decision("0-6"))
        assert repr(lab.read(sample.save(tmp_path / "kept")).decision("0-6")) == said
        follower = lab.Follower("redis://localhost:1")
        follower.feed([(stream_id, payload) for stream_id, payload in sample.cards(8).history.encoded()])
        assert repr(follower.history().decision("0-6")) == said

    def test_a_scan_says_what_to_do_instead(self, sample, tmp_path):
        scan = lab.scan(sample.cards(8).history.to_ndjson(tmp_path / "eight.ndjson"))
        assert not hasattr(scan, "decision")
        with pytest.raises(AttributeError, match=r"sum\(scan.where\(\['1735580000000-0'\]\)\).decision"):
            scan.decision("0-6")
        made = sum(scan.where(["0-6"])).decision("0-6")
        assert repr(made) == repr(sample.decision("0-6"))


class TestWhat:
    def test_all_that_is_known(self, sample):
        known = lab.with_outcomes(sample, sample_folder() / "outcomes.csv")
        one = known.decision("0-6")
        for said in (Card(one._repr_html_()).text, " ".join(repr(one).split())):
            for part in (
                "What took down the ticket shop in Montréal?", "full disk", "0.70", "0.65 → 0.70 by round",
                "0.93", "right", "2026-10-26 06:20 UTC", "6 votes", "nobody changed", "4 of 6", "Dmitri",
                "The base rate favours", "9 arguments", "The timing fits full disk to the hour.",
                "3 sources", "https://doi.example/10.4005/6504", "82.8 s", "0.059", "14,960",
            ):  # fmt: skip
                assert part in said

    @pytest.mark.parametrize(
        ("outcome", "said"), [("yes", "✓ right"), ("no", "✗ wrong, it was no"), (None, "not known")]
    )
    def test_right_wrong_or_not_known(self, outcome, said):
        history = history_of({})
        assert "Outcome" not in Card(history.decision("0-1")._repr_html_()).text
        history.decisions["correct_choice"] = pd.Series([outcome], dtype="str")
        one = history.decision("0-1")
        assert said in Card(one._repr_html_()).text
        assert said.removeprefix("✓ ").removeprefix("✗ ") in repr(one)

    def test_a_panel_that_recommends_nothing_is_neither_right_nor_wrong(self):
        history = history_of({})
        history.decisions["correct_choice"] = history.decisions["recommendation"]
        history.decisions["recommendation"] = pd.Series([None], dtype="str")
        text = Card(history.decision("0-1")._repr_html_()).text
        assert "Outcome yes" in text
        assert "wrong" not in text

    def test_votes_without_a_voter_are_not_of_one(self):
        history = history_of({"votes": [{"voter": "A", "choice": "yes", "round": n} for n in (1, 2)]})
        history.votes["voter"] = pd.Series([None, None], dtype="str")
        assert "2 votes" in repr(history.decision("0-1"))

    @pytest.mark.parametrize(("more", "said"), [(0, False), (1, True)])
    def test_more_is_said_only_where_there_is_more(self, more, said):
        sources = [{"source": f"s{number}"} for number in range(plain.MOST_SOURCES + more)]
        assert ("and 1 more" in (text := repr(card({"citations": sources})))) == said
        assert "and 0 more" not in text

    def test_what_nobody_said_is_no_zero(self):
        votes = [{"voter": "A", "choice": "yes"}, {"voter": "B", "choice": "yes", "confidence": 0}]
        page = shown({"votes": votes, "confidence": 0})
        assert page.styles == ["width:0%", "width:0%"]
        assert page.text.count("not said") == 1
        table = pd.DataFrame({"q": ["a"], "who": ["Ada"], "what": ["yes"]})
        history = lab.from_votes(table, decision="q", voter="who", choice="what")
        for text in (Card(history.decision("a")._repr_html_()).text, repr(history.decision("a"))):
            for said in ("(no recommendation)", "not said", "(no question)", "no sources", "no arguments"):
                assert said in text
            assert "nan" not in text.lower()
            assert "0.00" not in text

    @pytest.mark.parametrize(
        ("keys", "named"),
        [
            ({"case": ["tram", "bus"]}, ["case tram"]),
            ({"case": [7, 8]}, ["case 7"]),
            ({"case": [0.5, 1]}, ["case 0.5"]),
            ({"late": [True, False]}, ["late true"]),
            ({"day": pd.to_datetime(["2026-01-02", "2026-01-03"])}, ["day 2026-01-02"]),
            ({"case": ["a", "b"], "wave": [3, 4]}, ["case a", "wave 3"]),
            ({"question": ["a", "b"], "wave": [3, 4]}, ["wave 3"]),
            ({"question": ["a", "b"]}, []),
        ],
    )
    def test_what_tells_it_apart_stands_in_its_head(self, keys, named):
        table = pd.DataFrame(keys | {"who": ["Ada", "Ada"], "what": ["yes", "no"], "fact": ["x", "y"]})
        history = lab.from_votes(table, decision=[*keys], voter="who", choice="what")
        one = history.decision("0-1")
        assert [" ".join(pair) for pair in one.content.keys] == named
        head = " ".join(repr(one).partition("recommendation")[0].split())
        page = Card(one._repr_html_()).text
        for said in named:
            assert said in head
            assert said in page.partition("Recommendation")[0]
        assert ("(no question)" in head) == ("question" not in keys)
        line = "a" if "question" in keys else ", ".join(named)
        cards = history.cards(2)
        assert repr(cards).splitlines()[1].endswith(f"(no recommendation)  {line}")
        assert f"(no recommendation) {line} " in Card(cards._repr_html_()).text
        assert "decision.fact x" in page

    def test_an_id_that_was_not_made_of_keys_leaves_the_head_as_it_is(self):
        for one in (
            {"decision_id": "D-1", "case": "tram"},
            {"decision_id": '["a", "b"]', "case": "a"},
            {"case": "a"},
        ):
            assert card(one).content.keys == ()

    def test_a_long_text_goes_on_below_its_beginning(self):
        lines = repr(card({"question": "why " * 60})).splitlines()
        at = lines[1].index("why")
        assert len(lines[2]) > 80
        assert [line[:at].strip() for line in lines[1:4]] == ["question", "", ""]
        assert {line[at : at + 3] for line in lines[1:4]} == {"why"}

    def test_a_bare_decision(self):
        assert "no votes" in shown({}).text
        assert "no votes" in repr(card({}))

    @pytest.mark.parametrize(
        ("extras", "said"),
        [
            ([{"round": 1, "choice": "no", "confidence": 0.4}, {"round": 2}], "before: no 0.40"),
            ([{"round": 2}, {"round": 1, "choice": "no"}], "before: no"),
            ([{"first_choice": "no", "first_confidence": 0.25}], "before: no 0.25"),
            (
                [{"round": 1, "choice": "no"}, {"round": 2, "choice": "so"}, {"round": 3}],
                "before: no 0.90 → so 0.90",
            ),
            ([{"round": 1, "confidence": 0.6}, {"round": 2}], "before: 0.60"),
            ([{"round": 1}, {"choice": "no"}], "before: no 0.90"),
            (
                [{"round": 1, "choice": "no"}, {"round": 1, "choice": "so"}, {"round": 2}],
                "before: no 0.90 → so",
            ),
        ],
    )
    def test_before_and_after(self, extras, said):
        votes = [{"voter": "A", "choice": "yes", "confidence": 0.9} | one for one in extras]
        one = card({"votes": votes})
        for text in (Card(one._repr_html_()).text, repr(one)):
            assert said in re.sub(r"\s+", " ", text)
            assert "1 vote, " in text
            assert ("1 changed" if "no" in said else "nobody changed") in text

    def test_two_votes_in_one_round_stay_two(self):
        votes = [{"voter": "A", "choice": choice, "round": 1} for choice in ("yes", "no")]
        assert "2 votes" in shown({"votes": votes}).text
        seats = [{"voter": "A", "choice": "yes", "round": 1, "seat": seat} for seat in (1, 2)]
        page = shown({"votes": seats})
        assert "2 votes" in page.text
        assert "seat 2" in page.text

    def test_marks_of_a_vote(self):
        votes = [{"voter": "A", "choice": "b", "weight": 2.5, "ranking": ["b", ["a", "c"]]}]
        for text in (shown({"votes": votes}).text, repr(card({"votes": votes}))):
            assert "weight 2.5" in text
            assert "ranks b > a = c" in text

    def test_votes_stand_by_choice_the_surest_first(self):
        votes = [
            {"voter": name, "choice": choice, "confidence": sure}
            for name, choice, sure in [
                ("A", "no", 0.9),
                ("B", "yes", 0.2),
                ("C", "yes", None),
                ("D", "yes", 0.8),
            ]
        ]
        lines = repr(card({"votes": votes})).splitlines()
        assert [line.split()[0] for line in lines if line.startswith("    ") and line[4] != " "] == [*"DBCA"]

    def test_votes_for_nothing_come_last_however_many_they_are(self):
        votes = [{"voter": name, "choice": choice} for name, choice in [("A", "x"), ("B", "x"), ("C", "yes")]]
        history = history_of({"votes": votes})
        history.votes["choice"] = history.votes["choice"].where(history.votes["choice"] == "yes")
        assert [one.name for one in history.decision("0-1").content.choices] == ["yes", None]

    def test_html_that_somebody_wrote_is_read_not_shown(self):
        asked = "<p>Is 1 &lt; 2?</p><p>And <b>why</b>?</p>"
        one = card({"question": asked, "argument_tree": {"claim": "<p>so</p>"}})
        assert "Is 1 &lt; 2?\n\nAnd why?" in one._repr_html_()
        assert not re.search("</?[pb]>", repr(one))
        assert "</p>" not in unescape(one._repr_html_())


class TestHow:
    @pytest.mark.parametrize(
        ("source", "leads"),
        [
            ("https://a.example/b?c=d&e", True),
            ("http://a.example", True),
            ("javascript:alert(1)", False),
            ("https://good.example@evil.example/", False),
            ("https://a.example/\" onmouseover='alert(1)", False),
            ("https://a.example/\u202egnp.exe", False),
            ("https://xn--/\x00", False),
            ("//evil.example", False),
            ("data:text/html,x", False),
            ("https://[", False),
            ("https:///path", False),
            (" https://a.example", False),
        ],
    )
    def test_a_link_leads_where_it_says(self, source, leads):
        page = shown({"citations": [{"source": source, "title": "https://other.example"}]})
        assert page.links == ([source] if leads else [])
        assert not leads or source in page.text

    def test_nothing_is_fetched_or_run_and_nothing_is_mathematics(self, sample):
        page = sample.cards(20)._repr_html_()
        assert not {"script", "link", "img", "iframe", "object"} & {tag for tag, *_ in Card(page).tags}
        assert "url(" not in page
        assert "@import" not in page
        assert "mathjax_ignore" in page
        assert page.count("<style>") == 1

    def test_a_deep_and_a_wide_tree_are_whole(self):
        deep = {"claim": "leaf"}
        for n in range(60):
            deep = {"claim": f"c{n}", "children": [deep]}
        page = shown({"argument_tree": [deep, {"claim": "second root", "stance": "con"}]})
        assert "62 arguments: 1 con" in page.text
        assert "leaf" in page.text
        assert page.text.index("leaf") < page.text.index("second root")
        wide = {"claim": "root", "children": [{"claim": f"w{n}"} for n in range(500)]}
        assert "and 301 more" in shown({"argument_tree": wide}).text

    def test_a_terminal_is_not_steered(self):
        evil = "\x1b[31m\u202e\x9b2J\x00\r\nx"
        votes = [{"voter": evil, "choice": evil, "rationale": evil, "first_choice": "a" + evil}]
        decision = {
            "recommendation": evil, "question": evil, "rationale": evil, "votes": votes,
            "citations": [{"source": evil}], "argument_tree": {"claim": evil, "stance": evil, "author": evil},
        }  # fmt: skip
        history = history_of(decision, meta={"timings": {evil: 1}, evil: evil})
        for said in (repr(history.decision("0-1")), repr(history.cards())):
            assert all(line.isprintable() for line in said.split("\n"))

    def test_long_texts_are_folded_and_cut(self):
        votes = [{"voter": "A", "choice": "c" * 2_000, "rationale": "word " * 2_000}] * 200
        page = card({"votes": votes, "question": "q" * 100_000})._repr_html_()
        assert len(page) < 800_000
        assert "and 100 more" in Card(page).text
        assert len(repr(card({"votes": votes}))) < 50_000

    def test_choices_that_begin_alike_are_told_apart_in_a_terminal(self):
        road = "Build the tram along the old river road, as the committee of " * 2
        choices = [f"{road}the {which} line says" for which in ("first", "second")]
        names = ["organisation/a-model-of-a-long-name-instruct", "organisation/another-model-of-a-long-name"]
        votes = [{"voter": name, "choice": one} for name, one in zip(names, choices, strict=True)]
        lines = str(history_of({"votes": votes}).decision("0-1")).splitlines()
        assert max(map(len, lines)) <= 88
        said = " ".join(" ".join(lines).split())
        assert all(part in said for part in (*choices, *names))

    def test_choices_too_long_for_a_terminal_keep_what_differs(self):
        votes = [{"voter": "A", "choice": "so " * 200 + end} for end in ("yes", "no")]
        said = str(history_of({"votes": votes}).decision("0-1"))
        assert "so yes (1 of 2)" in said
        assert "so no (1 of 2)" in said

    def test_a_frame_that_was_changed(self):
        history = history_of({"votes": [{"voter": "A", "choice": "yes", "confidence": 0.5}]})
        del history.votes["rationale"]
        history.votes["confidence"] = 0.25
        assert "width:25%" in history.decision("0-1")._repr_html_()


class TestSeveral:
    @pytest.mark.parametrize(("most", "shown_"), [(1, 1), (3, 3), (100, 8)])
    def test_so_many_and_a_word_on_the_others(self, most, shown_):
        cards = history_of(*[{"recommendation": f"r{n}"} for n in range(8)]).cards(most)
        page = Card(cards._repr_html_())
        assert page.tags.count(("div", "box")) == shown_
        said = "8 decisions" if most >= 8 else f"{most} of 8 decisions"
        assert page.text.startswith(said)
        assert repr(cards).startswith(said)
        assert cards.total == 8

    def test_of_none(self):
        assert "no decisions" in Card(lab.read([]).cards()._repr_html_()).text
        assert repr(lab.read([]).cards()) == "no decisions"

    @pytest.mark.parametrize("most", [0, 101, -1, 2.5, "3", True, None])
    def test_no_such_number(self, most):
        with pytest.raises(lab.OptionError, match="expected how many to show, from 1 to 100"):
            lab.read([]).cards(most)

    def test_in_the_order_of_the_frame(self, sample):
        sure = sample.where("confidence > 0.9")
        sure = sure.with_frames(decisions=sure.decisions.sort_values("confidence"))
        assert sure.cards(3).history.decisions["confidence"].is_monotonic_increasing
        assert len(sure.cards(3).history) == 3


def test_how_deep_a_claim_lies_and_one_of_which_that_is_unknown():
    tree = {"claim": "root", "children": [{"claim": "branch"}]}
    history = lab.read(
        [json.dumps({"decision": {"recommendation": "a", "confidence": 1, "argument_tree": tree}})]
    )
    assert [one.depth for one in history.decision("0-1").content.claims] == [0, 1]
    history.arguments["depth"] = pd.array([pd.NA, 1], "Int64")
    assert [one.depth for one in history.decision("0-1").content.claims] == [0, 1]


def test_what_a_terminal_says_beside_a_choice_and_a_claim():
    tree = {
        "claim": "Yes.",
        "author": "Ada",
        "strength": 0.25,
        "children": [{"claim": "No.", "strength": 0.5}],
    }
    history = history_of({"votes": [{"voter": "Ada", "choice": "yes"}], "argument_tree": tree})
    history.decisions["correct_choice"] = pd.Series(["yes"], dtype="str")
    said = repr(history.decision("0-1"))
    assert "yes (1 of 1, recommended, right)" in said
    assert "Yes. (Ada, 0.25)" in said
    assert "No. (0.50)" in said
