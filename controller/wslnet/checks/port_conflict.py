"""Are the ports that WSL shall have free on Windows? In mirrored mode both share one set of ports.

In NAT mode a portproxy rule listens for WSL, unless Windows has given its port away (wsl-facts 6, no. 26).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.checks.parts.excluded import range_given_away
from wslnet.checks.parts.findings import Findings, look_again
from wslnet.checks.parts.windows import on_windows
from wslnet.model.allow import Allow
from wslnet.model.finding import Check, Finding, Fix, Status
from wslnet.model.machine import Kind
from wslnet.model.ports import NEVER_STEERED, OF_WSL_ITSELF
from wslnet.resources.dynamic_ports import USUAL, DynamicPorts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.model.snapshot import Snapshot
    from wslnet.model.windows_facts import PortProxy, WindowsFacts

_SAY = Findings("port.conflict", docs="https://learn.microsoft.com/windows/wsl/troubleshooting")

_SSH_PORT = 22
_BY_HAND = (
    "publish by another port: wslnet forward remove, then wslnet forward add",
    "or let Windows give other ranges: net stop winnat, then net start winnat",
)


def _judge(snapshot: Snapshot, machine: str, windows: WindowsFacts) -> Iterator[Finding]:
    if windows.listeners is None or windows.portproxy is None:
        yield _SAY.unread(machine, "listeners and portproxy rules")
    else:
        yield _windows(snapshot, machine, windows)


def _windows(snapshot: Snapshot, machine: str, windows: WindowsFacts) -> Finding:
    wish = snapshot.inventory.wish
    mirrored = "mirrored" in {wish.mode, snapshot.mode}
    lost = [
        line
        for allow in wish.allow
        for line in (*_listeners(windows, allow), *_relays(windows, allow))
        # In NAT mode a portproxy rule is how the port is published, and its service listens for it.
        if mirrored or not any(_relays(windows, allow))
    ]
    if mirrored:
        lost += [
            f"{allow}: mirrored mode never steers it to WSL"
            for allow in wish.allow
            if (allow.proto, allow.port) in NEVER_STEERED
        ]
    if lost:
        return _conflict(Status.FAIL, machine, "a wished port cannot reach WSL", lost)
    own = Allow("tcp", _ssh_port(snapshot))
    ssh = [*_listeners(windows, own), *_relays(windows, own)] if mirrored else []
    if ssh:
        return _conflict(Status.WARN, machine, "the port of WSL's SSH server is held by Windows", ssh)
    # In mirrored mode WSL itself holds ports by exclusions.
    kept = [f"{machine} {line}" for line in _kept(windows)] if snapshot.mode != "mirrored" else []
    if kept:
        return _unheard(machine, kept, _ports_back(machine, windows))
    named = ", ".join(str(allow) for allow in wish.allow)
    return _SAY.ok(
        machine, f"nothing on Windows holds {named}" if named else "no port is wished, none collides"
    )


def _conflict(status: Status, machine: str, title: str, evidence: list[str]) -> Finding:
    return _SAY.problem(
        status,
        machine,
        title,
        evidence=evidence,
        cause="in mirrored mode Windows and WSL share one set of ports: what Windows holds, a program in WSL "
        "cannot bind (EADDRINUSE), and it never sees what arrives there",
        fix=look_again(
            _SAY.code,
            "stop the program on Windows, or remove its portproxy rule: "
            "netsh interface portproxy delete v4tov4 listenport=PORT listenaddress=ADDRESS",
            "or let the program in WSL use another port, and wish that one",
        ),
    )


def _ports_back(machine: str, windows: WindowsFacts) -> tuple[DynamicPorts, ...]:
    """The usual dynamic ports, where a published port is taken as one of those that reach down to it."""
    tcp = next((one.dynamic for one in windows.port_ranges or () if one.proto == "tcp"), None)
    usual, _ = USUAL
    if tcp is None or not any(tcp[0] <= one.listen_port < usual for one in _taken(windows)):
        return ()
    why = "so that Windows gives no published port away"
    return (DynamicPorts(machine, "tcp", *USUAL, why, at_boot=True),)


def _unheard(machine: str, evidence: list[str], mending: tuple[DynamicPorts, ...]) -> Finding:
    return _SAY.problem(
        Status.WARN,
        machine,
        "nobody can listen on a published port",
        evidence=evidence,
        cause="Windows gives ranges of ports to winnat, Hyper-V or a program when they start, and no other "
        "program can listen on a port of theirs",
        fix=Fix(
            f"wslnet doctor --only {_SAY.code}" + (" --fix" if mending else ""),
            (
                *(
                    f"{one.proto} ports {one.first}-{one.last} become the dynamic ones; Windows gives ranges "
                    "of those after a reboot, then wslnet resume"
                    for one in mending
                ),
                *_BY_HAND,
            ),
            mending,
        ),
    )


def _kept(windows: WindowsFacts) -> Iterator[str]:
    """In words, the portproxy rules for whose port nobody listens because Windows has given it away."""
    for rule in _taken(windows):
        taken = range_given_away(windows, rule.listen_port)
        where = f"{rule.listen_address}:{rule.listen_port}"
        yield f"portproxy {where}: Windows has excluded tcp ports {taken}"


def _taken(windows: WindowsFacts) -> Iterator[PortProxy]:
    """These rules."""
    heard = {one.port for one in windows.listeners or () if one.proto.lower() == "tcp"}
    for rule in windows.portproxy or ():
        if rule.listen_port not in heard and range_given_away(windows, rule.listen_port) is not None:
            yield rule


def _listeners(windows: WindowsFacts, allow: Allow) -> Iterator[str]:
    """In words, who listens on the port on Windows; WSL's own relays are no rivals of it."""
    for one in windows.listeners or ():
        process = (one.process or "").lower().removesuffix(".exe")
        if (one.proto.lower(), one.port) == (allow.proto, allow.port) and process not in OF_WSL_ITSELF:
            yield f"{allow}: {one.process or 'a process'} (pid {one.pid}) listens on {one.address}:{one.port}"


def _relays(windows: WindowsFacts, allow: Allow) -> Iterator[str]:
    """In words, the portproxy rules that take the port."""
    for rule in windows.portproxy or ():
        if (allow.proto, allow.port) == ("tcp", rule.listen_port):
            yield (
                f"{allow}: portproxy {rule.family} {rule.listen_address}:{rule.listen_port} -> "
                f"{rule.connect_address}:{rule.connect_port}"
            )


def _ssh_port(snapshot: Snapshot) -> int:
    wsl = snapshot.inventory.wsl
    return (wsl.port if wsl is not None else None) or _SSH_PORT


CHECK = Check(
    code=_SAY.code,
    title="Windows does not hold the ports that WSL shall have",
    needs={
        Kind.WINDOWS: frozenset({"listeners", "port_ranges", "portproxy", "wsl"}),
        Kind.WSL: frozenset({"wsl"}),
    },
    judge=on_windows(_SAY, _judge),
    docs=_SAY.docs,
)
