"""Do the portproxy rules of Windows lead to somebody, and is anyone listening for them (windows-facts 3)?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.checks.parts.excluded import range_given_away
from wslnet.checks.parts.findings import REACHABLE, Findings
from wslnet.checks.parts.windows import on_windows
from wslnet.model.finding import Check, Finding, Fix, Status
from wslnet.model.machine import Kind
from wslnet.model.portproxy import networks, target_of
from wslnet.resources.port_proxy import FAMILY, PortProxyRule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.model.snapshot import Snapshot
    from wslnet.model.windows_facts import PortProxy, WindowsFacts

_SAY = Findings("portproxy.target", docs="https://learn.microsoft.com/windows/wsl/networking")


def _judge(snapshot: Snapshot, machine: str, windows: WindowsFacts) -> Iterator[Finding]:
    if windows.portproxy is None or windows.addresses is None:
        yield _SAY.unread(machine, "portproxy rules and addresses")
    else:
        yield _machine(snapshot, machine, windows)


def _machine(snapshot: Snapshot, machine: str, windows: WindowsFacts) -> Finding:
    wrong = [line for rule in windows.portproxy or () for line in _wrong(snapshot, windows, rule)]
    if not wrong:
        return _SAY.ok(machine, f"{len(windows.portproxy or ())} portproxy rules, none leads nowhere")
    return _SAY.problem(
        Status.WARN,
        machine,
        "portproxy rules that do not work",
        evidence=(f"{machine}: {line}" for line in wrong),
        cause="portproxy keeps the address that it was given: WSL has another one after each start in NAT "
        "mode, and none of its own in mirrored mode; and only a running iphlpsvc listens",
        fix=Fix(
            f"wslnet doctor --fix --only {_SAY.code}",
            (
                "in NAT mode let it follow WSL's address: wslnet forward adopt",
                "in mirrored mode no rule is needed: wslnet forward prune",
                "if nobody listens for a rule: Restart-Service iphlpsvc",
            ),
            tuple(_mended(snapshot, machine, windows)),
        ),
    )


def _mended(snapshot: Snapshot, machine: str, windows: WindowsFacts) -> Iterator[PortProxyRule]:
    """What leads into WSL's own network: to its address of now, or gone where WSL has none there."""
    of_wsl, _ = networks(windows)
    address = windows.wsl.address if windows.wsl is not None else None
    for rule in windows.portproxy or ():
        target = target_of(rule)
        if rule.family != FAMILY or target is None or not any(target in one for one in of_wsl):
            continue
        mirrored = snapshot.mode == "mirrored"
        if mirrored or (snapshot.mode == "nat" and address is not None):
            yield PortProxyRule(
                machine,
                rule.listen_address,
                rule.listen_port,
                rule.connect_address if mirrored else address,
                rule.connect_port,
                "in mirrored mode it leads nowhere" if mirrored else "follows WSL's address",
                moves=True,
                present=not mirrored,
            )


def _wrong(snapshot: Snapshot, windows: WindowsFacts, rule: PortProxy) -> Iterator[str]:
    text = f"{rule.listen_address}:{rule.listen_port} -> {rule.connect_address}:{rule.connect_port}"
    target = target_of(rule)
    if target is None:
        return
    of_wsl, others = networks(windows)
    address = windows.wsl.address if windows.wsl is not None else None
    if any(target in one for one in of_wsl):
        if snapshot.mode == "mirrored":
            yield f"{text}: in mirrored mode WSL has no address there"
        elif snapshot.mode == "nat" and address not in {None, str(target)}:
            yield f"{text}: WSL has the address {address} now"
    elif snapshot.mode == "mirrored" and not target.is_loopback and not any(target in one for one in others):
        yield f"{text}: no adapter of Windows has that network"
    ports = {one.port for one in windows.listeners or () if one.proto == "tcp"}
    # Where Windows gave the port away no restart of the service helps: port.conflict names it.
    elsewhere = snapshot.mode != "mirrored" and range_given_away(windows, rule.listen_port) is not None
    if windows.listeners is not None and rule.listen_port not in ports and not elsewhere:
        yield f"{text}: nobody listens on port {rule.listen_port}"


CHECK = Check(
    code=_SAY.code,
    title="Portproxy rules lead somewhere",
    needs={
        Kind.WINDOWS: frozenset(
            {"portproxy", "port_ranges", "addresses", "adapters", "routes", "listeners", "wsl"}
        ),
        Kind.WSL: frozenset({"wsl"}),
    },
    judge=on_windows(_SAY, _judge),
    depends_on=(REACHABLE,),
    docs=_SAY.docs,
)
