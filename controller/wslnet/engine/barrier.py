"""A restart of WSL as a run crosses it: what it would lose of others is on disk before and back after it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.engine.captured import capture, put_back
from wslnet.engine.gather import gather
from wslnet.engine.restart import RestartRefused, restart_wsl
from wslnet.errors import WslnetError

if TYPE_CHECKING:
    from wslnet.engine.apply import Progress


def cross(run: Progress, mode: str | None, *, back: bool = False, update: str | None = None) -> str | None:
    """Restarts WSL into `mode` and gives the mode that it came up in.

    What could not be put back stands in `run.not_put_back`. With `back` the restart takes a run back: then
    what carries wslnet's mark is put back too, because nothing declares it any more. `update`: as in
    `restart_wsl`.

    Raises:
        WslnetError: as `restart_wsl`; a VM that was started again by a refused restart has its state back.
    """
    run.not_put_back = ()
    run.captured = capture(run.fleet).beside(run.captured)
    record = run.journal.note if back else run.journal.write
    record("captured", captured=run.captured.to_json())
    if run.guards is not None and not back:
        run.guards.carry(run.captured.to_json(), run.say)
    wanted = run.captured if back else run.captured.foreign
    try:
        found = restart_wsl(run.fleet, run.vms, mode, run.say, force=run.consent.force, update=update)
    except RestartRefused:
        run.not_put_back += put_back(run.fleet, run.captured, None, run.say)
        raise
    except WslnetError:
        if back:  # nothing comes after this that could
            run.not_put_back += put_back(run.fleet, wanted, mode, run.say)
        raise
    run.not_put_back += put_back(run.fleet, wanted, found, run.say)
    return found


def restore(run: Progress) -> None:
    """Puts everything captured back after a restart that somebody else made to take the run back."""
    machines = dict.fromkeys(run.captured.machines, frozenset({"wsl"}))
    run.not_put_back = put_back(run.fleet, run.captured, gather(run.fleet, machines).mode, run.say)
