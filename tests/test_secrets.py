"""Passwords reach no message, and what strangers write reaches no terminal and no log as it is."""

import asyncio
import unicodedata

import pytest
from redis import asyncio as aio
from streams import answering
from waiting import until

import mastermind_lab as lab
from mastermind_lab.stream import follow_envelopes, publish_payloads

ADDRESSES = [
    "redis://me:cAn#ArY@127.0.0.1:1",  # not escaped as they should be
    "redis://:12/cAnArY@127.0.0.1:1",
    "redis://me:12?cAnArY@127.0.0.1:1",
    "redis://:cAn@ArY@127.0.0.1:1",
    "redis://:cAnArY@127.0.0.1:port",
    "redis://:cAn/ArY@127.0.0.1",
    "redis://127.0.0.1:1?password=cAnArY",  # elsewhere than in front of the host
    "redis://127.0.0.1:1?password=cAn@ArY",
    "rediss://127.0.0.1:1/0?username=u&password=cAnArY",
    "unix:///nowhere.sock?password=cAnArY",
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
    lab.sample(last=1).save(address)


def exported(address):
    lab.sample(last=1).to_ndjson(address)


def published(address):
    list(publish_payloads(address, "s", [b"x"]))


def followed(address):
    with lab.Follower(address) as follower:
        until(lambda: follower.status.error)
        raise lab.LabError(follower.status.error)


@pytest.mark.parametrize("address", ADDRESSES)
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
def test_no_part_of_a_password_is_in_a_message(use, address, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said = ""
    try:
        said = repr(use(address))
    except lab.LabError as error:
        said = str(error)
    assert not [part for part in ("cAn", "ArY") if part in said], said
    assert not [one for one in tmp_path.iterdir() if "cAn" in one.name]


def test_a_password_that_is_not_escaped_is_told_how():
    with pytest.raises(lab.OptionError, match="write # as %23"):
        lab.read("redis://me:cAn#ArY@127.0.0.1:1")


def test_a_file_with_such_a_name_is_read(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lab.sample(last=2).to_ndjson(tmp_path / "run:7@lab.ndjson")
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
