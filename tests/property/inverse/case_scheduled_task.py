"""Tasks below wslnet's folder: as declared, of another version, and one that somebody else put there."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from wslnet.model.windows_facts import Boot, BootPlace, BootTask, WindowsFacts
from wslnet.profiles.boot import network_task, wsl_task
from wslnet.resources.scheduled_task import ScheduledTask
from wslnet_win_agent.boot.task_xml import write_task

RESOURCE = ScheduledTask
SID = "S-1-5-21-1004336348-1177238915-682003330-1001"
PLACE = BootPlace("C:\\x", "C:\\")
TASKS = [network_task(SID), wsl_task(SID, before_logon=False), wsl_task(SID, before_logon=True)]
OLDER = [replace(task, arguments="an older one's") for task in TASKS]
FOUND = st.sampled_from([*TASKS, *OLDER]).map(lambda task: BootTask(task.name, "Ready", write_task(task)))
FOREIGN = st.just(BootTask(TASKS[0].name, "Ready", "<Task><RegistrationInfo/></Task>"))
STATES = st.lists(FOUND | FOUND | FOREIGN, max_size=2, unique_by=lambda task: task.name).map(
    lambda tasks: WindowsFacts(boot=Boot("BOX\\me", SID, tuple(tasks), PLACE, PLACE))
)
CASES = st.tuples(
    STATES,
    st.builds(ScheduledTask, st.just("windows"), st.sampled_from(TASKS), st.just("law"), st.booleans()),
)
