"""What a start of Windows is to put back: what the newest committed setup did, else the inventory's wish.

A run that changes the mode takes the data of the boot tasks with it: what they put back is the new mode's.
"""

from __future__ import annotations

import base64
from dataclasses import asdict, replace
from pathlib import PureWindowsPath
from typing import TYPE_CHECKING

from wslnet.app.firewall_wish import allowed
from wslnet.app.forward_wish import with_forwards
from wslnet.engine.restart import running_vms
from wslnet.engine.run_log import End, read_runs
from wslnet.errors import InputError
from wslnet.model.allow import parse_allow
from wslnet.model.boot_data import BootData, Domain, as_seen_from_windows, read_boot_data
from wslnet.model.machine import Kind
from wslnet.profiles.modes import SetupOptions
from wslnet.profiles.table import PROFILES, profile_of
from wslnet.resources.boot_data import BootDataFile
from wslnet.resources.interface_forwarding import InterfaceForwarding

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from wslnet.model.allow import Allow
    from wslnet.model.change import Resource
    from wslnet.model.machine import Inventory
    from wslnet.model.snapshot import Snapshot
    from wslnet.model.windows_facts import Boot

_TEXTS = frozenset({"allow", "allow_regression"})
"""Options that are no plain values; a start of Windows needs nobody's consent to a regression."""


def boot_data(snapshot: Snapshot) -> BootData:
    """What is to be put back, as it is wished and as it runs now.

    The options are those of the newest committed setup; without one the inventory's wish.

    Raises:
        InputError: nobody said in which mode WSL is to run, and it does not run.
    """
    inventory = snapshot.inventory
    profile = last_profile(inventory.state)
    mode = str(profile.get("mode") or inventory.wish.mode or snapshot.mode or "")
    if mode not in PROFILES:
        raise InputError(
            f"{inventory.path}: no mode to put back ({mode or 'none'}): run `wslnet setup` first, or write "
            f"it under [wish]; there is {', '.join(PROFILES)}"
        )
    options = profile.get("options")
    options = dict(options) if isinstance(options, dict) else {}
    allows = allowed(inventory) if "mode" in profile else inventory.wish.allow
    options["allow"] = [str(allow) for allow in allows] if profile_of(mode).publishes else []
    domains = [Domain(vm.host, vm.domain) for vm in running_vms(snapshot)]
    if not domains:
        vms = sorted(inventory.of_kind(Kind.VM), key=lambda vm: inventory.depth(vm.name))
        domains = [Domain(vm.parent or "", vm.name) for vm in vms if inventory[vm.parent or ""].is_linux]
    boot = snapshot.windows.boot if snapshot.windows is not None else None
    return BootData(
        inventory=as_seen_from_windows(with_forwards(inventory)),
        mode=mode,
        options=options,
        domains=tuple(domains),
        switches=_switches(profile_of(mode).behind(snapshot)),
        owner=boot.sid if boot is not None else "",
    )


def boot_resources(
    snapshot: Snapshot, mode: str, options: SetupOptions, wanted: Iterable[Resource]
) -> tuple[BootDataFile, ...]:
    """The data of the boot tasks as a setup of `mode` leaves it; `wanted` is what that setup makes true.

    Nothing where the tasks are not installed, or where they would put back the same as now.

    Raises:
        InputError: the data is there and cannot be read.
    """
    boot = snapshot.windows.boot if snapshot.windows is not None else None
    data, windows = _installed(boot), snapshot.inventory.windows
    if boot is None or data is None or windows is None:
        return ()
    asked = replace(options, allow=_allowed_after(snapshot.inventory, mode, options))
    before = setup_options(data.options)
    switches = _switches(wanted)
    as_before = (data.mode, set(before.allow), before.open_all) == (mode, set(asked.allow), asked.open_all)
    if as_before and set(data.switches) == set(switches):
        return ()
    plain = asdict(asked) | {"allow": [str(one) for one in asked.allow]}
    content = replace(data, mode=mode, options=plain, switches=switches).to_bytes()
    why = f"a start of Windows puts back what {mode} mode needs, not what {data.mode} mode did"
    if data.mode == mode:
        why = "a start of Windows puts back what was asked for"
    return (BootDataFile(windows.name, content, data.owner or boot.sid, why),)


def resources_of_mode(snapshot: Snapshot, mode: str | None) -> tuple[BootDataFile, ...]:
    """The same for a run that changes the mode without a setup; the options of a setup go with its mode.

    Nothing for a mode that is not among PROFILES: a start of Windows has nothing to put back in it.

    Raises:
        InputError: the data is there and cannot be read.
    """
    data = _installed(snapshot.windows.boot if snapshot.windows is not None else None)
    if data is None or mode is None or mode not in PROFILES or mode == data.mode:
        return ()
    return boot_resources(snapshot, mode, SetupOptions(), profile_of(mode).behind(snapshot))


def _installed(boot: Boot | None) -> BootData | None:
    if boot is None or boot.data.content is None:
        return None
    return read_boot_data(PureWindowsPath(boot.data.path), base64.b64decode(boot.data.content))


def _allowed_after(inventory: Inventory, mode: str, options: SetupOptions) -> tuple[Allow, ...]:
    if not profile_of(mode).publishes:
        return ()
    found = {(one.proto, one.port): one for one in (*allowed(inventory), *options.allow)}
    return tuple(one for _, one in sorted(found.items()))


def _switches(resources: Iterable[Resource]) -> tuple[str, ...]:
    aliases = (one.alias for one in resources if isinstance(one, InterfaceForwarding) and one.enabled)
    return tuple(dict.fromkeys(aliases))


def setup_options(options: Mapping[str, object]) -> SetupOptions:
    """Options of a setup as its plan and the boot data carry them.

    Raises:
        InputError: an allow of theirs cannot be read.
    """
    allow = options.get("allow")
    texts = allow if isinstance(allow, list) else []
    plain = SetupOptions(tuple(parse_allow(str(text)) for text in texts))
    known = {name: options[name] for name in asdict(plain) if name not in _TEXTS and name in options}
    return replace(plain, **known)  # type: ignore[arg-type]  # written by asdict of the same class


def last_profile(state: Path) -> Mapping[str, object]:
    """Mode and options of the newest committed setup among the runs in `state`; empty without one."""
    for log in reversed(read_runs(state)):
        profile = log.plan.get("profile")
        if log.ended is End.COMMITTED and isinstance(profile, dict) and "mode" in profile:
            return profile
    return {}
