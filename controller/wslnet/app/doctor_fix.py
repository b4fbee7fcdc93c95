"""`wslnet doctor --fix`: what the fixes of findings declare, as one plan that is run like every other change.

A fix that declares nothing is told with its command and left to the user.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from wslnet.app.setup import Prepared
from wslnet.checks.parts.wslconfig import MODE_KEY
from wslnet.engine.doctor import doctor_needs, examine
from wslnet.engine.gather import gather
from wslnet.engine.planner import make_plan
from wslnet.model.finding import Status
from wslnet.model.machine import Kind
from wslnet.profiles.modes import SetupOptions
from wslnet.profiles.persistence import with_kept
from wslnet.resources.wslconfig_keys import WslConfigKeys

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from wslnet.engine.fleet import Fleet
    from wslnet.model.change import Resource
    from wslnet.model.finding import Finding
    from wslnet.model.machine import Inventory

_WRONG = frozenset({Status.WARN, Status.FAIL})
_LINUX_NEEDS = frozenset({"identity", "owned"})


def prepare_fix(
    fleet: Fleet,
    inventory: Inventory,
    say: Callable[[str, str], None],
    *,
    only: Iterable[str] = (),
    machine: str | None = None,
) -> Prepared:
    """Reads, judges by `inventory` and its wish, and plans; `fleet` measures what worked before and no wish.

    Raises:
        InputError: `only` names a code that no check has.
    """
    codes = tuple(only)
    needs = {
        name: wanted | (_LINUX_NEEDS if inventory[name].kind in {Kind.WSL, Kind.VM} else frozenset())
        for name, wanted in doctor_needs(inventory, only=codes).items()
    }
    snapshot = gather(fleet, needs, say=say)
    findings = [
        one
        for one in examine(replace(snapshot, inventory=inventory), only=codes)
        if one.status in _WRONG and machine in {None, one.machine}
    ]
    declared = {(one.machine, one.name): one for one in _resources(findings)}
    resources = with_kept(snapshot, declared.values())
    plan = make_plan(snapshot, resources, mode=_declared_mode(resources), notes=tuple(_left(findings)))
    return Prepared(fleet, SetupOptions(), snapshot, resources, plan, lambda _: resources)


def _resources(findings: Iterable[Finding]) -> Iterator[Resource]:
    for one in findings:
        yield from one.fix.resources if one.fix is not None else ()


def _declared_mode(resources: Iterable[Resource]) -> str | None:
    """The mode that a fix writes to `.wslconfig`, into which the restart then leads."""
    files = (one.values for one in resources if isinstance(one, WslConfigKeys))
    return next((values[MODE_KEY] for values in files if MODE_KEY in values), None)


def _left(findings: Iterable[Finding]) -> Iterator[str]:
    for one in findings:
        if one.fix is not None and not one.fix.resources:
            yield f"not mended by this: {one.machine}: {one.title}: {one.fix.command}"
