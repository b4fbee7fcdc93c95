"""Does WSL send packets that fit where they go? A tunnel with a smaller MTU drops large ones in silence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.checks.parts.findings import MODE_KNOWN_BY, Findings
from wslnet.checks.parts.wsl import on_wsl
from wslnet.model.adapter_roles import Role, role_of
from wslnet.model.families import IPV4
from wslnet.model.finding import Check, Finding, Fix, Status
from wslnet.model.machine import Kind
from wslnet.model.mirror import mirrored_links
from wslnet.resources.link_mtu import LinkMtu

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.model.linux_facts import LinuxFacts
    from wslnet.model.snapshot import Snapshot
    from wslnet.model.windows_facts import WindowsFacts

_SAY = Findings("mtu.mirror", docs="https://github.com/microsoft/WSL/issues/4698")

_NAT_LINK = "eth0"


def _judge(snapshot: Snapshot, machine: str, facts: LinuxFacts) -> Iterator[Finding]:
    windows = snapshot.windows
    if snapshot.mode is None:
        yield _SAY.skip(machine, "WSL's mode is not known", depends_on=MODE_KNOWN_BY)
    elif windows is None or windows.adapters is None or windows.interfaces is None:
        yield _SAY.skip(machine, "Windows did not tell its adapters and their MTU")
    elif facts.links is None:
        yield _SAY.unread(machine, "links")
    else:
        yield _machine(machine, tuple(_pairs(snapshot, windows, facts)))


def _machine(machine: str, pairs: tuple[tuple[str, int, str, int], ...]) -> Finding:
    told = tuple(f"{machine}: {link} {mtu}, adapter {name} {behind}" for link, mtu, name, behind in pairs)
    large = [line for line, pair in zip(told, pairs, strict=True) if pair[1] > pair[3]]
    if not pairs:
        return _SAY.ok(machine, "no link of WSL stands before a smaller tunnel")
    if not large:
        return _SAY.ok(machine, "WSL's packets fit the adapters behind", *told)
    return _SAY.problem(
        Status.WARN,
        machine,
        "WSL sends larger packets than the adapter behind takes",
        evidence=large,
        cause="pings and small requests pass while large answers (TLS, SSH) hang, wherever the message that "
        "a packet was too big is filtered on the way",
        fix=Fix(
            f"wslnet doctor --only {_SAY.code} --fix",
            (
                *(
                    f"ip link set dev {link} mtu {fits} in WSL (until it restarts)"
                    for link, fits in sorted(_fitting(pairs).items())
                ),
                "for good: let WSL start anew while the adapter is up, with its MTU set on Windows",
            ),
            tuple(
                LinkMtu(machine, link, fits, "larger packets do not fit the adapter behind")
                for link, fits in sorted(_fitting(pairs).items())
            ),
        ),
    )


def _fitting(pairs: tuple[tuple[str, int, str, int], ...]) -> dict[str, int]:
    """Links that send too large packets, and the smallest MTU behind each."""
    fits: dict[str, int] = {}
    for link, mtu, _, behind in pairs:
        if mtu > behind:
            fits[link] = min(behind, fits.get(link, behind))
    return fits


def _pairs(
    snapshot: Snapshot, windows: WindowsFacts, facts: LinuxFacts
) -> Iterator[tuple[str, int, str, int]]:
    """Link, its MTU, the adapter behind, its MTU: mirrored pairs, else NAT's link with every tunnel."""
    mtus = {one.index: one.mtu for one in windows.interfaces or () if one.family == IPV4 and one.connected}
    links = {link.name: link.mtu for link in facts.links or () if link.mtu}
    if snapshot.mode == "mirrored":
        behind = [(one.link, one.adapter) for one in mirrored_links(snapshot) if one.adapter is not None]
    else:
        behind = [(_NAT_LINK, one) for one in windows.adapters or () if role_of(one, windows) is Role.VPN]
    for link, adapter in behind:
        mtu = mtus.get(adapter.index)
        if mtu is not None and link in links:
            yield link, links[link], adapter.name, mtu


CHECK = Check(
    code=_SAY.code,
    title="WSL's packets fit the adapters behind",
    needs={
        Kind.WINDOWS: frozenset({"adapters", "interfaces", "addresses", "routes", "wsl"}),
        Kind.WSL: frozenset({"links", "addresses", "wsl"}),
    },
    judge=on_wsl(_SAY, _judge),
    depends_on=MODE_KNOWN_BY,
    docs=_SAY.docs,
)
