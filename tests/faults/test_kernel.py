"""A kernel in which the cell runs again and again, and is interrupted: one view, whatever happened."""

import time

import pytest
import redis
from waiting import until

from mastermind_lab.arena import Arena, payloads
from mastermind_lab.envelope import DEFAULT_STREAM_NAME as STREAM
from mastermind_lab.stream import publish_payloads

pytestmark = [
    pytest.mark.thorough,
    pytest.mark.filterwarnings("default::ResourceWarning", "default::DeprecationWarning"),  # the client's own
]

LEFT = """
import threading, comm
print([sum(one.name.startswith("mastermind") for one in threading.enumerate()),
       len(comm.get_comm_manager().comms), view.status.received])
"""


@pytest.fixture
def client():
    from jupyter_client.manager import start_new_kernel

    manager, client = start_new_kernel(startup_timeout=120)
    yield client, manager
    client.stop_channels()
    manager.shutdown_kernel(now=True)
    manager.cleanup_resources()


def said(client, code):
    """Run code and return what it prints."""
    found = []

    def hear(message):
        if message["msg_type"] == "stream":
            found.append(message["content"]["text"])

    reply = client.execute_interactive(code, output_hook=hear, timeout=120)
    assert reply["content"]["status"] == "ok", reply["content"]
    return "".join(found)


def settled(client, threads, received=""):
    """What is left once so many threads are, and so much has come: one told to end takes a moment."""
    end = time.monotonic() + 60
    while True:
        left = said(client, LEFT)
        if left.startswith(f"[{threads},") and left.endswith(f"{received}]\n"):
            return left
        assert time.monotonic() < end, left
        time.sleep(0.1)


def test_a_cell_that_runs_again_and_again_and_is_interrupted(client, redis_url, effort):
    client, manager = client
    list(publish_payloads(redis_url, STREAM, payloads(Arena(3), 50)))
    cell = f"import mastermind_lab as lab\nview = lab.follow({redis_url!r})\nview"
    after = []
    for run in range(4 * effort):
        said(client, cell)
        if run in (1, 4 * effort - 1):
            after.append(settled(client, threads=2))
    assert after[0].split(",")[:2] == after[1].split(",")[:2]
    for _ in range(3 * effort):
        sent = client.execute("import time; print('begun', flush=True); time.sleep(60)", stop_on_error=False)
        while "begun" not in client.get_iopub_msg(timeout=60)["content"].get("text", ""):
            pass  # the end of its line may come by itself
        manager.interrupt_kernel()
        while (reply := client.get_shell_msg(timeout=60))["parent_header"]["msg_id"] != sent:
            pass
        assert reply["content"]["status"] != "ok"
    settled(client, threads=2, received=" 50")
    with redis.Redis.from_url(redis_url) as raw:
        until(lambda: len(raw.client_list()) == 2)
    said(client, "view.close()")
    settled(client, threads=0)
