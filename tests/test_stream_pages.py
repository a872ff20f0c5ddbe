"""Pages fetched ahead: nothing lost, and nothing left behind however the reading ends."""

import json
import os
import signal
import subprocess
import sys
import threading
import time

import pytest
import redis

import mastermind_lab as lab
from mastermind_lab.envelope import DEFAULT_STREAM_NAME as STREAM
from mastermind_lab.stream import Pages, publish_payloads

ENVELOPE = json.dumps({"decision": {"recommendation": "ship", "confidence": 0.5, "rationale": "x" * 2_000}})


def left_behind():
    return {one.name for one in threading.enumerate()}, len(os.listdir("/proc/self/fd"))


@pytest.fixture
def stream(redis_url):
    for _ in publish_payloads(redis_url, STREAM, [ENVELOPE.encode()] * 12_000):
        pass
    before = left_behind()
    yield redis_url
    assert left_behind() == before


@pytest.mark.further
def test_every_entry_once_and_in_order(stream):
    ids = [[entry_id for entry_id, _ in page] for page in Pages(stream, STREAM)]
    listed = [entry_id for page in reversed(ids) for entry_id in page]
    assert len(ids) > 5
    assert len(set(listed)) == 12_000
    assert listed == sorted(listed, key=lab.id_key)


@pytest.mark.parametrize(("count", "size"), [(12_000, 2_000), (40, 400_000)], ids=["pages", "batches"])
@pytest.mark.further
def test_a_history_of_many_pages_or_batches_is_in_order(redis_url, count, size):
    decision = {"recommendation": "ship", "confidence": 0.5, "rationale": "x" * size}
    sent = [json.dumps({"decision": decision | {"decision_id": str(n)}}).encode() for n in range(count)]
    for _ in publish_payloads(redis_url, STREAM, sent):
        pass
    history = lab.read(redis_url)
    assert history.decisions["decision_id"].tolist() == [str(n) for n in range(count)]


@pytest.mark.once
@pytest.mark.parametrize("pages", [0, 1, 3])
def test_breaking_off(stream, pages):
    fetched = iter(Pages(stream, STREAM))
    for _ in range(pages):
        next(fetched)
    fetched.close()


def test_an_error_of_the_caller(stream):
    def fails(envelope):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        lab.read(stream, columns=[lab.Column("x", fails)])


def test_a_fault_of_the_thread_reaches_the_caller(server):
    for _ in publish_payloads(server.url, STREAM, [ENVELOPE.encode()] * 12_000):
        pass
    before = left_behind()
    fetched = iter(Pages(server.url, STREAM))
    next(fetched)
    server.stop()
    with pytest.raises(lab.SourceError, match="no Redis answers"):
        list(fetched)
    assert left_behind()[0] == before[0]


def test_a_fault_at_the_first_page(redis_url):
    with redis.Redis.from_url(redis_url) as client:
        client.set("key", "text")
    before = left_behind()
    with pytest.raises(lab.SourceError, match="not a stream"):
        list(Pages(redis_url, "key"))
    assert left_behind() == before


def test_no_more_than_two_pages_ahead(stream):
    pages = Pages(stream, STREAM)
    fetched = iter(pages)
    first = next(fetched)
    time.sleep(0.3)
    # 4 + 16 + 64: the one in hand, the one that waits, the one in the thread's hand
    assert len(first) == 4
    assert pages.entries <= 4 + 16 + 64
    fetched.close()


@pytest.mark.thorough
def test_ctrl_c_while_the_server_is_silent(server):
    # Loaded before, since some libraries take an interruption of their own loading for a missing package.
    code = (
        "import mastermind_lab as lab, mastermind_lab.stream; lab.read([]); "
        f"print('go', flush=True); lab.read({server.url!r})"
    )
    os.kill(server.pid, signal.SIGSTOP)
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as reader:
        assert reader.stdout.readline() == b"go\n"
        time.sleep(0.5)
        reader.send_signal(signal.SIGINT)
        _, said = reader.communicate(timeout=60)
    os.kill(server.pid, signal.SIGCONT)
    assert b"KeyboardInterrupt" in said
