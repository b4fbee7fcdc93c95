"""Verbs `listen` and `unlisten`: short-lived responders, so that a probe has somebody to talk to.

They answer one text to whoever comes and live no longer than the agent.
"""

import socket
import threading

from wslnet_linux_agent.ops import OpError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from wslnet_linux_agent.ops import Args

_TICK_S = 0.1
_PEER_S = 2.0
_PROTOCOLS = ("tcp", "udp")
_KINDS = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}
_held = {}  # type: dict[tuple[str, int], Responder]


def listen(args: "Args") -> "dict[str, Any]":
    """Answer `text` on a port; port 0 takes a free one."""
    proto = args.choice("proto", _PROTOCOLS)
    address = args.text("address")
    endpoint = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, _KINDS[proto])
    try:
        if proto == "tcp":
            endpoint.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        endpoint.bind((address, args.number("port", 0, 65535)))
        if proto == "tcp":
            endpoint.listen(16)
    except OSError:
        endpoint.close()
        raise
    responder = Responder(endpoint, args.text("text").encode("utf-8"))
    responder.start()
    port = endpoint.getsockname()[1]  # type: int
    _held[proto, port] = responder
    return {"port": port}


def unlisten(args: "Args") -> "dict[str, Any]":
    """Stop answering on a port of `listen`; the port is free when this returns."""
    key = args.choice("proto", _PROTOCOLS), args.number("port", None, 65535)
    if key not in _held:
        raise OpError("not-found", "no listener of ours on %s/%d" % key)
    _held.pop(key).stop()
    return {}


class Responder(threading.Thread):
    """Answers on one socket until it is stopped."""

    def __init__(self, endpoint: "socket.socket", text: "bytes") -> "None":
        super().__init__(daemon=True)
        self._endpoint = endpoint
        self._endpoint.settimeout(_TICK_S)
        self._text = text
        self._stopped = threading.Event()

    def stop(self) -> "None":
        """Close the socket and wait for it."""
        self._stopped.set()
        self.join(_PEER_S + 1)

    def run(self) -> "None":
        """Serve one peer after the other; a peer that misbehaves is left."""
        answer = self._tcp if self._endpoint.type & socket.SOCK_STREAM else self._udp
        while not self._stopped.is_set():
            try:
                answer()
            except OSError:
                # Nobody came within the tick, or the peer went away.
                continue
        self._endpoint.close()

    def _tcp(self) -> "None":
        peer, _ = self._endpoint.accept()
        with peer:
            peer.settimeout(_PEER_S)
            peer.sendall(self._text)
            peer.shutdown(socket.SHUT_WR)
            # Closing with unread bytes would send a reset, which can overtake the answer.
            peer.recv(4096)

    def _udp(self) -> "None":
        _, peer = self._endpoint.recvfrom(4096)
        self._endpoint.sendto(self._text, peer)
