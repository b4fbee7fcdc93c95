"""What init finds in facts, level by level, and that what it writes is read back as the same inventory."""

from __future__ import annotations

import tomllib
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from wslnet.app.init import discover, text_of
from wslnet.app.inventory_file import default_state, load_inventory
from wslnet.app.inventory_text import extended, whole
from wslnet.engine.discover import distro_of, vms_in
from wslnet.errors import Unreachable, Unsupported
from wslnet.model.allow import Allow
from wslnet.model.change import Op, OpResult
from wslnet.model.guest_facts import Guest
from wslnet.model.linux_facts import Domain, LinuxFacts
from wslnet.model.linux_network import Link, Neighbour
from wslnet.model.machine import Inventory, Kind, Machine, Secret, Wish
from wslnet.model.windows_facts import WindowsFacts
from wslnet.model.windows_wsl import Distro, WslService

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

WINDOWS = Machine("windows", Kind.WINDOWS, address="10.0.0.1", user="me", secret=Secret(env="PW"))
WSL = Machine("wsl", Kind.WSL, "windows", user="root", key=Path("/k"), distro="Debian")


def inventory(*machines: Machine) -> Inventory:
    return Inventory(Path("/nowhere/x.toml"), Path("/nowhere/state"), {one.name: one for one in machines})


def quiet(_machine: str, _text: str) -> None:
    """Nobody listens."""


class Model:
    """Machines that answer from stored facts; the others do not answer."""

    def __init__(self, facts: dict[str, Any]) -> None:
        self.facts = facts
        self.inventory = inventory()

    @contextmanager
    def open(self, one: Inventory) -> Iterator[Model]:
        self.inventory = one
        yield self

    def execute(self, machine: str, ops: Sequence[Op], *, deadline_s: float) -> tuple[OpResult, ...]:
        assert deadline_s > 0
        assert [op.verb for op in ops] == ["facts"], "init only looks"
        if machine not in self.facts:
            raise Unreachable(f"{machine}: no route")
        return (OpResult(self.facts[machine]),)

    def forget(self, machines: Iterable[str]) -> None:
        """Nothing is kept."""


def wsl_fact(*distros: tuple[str, str, int, bool]) -> dict[str, Any]:
    rows = [{"name": n, "state": s, "version": v, "default": d} for n, s, v, d in distros]
    return {"wsl": {"installed": True, "running": True, "distros": rows}}


def running(*names: str) -> list[dict[str, str]]:
    return [{"name": name, "state": "running"} for name in names]


def guest(domain: str, address: str) -> dict[str, Any]:
    mac = f"52:54:00:00:00:{int(address.rpartition('.')[2]):02x}"
    leased = {"address": address, "family": 4, "source": "lease", "mac": mac, "link": "vnet0", "prefix": 24}
    return {"domain": domain, "nics": [{"mac": mac, "tap": "vnet0"}], "addresses": [leased]}


NESTED = {
    "windows": wsl_fact(("docker-desktop", "Running", 2, True), ("Debian", "Running", 2, False)),
    "wsl": {
        "domains": running("vm1", "web"),
        "guests": [guest("vm1", "192.168.122.191"), guest("web", "192.168.122.7")],
    },
    "vm1": {"domains": running("vm2"), "guests": [guest("vm2", "192.168.124.91")]},
    "vm2": {"domains": None, "guests": None},
}  # fmt: skip


def test_everything_below_windows_is_found_level_by_level() -> None:
    model = Model(NESTED)
    found = discover(inventory(WINDOWS), model.open, quiet, key=Path("/k"))
    assert {one.name: (one.parent, one.address) for one in found.inventory.machines.values()} == {
        "windows": (None, "10.0.0.1"),
        "wsl": ("windows", None),
        "vm1": ("wsl", "192.168.122.191"),
        "web": ("wsl", "192.168.122.7"),
        "vm2": ("vm1", "192.168.124.91"),
    }
    assert found.inventory["wsl"].distro == "Debian"
    assert found.inventory["vm2"].key == Path("/k")
    assert found.silent == {"web": "web: no route"}


def test_what_stands_in_the_inventory_stays_and_is_not_found_again() -> None:
    own = Machine("mine", Kind.VM, "wsl", "192.168.122.191", user="joe")
    found = discover(inventory(WINDOWS, WSL, own), Model(NESTED).open, quiet)
    assert [one.machine.name for one in found.found] == ["web"]
    assert found.inventory["mine"] is own


def test_without_windows_nothing_can_be_found() -> None:
    with pytest.raises(Unreachable, match="windows: no route"):
        discover(inventory(WINDOWS), Model({}).open, quiet)


def test_without_a_distro_of_wsl_2_there_is_nothing_to_enter() -> None:
    with pytest.raises(Unsupported, match="no distro of WSL 2"):
        discover(inventory(WINDOWS), Model({"windows": wsl_fact(("Old", "Running", 1, True))}).open, quiet)


@pytest.mark.parametrize(
    ("distros", "chosen"),
    [
        ([Distro("A", "Stopped", 2, default=True), Distro("B", "Running", 2)], "B"),
        ([Distro("A", "Stopped", 2), Distro("B", "Stopped", 2, default=True)], "B"),
        ([Distro("docker-desktop", "Running", 2, default=True)], None),
        ([Distro("A", "Running", 1, default=True)], None),
    ],
)
def test_the_distro_to_look_into(distros: list[Distro], chosen: str | None) -> None:
    found = distro_of(WindowsFacts(wsl=WslService(installed=True, distros=tuple(distros))))
    assert (found.name if found else None) == chosen


def test_what_cannot_be_entered_is_said_in_words() -> None:
    facts = LinuxFacts(
        domains=(Domain("off", "shut off"), Domain("quiet", "running")), guests=(Guest("quiet"),)
    )
    found, missing = vms_in(inventory(WINDOWS, WSL), "wsl", facts)
    assert found == ()
    assert [line.split(" in wsl ")[0] for line in missing] == ["off", "quiet"]


def test_a_vm_without_libvirt_is_told_by_its_tap() -> None:
    links = (
        Link(5, "tap0", "fe:54:00:aa:bb:cc", up=True, master="br0"),
        Link(6, "tap1", "fe:54:00:aa:bb:cd"),
    )
    neighbours = tuple(
        Neighbour("br0", 4, address, mac)
        for address, mac in (("10.9.0.5", "52:54:00:aa:bb:cc"), ("10.9.0.6", "52:54:00:aa:bb:cd"))
    )
    found, _ = vms_in(inventory(WINDOWS, WSL), "wsl", LinuxFacts(links=links, neighbours=neighbours))
    assert [(one.machine.name, one.machine.address) for one in found] == [("vm-10-9-0-5", "10.9.0.5")]


def test_names_are_made_fit_and_free() -> None:
    domains = tuple(Domain(name, "running") for name in ("debian", "12 vm/ü", "wsl", "windows"))
    guests = msgspec.convert(
        [guest(one.name, f"192.168.122.{at}") for at, one in enumerate(domains, 2)], tuple[Guest, ...]
    )
    found, _ = vms_in(inventory(WINDOWS, WSL), "wsl", LinuxFacts(domains=domains, guests=guests))
    names = [one.machine.name for one in found]
    assert names == ["debian", "vm--", "wsl-wsl", "wsl-windows"]


def test_a_new_file_is_read_back_as_what_was_written(tmp_path: Path) -> None:
    file = tmp_path / "net.toml"
    vm = Machine("vm1", Kind.VM, "wsl", "192.168.122.191", 2222, "joe", Path("/keys/my \\ key"))
    peer = Machine("lan", Kind.PEER, address="10.0.0.9", proxy="socks5h://127.0.0.1:1080")
    secret = Secret(command=("pass", 'a "quoted" word', "tab\there\x7f"))
    windows = Machine("windows", Kind.WINDOWS, address="10.0.0.1", user="üser", secret=secret)
    machines = {one.name: one for one in (windows, WSL, vm, peer)}
    wish = Wish(reach=(("wsl", "vm1"),), allow=(Allow("tcp", 8080, "lan"),))
    made = Inventory(file, tmp_path / "state dir", machines, wish)
    file.write_text(whole(made, {"vm1": "Found: by\nhand"}, made.state), encoding="utf-8")
    read = load_inventory(file)
    assert (read.machines, read.wish, read.state) == (made.machines, made.wish, made.state)


def test_without_a_wish_every_vm_is_to_be_reached(tmp_path: Path) -> None:
    model = Model(NESTED)
    file = tmp_path / "net.toml"
    base = Inventory(file, default_state(file), {WINDOWS.name: WINDOWS})
    file.write_text(text_of(discover(base, model.open, quiet), None), encoding="utf-8")
    read = load_inventory(file)
    assert read.wish.mode is None
    assert set(read.wish.reach) == {
        pair for vm in ("vm1", "vm2", "web") for pair in (("wsl", vm), (vm, "wsl"))
    }
    assert "does not answer yet: web: no route" in file.read_text(encoding="utf-8")


@pytest.mark.parametrize("end", ["", "\n"])
def test_what_a_person_wrote_stays_byte_for_byte(end: str) -> None:
    mine = f'# mine\nschema_version=1 # so\n[machines.windows]\nkind = "windows"   # the big one{end}'
    vm = Machine("vm1", Kind.VM, "wsl", "192.168.122.191")
    text = extended(mine, [vm], {})
    assert text.startswith(mine)
    assert tomllib.loads(text)["machines"]["vm1"]["address"] == "192.168.122.191"
