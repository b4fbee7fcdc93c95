"""`wslnet forward adopt` and `prune`: portproxy rules that were there before, taken over or cleared away."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from wslnet.app.forward import mode_of, prepared_with, see
from wslnet.app.forward_wish import declared
from wslnet.errors import PlanRefused
from wslnet.model.portproxy import adoptable, useless
from wslnet.profiles.forwards import windows_resources
from wslnet.resources.port_proxy import PortProxyRule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from wslnet.app.setup import Prepared
    from wslnet.engine.fleet import Fleet
    from wslnet.model.machine import Inventory
    from wslnet.model.windows_facts import PortProxy


def prepare_adopt(fleet: Fleet, loaded: Inventory, say: Callable[[str, str], None]) -> Prepared:
    """The plan after which portproxy rules that lead to WSL are wslnet's, and follow WSL's address.

    One that listens on a single address of Windows, or is published already, is left as it is.

    Raises:
        PlanRefused: WSL does not run in NAT mode.
    """
    snapshot = see(fleet, (), say)
    mode, old = mode_of(snapshot), declared(loaded)
    if mode != "nat":
        raise PlanRefused(
            f"WSL runs in mode {mode}, where no portproxy rule is needed; nothing was changed",
            hint="wslnet forward prune",
        )
    known = {one.key for one in old}
    found = {one: rule for one, rule in adoptable(snapshot) if one.key not in known}
    made = windows_resources(snapshot, mode, tuple(found))
    kept = {one.name for one in made}
    stale = (one for one in _absent(fleet.inventory, found.values(), "written anew") if one.name not in kept)
    return prepared_with(fleet, snapshot, (*stale, *made), (*old, *found))


def prepare_prune(fleet: Fleet, loaded: Inventory, say: Callable[[str, str], None]) -> Prepared:
    """The plan that removes the portproxy rules which mirrored mode made useless.

    Raises:
        PlanRefused: WSL does not run in mirrored mode: elsewhere they are in use.
    """
    snapshot = see(fleet, (), say)
    mode = mode_of(snapshot)
    if mode != "mirrored":
        raise PlanRefused(f"WSL runs in mode {mode}, where portproxy rules are of use; nothing was changed")
    why = "in mirrored mode WSL has no address there"
    gone = _absent(fleet.inventory, useless(snapshot), why)
    return prepared_with(fleet, snapshot, gone, declared(loaded))


def _absent(inventory: Inventory, rules: Iterable[PortProxy], why: str) -> tuple[PortProxyRule, ...]:
    windows = inventory.windows
    if windows is None:
        return ()
    return tuple(replace(PortProxyRule.absent(windows.name, rule, why), rows=("S3-53",)) for rule in rules)
