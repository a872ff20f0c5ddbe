"""A live view as one file: what is in it, what is not, and where it may be written."""

import json
import re
from base64 import b64encode
from hashlib import sha256
from pathlib import Path

import pytest
from test_widget import HOSTILE, decided, fed

import mastermind_lab as lab
from mastermind_lab.report import Page, write_page
from mastermind_lab.widget.saved import _MOST

pytestmark = pytest.mark.once

SCRIPT = re.compile(r"<script type=\"(.*?)\".*?>(.*?)</script>", re.DOTALL)


def page_of(path, entries, **options):
    view = lab.LiveView(fed(entries), panels=["confidence", "decisions", "rejects"], **options)
    view.save(path)
    view.close()
    return Path(path).read_text("utf-8")


def said(page):
    """What its scripts read: facts, and what was told, by kind."""
    inside = json.loads(dict(SCRIPT.findall(page))["application/json"])
    return inside["facts"], {message["kind"]: message for message, _ in inside["told"]}


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    texts = [*HOSTILE[::9], "</script><script>alert(1)</script>", "<!--<script>", "]]>", "\u2028"]
    entries = [(f"{n}-1", decided(recommendation=text)[0][1]) for n, text in enumerate(texts, 1)]
    entries += [(f"{n}-2", text.encode(errors="replace")) for n, text in enumerate(texts, 1)]
    return page_of(tmp_path_factory.mktemp("page") / "run-42.html", entries)


@pytest.mark.further
def test_texts_end_no_element_and_the_policy_knows_its_one_script(page):
    (kind, data), (module, script) = SCRIPT.findall(page)
    assert (kind, module) == ("application/json", "module")
    assert "<" not in data
    assert not re.search("</script|<!--", script)
    policy = re.search(r'Content-Security-Policy" content="(.*?)"', page)[1]
    assert "default-src 'none'; script-src 'sha256-" in policy
    assert f"'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'" in policy
    assert len(said(page)[1]["list"]["rows"]) == len(HOSTILE[::9]) + 4


@pytest.mark.further
def test_what_of_many_it_has_is_said(tmp_path):
    made = page_of(tmp_path / "many.html", decided(_MOST + 20))
    facts, told = said(made)
    assert (facts["bound"], len(told["list"]["rows"])) == (f"the newest {_MOST} decisions", _MOST)
    assert told["list"]["rows"][0]["id"] == f"{_MOST + 20}-0"
    assert f"Of {_MOST + 20} entries only the newest {_MOST} decisions can be opened" in made
    assert told["round"]["panels"][0]["n"] == f"n = {_MOST + 20} decisions"
    assert f"const MOST_KNOWN = {_MOST};" in made


@pytest.mark.further
def test_of_few_all_are_there_and_of_none_it_says_so(tmp_path):
    few = page_of(tmp_path / "few.html", decided(3))
    assert (said(few)[0]["bound"], "can be opened" in few) == ("", False)
    assert "no decisions yet" in page_of(tmp_path / "none.html", [])


def test_a_name_that_is_no_page_and_a_folder_that_is_not_there_are_refused(tmp_path):
    view = lab.LiveView(fed([]), panels=["decisions"])
    for name in ("run-42", "run-42.pdf", "run-42.html.gz"):
        with pytest.raises(lab.OptionError, match=r"name the page \.html"):
            view.save(tmp_path / name)
    with pytest.raises(lab.SourceError, match=r"there is no folder .*missing"):
        view.save(tmp_path / "missing" / "run.html")
    (tmp_path / "taken.html").mkdir()
    with pytest.raises(lab.SourceError, match=r"cannot write .*taken\.html"):
        view.save(tmp_path / "taken.html")
    view.close()
    assert [one.name for one in tmp_path.iterdir()] == ["taken.html"]


def test_it_takes_the_place_of_the_one_before_on_any_file_system(tmp_path, monkeypatch):
    fsspec = pytest.importorskip("fsspec")
    monkeypatch.chdir(tmp_path)
    made = Page("<b>", "&", {}, [({"kind": "x"}, [b"\0\xff"])], "", "", "<i>still</i>")
    Path("run.html").write_text("before")
    assert write_page("run.html", made) == Path("run.html")
    whole = Path("run.html").read_text("utf-8")
    assert "<title>&lt;b&gt;</title>" in whole
    assert '[{"kind": "x"}, ["AP8="]]' in whole
    assert write_page("memory://pages/run.html", made) == "memory://pages/run.html"
    assert write_page("memory://run.html", made) == "memory://run.html"
    assert fsspec.filesystem("memory").cat("/pages/run.html").decode() == whole
