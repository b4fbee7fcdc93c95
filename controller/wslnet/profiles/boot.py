"""The two scheduled tasks that put things back after a start of Windows, as data.

Two, because SYSTEM may change the network and cannot run WSL, and the distros' owner can run WSL and may not
change the network (windows-facts 4, wsl-facts 3). WSL's adapters exist only after its first start, so the
owner's task starts SYSTEM's on demand when it is done. Both are started on demand to guard a run, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.resources.startup_script import PolicyStartupScript
from wslnet_win_agent.boot.call_files import TASK
from wslnet_win_agent.boot.places import PROGRAM
from wslnet_win_agent.boot.startup_script import StartupScript
from wslnet_win_agent.boot.task import FOLDER, SYSTEM_SID, Event, Task, Trigger
from wslnet_win_agent.boot.task_xml import read_task
from wslnet_win_agent.errors import WindowsAgentError

if TYPE_CHECKING:
    from wslnet.model.windows_facts import Boot

NETWORK, WSL = "network", "wsl"
_STARTER = StartupScript(r"C:\Windows\System32\schtasks.exe", rf"/run /tn {FOLDER}{NETWORK}")
"""Windows' own program that starts a task by its name."""

_NETWORK_LOG = "Microsoft-Windows-NetworkProfile/Operational"
_CONNECTED = Event(_NETWORK_LOG, "*[System[EventID=10000]]")
# A Fast-Startup power-on is a resume: boot triggers stay silent, Kernel-Boot 27 is written (wsl-facts 9).
_POWERED_ON = Event("System", "*[System[Provider[@Name='Microsoft-Windows-Kernel-Boot'] and EventID=27]]")
_WOKEN = Event("System", "*[System[Provider[@Name='Microsoft-Windows-Power-Troubleshooter'] and EventID=1]]")
_LONGEST_GUARD = "PT2H"
"""It waits as long as a run may wait for its confirmation, half an hour, after the run's own time."""

_SETTLE_S = 5
"""Between a change of the network and a look at it; the longest delay that is allowed is 15 s."""


def network_task(owner_sid: str, expiries: tuple[str, ...] = (), *, at_boot: bool = True) -> Task:
    """SYSTEM's half: at boot, power-on, resume, when a network comes, and once at each of `expiries`.

    A start that comes while it runs is queued: nothing that happened may be lost. `expiries` are moments in
    UTC at which a firewall rule is to go; one that is missed while Windows is off is made up for. Without
    `at_boot` a start-up script starts it then (`startup_script`).
    """
    return Task(
        name=NETWORK,
        user=SYSTEM_SID,
        logon="",
        highest=True,
        triggers=(
            *([Trigger("boot")] if at_boot else []),
            Trigger("event", events=(_POWERED_ON, _WOKEN)),
            Trigger("event", delay_s=_SETTLE_S, events=(_CONNECTED,)),
            *(Trigger("time", at=moment) for moment in expiries),
        ),
        instances="Queue",
        limit=_LONGEST_GUARD,
        command=PROGRAM,
        arguments=f"boot run --half {NETWORK}",
        starters=(owner_sid,),
    )


def startup_script(machine: str, *, present: bool) -> PolicyStartupScript:
    """The other back end of a start: the local Group Policy's script, which starts SYSTEM's task.

    It does no more than that: one half is one process, and only the scheduler queues what comes meanwhile.
    """
    why = "the Group Policy starts SYSTEM's half" if present else "nothing but the task's triggers starts it"
    return PolicyStartupScript(machine, _STARTER.command, _STARTER.parameters, why, present=present)


def is_started_by_policy(boot: Boot) -> bool:
    """Whether that script is there."""
    return _STARTER in boot.startup


def standing_network_task(boot: Boot, expiries: tuple[str, ...] | None = None) -> Task:
    """SYSTEM's task for the back end that is installed, with these ends or those that it has."""
    ends = expiries_in(boot) or () if expiries is None else expiries
    return network_task(boot.sid, ends, at_boot=not is_started_by_policy(boot))


def expiries_in(boot: Boot) -> tuple[str, ...] | None:
    """The moments at which SYSTEM's task is to take rules away; None where there is no such task of ours."""
    found = next((one for one in boot.tasks if one.name == NETWORK), None)
    if found is None:
        return None
    try:
        task = read_task(NETWORK, found.xml, {boot.user.casefold(): boot.sid})
    except WindowsAgentError:
        return None
    return tuple(sorted(one.at for one in task.triggers if one.kind == "time"))


def wsl_task(owner_sid: str, *, before_logon: bool) -> Task:
    """The owner's half: at logon, or with S4U at boot; it holds WSL, so it has no time limit.

    A second start finds it running and has nothing to do.
    """
    return Task(
        name=WSL,
        user=owner_sid,
        logon="S4U" if before_logon else "InteractiveToken",
        highest=False,
        triggers=(Trigger("boot"),) if before_logon else (Trigger("logon", user=owner_sid),),
        instances="IgnoreNew",
        limit="PT0S",
        command=PROGRAM,
        arguments=f"boot run --half {WSL}",
        starters=(owner_sid,),
    )


def programs_task(owner: str) -> Task:
    r"""What runs wsl.exe for a controller elsewhere; `owner` is a SID or `MACHINE\name`.

    Nothing starts it by itself. It has the owner's plain rights and needs his session.
    """
    return Task(
        name=TASK,
        user=owner,
        logon="InteractiveToken",
        highest=False,
        triggers=(),
        instances="IgnoreNew",
        limit="PT0S",
        command=PROGRAM,
        arguments="boot call",
    )
