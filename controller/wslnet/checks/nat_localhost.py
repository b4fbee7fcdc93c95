"""In NAT mode, does Windows' localhost lead to what listens in WSL? A relay of WSL's own carries it there.

The relay listens on Windows for each listener of WSL (wsl-facts 5.9); it can die, and a port can be
somebody else's on Windows (wsl-facts 6, no. 25). A portproxy rule into WSL's network leads to WSL, too:
`portproxy.target` judges it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.checks.parts.findings import MODE_KNOWN_BY, Findings, look_again
from wslnet.checks.parts.windows import on_windows
from wslnet.checks.parts.wslconfig import config_of
from wslnet.model.finding import Check, Finding, Fix, Status
from wslnet.model.machine import Kind
from wslnet.model.portproxy import networks, target_of
from wslnet.model.ports import OF_WSL_ITSELF

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from wslnet.model.linux_network import Listener
    from wslnet.model.snapshot import Snapshot
    from wslnet.model.windows_facts import PortProxy, WindowsFacts, WindowsListener

_SAY = Findings("nat.localhost", docs="https://learn.microsoft.com/windows/wsl/networking")

_KEY = "wsl2.localhostForwarding"
_OFF = frozenset({"false", "0"})
_ON_LOOPBACK = frozenset({"*", "0.0.0.0", "127.0.0.1", "::", "::1"})  # noqa: S104 - as sockets say it
_SERVICE_OF_RULES = "svchost"


def _judge(snapshot: Snapshot, machine: str, windows: WindowsFacts) -> Iterator[Finding]:
    wsl = snapshot.inventory.wsl
    facts = snapshot.linux(wsl.name) if wsl is not None else None
    config = config_of(snapshot)
    if snapshot.mode is None:
        yield _SAY.skip(machine, "WSL's mode is not known", depends_on=MODE_KNOWN_BY)
    elif snapshot.mode != "nat":
        yield _SAY.skip(machine, f"this is of NAT mode only, and WSL runs in {snapshot.mode} mode")
    elif wsl is None or facts is None or facts.listeners is None:
        yield _SAY.skip(machine, "what listens in WSL is not known", depends_on=MODE_KNOWN_BY)
    elif windows.listeners is None or windows.portproxy is None or config is None:
        yield _SAY.unread(machine, "listeners, portproxy rules and .wslconfig")
    elif (config.value(_KEY) or "true").lower() in _OFF:
        yield _SAY.ok(machine, f"{_KEY} is off in .wslconfig: Windows' localhost is its own")
    else:
        yield _relayed(machine, wsl.name, _ports(facts.listeners), windows, windows.listeners)


def _relayed(
    machine: str,
    wsl: str,
    wanted: frozenset[int],
    windows: WindowsFacts,
    listeners: Iterable[WindowsListener],
) -> Finding:
    local = [one for one in listeners if one.proto == "tcp" and one.address in _ON_LOOPBACK]
    carried = {one.port for one in local if _process(one) in OF_WSL_ITSELF}
    others = [one for one in local if one.port in wanted - carried]
    unheard = sorted(wanted - carried - {one.port for one in others})
    # Of a process without a name it cannot be told that it is not the relay.
    taken = [f"{machine}: {line}" for one in others if one.process for line in _takers(windows, one)]
    if unheard and not carried:
        lines = (f"{wsl} listens on tcp/{port}, and Windows' localhost does not" for port in unheard)
        return _dead(machine, (*lines, *taken))
    if taken:
        return _taken(machine, taken)
    named = ", ".join(str(port) for port in sorted(carried & wanted))
    return _SAY.ok(machine, f"Windows' localhost leads to WSL: {named}" if named else "nothing to relay")


def _dead(machine: str, evidence: Iterable[str]) -> Finding:
    return _SAY.problem(
        Status.WARN,
        machine,
        "Windows' localhost does not lead to WSL: its relay is gone",
        evidence=evidence,
        cause="in NAT mode a program of WSL's own, wslrelay, carries Windows' localhost into it. It has "
        "ended, or not come back after a Fast Startup; only a start of WSL starts it (microsoft/WSL#5298)",
        fix=Fix(
            f"wslnet doctor --fix --only {_SAY.code}",
            (
                "let WSL start anew: wslnet restart",
                "if it comes again after each power-on: switch Fast Startup off, powercfg /hibernate off",
            ),
            restarts=True,
        ),
    )


def _taken(machine: str, evidence: Iterable[str]) -> Finding:
    return _SAY.problem(
        Status.WARN,
        machine,
        "Windows' localhost leads elsewhere than to WSL",
        evidence=evidence,
        cause="WSL's relay takes no port that Windows holds already: whoever asks localhost gets an answer "
        "of that program, or none",
        fix=look_again(
            _SAY.code,
            "stop the program on Windows, or remove its portproxy rule: "
            "netsh interface portproxy delete v4tov4 listenport=PORT listenaddress=ADDRESS",
            "or let the program in WSL use another port",
            "then start the program in WSL again: the relay offers each listener once",
        ),
    )


def _takers(windows: WindowsFacts, listener: WindowsListener) -> Iterator[str]:
    """In words, who has a port on Windows' localhost; nobody where a rule leads into WSL's network."""
    what = f"tcp/{listener.port} on {listener.address}"
    rules = [one for one in windows.portproxy or () if _is_of(one, listener)]
    if not rules or _process(listener) != _SERVICE_OF_RULES:
        yield f"{what} is held by {listener.process} (pid {listener.pid})"
        return
    of_wsl, _ = networks(windows)
    for rule in rules:
        target = target_of(rule)
        if target is None or not any(target in one for one in of_wsl):
            yield f"{what} is led to {rule.connect_address}:{rule.connect_port} by a portproxy rule"


def _is_of(rule: PortProxy, listener: WindowsListener) -> bool:
    return rule.listen_port == listener.port and rule.listen_address in {listener.address, *_ON_LOOPBACK}


def _process(listener: WindowsListener) -> str:
    return (listener.process or "").lower().removesuffix(".exe")


def _ports(listeners: Iterable[Listener]) -> frozenset[int]:
    """The TCP ports of WSL that its own loopback reaches."""
    return frozenset(one.port for one in listeners if one.proto == "tcp" and one.address in _ON_LOOPBACK)


CHECK = Check(
    code=_SAY.code,
    title="Windows' localhost leads to WSL in NAT mode",
    needs={
        Kind.WINDOWS: frozenset(
            {"listeners", "portproxy", "addresses", "adapters", "routes", "wslconfig", "wsl"}
        ),
        Kind.WSL: frozenset({"listeners", "wsl"}),
    },
    judge=on_windows(_SAY, _judge),
    depends_on=MODE_KNOWN_BY,
    docs=_SAY.docs,
)
