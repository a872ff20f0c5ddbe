"""Passwords reach no message, and what strangers write reaches no terminal and no log as it is."""

import asyncio
import json
import pickle
import shutil
import unicodedata
from contextlib import suppress
from types import SimpleNamespace

import pytest
import redis
from command_line import run
from envelopes import envelope
from histories import sample
from ipywidgets.widgets.widget import _instances
from redis import asyncio as aio
from streams import answering, publish
from waiting import until

import mastermind_lab as lab
from mastermind_lab.archive.run import Archiving
from mastermind_lab.cli.usage import worded
from mastermind_lab.history.sources import Options, find
from mastermind_lab.stream import Pages, StreamReader, follow_envelopes, publish_payloads

pytestmark = pytest.mark.once

ADDRESSES = [
    "redis://me:cAn#ArY@127.0.0.1:1",  # not escaped as they should be
    "redis://:12/cAnArY@127.0.0.1:1",
    "redis://me:12?cAnArY@127.0.0.1:1",
    "redis://:cAn@ArY@127.0.0.1:1",
    "redis://:cAnArY@127.0.0.1:port",
    "redis://:cAn/ArY@127.0.0.1",
    "valkey://me:cAn/#?ArY@127.0.0.1:1",
    "valkeys://127.0.0.1:1?password=cAnArY",
    "redis://127.0.0.1:1?password=cAnArY",  # elsewhere than in front of the host
    "redis://127.0.0.1:1?password=cAn@ArY",
    "rediss://127.0.0.1:1/0?username=u&password=cAnArY",
    "unix:///nowhere.sock?password=cAnArY",
    "redis://127.0.0.1:1#password=cAnArY",
    "redis://me:cAnArY",  # without a host
    "redis://:cAnArY/0",
    "REDIS://me:cAnArY@127.0.0.1:1",
    "me:cAnArY@127.0.0.1:1",  # without a scheme, or with half of one
    "me:cAn/ArY@127.0.0.1:1",
    "redis:/me:cAnArY@127.0.0.1:1",
    "redis//me:cAnArY@127.0.0.1:1",
    "s3://key:cAn/ArY@bucket/folder",  # where fsspec would have it
    "https://127.0.0.1:1/data?token=cAnArY",
]


def archived(address):
    lab.archive(address, "never")


def archived_to(address):
    lab.archive("redis://127.0.0.1:1", address)


def saved(address):
    sample(1).save(address)


def exported(address):
    sample(1).to_ndjson(address)


def published(address):
    list(publish_payloads(address, "s", [b"x"]))


def followed(address):
    with lab.Follower(address) as follower:
        until(lambda: follower.status.error)
        raise lab.LabError(follower.status.error)


@pytest.mark.parametrize(
    "use",
    [
        lab.read,
        lab.scan,
        lab.verify,
        lab.compact,
        lab.redecode,
        archived,
        archived_to,
        saved,
        exported,
        published,
        followed,
    ],
)
def test_no_part_of_a_password_is_in_a_message(use, tmp_path, monkeypatch):
    for number, address in enumerate(ADDRESSES):
        place = tmp_path / str(number)
        place.mkdir()
        monkeypatch.chdir(place)
        try:
            said = repr(use(address))
        except lab.LabError as error:
            said = str(error)
        assert not [part for part in ("cAn", "ArY") if part in said], said
        assert not [one for one in place.iterdir() if "cAn" in one.name], address


WAYS = [
    ["read"], ["read", "--json"], ["snapshot", "{}", "never"], ["archive", "{}", "never"],
    ["verify"], ["compact"], ["archive", "redis://127.0.0.1:1"], ["snapshot", "one.ndjson"],
    ["replay", "{}", "redis://127.0.0.1:1"], ["simulate", "{}", "--count", "1"], ["replay", "one.ndjson"],
]  # fmt: skip


@pytest.mark.parametrize("address", [ADDRESSES[place] for place in (0, 13, 17)])
@pytest.mark.further
def test_no_part_of_a_password_is_on_a_terminal(address, tmp_path):
    sample(1).to_ndjson(tmp_path / "one.ndjson")
    for words in WAYS:
        named = [word.format(address) for word in words] + ([] if "{}" in words else [address])
        done = run(*named, cwd=tmp_path)
        assert done.returncode in (1, 2)
        assert "error" in done.stderr.lower()
        assert not [part for part in ("cAn", "ArY") if part in done.stdout + done.stderr], done.stderr
        assert not [one for one in tmp_path.iterdir() if "cAn" in one.name]


def test_a_password_that_is_cut_short_is_hidden_too(tmp_path):
    address = f"redis://me:{'cAnArY' * 30}@127.0.0.1"
    done = run("read", "one.ndjson", "--since", address, cwd=tmp_path)
    assert done.returncode == 2
    assert "cAn" not in done.stderr, done.stderr


def test_what_was_given_several_times_is_said_as_it_was_given():
    option = SimpleNamespace(name="voter", opts=["--voter"])
    assert worded("voter='x': no column voter=x", [option], [["q", "voter=x"]]) == (
        "--voter 'x': no column voter=x"
    )


def picklable(url):
    """What may be sent elsewhere, or is at hand where an error is looked at."""
    with pytest.raises(lab.SourceError, match="no Redis answers") as caught:
        lab.read(url)
    return [
        lab.scan(url), lab.scan(url).where("confidence > 0.5"), Archiving(url, "a"),
        Pages(url, "s"), StreamReader(url, ["s"]), lab.Follower(url), find([url, url], Options()),
        caught.value, caught.value.__cause__,
    ]  # fmt: skip


URL = "redis://me:cAnArY@127.0.0.1:1/0"


def test_no_password_is_in_a_pickle_or_a_repr():
    for one in picklable(URL):
        shown = repr(one) + repr(getattr(one, "__dict__", ""))
        with suppress(TypeError, pickle.PicklingError):  # what holds a thread's lock is sent nowhere
            shown += pickle.dumps(one, 0).decode()
        assert "cAnArY" not in shown, shown


def test_what_is_not_read_from_a_url_has_none_of_it_in_its_context():
    for url in ("redis://:cAnArY@127.0.0.1:port", "redis://me:cAn#ArY@127.0.0.1:1"):
        with pytest.raises(lab.OptionError, match="URL") as caught:
            lab.read(url)
        assert caught.value.__context__ is caught.value.__cause__ is None


@pytest.mark.parametrize(
    "place",
    ["redis://me:{}@{}", pytest.param("redis://{1}?username=me&password={0}", marks=pytest.mark.thorough)],
)
def test_a_password_that_is_right_is_left_nowhere(place, server, tmp_path, caplog):
    """In no file, no log, no widget, no text and no pickle of what was read with it."""
    caplog.set_level("DEBUG")
    with redis.Redis.from_url(server.url) as raw:
        raw.acl_setuser("me", enabled=True, passwords=["+cAnArY"], keys=["*"], commands=["+@all"])
        raw.acl_setuser("default", enabled=False)
    url = place.format("cAnArY", server.url.partition("//")[2])
    assert [*publish_payloads(url, lab.DEFAULT_STREAM_NAME, [envelope().encode(), b"broken"])] == [2]
    history = lab.read(url)
    history.save(tmp_path / "saved")
    history.to_ndjson(tmp_path / "lines.ndjson")
    lab.archive(url, tmp_path / "archive")
    view = lab.follow(lab.Follower(url, archive=tmp_path / "followed"), panels=["confidence"])
    until(lambda: view.status.received == 2)
    bundle = view._repr_mimebundle_()
    states = [widget.get_state() for widget in [*_instances.values()]]
    view.stop()
    shown = [history, history._repr_html_(), history.coverage.to_string(), bundle, states, view.status]
    shown += [view, view.follower, lab.scan(url), caplog.text, pickle.dumps(history.tables(), 0)]
    view.close()
    assert "cAnArY" not in repr(shown)
    kept = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(kept) > 10
    assert not [path for path in kept if b"cAnArY" in path.read_bytes()]


class TestAScanThatIsSent:
    def test_elsewhere_it_takes_the_url_of_the_environment(self, make_server, monkeypatch):
        server = make_server("--requirepass", "cAn#ArY")
        url = server.url.replace("//", "//:cAn%23ArY@")
        assert [*publish_payloads(url, lab.DEFAULT_STREAM_NAME, [envelope().encode()])] == [1]
        sent = pickle.dumps(lab.scan(url))
        monkeypatch.setenv("REDIS_URL", "redis://:another@elsewhere")
        monkeypatch.setenv("MASTERMIND_LAB_URL", url)
        assert sum(len(batch) for batch in pickle.loads(sent)) == 1
        monkeypatch.setenv("MASTERMIND_LAB_URL", "redis://:another@elsewhere")
        with pytest.raises(lab.OptionError, match="set MASTERMIND_LAB_URL to the whole URL"):
            list(pickle.loads(sent))

    def test_without_a_password_it_needs_nothing(self, raw, redis_url):
        publish(raw, [envelope()])
        assert sum(len(batch) for batch in pickle.loads(pickle.dumps(lab.scan(redis_url)))) == 1


def test_a_password_that_is_not_escaped_is_told_how():
    with pytest.raises(lab.OptionError, match="write # as %23"):
        lab.read("redis://me:cAn#ArY@127.0.0.1:1")


def test_a_file_with_such_a_name_is_read(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sample(2).to_ndjson(tmp_path / "run:7@lab.ndjson")
    assert len(lab.read("run:7@lab.ndjson")) == 2


HOSTILE = ["\x1b]0;pwned\x07\x1b[31mred\x1b[2J", "\x9b31m\x9d0;t\x9c", "\u202eabc\u2066", "\x00\x7f\u2028"]


def is_clean(text):
    return not [one for one in text if unicodedata.category(one) in ("Cc", "Cf", "Zl") and one != "\n"]


@pytest.mark.parametrize("hostile", HOSTILE, ids=ascii)
class TestAServersWords:
    @pytest.fixture
    def url(self, hostile):
        with answering(f"-ERR {hostile}\r\n".encode()) as url:
            yield url

    def test_in_errors(self, url, tmp_path):
        for use in (lab.read, published, followed, lambda url: lab.archive(url, tmp_path / "a")):
            with pytest.raises(lab.LabError, match=r"127\.0\.0\.1") as caught:
                use(url)
            assert is_clean(str(caught.value)), str(caught.value)

    def test_in_a_log(self, hostile, caplog):
        async def follow(url):
            async with aio.from_url(url) as client:
                async for _ in follow_envelopes(client, "s", last_id="0-0"):
                    pass

        with answering(f"-LOADING {hostile}\r\n".encode()) as url, pytest.raises(TimeoutError):
            asyncio.run(asyncio.wait_for(follow(url), 0.5))
        assert caplog.messages
        assert all(map(is_clean, caplog.messages)), caplog.messages


def test_a_servers_words_on_a_terminal(tmp_path):
    sample(1).to_ndjson(tmp_path / "one.ndjson")
    ways = [word for word in WAYS if word[0] in ("read", "simulate")] + [["tail"], ["tail", "--json"]]
    ways += [["snapshot", "{}", "s"], ["archive", "{}", "a"], ["replay", "one.ndjson"]]
    with answering(f"-ERR {''.join(HOSTILE)}\r\n".encode()) as url:
        for words in ways:
            named = [word.format(url) for word in words] + ([] if "{}" in words else [url])
            done = run(*named, cwd=tmp_path)
            assert done.returncode == 1, words
            assert is_clean(done.stdout + done.stderr), words


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory):
    return sample(1).save(tmp_path_factory.mktemp("saved") / "snapshot")


@pytest.mark.parametrize("hostile", ["".join(HOSTILE[:3]) + "\x7f\u2028"], ids=ascii)
class TestAStrangersFiles:
    def test_names_of_files(self, hostile, snapshot, tmp_path):
        """What is in a folder or is its name: shown as a line, and in JSON it comes back."""
        folder = tmp_path / f"snapshot{hostile}"
        shutil.copytree(snapshot, folder)
        part = next((folder / "decisions").rglob("*.parquet"))
        part.rename(part.with_name(f"part-{hostile}.parquet"))
        for words in (["verify", folder], ["compact", folder], ["read", folder], ["snapshot", folder, "s"]):
            done = run(*words, cwd=tmp_path)
            assert is_clean(done.stdout + done.stderr), words
        found = run("verify", folder, "--json")
        assert found.stdout.isascii()
        assert is_clean(found.stdout)
        assert json.loads(found.stdout)["findings"]

    @pytest.mark.further
    def test_what_an_envelope_says(self, hostile, tmp_path):
        path = tmp_path / f"run{hostile}.ndjson"
        said = envelope({"recommendation": hostile, "question": hostile}, meta={"model": hostile, hostile: 1})
        path.write_text(said + "\n" + said[:-9] + "\n")
        for words in (["read", path], ["read", path, "--json"], ["snapshot", path, f"s{hostile}"]):
            done = run(*words, cwd=tmp_path)
            assert done.returncode == 0, done.stderr
            assert is_clean(done.stdout + done.stderr), words
        models = json.loads(run("read", path, "--json").stdout)["mean_confidence_by_model"]
        # A name that would look like another stands in quotes.
        assert hostile in [json.loads(name) if name[0] == '"' else name for name in models]
