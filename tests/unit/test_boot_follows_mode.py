"""What a start of Windows puts back follows the mode that a setup leaves: the boot data on paper."""

from __future__ import annotations

import base64
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from wslnet.app import boot_status, boot_wsl
from wslnet.app.boot_wish import boot_data, boot_resources, resources_of_mode, setup_options
from wslnet.app.config_edit import prepare_edit
from wslnet.app.doctor_fix import prepare_fix
from wslnet.errors import InputError
from wslnet.model.allow import Allow, parse_allow
from wslnet.model.boot_data import BootData, Domain, read_boot_data
from wslnet.model.change import OpResult
from wslnet.model.linux_facts import LinuxFacts
from wslnet.model.machine import Inventory, Kind, Machine, Wish
from wslnet.model.snapshot import Snapshot
from wslnet.model.windows_facts import Boot, BootPlace, Interface, WindowsFacts
from wslnet.model.windows_wsl import WslConfigFile, WslService
from wslnet.profiles.modes import SetupOptions
from wslnet.profiles.table import profile_of
from wslnet.resources.interface_forwarding import InterfaceForwarding
from wslnet_win_agent.wslconfig import WSLCONFIG

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.model.change import Op
    from wslnet.model.snapshot import Needs

OWNER, OTHER = "S-1-5-21-1-2-3-1001", "S-1-5-21-1-2-3-500"
DATA = "C:\\ProgramData\\wslnet\\boot.json"
OF_WSL, DEFAULT = "vEthernet (WSL (Hyper-V firewall))", "vEthernet (Default Switch)"
MACHINES = {
    "windows": Machine("windows", Kind.WINDOWS),
    "wsl": Machine("wsl", Kind.WSL, "windows", distro="Debian"),
    "vm1": Machine("vm1", Kind.VM, "wsl", address="192.168.122.191"),
}
SWITCHES = (
    InterfaceForwarding("windows", 41, OF_WSL, "why"),
    InterfaceForwarding("windows", 22, DEFAULT, "why"),
)


def old_data(folder: Path, mode: str, *allow: str) -> BootData:
    inventory = Inventory(folder / "wslnet.toml", folder, MACHINES, Wish("mirrored"))
    options = {"allow": list(allow), "open_all": False}
    return BootData(inventory, mode, options, (Domain("wsl", "vm1"),), (OF_WSL, DEFAULT), OWNER)


def seen(folder: Path, data: BootData | None, mode: str = "nat", **wish: Any) -> Snapshot:
    """Windows with the tasks and this data, read by somebody who is not the owner."""
    content = None if data is None else base64.b64encode(data.to_bytes()).decode()
    place = BootPlace(DATA, "C:\\ProgramData\\wslnet", exists=content is not None, content=content)
    boot = Boot("BOX\\admin", OTHER, (), BootPlace("C:\\x.exe", "C:\\"), place)
    windows = WindowsFacts(
        boot=boot,
        interfaces=(Interface(41, OF_WSL, 4, connected=True), Interface(22, DEFAULT, 4, connected=True)),
        wsl=WslService(installed=True, running=True, mode=mode),
    )
    inventory = Inventory(folder / "wslnet.toml", folder, MACHINES, Wish(mode, **wish))
    return Snapshot(inventory, {"windows": windows})


def written(snapshot: Snapshot, mode: str, *wanted: InterfaceForwarding, **options: Any) -> BootData | None:
    found = boot_resources(snapshot, mode, SetupOptions(**options), wanted)
    if not found:
        return None
    (resource,) = found
    (change,) = resource.diff(snapshot.facts["windows"])
    assert change.undo is not None
    assert change.undo.verb == "boot_data.write"
    assert (change.do.args["reader"], change.undo.args["reader"]) == (OWNER, OWNER)
    before = snapshot.windows.boot.data.content if snapshot.windows and snapshot.windows.boot else None
    assert change.undo.args["content"] == before
    return read_boot_data(Path(DATA), base64.b64decode(str(change.do.args["content"])))


@pytest.mark.row("S3-02", "S3-15")
def test_a_new_mode_takes_the_tasks_data_with_it(tmp_path: Path) -> None:
    old = old_data(tmp_path, "nat")
    new = written(seen(tmp_path, old), "mirrored", SWITCHES[1], allow=(Allow("tcp", 8080, "lan"),))
    assert new is not None
    assert (new.mode, new.options["allow"], new.switches) == ("mirrored", ["tcp/8080@lan"], (DEFAULT,))
    assert (new.domains, new.owner, dict(new.inventory.machines)) == (old.domains, OWNER, MACHINES)


def test_no_rule_of_mirrored_mode_comes_back_in_another(tmp_path: Path) -> None:
    old = old_data(tmp_path, "mirrored", "tcp/8080@lan")
    new = written(seen(tmp_path, old, "mirrored"), "nat", *SWITCHES)
    assert new is not None
    assert (new.mode, new.options["allow"], new.switches) == ("nat", [], (OF_WSL, DEFAULT))


def test_an_adapter_that_nat_is_yet_to_make_is_waited_for(tmp_path: Path) -> None:
    forecast = InterfaceForwarding("windows", None, OF_WSL, "made at WSL's first NAT start")
    new = written(seen(tmp_path, old_data(tmp_path, "mirrored"), "mirrored"), "nat", SWITCHES[1], forecast)
    assert new is not None
    assert set(new.switches) == {OF_WSL, DEFAULT}


def test_the_same_setup_again_writes_nothing(tmp_path: Path) -> None:
    old = old_data(tmp_path, "nat")
    assert written(seen(tmp_path, old), "nat", *SWITCHES, lan_peer="lan") is None
    assert written(seen(tmp_path, None), "mirrored") is None
    first = written(seen(tmp_path, old), "mirrored", allow=(Allow("tcp", 80),))
    assert first is not None
    again = seen(tmp_path, first, "mirrored")
    assert written(again, "mirrored", allow=(Allow("tcp", 80),)) is None
    assert written(again, "mirrored", allow=(Allow("tcp", 80),), open_all=True) is not None


@pytest.mark.parametrize(
    ("was", "mode", "switches"),
    [("mirrored", "nat", (OF_WSL, DEFAULT)), ("nat", "mirrored", (DEFAULT,)), ("nat", "bridged", ())],
)
def test_without_a_setup_no_option_of_another_mode_is_put_back(
    tmp_path: Path, was: str, mode: str, switches: tuple[str, ...]
) -> None:
    """NAT and bridged mode refuse mirrored mode's options, so with them nothing would come back."""
    old = old_data(tmp_path, was, "tcp/8080@lan")
    old = replace(old, options={**old.options, "host_loopback": True, "open_all": True})
    snapshot = seen(tmp_path, old, was)
    (file,) = resources_of_mode(snapshot, mode)
    assert file.content is not None
    new = read_boot_data(Path(DATA), file.content)
    assert (new.mode, setup_options(new.options), new.switches) == (mode, SetupOptions(), switches)
    assert (new.domains, new.owner, file.reader) == (old.domains, OWNER, OWNER)


@pytest.mark.parametrize("mode", ["nat", "none", "consomme", None])
def test_the_data_stays_where_nothing_else_is_to_be_put_back(tmp_path: Path, mode: str | None) -> None:
    assert resources_of_mode(seen(tmp_path, old_data(tmp_path, "nat")), mode) == ()
    assert resources_of_mode(seen(tmp_path, None), mode) == ()


@pytest.mark.row("S3-02")
def test_a_key_with_a_restart_takes_the_tasks_data_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot = of_config(tmp_path, "[wsl2]\n")
    looking = Looking(snapshot)
    monkeypatch.setattr("wslnet.app.config_machine.gather", looking.gather)
    monkeypatch.setattr("wslnet.app.config_edit.gather", looking.gather)
    monkeypatch.setattr("wslnet.app.config_edit.with_forecast", lambda _fleet, _snapshot, plan: plan)

    def planned(key: str, value: str, *, restart: bool) -> list[str]:
        wish = snapshot.inventory.wish if restart else None
        found = prepare_edit(looking, WSLCONFIG, key, value, lambda *_: None, restart_for=wish)  # type: ignore[arg-type]  # it only hands it on
        return [one.do.verb for one in found.plan.changes]

    mode = "wsl2.networkingMode"
    assert "boot_data.write" in planned(mode, "mirrored", restart=True)
    assert "boot" in looking.asked[-1]["windows"]
    assert "boot_data.write" not in planned("wsl2.memory", "4GB", restart=True)
    assert "boot_data.write" not in planned(mode, "mirrored", restart=False)


@pytest.mark.row("S3-02")
def test_a_fix_that_changes_the_mode_takes_the_tasks_data_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot = of_config(tmp_path, "[wsl2]\n")
    looking = Looking(snapshot)
    monkeypatch.setattr("wslnet.app.doctor_fix.gather", looking.gather)
    monkeypatch.setattr("wslnet.app.doctor_fix.with_forecast", lambda _fleet, _snapshot, plan: plan)
    plan = prepare_fix(
        looking,  # type: ignore[arg-type]  # it only hands it on
        replace(snapshot.inventory, wish=Wish("mirrored")),
        lambda *_: None,
        only=["mode.actual"],
    ).plan
    (write,) = (one for one in plan.changes if one.do.verb == "boot_data.write")
    new = read_boot_data(Path(DATA), base64.b64decode(str(write.do.args["content"])))
    assert (new.mode, plan.profile["mode"]) == ("mirrored", "mirrored")
    assert "boot" in looking.asked[-1]["windows"]


def of_config(folder: Path, text: str) -> Snapshot:
    """WSL in NAT mode with the tasks for it, and this `.wslconfig`."""
    snapshot = seen(folder, old_data(folder, "nat"))
    assert snapshot.windows is not None
    content = base64.b64encode(text.encode()).decode()
    file = WslConfigFile(r"C:\Users\me\.wslconfig", exists=True, content=content)
    windows = replace(snapshot.windows, wslconfig=file)
    return replace(snapshot, facts={"windows": windows, "wsl": LinuxFacts(), "vm1": LinuxFacts()})


def test_data_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    snapshot = seen(tmp_path, old_data(tmp_path, "nat"))
    assert snapshot.windows is not None
    assert snapshot.windows.boot is not None
    place = BootPlace(DATA, "C:\\ProgramData\\wslnet", exists=True, content=base64.b64encode(b"{").decode())
    boot = Boot("BOX\\admin", OTHER, (), snapshot.windows.boot.program, place)
    broken = Snapshot(snapshot.inventory, {"windows": WindowsFacts(boot=boot)})
    with pytest.raises(InputError, match="boot install"):
        boot_resources(broken, "nat", SetupOptions(), ())


def test_installed_without_a_setup_nat_has_no_rules_of_the_wish(tmp_path: Path) -> None:
    """What its start of Windows could not make true would keep it from everything else."""
    data = boot_data(seen(tmp_path, None, "nat", allow=(parse_allow("tcp/8080@lan"),)))
    assert (data.mode, data.options["allow"]) == ("nat", [])
    assert profile_of("nat").resources(seen(tmp_path, None), SetupOptions()) is not None


class Looking:
    """A fleet whose Windows is asked for its facts only."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.inventory = snapshot.inventory
        self.asked: list[Needs] = []
        self._snapshot = snapshot

    def gather(self, _: object, needs: Needs, **__: object) -> Snapshot:
        self.asked.append(needs)
        return self._snapshot


@pytest.mark.parametrize(("running", "said"), [("nat", 0), ("mirrored", 1), (None, 0)])
def test_status_says_when_another_mode_runs_than_the_tasks_know(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, running: str | None, said: int
) -> None:
    looking = Looking(seen(tmp_path, old_data(tmp_path, "nat"), running))  # type: ignore[arg-type]
    monkeypatch.setattr(boot_status, "gather", looking.gather)
    found = boot_status.boot_status(looking)  # type: ignore[arg-type]  # it only hands it on
    assert "mode nat" in found.puts_back[0]
    assert sum("WSL runs in mirrored mode" in one for one in found.problems) == said


class Rested:
    """A watch without a run to watch over."""

    is_armed = False

    def await_rest(self) -> None:
        """Nothing is guarded."""


class Starting:
    """A fleet that can do one thing: start WSL."""

    def execute(self, _machine: str, ops: list[Op], *, deadline_s: float) -> list[OpResult]:
        assert [one.verb for one in ops] == ["wsl.start"]
        assert deadline_s > 0
        return [OpResult()]


def test_the_task_that_holds_wsl_reads_the_data_at_each_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its process lives through the restart in which the mode changes."""
    loads: Iterator[BootData | InputError] = iter(
        [old_data(tmp_path, "nat"), InputError("being written"), old_data(tmp_path, "mirrored")]
    )
    kept, said = [], []

    def load() -> BootData:
        found = next(loads)
        if isinstance(found, InputError):
            raise found
        return found

    def keep_start(data: BootData, *_: Any) -> None:
        kept.append(data.mode)
        if data.mode == "mirrored":
            raise KeyboardInterrupt

    monkeypatch.setattr(boot_wsl, "keep_start", keep_start)
    with pytest.raises(KeyboardInterrupt):
        boot_wsl.keep_wsl(
            load,
            lambda _: nullcontext(Starting()),  # type: ignore[arg-type]  # it is asked for nothing more
            lambda _, words: said.append(words),
            Rested(),  # type: ignore[arg-type]  # the two things that are asked of it
        )
    assert kept == ["nat", "nat", "mirrored"]
    assert said == ["starting WSL", "being written"]
