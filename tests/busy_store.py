"""An object store that is slow and often says that it is too busy: in front of a real one."""

import http.client
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

BUSY = b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
_OF_A_CONNECTION = {"connection", "content-length", "server", "date", "transfer-encoding"}


class BusyStore(ThreadingHTTPServer):
    """Passes requests on, but each so manieth, to which it answers 503; each waits before."""

    def __init__(self, address, refuses, seconds):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.address, self.refuses, self.seconds, self.requests = address, refuses, seconds, 0
        self.daemon_threads = True


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _pass_on(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.requests += 1
        is_refused = self.server.requests % self.server.refuses == 0
        time.sleep(self.server.seconds)
        status, headers, answer = (503, [], BUSY) if is_refused else self._answer(body)
        self.send_response(status)
        length = str(len(answer))
        for name, value in headers:
            if name.lower() not in _OF_A_CONNECTION:
                self.send_header(name, value)
            elif name.lower() == "content-length" and self.command == "HEAD":
                length = value
        self.send_header("Content-Length", length)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer)

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _pass_on

    def _answer(self, body):
        connection = http.client.HTTPConnection(self.server.address, timeout=30)
        connection.request(self.command, self.path, body, dict(self.headers))
        answer = connection.getresponse()
        found = answer.status, answer.getheaders(), answer.read()
        connection.close()
        return found

    def log_message(self, *_):
        pass


@contextmanager
def busy_store(url, refuses, seconds):
    """Put one before the store at a URL."""
    with BusyStore(url.rpartition("/")[2], refuses, seconds) as store:
        thread = threading.Thread(target=store.serve_forever, args=[0.02])
        thread.start()
        try:
            yield store
        finally:
            store.shutdown()
            thread.join()
