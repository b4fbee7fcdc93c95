"""Probes from Windows itself: `Test-NetConnection`, one pipeline each, side by side."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from wslnet_win_agent.calls import network as calls
from wslnet_win_agent.errors import WindowsAgentError
from wslnet_win_agent.values import boolean

if TYPE_CHECKING:
    from wslnet_win_agent.bridge import Reply
    from wslnet_win_agent.call import Call
    from wslnet_win_agent.host import Host

    from .arguments import Arguments

# Test-NetConnection has no limit of its own that can be set; a dead TCP port takes about 21 s on Windows.
_PATIENCE_S = 25.0
_SSH_PORT = 22


def probe(host: Host, arguments: Arguments) -> list[dict[str, object]]:
    """Measure icmp, tcp and ssh (the TCP half of it) probes; `ms` is the time of the whole call.

    A probe that cannot be made (udp) has `ok` null and says why.
    """
    probes = arguments.mappings("probes")
    made = [(each, _call(each)) for each in probes]
    sent = [call for _, call in made if call is not None]
    started = time.monotonic()
    replies = iter(host.bridge.run_each(sent, deadline_s=_PATIENCE_S) if sent else ())
    ms = round((time.monotonic() - started) * 1000, 1)
    return [
        {"ok": None, "ms": None, "detail": f"Windows cannot probe {each.text('proto')}"}
        if call is None
        else _result(each, next(replies), ms)
        for each, call in made
    ]


def _call(each: Arguments) -> Call | None:
    proto, address = each.text("proto"), each.text("dst")
    if proto == "icmp":
        return calls.ping(address)
    if proto == "tcp":
        return calls.connect(address, each.number("port"))
    if proto == "ssh":
        port = each.number("port") if each.given.get("port") is not None else _SSH_PORT
        return calls.connect(address, port)
    return None


def _result(each: Arguments, reply: Reply, ms: float) -> dict[str, object]:
    name = "PingSucceeded" if each.text("proto") == "icmp" else "TcpTestSucceeded"
    answers = [boolean(row.get(name)) for row in reply.outputs]
    answer = next((one for one in answers if one is not None), None)
    if answer is None:
        first = reply.errors[0].id if reply.errors else reply.state
        raise WindowsAgentError("failed", f"Test-NetConnection gave no answer ({first})")
    return {"ok": answer, "ms": ms, "detail": "" if answer else "no answer"}
