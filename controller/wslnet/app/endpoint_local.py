"""The endpoint on its own machine, as `endpoint install` has it: asked for by a probe, kept when it passed.

The probe is the owner's own session over loopback, made by his task: who installs has not his token. It is
asked for when all else stands, so that it meets the very files that its verdict is kept for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.errors import WslnetError
from wslnet.model.change import Op
from wslnet.resources.endpoint_verdict import EndpointVerdict
from wslnet_win_agent.endpoint.local_use import PASSED, written

if TYPE_CHECKING:
    from wslnet.engine.fleet import Fleet
    from wslnet.model.windows_facts import LocalUse
    from wslnet.resources.endpoint import Files

_BLOCKED = (
    "on this machine itself it serves administrators only: Windows blocks WinRM over loopback for others"
)
_PROBE_S = 90.0


def local_line(verdict: str, why: str) -> str:
    """The one line on it for people."""
    if verdict == PASSED:
        return f"on this machine itself it serves others than administrators too: {why}"
    return f"{_BLOCKED}, and {why}; use it from another machine, or wslnet in an elevated terminal here"


def local_use_of(found: LocalUse | None) -> tuple[str, str]:
    """The verdict that is kept, and why; an older agent does not say."""
    return ("blocked", "nothing is known of a probe") if found is None else (found.verdict, found.why)


def not_probed(machine: str, why: str) -> tuple[EndpointVerdict, str]:
    """No verdict, and the line that says why; one that was kept goes."""
    line = local_line("blocked", why)
    return EndpointVerdict(machine, None, why), line


def probed(fleet: Fleet, machine: str, owner: str, files: Files) -> tuple[EndpointVerdict, str]:
    r"""Has the owner's task probe it, and gives what to keep of that and the line that says it.

    Args:
        fleet: Its session is an administrator's.
        machine: The Windows.
        owner: Whose task it is, as `MACHINE\name`.
        files: The endpoint's files as they stand there.

    Raises:
        WslnetError: Windows itself cannot be asked.
    """
    (found,) = fleet.execute(machine, [Op("endpoint.probe", {"owner": owner})], deadline_s=_PROBE_S)
    if not found.ok or not isinstance(found.value, dict):
        raise WslnetError(f"{machine}: the endpoint cannot be probed: {found.message}", machine=machine)
    if found.value.get("passed") is not True:
        return not_probed(machine, f"its probe did not pass ({found.value.get('why')})")
    line = local_line(PASSED, f"a session of {owner} over loopback passed")
    return EndpointVerdict(machine, written(files, owner), "its probe has passed"), line
