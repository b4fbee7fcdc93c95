"""Passes bytes between standard input and output and one TCP connection; sent instead of the agent.

For a controller that has a process in this machine and no way of its own to the next one.
"""

import os
import socket
import sys
import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from io import BufferedReader

CONNECT_TIMEOUT_S = 10
PORTION = 65536


def relay(host: str, port: int) -> None:
    """Connects, says so in one line (or why not), and passes bytes on until both ways have ended."""
    try:
        connection = socket.create_connection((host, port), CONNECT_TIMEOUT_S)
    except OSError as error:
        os.write(1, (str(error.strerror or error) + "\n").encode("utf-8"))
        return
    connection.settimeout(None)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    os.write(1, b"connected\n")
    threading.Thread(target=_up, args=(sys.stdin.buffer, connection), daemon=True).start()
    while True:
        data = connection.recv(PORTION)
        if not data:
            return
        while data:
            data = data[os.write(1, data) :]


def _up(source: "BufferedReader", connection: socket.socket) -> None:
    while True:
        data = source.read1(PORTION)
        if not data:
            # The client has gone: nobody reads what would still come.
            os._exit(0)
        connection.sendall(data)
