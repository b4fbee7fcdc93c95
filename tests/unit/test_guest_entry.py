"""Which ways into a guest are tried, what is said when none leads in, and where its password goes."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from wslnet.app.guest_entry import as_before, enter
from wslnet.engine.guest_way import GuestWay
from wslnet.errors import PlanRefused
from wslnet.model.change import Op, OpResult
from wslnet.model.guest_entry import GuestEntry, Way
from wslnet.model.guest_facts import GuestAccount, GuestKeys
from wslnet.model.linux_facts import LinuxFacts
from wslnet.model.machine import Inventory, Kind, Machine
from wslnet.resources.guest_key import GuestKey

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

VM1 = Machine("vm1", Kind.VM, "wsl", "192.168.122.191", user="debian")
VM2 = Machine("vm2", Kind.VM, "vm1", "192.168.124.91", user="root")
INVENTORY = Inventory(
    Path("wslnet.toml"), Path(), {"wsl": Machine("wsl", Kind.WSL, None), "vm1": VM1, "vm2": VM2}
)
SSH = {"kind": "ssh", "user": "root", "address": "192.168.124.91", "as": "debian"}
CONSOLE = {"kind": "console", "user": "root", "machine": "vm2"}
SECRET = "cherry pie"


@dataclass
class Host:
    """The fleet: vm1, whose guest is entered by the ways of `opens` and tells `problems` for the others."""

    opens: tuple[str, ...] = ()
    inventory: Inventory = INVENTORY
    requests: list[tuple[str, tuple[Op, ...]]] = field(default_factory=list, repr=False)

    def execute(self, machine: str, ops: Sequence[Op], *, deadline_s: float) -> tuple[OpResult, ...]:
        assert deadline_s > 0
        self.requests.append((machine, tuple(ops)))
        via = ops[0].args.get("via")
        kind = str(via["kind"]) if isinstance(via, dict) else "agent"
        problem = None if kind in self.opens else f"no {kind}"
        keys = [{"domain": "vm2", "problem": problem, "host_keys": [], "accounts": []}]
        return tuple(OpResult(value={"guest_keys": keys}) for _ in ops)

    def forget(self, machines: Iterable[str]) -> None:
        raise AssertionError(machines)


def password(machine: Machine) -> str:
    assert machine is VM2
    return SECRET


@pytest.mark.parametrize(
    ("opens", "via", "way", "told"),
    [
        (("agent", "ssh"), None, Way.AGENT, {"kind": "agent"}),
        (("ssh", "console"), None, Way.SSH, SSH),
        (("agent", "console"), Way.CONSOLE, Way.CONSOLE, CONSOLE),
        (("agent", "ssh"), Way.SSH, Way.SSH, SSH),
    ],
)
def test_the_agent_comes_first_and_the_console_only_when_it_is_asked_for(
    opens: tuple[str, ...], via: Way | None, way: Way, told: dict[str, str]
) -> None:
    entered = enter(Host(opens), VM2, "vm2", via, password)
    assert entered.entry.way is way
    assert entered.fleet.via == told
    assert entered.fleet.password == (SECRET if way is Way.CONSOLE else None)


@pytest.mark.parametrize(
    ("via", "message", "hint"),
    [
        (None, "vm1/vm2 cannot be entered: no agent; no ssh", "qemu-guest-agent"),
        (None, "vm1/vm2 cannot be entered: no agent; no ssh", "or --via console"),
        (Way.SSH, "vm1/vm2 cannot be entered: no ssh", "debian of its host must enter root@192.168.124.91"),
        (Way.CONSOLE, "vm1/vm2 cannot be entered: no console", "--secret-env"),
    ],
)
def test_when_no_way_leads_in_each_says_why_in_one_line(via: Way | None, message: str, hint: str) -> None:
    with pytest.raises(PlanRefused) as refused:
        enter(Host(), VM2, "vm2", via, password)
    assert refused.value.message == message
    assert hint in (refused.value.hint or "")
    assert SECRET not in f"{refused.value} {refused.value.hint}"


def test_the_password_goes_to_the_host_with_what_concerns_its_guests_and_nowhere_else() -> None:
    host = Host(("console",))
    way = GuestWay(host, "vm1", "vm2", CONSOLE, SECRET)
    results = way.execute("vm1", [Op("guest.authorize", {}), Op("sysctl.set", {})], deadline_s=1)
    assert len(results) == 2
    assert host.requests[0][1][0] == Op("guest.enter", {"domain": "vm2", "via": CONSOLE, "password": SECRET})
    way.execute("wsl", [Op("guest.authorize", {})], deadline_s=1)
    way.execute("vm1", [Op("facts", {"needs": ["links"]})], deadline_s=1)
    assert [len(ops) for _, ops in host.requests] == [3, 1, 1]
    assert SECRET not in repr(way)


def test_a_change_says_its_way_without_the_password_and_is_taken_back_by_it() -> None:
    facts = LinuxFacts(guest_keys=(GuestKeys("vm2", None, (), (GuestAccount("root", 0, 0, "/root/.ssh"),)),))
    (change,) = GuestKey(
        "vm1", "vm2", "root", "ssh-ed25519 AAAA", "test", entry=GuestEntry(Way.CONSOLE, "root", machine="vm2")
    ).diff(facts)
    assert change.undo is not None
    assert change.do.args["via"] == change.undo.args["via"] == CONSOLE
    host = Host()
    assert as_before(host, [], password) is host
    again = as_before(host, [change], password)
    assert isinstance(again, GuestWay)
    assert (again.host, again.domain, again.via, again.password) == ("vm1", "vm2", CONSOLE, SECRET)
