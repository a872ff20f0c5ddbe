"""The server for machines without Redis: fakeredis, behind a port.

It runs by its path, outside the package, and is told its port as a real server is: ``--port 6379``.
"""

from __future__ import annotations

import os
import select
import socket
import sys
from typing import Any

from fakeredis import TcpFakeServer


class PatientSocket(socket.socket):
    """A socket that sends long replies whole; fakeredis makes its sockets non-blocking and gives up."""

    def sendall(self, data: Any, flags: int = 0, /) -> None:
        """Send all the data, waiting where the other side is slow."""
        rest = memoryview(data)
        while rest:
            select.select([], [self], [])
            rest = rest[self.send(rest, flags) :]


class FallbackServer(TcpFakeServer):
    """The fakeredis server, with patient sockets."""

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept one client."""
        client, address = super().get_request()
        return PatientSocket(fileno=client.detach()), address


if __name__ == "__main__":
    with FallbackServer(("127.0.0.1", int(sys.argv[sys.argv.index("--port") + 1]))) as server:
        sys.stdout.write(f"{os.getpid()}:M Ready to accept connections\n")
        sys.stdout.flush()
        server.serve_forever()
