"""`wslnet firewall allow` and `revoke` up to the plan; running it is `wslnet.app.execute`'s part.

The rules themselves say what they grant and until when; the plan carries what is allowed for good after it,
so that a start of Windows and an undo know it (`wslnet.app.firewall_wish`).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from wslnet.app.firewall_wish import boot_resources, profile_of
from wslnet.app.setup import Prepared
from wslnet.checks.parts.hyperv_rules import admitting, blocking
from wslnet.engine.doctor import examine
from wslnet.engine.gather import gather
from wslnet.engine.planner import make_plan
from wslnet.errors import InputError, Unsupported
from wslnet.model.consent import Consent
from wslnet.model.finding import Status
from wslnet.model.machine import Kind
from wslnet.profiles import mirrored
from wslnet.profiles.boot import expiries_in
from wslnet.profiles.firewall import (
    PURPOSE,
    allow_rule,
    own_rules,
    refuse_managed,
    revoked_rules,
    uplink_category,
)
from wslnet.profiles.modes import SetupOptions
from wslnet.profiles.nested import NEEDS as LINUX_NEEDS
from wslnet.profiles.wsl_services import ended_service_rules
from wslnet.resources.hyperv_setting import HyperVDefaultInbound

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from wslnet.engine.fleet import Fleet
    from wslnet.model.allow import Allow
    from wslnet.model.change import Resource
    from wslnet.model.grant import Grant
    from wslnet.model.machine import Inventory
    from wslnet.model.snapshot import Snapshot
    from wslnet.model.windows_facts import HyperVFirewall

WINDOWS_NEEDS = frozenset(
    {
        "adapters",
        "addresses",
        "elevated",
        "host_profiles",
        "host_rules",
        "hyperv_firewall",
        "interfaces",
        "listeners",
        "portproxy",
        "profiles",
        "routes",
        "wsl",
    }
)
_IN_THE_GUEST = frozenset({"listen.loopback", "guest.input"})


def prepare_allow(
    fleet: Fleet,
    granted: Callable[[], Sequence[Grant]],
    say: Callable[[str, str], None],
    *,
    open_all: bool = False,
) -> Prepared:
    """The plan that lets the granted ports into WSL, and with `open_all` everything.

    `granted` is asked when all is read: what is granted for a time begins then.

    Raises:
        InputError: no Windows in the inventory; the time is over; or no boot task is there to end it.
        PlanRefused: `@lan` has no private LAN.
        Unsupported: there is no Hyper-V firewall, or a policy keeps the rule from having an effect.
        Unreachable: Windows cannot be seen.
    """
    snapshot, windows = see(fleet, say, boot=True)
    firewall = firewall_of(snapshot, windows)
    refuse_managed(snapshot, open_all=open_all)
    grants = granted()
    if any(grant.until for grant in grants):
        _demand_expiry(snapshot)
    now = {(grant.allow.proto, grant.allow.port): grant for grant in grants}
    resources: list[Resource] = [allow_rule(snapshot, windows, grant) for grant in now.values()]
    if open_all:
        resources.append(HyperVDefaultInbound(windows, "Allow", "--open-all was given"))
    allows = tuple(grant.allow for grant in now.values())
    snapshot = _with_wish(snapshot, allows)
    notes = [*_notes_of_mode(snapshot, allows), *_blocks(snapshot, firewall, allows), *_guest(snapshot)]
    after = _grants(snapshot) | now
    return _prepared(fleet, snapshot, resources, after.values(), notes)


def prepare_revoke(
    fleet: Fleet,
    keys: Collection[tuple[str, int]],
    say: Callable[[str, str], None],
    *,
    open_all: bool = False,
) -> Prepared:
    """The plan that takes back rules of `allow`, and of services of Windows for WSL, for these ports.

    With `open_all` the default blocks again.

    A port that is not allowed by wslnet changes nothing, and a note says who lets it in, if anybody does.

    Raises:
        InputError: no Windows in the inventory, or the port is published by `forward`.
        Unsupported: there is no Hyper-V firewall.
        Unreachable: Windows cannot be seen.
    """
    snapshot, windows = see(fleet, say, boot=True)
    firewall = firewall_of(snapshot, windows)
    found = own_rules(snapshot)
    ours = {(one.grant.allow.proto, one.grant.allow.port) for one in found if one.purpose == PURPOSE}
    for one in found:
        allow = one.grant.allow
        if one.purpose != PURPOSE and (allow.proto, allow.port) in set(keys) - ours:
            raise InputError(
                f"{allow}: rule {one.rule.name} is not one of `firewall allow`",
                hint=f"if it is published: wslnet forward remove {allow.proto}/{allow.port}",
            )
    services = list(ended_service_rules(snapshot, windows, set(keys)))
    ours |= {(one.allow.proto, one.allow.port) for one in services}
    resources: list[Resource] = [*revoked_rules(snapshot, windows, keys), *services]
    if open_all:
        resources.append(HyperVDefaultInbound(windows, "Block", "only allowed ports shall be reached"))
    notes = []
    for proto, port in sorted(set(keys) - ours):
        others = [rule.name for rule in admitting(firewall.rules, proto, port)]
        who = f"let in by {', '.join(others)}, not made by wslnet" if others else "and no rule lets it in"
        notes.append(f"{proto}/{port} is not allowed by wslnet, {who}")
    after = {key: grant for key, grant in _grants(snapshot).items() if key not in keys}
    return _prepared(fleet, _with_wish(snapshot, ()), resources, after.values(), notes)


def shut_out(inventory: Inventory) -> Consent:
    """What a revocation is for: that other PCs may stop to reach WSL is no regression."""
    wsl = inventory.wsl
    peers = inventory.of_kind(Kind.PEER) if wsl is not None else ()
    return Consent(frozenset((peer.name, wsl.name) for peer in peers if wsl is not None))


def see(fleet: Fleet, say: Callable[[str, str], None], *, boot: bool = False) -> tuple[Snapshot, str]:
    """The facts of Windows, and of WSL as far as it can be seen, and the name of Windows.

    Raises:
        InputError: no Windows in the inventory.
        Unreachable: Windows cannot be seen.
    """
    windows, wsl = fleet.inventory.windows, fleet.inventory.wsl
    if windows is None:
        raise InputError(f"{fleet.inventory.path}: firewall needs a windows machine")
    needs = {windows.name: WINDOWS_NEEDS | ({"boot"} if boot else frozenset())}
    if wsl is not None:
        needs[wsl.name] = LINUX_NEEDS
    say("all", "reading the machines")
    snapshot = gather(fleet, needs, say=say)
    if windows.name in snapshot.unseen:
        raise snapshot.unseen[windows.name].error(windows.name)
    return snapshot, windows.name


def firewall_of(snapshot: Snapshot, windows: str) -> HyperVFirewall:
    """The Hyper-V firewall.

    Raises:
        Unsupported: this Windows has none, or it could not be read.
    """
    facts = snapshot.windows
    found = facts.hyperv_firewall if facts is not None else None
    if found is not None and found.supported:
        return found
    errors = (facts.errors if facts is not None else None) or {}
    why = errors["hyperv_firewall"].message if "hyperv_firewall" in errors else "it came with Windows 11 22H2"
    raise Unsupported(f"{windows}: there is no Hyper-V firewall: {why}", machine=windows)


def _prepared(
    fleet: Fleet,
    snapshot: Snapshot,
    resources: Sequence[Resource],
    after: Collection[Grant],
    notes: Sequence[str],
) -> Prepared:
    lasting = [grant.allow for grant in after if grant.until is None]
    now = datetime.now(UTC)
    ends = sorted({grant.until for grant in after if grant.until is not None and not grant.is_over(now)})
    declared = (*resources, *boot_resources(snapshot, lasting, tuple(ends)))
    plan = replace(make_plan(snapshot, declared, notes=tuple(notes)), profile=profile_of(lasting))
    return Prepared(fleet, SetupOptions(), snapshot, declared, plan, lambda _: ())


def _grants(snapshot: Snapshot) -> dict[tuple[str, int], Grant]:
    """What is granted by rules of `allow` now, by protocol and port."""
    return {
        (one.grant.allow.proto, one.grant.allow.port): one.grant
        for one in own_rules(snapshot)
        if one.purpose == PURPOSE
    }


def _demand_expiry(snapshot: Snapshot) -> None:
    boot = snapshot.windows.boot if snapshot.windows is not None else None
    if boot is None or expiries_in(boot) is None or not boot.program.exists or boot.data.content is None:
        raise InputError(
            "--for, --until: nobody would take the rule away in time: the boot tasks are not installed",
            hint="wslnet boot install",
        )


def _with_wish(snapshot: Snapshot, allows: tuple[Allow, ...]) -> Snapshot:
    """The snapshot with what such a run stands for: the ports alone, where the LAN could come to them."""
    probed = allows if snapshot.mode == mirrored.MODE else ()
    wish = replace(snapshot.inventory.wish, reach=(), allow=probed, forward=())
    return replace(snapshot, inventory=replace(snapshot.inventory, wish=wish))


def _notes_of_mode(snapshot: Snapshot, allows: tuple[Allow, ...]) -> Iterator[str]:
    if snapshot.mode is None:
        yield "WSL does not run: the rule holds from its start, and nothing is measured"
    elif snapshot.mode != mirrored.MODE and allows:
        yield (
            f"WSL runs in {snapshot.mode} mode: the LAN has no way to it by a firewall rule; what Windows "
            "routes from other switches is let in. Publish a port with `wslnet forward add`, or use "
            "`wslnet setup --mirrored`"
        )


def _blocks(snapshot: Snapshot, firewall: HyperVFirewall, allows: tuple[Allow, ...]) -> Iterator[str]:
    """Rules of others that win over ours: a block beats every allow (wsl-facts 2.3)."""
    category = uplink_category(snapshot)
    for allow in allows:
        for rule in blocking(firewall.rules, allow, category):
            where = f" ({rule.source})" if rule.source else ""
            yield f"{allow} stays blocked by rule {rule.name}{where}, which wslnet did not make"


def _guest(snapshot: Snapshot) -> Iterator[str]:
    """What in the guest itself would keep the LAN out, although Windows lets it in."""
    for finding in examine(snapshot, only=_IN_THE_GUEST):
        if finding.status is Status.WARN:
            yield f"{finding.machine}: {finding.title}: {'; '.join(finding.evidence)}"
