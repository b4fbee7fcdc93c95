"""The boot tasks as XML: accepted by a scheduler that is strict, read back by meaning, compared with care."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from wslnet.errors import PlanRefused
from wslnet.model.change import Action
from wslnet.model.windows_facts import Boot, BootPlace, BootTask, WindowsFacts
from wslnet.profiles.boot import network_task, wsl_task
from wslnet.resources.scheduled_task import ScheduledTask
from wslnet_lab.host.tasks.definition import read
from wslnet_lab.host.tasks.export import export
from wslnet_win_agent.boot.access import strangers
from wslnet_win_agent.boot.task import Task, Trigger
from wslnet_win_agent.boot.task_xml import read_task, version_of, write_task
from wslnet_win_agent.errors import WindowsAgentError

SID = "S-1-5-21-1004336348-1177238915-682003330-1001"
NAMES = {SID: "BOX\\我"}
SIDS = {"box\\我": SID}
TASKS = [
    network_task(SID),
    wsl_task(SID, before_logon=False),
    wsl_task(SID, before_logon=True),
]
PLACE = BootPlace("C:\\x", "C:\\")


def facts(*tasks: BootTask) -> WindowsFacts:
    return WindowsFacts(boot=Boot("BOX\\我", SID, tasks, PLACE, PLACE))


def exported(task: Task) -> str:
    return export(write_task(task), NAMES)


@pytest.mark.parametrize("task", TASKS, ids=lambda task: f"{task.name}-{task.logon}")
def test_windows_takes_it_and_gives_the_same_meaning_back(task: Task) -> None:
    assert read(write_task(task)).enabled
    text = exported(task)
    assert read_task(task.name, text, SIDS).same_as(task)
    assert version_of(text) == task.version


@pytest.mark.parametrize("task", TASKS, ids=lambda task: f"{task.name}-{task.logon}")
def test_no_prolog_and_the_order_of_the_schema(task: Task) -> None:
    xml = write_task(task)
    assert xml.startswith("<Task ")
    for trigger in ET.fromstring(xml).iter():  # noqa: S314 - our own text
        names = [each.tag.rpartition("}")[2] for each in trigger]
        if trigger.tag.endswith("Trigger"):
            assert names[0] == "Enabled"
            assert "Delay" not in names[:-1]


@pytest.mark.row("S3-17")
@pytest.mark.parametrize("task", TASKS, ids=lambda task: f"{task.name}-{task.logon}")
def test_the_defaults_that_bite_are_set(task: Task) -> None:
    settings = read(write_task(task)).settings
    assert settings["DisallowStartIfOnBatteries"] == settings["StopIfGoingOnBatteries"] == "false"
    assert settings["StartWhenAvailable"] == "true"
    assert all(each.delay_s <= 15 for each in read(write_task(task)).triggers)


def test_the_owner_holds_without_a_time_limit_and_without_rights() -> None:
    task = read(write_task(wsl_task(SID, before_logon=False)))
    assert (task.limit_s, task.principal.logon_type, task.principal.highest) == (0, "InteractiveToken", False)
    assert [(one.kind, one.user) for one in task.triggers] == [("logon", SID)]
    early = read(write_task(wsl_task(SID, before_logon=True)))
    assert (early.principal.logon_type, [one.kind for one in early.triggers]) == ("S4U", ["boot"])


def test_system_runs_only_the_program_below_program_files_and_loses_no_start() -> None:
    task = read(write_task(network_task(SID)))
    assert (task.principal.user, task.principal.logon_type) == ("S-1-5-18", None)
    assert task.settings["MultipleInstancesPolicy"] == "Queue"
    assert [one.command for one in task.actions] == ["C:\\Program Files\\wslnet\\wslnet.exe"]
    assert task.registration["SecurityDescriptor"] == f"D:P(A;;FA;;;SY)(A;;FA;;;BA)(A;;FRFX;;;{SID})"
    assert {one.kind for one in task.triggers} == {"boot", "event"}


def test_an_export_counts_as_it_stands() -> None:
    task = network_task(SID)
    resource = ScheduledTask("windows", task, "why")
    assert resource.diff(facts(BootTask("network", "Ready", exported(task)))) == ()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("boot run --half network", "boot run --half wsl"),
        ("<ExecutionTimeLimit>PT2H", "<ExecutionTimeLimit>PT4M"),
        ("S-1-5-18", "S-1-5-19"),
        ("<StartWhenAvailable>true", "<StartWhenAvailable>false"),
        ("<BootTrigger />", "<BootTrigger><Enabled>false</Enabled></BootTrigger>"),
        ("<Interval>PT1M", "<Interval>PT2M"),
    ],
)
def test_what_somebody_changed_is_put_right(old: str, new: str) -> None:
    task = network_task(SID)
    text = exported(task)
    assert old in text
    (change,) = ScheduledTask("windows", task, "why").diff(
        facts(BootTask("network", "Ready", text.replace(old, new)))
    )
    assert change.action is Action.CHANGE
    assert change.undo is not None
    assert new in str(change.undo.args["xml"])


def test_another_version_of_ours_is_replaced() -> None:
    task = network_task(SID)
    older = exported(replace(task, triggers=(Trigger("boot"),)))
    (change,) = ScheduledTask("windows", task, "why").diff(facts(BootTask("network", "Ready", older)))
    assert (change.action, change.do.verb) == (Action.CHANGE, "task.register")


def test_somebody_elses_task_is_never_touched() -> None:
    foreign = re.sub("<Author>wslnet", "<Author>me", exported(network_task(SID)))
    for present in (True, False):
        resource = ScheduledTask("windows", network_task(SID), "why", present=present)
        with pytest.raises(PlanRefused, match="not made by wslnet"):
            resource.diff(facts(BootTask("network", "Ready", foreign)))


def test_removing_knows_the_way_back() -> None:
    text = exported(network_task(SID))
    resource = ScheduledTask("windows", network_task(SID), "why", present=False)
    assert resource.diff(facts()) == ()
    (change,) = resource.diff(facts(BootTask("network", "Ready", text)))
    assert (change.do.verb, change.undo and change.undo.args["xml"]) == ("task.unregister", text)


ADMINS = "O:BAG:SYD:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)"
TRUSTED = "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464"


@pytest.mark.parametrize(
    ("sddl", "found"),
    [
        (ADMINS, ()),
        (f"{ADMINS}(A;OICI;0x1200a9;;;{SID})", ()),
        (
            f"O:{TRUSTED}G:BAD:PAI(A;;FA;;;{TRUSTED})(A;OICIIO;GA;;;CO)(A;OICIIO;GXGR;;;BU)(A;;0x1200a9;;;AC)",
            (),
        ),
        (f"{ADMINS}(D;;FA;;;BU)", ()),
        (f"{ADMINS}(A;;0x1301bf;;;BU)", ("BU",)),
        (f"{ADMINS}(A;CI;DCLCRPCR;;;BU)", ("BU",)),
        (f"{ADMINS}(A;;FW;;;{SID})", (SID,)),
        (f"{ADMINS}(A;;WDWO;;;AU)", ("AU",)),
        (f"{ADMINS}(XA;;FX;;;WD;(x))(A;;FA;;;WD)", ("WD",)),
        (f"{ADMINS}(A;;FA;;;WD", ("everybody",)),
        (f"{ADMINS}S:AI(AU;FA;FA;;;WD)", ()),
        ("O:BAG:BAD:NO_ACCESS_CONTROL", ("everybody",)),
        (f"O:{SID}G:BAD:P(A;;FA;;;SY)", (SID,)),
        ("", ("unknown owner", "everybody")),
    ],
)
def test_who_beside_administrators_could_change_a_file(sddl: str, found: tuple[str, ...]) -> None:
    assert strangers(sddl) == found


@pytest.mark.parametrize("task", TASKS, ids=lambda task: f"{task.name}-{task.logon}")
def test_an_export_that_was_cut_or_spoilt_is_one_clear_error(task: Task) -> None:
    text = exported(task)
    for end in range(0, text.rindex(">"), 3):
        with pytest.raises(WindowsAgentError, match=task.name):
            read_task(task.name, text[:end], SIDS)
        assert version_of(text[:end]) is None
    spoilt = text.replace("&lt;QueryList", "&lt;Query List", 1)
    if spoilt != text:
        with pytest.raises(WindowsAgentError, match="cannot be read"):
            read_task(task.name, spoilt, SIDS)
