"""Is the Hyper-V firewall there and on? Mirrored mode does not exist without it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.checks.parts.findings import Findings, graded, look_again
from wslnet.checks.parts.windows import on_windows
from wslnet.model.finding import Check, Finding, Fix, Status
from wslnet.model.machine import Kind
from wslnet.resources.windows_value import FIREWALL_DISABLE, WindowsValue

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.model.snapshot import Snapshot
    from wslnet.model.windows_facts import HyperVFirewall, WindowsFacts

_SAY = Findings(
    "hyperv.firewall",
    docs="https://learn.microsoft.com/windows/security/operating-system-security/network-security/"
    "windows-firewall/hyper-v-firewall",
)

_KEY = r"HKLM\SYSTEM\CurrentControlSet\Services\MpsSvc\Parameters"


def _judge(snapshot: Snapshot, machine: str, windows: WindowsFacts) -> Iterator[Finding]:
    firewall, registry = windows.hyperv_firewall, windows.registry
    wished = graded(wished="mirrored" in {snapshot.inventory.wish.mode, snapshot.mode})
    if registry is not None and registry.hyperv_firewall_disabled == 1:
        yield _SAY.problem(
            wished,
            machine,
            "the Hyper-V firewall is switched off in the registry",
            evidence=("HyperVFirewallDisable = 1",),
            cause=f"{_KEY} HyperVFirewallDisable is 1, and WSL then falls back from mirrored to NAT mode "
            "with a message that blames the Windows version",
            fix=Fix(
                f"wslnet doctor --fix --only {_SAY.code}",
                (f"delete HyperVFirewallDisable in {_KEY}", "reboot Windows, then wslnet resume"),
                (WindowsValue(machine, FIREWALL_DISABLE, None, "mirrored mode needs the Hyper-V firewall"),),
            ),
        )
    elif firewall is None:
        yield _SAY.unread(machine, "Hyper-V firewall")
    elif not firewall.supported:
        yield _SAY.problem(
            wished,
            machine,
            "this Windows has no Hyper-V firewall",
            evidence=("the Hyper-V firewall classes of root\\standardcimv2 are missing",),
            cause="it came with Windows 11 22H2, and mirrored mode does not exist without it",
            fix=look_again(_SAY.code, "install the updates of Windows"),
            depends_on=("windows.build",),
        )
    else:
        yield _present(machine, firewall)


def _present(machine: str, firewall: HyperVFirewall) -> Finding:
    setting = firewall.setting
    creator = "registered" if firewall.creator_registered else "not registered yet (WSL has not started)"
    evidence = (
        f"WSL as its creator: {creator}",
        f"default inbound: {(setting.default_inbound if setting is not None else None) or 'Block'}",
        f"rules that concern WSL: {len(firewall.rules)}",
    )
    if setting is None or (setting.enabled or "").lower() != "false":
        return _SAY.ok(machine, "the Hyper-V firewall is there and on", *evidence)
    return _SAY.problem(
        Status.WARN,
        machine,
        "the Hyper-V firewall does not guard WSL",
        evidence=("the effective setting of WSL has Enabled = False", *evidence),
        cause="somebody has switched its setting for WSL off: every network reaches every port of WSL",
        fix=look_again(
            _SAY.code,
            "Set-NetFirewallHyperVVMSetting -Name '{40E0AC32-46A5-438A-A0B2-2B479E8F2E90}' -Enabled True",
        ),
    )


CHECK = Check(
    code=_SAY.code,
    title="The Hyper-V firewall is there and on",
    needs={Kind.WINDOWS: frozenset({"hyperv_firewall", "registry", "wsl"}), Kind.WSL: frozenset({"wsl"})},
    judge=on_windows(_SAY, _judge),
    depends_on=("windows.build",),
    docs=_SAY.docs,
)
