"""Verb `probes`: packets to somewhere, all at the same time, each with its own deadline.

`detail` is a stable word: ok, refused, timeout, no-route, no-banner, mismatch, not-permitted,
unreachable:REASON, failed:ERRNO. `from` is who sent an ICMP error, null if nobody said so.
"""

import errno
import socket
import threading
import time

from wslnet_linux_agent import probe_icmp, probe_stream
from wslnet_linux_agent.ops import OpError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from wslnet_linux_agent.ops import Args

_PROTOCOLS = {
    "icmp": probe_icmp.echo,
    "tcp": probe_stream.tcp,
    "udp": probe_stream.udp,
    "ssh": probe_stream.ssh,
}
_DEFAULT_S = 2.0
_GRACE_S = 5.0
_MOST = 512
_DETAILS = {
    errno.ECONNREFUSED: "refused",
    errno.ECONNRESET: "refused",
    errno.ENETUNREACH: "no-route",
    errno.EHOSTUNREACH: "unreachable:host",
    errno.EACCES: "not-permitted",
    errno.EPERM: "not-permitted",
    errno.ETIMEDOUT: "timeout",
}


def measure(args: "Args") -> "list[dict[str, Any]]":
    """Send all probes; gives `{ok, ms, detail, from}` for each, in their order."""
    todo = args.objects("probes")
    if len(todo) > _MOST:
        raise OpError("bad-op", "more than %d probes" % _MOST)
    attempts = [_Attempt(probe) for probe in todo]
    for attempt in attempts:
        attempt.start()
    for attempt in attempts:
        attempt.join(attempt.timeout_s + _GRACE_S)
    return [attempt.result for attempt in attempts]


class _Attempt(threading.Thread):
    """One probe on its way; `result` is a time-out until something better is known."""

    def __init__(self, args: "Args") -> "None":
        super().__init__(daemon=True)
        self._probe = _PROTOCOLS[args.choice("proto", tuple(sorted(_PROTOCOLS)))]
        self.timeout_s = args.seconds("timeout_s", _DEFAULT_S)
        port = args.number("port", None, 65535) if args.has("port") else 0
        expect = args.text("expect").encode("utf-8") if args.has("expect") else None
        self._aim = (_literal(args.text("dst")), port, expect)
        self.result = _result("timeout")

    def run(self) -> "None":
        """Measure."""
        started = time.monotonic()
        try:
            detail, source = self._probe(self._aim, started + self.timeout_s)
        except OSError as error:
            name = errno.errorcode.get(error.errno or 0, type(error).__name__)
            detail, source = _DETAILS.get(error.errno or 0, "failed:" + name), None
        ms = round((time.monotonic() - started) * 1000, 3)
        self.result = _result(detail, source, ms if detail != "timeout" else None)


def _literal(dst: "str") -> "str":
    # A name would be resolved without a deadline.
    try:
        socket.inet_pton(socket.AF_INET6 if ":" in dst else socket.AF_INET, dst)
    except OSError:
        raise OpError("bad-op", "dst must be an address, not %s" % dst)
    return dst


def _result(detail: "str", source: "str | None" = None, ms: "float | None" = None) -> "dict[str, Any]":
    return {"ok": detail == "ok", "ms": ms, "detail": detail, "from": source}
