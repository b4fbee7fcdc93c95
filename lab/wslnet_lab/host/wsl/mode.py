"""Which networking mode WSL takes: the wish of `.wslconfig`, policies, requirements, fallbacks. Pure.

The order of the checks and their outcomes are wsl-facts 2.1; whether the mode then comes up is the hardware's
affair (`lifecycle`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from wslnet_lab.host.wsl.messages import Message

if TYPE_CHECKING:
    from wslnet_lab.host.wsl.config import WslConfig

# First build whose ComputeNetwork.dll can reserve port ranges for a guest (KB5030310).
MIRRORED_BUILD = (22621, 2359)
IPV6_CHECK_SINCE = (2, 7, 2)
MIRRORED_KERNEL = (5, 10)
_ALL_OFF = 0xFF
_POLICY_MODES = {0: "None", 1: "Nat", 3: "Mirrored", 4: "Consomme"}


@dataclass(frozen=True)
class Conditions:
    """What the decision depends on besides the file.

    Attributes:
        windows: (build, revision).
        wsl: Version of WSL as numbers.
        kernel: Version of the guest's kernel as numbers.
        firewall: Whether the Hyper-V firewall is there and not switched off in the registry.
        compute_network: Whether port ranges can be reserved; None: as the Windows version says.
        ipv6_components: Tcpip6 DisabledComponents.
        default_mode, mode_is_users, firewall_is_users: Policies.
    """

    windows: tuple[int, int]
    wsl: tuple[int, ...]
    kernel: tuple[int, ...]
    firewall: bool
    compute_network: bool | None = None
    ipv6_components: int = 0
    default_mode: int | None = None
    mode_is_users: bool = True
    firewall_is_users: bool = True


@dataclass(frozen=True)
class Decision:
    """The mode to try, whether the Hyper-V firewall is on, and what WSL says about it."""

    mode: str
    firewall: bool
    warnings: tuple[Message, ...] = ()

    def warn(self, kind: str, *arguments: str) -> Decision:
        """The same with one more warning."""
        return replace(self, warnings=(*self.warnings, Message(kind, arguments)))


def decide(config: WslConfig, conditions: Conditions) -> Decision:
    """The mode that WSL tries with this file on this machine."""
    decision = Decision(*_wish(config, conditions))
    if not conditions.mode_is_users and config.get("wsl2.networkingMode") not in {None, decision.mode}:
        decision = decision.warn("policy-override", "wsl2.networkingMode")
    if config.flag("wsl2.safeMode", default=False):
        return replace(decision, mode="None")
    if decision.mode == "Mirrored":
        decision = replace(decision, firewall=True)
    if decision.firewall and not conditions.firewall:
        decision = replace(decision, firewall=False)
        if config.has("wsl2.firewall"):
            decision = decision.warn("firewall-unsupported")
    if decision.mode == "Mirrored":
        decision = _mirrored(decision, conditions)
    if decision.mode == "Mirrored" and config.has("wsl2.localhostForwarding"):
        decision = decision.warn("localhost-forwarding")
    return decision


def _wish(config: WslConfig, conditions: Conditions) -> tuple[str, bool]:
    default = _POLICY_MODES.get(conditions.default_mode if conditions.default_mode is not None else 1, "Nat")
    mode = str(config.get("wsl2.networkingMode", default))
    if not conditions.mode_is_users and mode != "None":
        mode = default
    firewall = config.flag("wsl2.firewall", default=True) or not conditions.firewall_is_users
    return mode, firewall


def _mirrored(decision: Decision, conditions: Conditions) -> Decision:
    build, revision = conditions.windows
    nat = replace(decision, mode="Nat")
    if conditions.ipv6_components == _ALL_OFF and conditions.wsl >= IPV6_CHECK_SINCE:
        return nat.warn("mirrored-ipv6")
    if conditions.kernel < MIRRORED_KERNEL:
        return nat.warn("mirrored-kernel")
    able = conditions.compute_network
    if able is None:
        able = conditions.windows >= MIRRORED_BUILD
    # The same text when only the Hyper-V firewall is off: misleading, and real (wsl-facts 2.1 check 4).
    if not able or not decision.firewall:
        return nat.warn("mirrored-windows", f"{build}.{revision}")
    return decision


def version_numbers(text: str) -> tuple[int, ...]:
    """The leading numbers of a version text: `6.6.87.2-1` → (6, 6, 87, 2)."""
    head = text.partition("-")[0]
    return tuple(int(part) for part in head.split(".") if part.isdigit())
