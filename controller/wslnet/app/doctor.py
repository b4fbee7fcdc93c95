"""`wslnet doctor`: gathers what the checks need and judges it. Reads only; a stopped WSL stays stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.engine.doctor import Diagnosis, doctor_needs, examine
from wslnet.engine.gather import gather
from wslnet.engine.restart import HOLD_S, await_agent
from wslnet.model.change import Op

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from wslnet.engine.fleet import Fleet

_WAKE_DEADLINE_S = 120.0


def diagnose(
    fleet: Fleet,
    *,
    only: Iterable[str] = (),
    wake: bool = False,
    say: Callable[[str, str], None] | None = None,
) -> Diagnosis:
    """All findings about all machines. `wake` starts a stopped WSL first; `say` is told of each machine.

    Raises:
        InputError: `only` names a code that no check has.
    """
    codes = tuple(only)
    needs = doctor_needs(fleet.inventory, only=codes)
    if wake:
        wake_wsl(fleet)
    snapshot = gather(fleet, needs, say=say)
    return Diagnosis(fleet.inventory, examine(snapshot, only=codes))


def wake_wsl(fleet: Fleet) -> None:
    """Starts WSL and waits for its agent.

    Raises:
        Unreachable: Windows or WSL does not answer in time.
    """
    windows, wsl = fleet.inventory.windows, fleet.inventory.wsl
    if windows is None or wsl is None:
        return
    start = Op("wsl.start", {"distro": wsl.distro, "hold_s": HOLD_S})
    fleet.execute(windows.name, [start], deadline_s=_WAKE_DEADLINE_S)
    fleet.forget([wsl.name])
    await_agent(fleet, wsl.name, frozenset({"identity"}))
