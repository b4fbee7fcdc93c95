"""Probes from Windows itself: `Test-NetConnection`, one pipeline each, side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet_win_agent.calls import network as calls
from wslnet_win_agent.errors import WindowsAgentError
from wslnet_win_agent.values import boolean

if TYPE_CHECKING:
    from wslnet_win_agent.bridge import Reply
    from wslnet_win_agent.call import Call
    from wslnet_win_agent.host import Host

    from .arguments import Arguments

# Test-NetConnection takes no time limit (a dead TCP port costs about 21 s) and is slow to begin with, so the
# pipeline is stopped at what the caller asked for and this.
_OVERHEAD_S = 8.0
_SSH_PORT = 22


def probe(host: Host, arguments: Arguments) -> list[dict[str, object]]:
    """Measure icmp, tcp and ssh (the TCP half of it) probes; `ms` is the time that the call took.

    A probe that cannot be made (udp) has `ok` null and says why; one that Windows did not finish in time is
    `timeout`, and Windows' own "no" is `no-answer`, since it does not tell refused from lost.
    """
    probes = arguments.mappings("probes")
    made = [(each, _call(each)) for each in probes]
    sent = [call for _, call in made if call is not None]
    patience_s = _OVERHEAD_S + max((each.seconds("timeout_s", 2.0) for each in probes), default=0.0)
    deadline_s = min(patience_s, host.deadline_s)
    replies = iter(host.bridge.run_each(sent, deadline_s=deadline_s) if sent else ())
    return [
        _answer(ok=None, detail=f"Windows cannot probe {each.text('proto')}")
        if call is None
        else _result(each, next(replies))
        for each, call in made
    ]


def _answer(*, ok: bool | None, detail: str, ms: float | None = None) -> dict[str, object]:
    return {"ok": ok, "ms": ms, "detail": detail, "from": None}


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


def _result(each: Arguments, reply: Reply) -> dict[str, object]:
    if reply.state == "Stopped":
        return _answer(ok=False, detail="timeout")
    name = "PingSucceeded" if each.text("proto") == "icmp" else "TcpTestSucceeded"
    answers = [boolean(row.get(name)) for row in reply.outputs]
    answer = next((one for one in answers if one is not None), None)
    if answer is None:
        first = reply.errors[0].id if reply.errors else reply.state
        raise WindowsAgentError("failed", f"Test-NetConnection gave no answer ({first})")
    return (
        _answer(ok=True, detail="ok", ms=round(reply.elapsed_s * 1000, 1))
        if answer
        else _answer(ok=False, detail="no-answer")
    )
