"""Relays of UDP: none, as declared, to an earlier address, and a task that is somebody else's."""

from __future__ import annotations

from hypothesis import strategies as st

from wslnet.model.windows_facts import Boot, BootPlace, BootTask, WindowsFacts
from wslnet.resources.udp_relay import UdpRelay
from wslnet_win_agent.boot.relay_task import relay_task
from wslnet_win_agent.boot.task_xml import write_task

RESOURCE = UdpRelay
SID = "S-1-5-21-1004336348-1177238915-682003330-1001"
PLACE = BootPlace("C:\\x", "C:\\", exists=True)
PORTS = st.sampled_from([5353, 9999])
LISTENS = st.sampled_from([("172.24.21.109", "127.0.0.1"), ("127.0.0.1",)])
TARGETS = st.sampled_from(["172.23.102.37", "172.23.99.9"])
TASKS = st.builds(relay_task, PORTS, LISTENS, TARGETS, PORTS)
# One that was ended is started by whoever puts it back: how it ran is no state that could be restored.
FOUND = TASKS.map(lambda task: BootTask(task.name, "Running", write_task(task)))
FOREIGN = st.just(BootTask("relay-udp-5353", "Ready", "<Task><RegistrationInfo/></Task>"))
STATES = st.lists(FOUND | FOUND | FOREIGN, max_size=2, unique_by=lambda task: task.name).map(
    lambda tasks: WindowsFacts(boot=Boot("BOX\\me", SID, tuple(tasks), PLACE, PLACE))
)
RESOURCES = st.builds(
    UdpRelay, st.just("windows"), PORTS, LISTENS, TARGETS, PORTS, st.just("law"), present=st.booleans()
)
CASES = st.tuples(STATES, RESOURCES)
