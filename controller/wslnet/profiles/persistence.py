"""What makes a Linux machine put back by itself what wslnet owns there: wslnet-agent, and what calls it.

Which callers, is as found: systemd where it runs, else WSL's own boot command, ifupdown, NetworkManager; and
libvirt's hook, because libvirt puts its rejects above what stood there before (docs/adr/0019).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.model.change import Keepable
from wslnet.model.machine import Kind
from wslnet.resources.boot_command import BootCommand
from wslnet.resources.kept_thing import KeptThing
from wslnet.resources.nothing_kept import NothingKept
from wslnet.resources.persistent_file import RUN, Form, PersistentFile, run_of
from wslnet.resources.run_marker import AbsentMarker
from wslnet.resources.unit_link import UnitLink
from wslnet_linux_agent.bundle import resident

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from wslnet.model.change import Resource
    from wslnet.model.linux_facts import LinuxFacts, Persistence
    from wslnet.model.snapshot import Snapshot

NEEDS = frozenset({"files", "owned", "persistence"})
"""Facts of a Linux machine that the choice rests on."""

PROGRAM = "/usr/local/sbin/wslnet-agent"
"""As the agent itself has it (`ops_owned.PROGRAM`)."""

UNIT = "/etc/systemd/system/wslnet-agent.service"
IFUPDOWN = "/etc/network/if-up.d/wslnet"
NETWORK_MANAGER = "/etc/NetworkManager/dispatcher.d/50-wslnet"
LIBVIRT_HOOK, OLD_LIBVIRT_HOOK = "/etc/libvirt/hooks/network.d/wslnet", "/etc/libvirt/hooks/network"
_HOOK_FOLDERS_SINCE = (6, 5)

_COMMAND = f"{PROGRAM} watch"
_ONCE = f"{PROGRAM} apply-once\n"
_STAY = f"{_COMMAND} --background\n"
_UNIT = f"""\
Description=Puts back what wslnet owns on this machine
After=network.target libvirtd.service virtnetworkd.service docker.service

[Service]
ExecStart={_COMMAND}
Restart=on-failure
RestartSec=2

[Install]
WantedBy=multi-user.target
"""
# libvirt waits for its hook, which must not ask libvirt anything and has its XML on stdin.
_HOOK = 'cat >/dev/null\ncase "$2" in started|updated) ;; *) exit 0 ;; esac\n'
_DISPATCHED = 'case "$2" in up|dhcp4-change|reapply) ;; *) exit 0 ;; esac\n'
_IF_UP = '[ "$IFACE" != lo ] || exit 0\n'
_END = "exit 0\n"


def persisters(snapshot: Snapshot, machine: str) -> tuple[Resource, ...]:
    """Everything that is to be installed on one machine; nothing for one that was not seen."""
    facts = snapshot.linux(machine)
    found = facts.persistence if facts is not None else None
    if facts is None or found is None:
        return ()
    is_wsl = snapshot.inventory[machine].kind is Kind.WSL
    files = {PROGRAM: (Form.PROGRAM, resident(RUN), "it puts back what wslnet owns here")}
    for path, form, body, when in _callers(facts, found, is_wsl=is_wsl):
        files[path] = (form, body, f"wslnet-agent is called {when}")
    resources: list[Resource] = [
        PersistentFile(machine, path, form, body, why, rows=_ROWS.get(path, ()))
        for path, (form, body, why) in files.items()
    ]
    if found.systemd:
        resources.append(UnitLink(machine, "systemd starts it with the machine"))
    elif is_wsl:
        resources.append(BootCommand(machine, _COMMAND, "WSL starts it: no systemd runs there"))
    return tuple(resources)


def starters(facts: LinuxFacts, *, is_wsl: bool) -> tuple[str, ...]:
    """What would call wslnet-agent at a start of the machine, in words; empty: nothing does."""
    found = facts.persistence
    if found is None:
        return ()
    if found.systemd:
        return ("systemd",)
    named = ((is_wsl, "wsl.conf [boot] command"), (found.ifupdown and not is_wsl, "ifupdown"))
    more = ((found.networkmanager and not is_wsl, "NetworkManager"), (found.libvirt is not None, "libvirt"))
    return tuple(name for there, name in (*named, *more) if there)


def without_persisters(snapshot: Snapshot, machine: str) -> tuple[Resource, ...]:
    """That nothing of all that is on one machine, the marks first: from there on the rest is inert."""
    facts = snapshot.linux(machine)
    if facts is None or facts.files is None:
        return ()
    why = "asked for"
    paths = (PROGRAM, UNIT, IFUPDOWN, NETWORK_MANAGER, LIBVIRT_HOOK, OLD_LIBVIRT_HOOK)
    ours = [one for one in facts.files.found if one.path in paths and run_of(one)]
    runs = dict.fromkeys(run_of(one) or "" for one in ours)
    return (
        *(AbsentMarker(machine, run, why) for run in runs),
        *(PersistentFile(machine, one.path, Form.SCRIPT, "", why, present=False, rows=()) for one in ours),
        UnitLink(machine, why, present=False),
        BootCommand(machine, _COMMAND, why, present=False),
        NothingKept(machine, why),
    )


def with_kept(snapshot: Snapshot, resources: Iterable[Resource]) -> tuple[Resource, ...]:
    """The same, and behind them that each is put back by itself on machines where wslnet-agent is."""
    wanted = tuple(resources)
    return (*wanted, *(one for one in kept(snapshot, wanted) if _has_agent(snapshot, one.machine)))


def kept(
    snapshot: Snapshot, resources: Iterable[Resource], *, only_true: bool = False
) -> Iterator[KeptThing]:
    """That each that can be is put back by itself; `only_true`: of those that stand, agent or not."""
    for one in resources:
        facts = snapshot.linux(one.machine)
        if facts is None or not isinstance(one, Keepable) or (only_true and one.diff(facts)):
            continue
        do = one.keep(facts)
        if do is not None:
            yield KeptThing(
                one.machine, one.name, do, "so that it outlives restarts", one.rows, agent_comes=only_true
            )


def _has_agent(snapshot: Snapshot, machine: str) -> bool:
    facts = snapshot.linux(machine)
    return facts is not None and facts.owned is not None and facts.owned.agent


def _callers(facts: LinuxFacts, found: Persistence, *, is_wsl: bool) -> Iterator[tuple[str, Form, str, str]]:
    call = _ONCE if found.systemd else _STAY
    if found.systemd:
        yield UNIT, Form.UNIT, _UNIT, "by systemd"
    elif not is_wsl and found.ifupdown:
        yield IFUPDOWN, Form.SCRIPT, _IF_UP + call + _END, "by ifupdown when an interface comes up"
    if not is_wsl and not found.systemd and found.networkmanager:
        yield NETWORK_MANAGER, Form.SCRIPT, _DISPATCHED + call + _END, "by NetworkManager's dispatcher"
    if found.libvirt is not None:
        path = _hook(found.libvirt)
        if path != OLD_LIBVIRT_HOOK or not _is_foreign(facts, path):
            yield path, Form.SCRIPT, _HOOK + call + _END, "when libvirt has started a network"


def _hook(version: str) -> str:
    """Since 6.5 libvirt runs all of a folder, before that one file only; unknown counts as new."""
    numbers = tuple(int(part) for part in version.split(".") if part.isdigit())
    return OLD_LIBVIRT_HOOK if numbers and numbers[:2] < _HOOK_FOLDERS_SINCE else LIBVIRT_HOOK


def _is_foreign(facts: LinuxFacts, path: str) -> bool:
    return any(one.path == path and not run_of(one) for one in (facts.files.found if facts.files else ()))


_ROWS = {
    PROGRAM: ("S0-28",),
    UNIT: ("S0-28",),
    IFUPDOWN: ("S0-26",),
    NETWORK_MANAGER: ("S0-27",),
    LIBVIRT_HOOK: ("S0-39",),
    OLD_LIBVIRT_HOOK: ("S0-39",),
}
