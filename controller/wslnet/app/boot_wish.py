"""What a start of Windows is to put back: what the newest committed setup did, else the inventory's wish."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from wslnet.app.firewall_wish import allowed
from wslnet.app.forward_wish import with_forwards
from wslnet.engine.restart import running_vms
from wslnet.engine.run_log import End, read_runs
from wslnet.errors import InputError
from wslnet.model.allow import parse_allow
from wslnet.model.boot_data import BootData, Domain, as_seen_from_windows
from wslnet.model.machine import Kind
from wslnet.profiles.modes import SetupOptions
from wslnet.profiles.table import PROFILES, profile_of
from wslnet.resources.interface_forwarding import InterfaceForwarding

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wslnet.model.snapshot import Snapshot

_TEXTS = frozenset({"allow", "allow_regression"})
"""Options that are no plain values; a start of Windows needs nobody's consent to a regression."""


def boot_data(snapshot: Snapshot) -> BootData:
    """What is to be put back, as it is wished and as it runs now.

    The options are those of the newest committed setup; without one the inventory's wish.

    Raises:
        InputError: nobody said in which mode WSL is to run, and it does not run.
    """
    inventory = snapshot.inventory
    profile = _last_profile(snapshot)
    mode = str(profile.get("mode") or inventory.wish.mode or snapshot.mode or "")
    if mode not in PROFILES:
        raise InputError(
            f"{inventory.path}: no mode to put back ({mode or 'none'}): run `wslnet setup` first, or write "
            f"it under [wish]; there is {', '.join(PROFILES)}"
        )
    options = profile.get("options") or {"allow": [str(allow) for allow in inventory.wish.allow]}
    options = dict(options) if isinstance(options, dict) else {}
    if profile_of(mode).publishes and "mode" in profile:
        options["allow"] = [str(allow) for allow in allowed(inventory)]
    domains = [Domain(vm.host, vm.domain) for vm in running_vms(snapshot)]
    if not domains:
        vms = sorted(inventory.of_kind(Kind.VM), key=lambda vm: inventory.depth(vm.name))
        domains = [Domain(vm.parent or "", vm.name) for vm in vms if inventory[vm.parent or ""].is_linux]
    volatile = profile_of(mode).behind(snapshot)
    boot = snapshot.windows.boot if snapshot.windows is not None else None
    switches = [one.alias for one in volatile if isinstance(one, InterfaceForwarding)]
    return BootData(
        inventory=as_seen_from_windows(with_forwards(inventory)),
        mode=mode,
        options=options,
        domains=tuple(domains),
        switches=tuple(dict.fromkeys(switches)),
        owner=boot.sid if boot is not None else "",
    )


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


def _last_profile(snapshot: Snapshot) -> Mapping[str, object]:
    for log in reversed(read_runs(snapshot.inventory.state)):
        profile = log.plan.get("profile")
        if log.ended is End.COMMITTED and isinstance(profile, dict) and "mode" in profile:
            return profile
    return {}
