"""Does a policy of the organisation fix WSL's networking mode? Then `.wslconfig` is not heard."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.checks.parts.findings import Findings, graded, look_again
from wslnet.checks.parts.windows import on_windows
from wslnet.checks.parts.wslconfig import same_mode
from wslnet.model.finding import Check, Finding
from wslnet.model.machine import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from wslnet.model.snapshot import Snapshot
    from wslnet.model.windows_facts import WindowsFacts

_SAY = Findings("wsl.policy", docs="https://learn.microsoft.com/windows/wsl/enterprise")

_KEY = r"HKLM\SOFTWARE\Policies\WSL"
_MODES = {0: "none", 1: "nat", 3: "mirrored", 4: "consomme"}
"""Values of DefaultNetworkingMode; any other one, and none, is NAT."""


def _judge(snapshot: Snapshot, machine: str, windows: WindowsFacts) -> Iterator[Finding]:
    wished = snapshot.inventory.wish.mode
    registry = windows.registry
    if registry is None:
        yield _SAY.unread(machine, "registry")
        return
    fixed = _fixed_mode(registry.policies)
    if fixed is None:
        yield _SAY.ok(machine, "no policy fixes WSL's networking mode")
    elif wished is None or same_mode(fixed, wished):
        yield _SAY.ok(machine, f"a policy fixes WSL's networking mode: {fixed}")
    else:
        yield _SAY.problem(
            graded(wished=True),
            machine,
            f"a policy fixes WSL's networking mode: {fixed}, not {wished}",
            evidence=("AllowNetworkingModeUserSetting = 0", f"DefaultNetworkingMode means {fixed}"),
            cause=f"{_KEY} AllowNetworkingModeUserSetting is 0: WSL starts in {fixed} mode, whatever "
            ".wslconfig says",
            fix=look_again(
                _SAY.code,
                f"ask who administers this Windows to set DefaultNetworkingMode to {wished}, or to let users "
                "choose",
            ),
        )


def _fixed_mode(policies: Mapping[str, object]) -> str | None:
    """The mode that the policy imposes; None when users may choose (wsl-facts 2.1)."""
    if policies.get("AllowNetworkingModeUserSetting") != 0:
        return None
    number = policies.get("DefaultNetworkingMode")
    return _MODES.get(number, "nat") if isinstance(number, int) else "nat"


CHECK = Check(
    code=_SAY.code,
    title="No policy forbids the wished networking mode",
    needs={Kind.WINDOWS: frozenset({"registry"})},
    judge=on_windows(_SAY, _judge),
    docs=_SAY.docs,
)
