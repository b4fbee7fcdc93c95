"""Rules of Windows' own firewall that were meant for WSL and have no effect on it: bound to a wrong adapter.

Such a rule lets in what comes through that adapter to Windows itself; WSL's packets pass another one, or none
at all (note 003: the rule for `vEthernet (Default Switch)`).
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
    from wslnet.model.windows_facts import HostRule, WindowsFacts

_SAY = Findings("fw.uselessrule", docs="https://learn.microsoft.com/windows/wsl/networking")

_SWITCH, _OF_WSL = "vethernet (", "vethernet (wsl"


def _judge(snapshot: Snapshot, machine: str, windows: WindowsFacts) -> Iterator[Finding]:  # noqa: ARG001 - as all
    if windows.host_rules is None or windows.adapters is None:
        yield _SAY.unread(machine, "host rules and adapters")
        return
    names = {(one.guid or "").upper(): one.name for one in windows.adapters if one.guid}
    useless = [
        f"{machine}: rule {rule.name} ({rule.display_name}): {where}"
        for rule in windows.host_rules
        if (rule.action or "").lower() == "allow" and (where := _bound_to(rule, names))
    ]
    if not useless:
        yield _SAY.ok(machine, "no rule is bound to a virtual switch that WSL does not use")
        return
    yield _SAY.problem(
        Status.WARN,
        machine,
        "a firewall rule has no effect for WSL",
        evidence=useless,
        cause="what WSL sends and gets does not pass that adapter; an adapter of a switch is another one "
        "after each start of Windows, too (wsl-facts 2.4)",
        fix=look_again(
            _SAY.code,
            "if the rule was made for WSL, remove it: Remove-NetFirewallRule -Name NAME",
            "let a port into WSL: wslnet firewall allow tcp/PORT@lan",
        ),
    )


def _bound_to(rule: HostRule, names: dict[str, str]) -> str | None:
    """The adapters of a rule in words when WSL can be behind none of them; None: it may have an effect."""
    found = [(guid, names.get(guid)) for guid in rule.interfaces]
    wrong = [
        "an adapter that is gone" if name is None else name
        for _, name in found
        if name is None or (name.lower().startswith(_SWITCH) and not name.lower().startswith(_OF_WSL))
    ]
    return f"for {', '.join(wrong)} only" if wrong and len(wrong) == len(found) else None


CHECK = Check(
    code=_SAY.code,
    title="Firewall rules have an effect where they were meant to",
    needs={Kind.WINDOWS: frozenset({"host_rules", "adapters"})},
    judge=on_windows(_SAY, _judge),
    depends_on=(REACHABLE,),
    docs=_SAY.docs,
)
