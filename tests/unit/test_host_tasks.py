"""The lab's Task Scheduler: what it refuses, what wakes a task, as whom it runs, how it ends."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from wslnet_lab.host.contract import Identity
from wslnet_lab.host.local_session import LocalSession
from wslnet_lab.host.state.settings import OWNER_SID
from wslnet_lab.host.tasks import events, results
from wslnet_lab.host.tasks.definition import read
from wslnet_lab.host.tasks.schema import TaskXmlError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from wslnet_lab.host.tasks.definition import Action
    from wslnet_lab.host.tasks.scheduler import Scheduler

LIMITED = Identity("owner", OWNER_SID, admin=False)
KEY = {"TaskName": "t", "TaskPath": "\\wslnet\\"}
BOOT = "<BootTrigger><Enabled>true</Enabled></BootTrigger>"
LOGON = f"<LogonTrigger><UserId>{OWNER_SID}</UserId></LogonTrigger>"
NETWORK = (
    "<EventTrigger><Subscription>&lt;QueryList&gt;&lt;Query&gt;&lt;Select "
    'Path="Microsoft-Windows-NetworkProfile/Operational"&gt;*[System[EventID=10000]]&lt;/Select&gt;'
    "&lt;/Query&gt;&lt;/QueryList&gt;</Subscription></EventTrigger>"
)


def xml(triggers: str = "", user: str = "S-1-5-18", settings: str = "", principal: str = "") -> str:
    return (
        '<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">'
        f"<Triggers>{triggers}</Triggers>"
        f'<Principals><Principal id="A"><UserId>{user}</UserId>{principal}</Principal></Principals>'
        f"<Settings>{settings}</Settings>"
        '<Actions Context="A"><Exec><Command>C:\\p.exe</Command><Arguments>a b</Arguments></Exec></Actions>'
        "</Task>"
    )


@dataclass
class Process:
    """A program that runs until it is told to end."""

    code: int = 0
    over: threading.Event = field(default_factory=threading.Event)

    def wait(self, timeout_s: float | None) -> int | None:
        return self.code if self.over.wait(min(timeout_s or 20.0, 20.0)) else None

    def end(self) -> None:
        self.over.set()


@dataclass
class Starts:
    """What was started, as whom."""

    made: list[tuple[Process, Identity]] = field(default_factory=list)

    def __call__(self, action: Action, identity: Identity) -> Process:
        assert (action.command, action.arguments) == ("C:\\p.exe", "a b")
        process = Process()
        self.made.append((process, identity))
        return process


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@dataclass
class Bench:
    """A Windows on paper whose tasks start nothing real."""

    session: LocalSession
    starts: Starts

    def register(self, text: str, **more: object) -> list[str]:
        return self.session.run("Register-ScheduledTask", {**KEY, "Xml": text, **more}).ids

    def result(self) -> int:
        (row,) = self.session.run("Get-ScheduledTaskInfo", KEY).rows()
        return int(str(row["LastTaskResult"]))

    @property
    def scheduler(self) -> Scheduler:
        return self.session.windows.scheduler


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    session, starts = LocalSession(tmp_path), Starts()
    session.windows.scheduler._launch = starts
    return Bench(session, starts)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (("<Task ", '<?xml version="1.0" encoding="UTF-8"?><Task '), 0x8004131A),
        (("</Task>", ""), 0x8004131A),
        (("2004/02/mit/task", "2005"), 0x80041317),
        (("<Settings>", "<Wishes/><Settings>"), 0x80041316),
        (("<Settings>", "<Settings><ExecutionTimeLimit>5</ExecutionTimeLimit>"), 0x80041318),
        (("<Settings>", "<Settings><RestartOnFailure><Count>3</Count></RestartOnFailure>"), 0x80041319),
        (('Context="A"', 'Context="B"'), 0x80041318),
        (("<UserId>S-1-5-18</UserId>", "<LogonType>ServiceAccount</LogonType>"), 0x80041318),
        (
            ("<Triggers>", "<Triggers><BootTrigger><Delay>PT5S</Delay><Enabled>true</Enabled></BootTrigger>"),
            0x80041316,
        ),
        (
            ("<Triggers>", "<Triggers><LogonTrigger><Delay>PT5S</Delay><UserId>x</UserId></LogonTrigger>"),
            0x80041316,
        ),
        (("<Triggers>", "<Triggers><EventTrigger><Subscription>x</Subscription></EventTrigger>"), 0x80041318),
        (("<Command>C:\\p.exe</Command>", ""), 0x80041319),
    ],
)
def test_a_wrong_definition_is_refused(change: tuple[str, str], code: int, bench: Bench) -> None:
    text = xml()
    assert change[0] in text
    wrong = text.replace(*change)
    with pytest.raises(TaskXmlError) as refused:
        read(wrong)
    assert refused.value.code == code
    assert bench.register(wrong) == [f"HRESULT 0x{code:08x},Register-ScheduledTask"]


def test_a_utf16_prolog_is_what_an_export_has_and_is_taken() -> None:
    assert read('<?xml version="1.0" encoding="UTF-16"?>' + xml(BOOT)).triggers[0].kind == "boot"


def test_ids_of_existing_missing_and_foreign_tasks(bench: Bench) -> None:
    assert bench.register(xml()) == []
    assert bench.register(xml()) == ["HRESULT 0x800700b7,Register-ScheduledTask"]
    assert bench.register(xml(), Force=True) == []
    run = bench.session.run
    assert run("Get-ScheduledTaskInfo", {"TaskName": "t"}).ids == ["HRESULT 0x80070002,Get-ScheduledTaskInfo"]
    found = run("Get-ScheduledTask", {"TaskName": ["u"], "TaskPath": ["\\wslnet\\"]})
    assert found.ids == ["CmdletizationQuery_NotFound,Get-ScheduledTask"]
    assert run("Unregister-ScheduledTask", {"TaskName": ["t"]}).ids == ["HostException"]
    assert run("Unregister-ScheduledTask", {"TaskName": ["t"], "Confirm": False}).ids == []
    assert run("Get-ScheduledTask").rows() == []


def test_tasks_stay_over_a_boot(bench: Bench) -> None:
    bench.register(xml(BOOT))
    bench.session.boot()
    assert [row["TaskName"] for row in bench.session.run("Get-ScheduledTask").rows()] == ["t"]


def test_a_boot_wakes_it_as_system_and_a_resume_does_not(bench: Bench) -> None:
    bench.register(xml(BOOT))
    bench.scheduler.power_on(resumed=True)
    assert bench.result() == results.HAS_NOT_RUN
    bench.scheduler.power_on(resumed=False)
    until(lambda: len(bench.starts.made) == 1)
    process, who = bench.starts.made[0]
    assert (who.sid, who.system) == ("S-1-5-18", True)
    assert bench.result() == results.RUNNING
    process.code = 3
    process.end()
    until(lambda: bench.result() == 3)


def test_the_owner_logs_on_after_two_seconds_and_not_before(bench: Bench) -> None:
    token = "<LogonType>InteractiveToken</LogonType>"
    bench.register(xml(LOGON, OWNER_SID, principal=token))
    refused = bench.session.run("Start-ScheduledTask", KEY)
    assert refused.ids == ["HRESULT 0x800710e0,Start-ScheduledTask"]
    began = time.monotonic()
    bench.scheduler.power_on(resumed=True)
    until(lambda: len(bench.starts.made) == 1)
    assert 1.9 < time.monotonic() - began < 4
    assert (bench.starts.made[0][1].sid, bench.starts.made[0][1].admin) == (OWNER_SID, False)
    bench.starts.made[0][0].end()


def test_s4u_without_the_batch_right_never_starts(bench: Bench) -> None:
    settings = bench.session.windows.state.settings
    object.__setattr__(settings, "batch_logon", False)
    assert bench.register(xml(BOOT, OWNER_SID, principal="<LogonType>S4U</LogonType>")) == []
    bench.scheduler.power_on(resumed=False)
    until(lambda: bench.result() == results.LOGON_TYPE_NOT_GRANTED)
    assert bench.starts.made == []


def test_a_queue_loses_no_event_and_the_default_ignores_it(bench: Bench) -> None:
    for policy, runs in (("Queue", 3), ("IgnoreNew", 1)):
        bench.starts.made.clear()
        settings = f"<MultipleInstancesPolicy>{policy}</MultipleInstancesPolicy>"
        bench.register(xml(NETWORK, settings=settings), Force=True)
        for _ in range(3):
            bench.scheduler.happened(events.CONNECTED)
        bench.scheduler.happened(events.RESUMED)
        for number in range(runs):
            until(lambda number=number: len(bench.starts.made) > number)
            bench.starts.made[number][0].end()
        until(lambda: bench.result() == 0)
        assert len(bench.starts.made) == runs


def test_a_run_ends_at_its_limit_or_when_it_is_stopped(bench: Bench) -> None:
    bench.register(xml(settings="<ExecutionTimeLimit>PT1S</ExecutionTimeLimit>"))
    bench.session.run("Start-ScheduledTask", KEY)
    until(lambda: bench.result() == results.TERMINATED)
    bench.register(xml(), Force=True)
    bench.session.run("Start-ScheduledTask", KEY)
    until(lambda: len(bench.starts.made) == 2)
    bench.session.run("Stop-ScheduledTask", KEY)
    until(lambda: bench.result() == results.TERMINATED)


def test_who_may_see_and_start_it_stands_in_its_descriptor(bench: Bench) -> None:
    bench.register(xml())
    run = bench.session.run
    assert run("Get-ScheduledTask", identity=LIMITED).rows() == []
    assert run("Start-ScheduledTask", KEY, identity=LIMITED).ids == ["HRESULT 0x80070005,Start-ScheduledTask"]
    descriptor = f"<SecurityDescriptor>D:P(A;;FRFX;;;{OWNER_SID})</SecurityDescriptor>"
    granted = f"<RegistrationInfo>{descriptor}</RegistrationInfo>"
    bench.register(xml().replace("<Triggers>", f"{granted}<Triggers>"), Force=True)
    assert [row["TaskName"] for row in run("Get-ScheduledTask", identity=LIMITED).rows()] == ["t"]
    assert run("Start-ScheduledTask", KEY, identity=LIMITED).ids == []
    until(lambda: len(bench.starts.made) == 1)
    bench.starts.made[0][0].end()
    removed = run("Unregister-ScheduledTask", {"TaskName": ["t"], "Confirm": False}, identity=LIMITED)
    assert removed.ids == ["HRESULT 0x80070005,Unregister-ScheduledTask"]
