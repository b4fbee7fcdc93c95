"""Windows' virtual networks as far as a client may see them: HNS' own adapters, and whether HNS runs.

What HNS keeps beside them (endpoints, policies) is told on Windows itself only, by hnsdiag or by a script's
functions, and wslnet sends no scripts: that is said, and nothing is guessed (wsl-facts 2.4).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.checks.parts.findings import REACHABLE, Findings, graded
from wslnet.checks.parts.windows import on_windows
from wslnet.checks.parts.wslconfig import MODE_KEY, config_of
from wslnet.model.adapter_roles import Role, role_of
from wslnet.model.fallback import held_by_boot
from wslnet.model.finding import Check, Finding, Fix
from wslnet.model.machine import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.model.snapshot import Snapshot
    from wslnet.model.windows_facts import Adapter, WindowsFacts

_SAY = Findings("hns.networks", docs="https://learn.microsoft.com/windows/wsl/networking")
_SERVICE, _RUNNING = "hns", "Running"
_UNSEEN = "endpoints and policies of HNS are not readable from here: on Windows, elevated: hnsdiag list all"
_GUARDED, _UNGUARDED = "{790E58B4-7939-4434-9358-89AE7DDBE87E}", "{B95D0C5E-57D4-412B-B571-18A81A16E005}"
"""WSL's own NAT networks, with the Hyper-V firewall and without (wsl-facts 2.4)."""


def _judge(snapshot: Snapshot, machine: str, windows: WindowsFacts) -> Iterator[Finding]:
    state = next((one.state for one in windows.services or () if one.name.lower() == _SERVICE), None)
    if windows.adapters is None or state is None:
        yield _SAY.unread(machine, "adapters and the state of the service hns")
    elif state != _RUNNING:
        yield _SAY.skip(machine, f"the service hns is {state}, so there are no networks", _UNSEEN)
    elif (held := _held(snapshot, windows)) is not None:
        yield _SAY.problem(
            graded(wished=snapshot.inventory.wish.mode == "mirrored"),
            machine,
            "Windows keeps the network of an earlier mirrored start, and WSL fell back",
            evidence=(*(f"{machine}: {line}" for line in _networks(windows)), f"measured: {snapshot.mode}"),
            cause=held,
            fix=Fix(
                f"wslnet doctor --fix --only {_SAY.code}",
                (
                    "let WSL try once more, which leaves the rest to resume",
                    "reboot Windows, then wslnet resume",
                ),
                restarts=True,
            ),
        )
    else:
        found = _networks(windows)
        title = f"{len(found)} virtual networks of Windows" if found else "no virtual network since this boot"
        yield _SAY.ok(machine, title, *(f"{machine}: {line}" for line in found), _UNSEEN)


def _held(snapshot: Snapshot, windows: WindowsFacts) -> str | None:
    """Why this boot of Windows keeps WSL from the mode of its .wslconfig; None if nothing says so.

    HNS cannot change a network's firewall flag within one boot (wsl-facts 2.1).
    """
    config = config_of(snapshot)
    asked = (config.value(MODE_KEY) or "").lower() if config is not None else ""
    return held_by_boot(windows, snapshot.mode, asked) if snapshot.mode is not None else None


def _networks(windows: WindowsFacts) -> list[str]:
    return [line for one in windows.adapters or () if (line := _network(one, windows)) is not None]


def _network(adapter: Adapter, windows: WindowsFacts) -> str | None:
    role = role_of(adapter, windows)
    here = [f"{one.address}/{one.prefix}" for one in windows.addresses or () if one.index == adapter.index]
    where = f" at {', '.join(here)}" if here else ""
    if role is Role.WSL:
        known = _GUARDED if "firewall" in adapter.name.casefold() else _UNGUARDED
        return f"{adapter.name}: WSL's NAT network {known}{where}"
    if role is Role.FSE:
        return f"{adapter.name}: carries the networks of mirrored mode{where}"
    return f"{adapter.name}: a switch of Hyper-V{where}" if role is Role.HYPER_V else None


CHECK = Check(
    code=_SAY.code,
    title="Windows' virtual networks",
    needs={
        Kind.WINDOWS: frozenset({"adapters", "addresses", "routes", "services", "wsl", "wslconfig"}),
        Kind.WSL: frozenset({"wsl"}),
    },
    judge=on_windows(_SAY, _judge),
    depends_on=(REACHABLE,),
    docs=_SAY.docs,
)
