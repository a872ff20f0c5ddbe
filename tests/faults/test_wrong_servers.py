"""What answers at the address is no Redis, or not in the way that is asked for: it is named, and soon."""

import shutil
import socket
import subprocess
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from waiting import until

import mastermind_lab as lab

SOON = 2.0  # seconds for an answer; on a busy machine everything else takes its time, too
FOLLOWED = 4.0


class Quiet(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def http_url():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"redis://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def silent_url():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        yield f"redis://127.0.0.1:{silent.getsockname()[1]}"


@pytest.fixture
def hanging_up():
    """Address of a server that ends each connection, and when it did."""
    met = []

    def hang_up():
        with suppress(OSError):  # it has been closed
            while True:
                listening.accept()[0].close()
                met.append(time.monotonic())

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=hang_up)
        thread.start()
        yield f"redis://127.0.0.1:{listening.getsockname()[1]}", met
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl to make a certificate with")
    folder = tmp_path_factory.mktemp("tls")
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    files = ["-keyout", folder / "key.pem", "-out", folder / "cert.pem"]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *subject, *files]
    subprocess.run(command, check=True, capture_output=True)
    return folder


@pytest.fixture
def tls_port(make_server, certificate):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    files = ("--tls-cert-file", f"{certificate}/cert.pem", "--tls-key-file", f"{certificate}/key.pem")
    make_server("--tls-port", str(port), "--tls-auth-clients", "no", "--tls-ca-cert-file",
                f"{certificate}/cert.pem", *files)  # fmt: skip
    return port


def said(url):
    """Read, and return what is said and how long it took."""
    began = time.monotonic()
    with pytest.raises(lab.SourceError, match=r"localhost|127\.0\.0\.1") as caught:
        lab.read(url)
    return str(caught.value), time.monotonic() - began


def followed(url):
    with lab.Follower(url) as follower:
        end = time.monotonic() + FOLLOWED + 10
        while follower.status.error is None and time.monotonic() < end:
            time.sleep(0.02)
        status, began = follower.status, time.monotonic()
    return status, time.monotonic() - began


def test_an_http_server(http_url):
    message, _ = said(http_url)
    assert "is it a Redis server?" in message
    assert followed(http_url)[0].state == "reconnecting"


def test_a_silent_port(silent_url):
    message, took = said(silent_url)
    assert "no Redis answers at redis://127.0.0.1" in message
    assert SOON - 0.2 < took < 4 * SOON
    status, to_stop = followed(silent_url)
    assert (status.state, to_stop < 4 * SOON) == ("reconnecting", True)


def test_one_that_hangs_up_is_asked_again_less_and_less(hanging_up):
    url, met = hanging_up
    with lab.Follower(url):
        until(lambda: len(met) >= 4)
    assert met[3] - met[0] > 0.05 * (2 + 4 + 8) / 2  # twice as long each time, less what is left to chance


def test_tls_asked_of_a_plain_server(redis_url):
    message, took = said(redis_url.replace("redis://", "rediss://"))
    assert "rediss:// asks for TLS" in message
    assert took < 4 * SOON


@pytest.mark.further
def test_plain_asked_of_tls(tls_port):
    assert "redis:// asks for no TLS" in said(f"redis://localhost:{tls_port}")[0]


@pytest.mark.parametrize(("host", "authority"), [("localhost", False), ("127.0.0.1", True)])
def test_a_certificate_of_somebody_else(tls_port, certificate, host, authority):
    url = f"rediss://me:canary@{host}:{tls_port}" + f"?ssl_ca_certs={certificate}/cert.pem" * authority
    message, _ = said(url)
    assert "is not trusted" in message
    assert "canary" not in message
    assert followed(url)[0].state == "failed"


def test_tls(tls_port, certificate):
    assert len(lab.read(f"rediss://localhost:{tls_port}?ssl_ca_certs={certificate}/cert.pem")) == 0
