"""`wslnet setup` up to the plan: reads all machines, refuses what cannot work, diffs what is wanted.

Running the plan is `wslnet.app.execute`'s part. The same preparation serves `plan`, `apply` and `setup`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from wslnet.app.boot_wish import boot_resources
from wslnet.app.doctor import wake_wsl
from wslnet.app.forward_wish import declared
from wslnet.engine.doctor import examine
from wslnet.engine.forecast import with_forecast
from wslnet.engine.gather import gather
from wslnet.engine.planner import make_plan
from wslnet.engine.restart import NO_NETWORK
from wslnet.engine.unseen import first_unseen
from wslnet.errors import InputError, Unsupported
from wslnet.model.finding import Status
from wslnet.model.machine import Kind
from wslnet.profiles.left_behind import kept_no_more, without_left_behind
from wslnet.profiles.mode_choice import unserved
from wslnet.profiles.modes import WINDOWS_NEEDS
from wslnet.profiles.nested import NEEDS as LINUX_NEEDS
from wslnet.profiles.persistence import with_kept
from wslnet.profiles.table import profile_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from wslnet.engine.fleet import Fleet
    from wslnet.model.change import Resource
    from wslnet.model.finding import Finding
    from wslnet.model.machine import Inventory
    from wslnet.model.plan import Plan
    from wslnet.model.snapshot import Needs, Snapshot
    from wslnet.profiles.modes import SetupOptions

NO_WAY_BACK = "the update of WSL is not taken back: wslnet undo brings back the mode, not the version"
BLIND = (
    "WSL runs without a network (mode none): what runs in it cannot be seen and is cut off, what it needs is "
    "found behind the restart"
)
_WRONG_INPUT = frozenset({"wslconfig.keys", "port.conflict", "subnet.overlap"})
_WORTH_KNOWING = frozenset({"forwarding.tun", "listen.loopback", "guest.input"})
_WORTH_KNOWING |= {"hyperv.managed", "network.public", "other.docker-desktop", "other.firewall", "other.sshd"}
_WORTH_KNOWING |= {"other.vpn", "policy.local-rules", "policy.ntlm", "policy.programs"}


@dataclass(frozen=True)
class Prepared:
    """What has been planned and not yet begun.

    `behind` gives the resources anew behind the barrier, `proves` names the checks that must not fail there.
    """

    fleet: Fleet
    options: SetupOptions
    snapshot: Snapshot
    resources: tuple[Resource, ...]
    plan: Plan
    behind: Callable[[Snapshot], tuple[Resource, ...]]
    proves: frozenset[str] = frozenset()


def wish_for(inventory: Inventory, mode: str, options: SetupOptions) -> Inventory:
    """The inventory with the wish that this setup stands for: what its checks and probes judge against.

    Without wished pairs every VM is to be reached from wsl and back. Wished ports count only in a mode whose
    profile opens them to the LAN.
    """
    wish = inventory.wish
    reach = wish.reach or _all_vms(inventory)
    asked, forward = options.allow or wish.allow, declared(inventory)
    allow, beyond = (asked, ()) if profile_of(mode).publishes else ((), asked)
    new = replace(wish, mode=mode, reach=reach, allow=allow, forward=forward, beyond=beyond)
    return replace(inventory, wish=new)


def _all_vms(inventory: Inventory) -> tuple[tuple[str, str], ...]:
    wsl = inventory.wsl
    vms = [machine.name for machine in inventory.of_kind(Kind.VM)]
    return tuple(pair for vm in vms if wsl for pair in ((wsl.name, vm), (vm, wsl.name)))


def needs_of(inventory: Inventory) -> Needs:
    """All facts that a setup reads, by machine; peers are probed from and not read."""
    needs = {
        name: WINDOWS_NEEDS if machine.kind is Kind.WINDOWS else LINUX_NEEDS
        for name, machine in inventory.machines.items()
        if machine.kind is not Kind.PEER
    }
    if inventory.wish.forward and inventory.wsl is not None:
        needs[inventory.wsl.name] |= {"holders"}
    if inventory.windows is not None and any(one.proto == "udp" for one in inventory.wish.forward):
        needs[inventory.windows.name] |= {"boot"}
    return needs


def prepare(fleet: Fleet, mode: str, options: SetupOptions, say: Callable[[str, str], None]) -> Prepared:
    """Reads all machines, refuses what cannot work, and makes the plan. Changes nothing on the network.

    A stopped WSL is started to be read: it is started by this run anyway.

    Raises:
        Unreachable: Windows, WSL or a VM that is wished for cannot be seen.
        Unsupported: this Windows or WSL cannot do the mode; says why.
        InputError: a port or a key stands in the way.
    """
    profile = profile_of(mode)
    # What an update may bring is judged by the mode that WSL comes up in.
    requires = profile.requires - ({"wsl.version"} if options.update_wsl is not None else set())
    snapshot = _observe(fleet, requires, say)
    notes = _preflight(snapshot, requires)
    notes += (NO_WAY_BACK,) if options.update_wsl is not None else ()
    wish = snapshot.inventory.wish
    notes += unserved(snapshot, replace(wish, allow=(*wish.allow, *wish.beyond)), mode)
    wanted, left = without_left_behind(snapshot, mode, profile.resources(snapshot, options))
    gone = kept_no_more(snapshot, snapshot.mode, mode, wanted)
    after = boot_resources(snapshot, mode, options, wanted)
    resources = with_kept(snapshot, _of_seen(snapshot, (*gone, *after, *wanted)))
    plan = make_plan(snapshot, resources, mode=mode, notes=(*notes, *left), update=options.update_wsl)
    asked = asdict(options) | {"allow": [str(allow) for allow in options.allow]}
    plan = replace(plan, profile={"mode": mode, "options": asked})
    plan = with_forecast(fleet, snapshot, plan)
    return Prepared(fleet, options, snapshot, resources, plan, behind_of(mode, snapshot.mode), profile.proves)


def behind_of(mode: str, before: str | None) -> Callable[[Snapshot], tuple[Resource, ...]]:
    """What gives the resources behind the barrier, from the snapshot there; `before`: the mode before it."""
    profile = profile_of(mode)

    def behind(seen: Snapshot) -> tuple[Resource, ...]:
        found = profile.behind(seen)
        return with_kept(seen, (*kept_no_more(seen, before, mode, found), *found))

    return behind


def _of_seen(snapshot: Snapshot, resources: Iterable[Resource]) -> Iterator[Resource]:
    """Those of machines that were seen: of a WSL without network the rest is found behind the restart."""
    return (one for one in resources if one.machine not in snapshot.unseen)


def _observe(fleet: Fleet, required: frozenset[str], say: Callable[[str, str], None]) -> Snapshot:
    """Reads all machines; starts WSL for that, but not on a Windows that cannot do the mode anyway."""
    windows, wsl = fleet.inventory.windows, fleet.inventory.wsl
    if windows is None or wsl is None:
        raise InputError(f"{fleet.inventory.path}: setup needs a windows and a wsl machine")
    needs = dict(needs_of(fleet.inventory))
    needs[windows.name] |= {"boot"}
    say("all", "reading the machines")
    snapshot = gather(fleet, needs)
    _demand_support(examine(snapshot, only=required), required)
    service = snapshot.windows.wsl if snapshot.windows is not None else None
    if service is not None and service.installed and not service.running:
        say(windows.name, "starting WSL")
        wake_wsl(fleet)
        snapshot = gather(fleet, needs)
    unseen = first_unseen(snapshot)
    if unseen is not None and not (snapshot.mode == NO_NETWORK and _all_inside(snapshot)):
        raise unseen
    return snapshot


def _all_inside(snapshot: Snapshot) -> bool:
    """Whether nothing but WSL and what is in it was not seen."""
    inventory, wsl = snapshot.inventory, snapshot.inventory.wsl
    return all(
        wsl is not None and (one == wsl.name or inventory.is_below(one, wsl.name)) for one in snapshot.unseen
    )


def _preflight(snapshot: Snapshot, required: frozenset[str]) -> tuple[str, ...]:
    """Refuses what cannot work and returns what the user should know."""
    notes = [BLIND] if snapshot.unseen else []
    findings = examine(snapshot, only=required | _WRONG_INPUT | _WORTH_KNOWING)
    _demand_support(findings, required)
    for finding in findings:
        text = _in_words(finding)
        if finding.status is Status.FAIL and finding.code in _WRONG_INPUT:
            raise InputError(text, machine=finding.machine)
        if finding.status is Status.WARN:
            notes.append(text)
    return tuple(notes)


def _demand_support(findings: Iterable[Finding], required: frozenset[str]) -> None:
    """Refuses with the failure that no other one explains."""
    failing = [one for one in findings if one.status is Status.FAIL and one.code in required]
    codes = {one.code for one in failing}
    for finding in sorted(failing, key=lambda one: bool(codes.intersection(one.depends_on))):
        raise Unsupported(_in_words(finding), machine=finding.machine)


def _in_words(finding: Finding) -> str:
    return f"{finding.machine}: {finding.title}" + (f": {finding.cause}" if finding.cause else "")
