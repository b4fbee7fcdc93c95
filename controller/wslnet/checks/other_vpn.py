"""Does a VPN agent run on Windows? Its filters and routes meet WSL's packets, too (wsl-facts 6, 11).

Agents are known by their services, in no language. Neither they nor their adapters are ever changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.checks.parts.findings import REACHABLE, Findings, look_again
from wslnet.checks.parts.windows import on_windows
from wslnet.model.finding import Check, Finding, Status
from wslnet.model.machine import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.model.snapshot import Snapshot
    from wslnet.model.windows_facts import WindowsFacts

_SAY = Findings("other.vpn", docs="https://learn.microsoft.com/windows/wsl/troubleshooting")

_TUNNELING = "globalsecureaccesstunnelingservice"
_AGENTS = {
    "cloudflarewarp": "Cloudflare WARP",
    "csc_vpnagent": "Cisco Secure Client",
    "fa_scheduler": "FortiClient",
    _TUNNELING: "Microsoft Global Secure Access",
    "openvpnserviceinteractive": "OpenVPN",
    "pangps": "Palo Alto GlobalProtect",
    "pulsesecureservice": "Ivanti (Pulse) Secure",
    "stagentsvc": "Netskope",
    "tailscale": "Tailscale",
    "tracsrvwrapper": "Check Point Endpoint Security VPN",
    "vpnagent": "Cisco AnyConnect",
    "wireguardmanager": "WireGuard",
    "zsaservice": "Zscaler Client Connector",
}
"""Names of services, as their makers' documents have them."""


def _judge(snapshot: Snapshot, machine: str, windows: WindowsFacts) -> Iterator[Finding]:
    if windows.services is None:
        yield _SAY.unread(machine, "services")
        return
    found = {one.name.casefold(): one for one in windows.services if one.name.casefold() in _AGENTS}
    told = tuple(
        f"{machine}: {_AGENTS[name]}: service {one.name}: {one.state}" for name, one in found.items()
    )
    running = [name for name, one in found.items() if one.state == "Running"]
    if not running:
        yield _SAY.ok(machine, "no VPN agent that wslnet knows is running", *told)
        return
    mirrored = "mirrored" in {snapshot.mode, snapshot.inventory.wish.mode}
    steps = [
        "if WSL reaches less than Windows does while it is connected: "
        + (
            "its maker's fix, or wslnet setup --nat"
            if mirrored
            else "wslnet setup --mirrored, with dnsTunneling"
        )
    ]
    if _TUNNELING in running:
        steps.append("WSL switches dnsTunneling off while Global Secure Access runs")
    yield _SAY.problem(
        Status.WARN,
        machine,
        f"a VPN agent runs: {', '.join(_AGENTS[name] for name in running)}",
        evidence=told,
        cause="its filters and routes may keep WSL's packets from the VPN, or send them all there; wslnet "
        "changes nothing of it",
        fix=look_again(_SAY.code, *steps),
    )


CHECK = Check(
    code=_SAY.code,
    title="No VPN agent stands between WSL and the network",
    needs={Kind.WINDOWS: frozenset({"services", "wsl"}), Kind.WSL: frozenset({"wsl"})},
    judge=on_windows(_SAY, _judge),
    depends_on=(REACHABLE,),
    docs=_SAY.docs,
)
