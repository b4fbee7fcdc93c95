"""Which mode serves a wish, item by item: told by `explain modes`, by `setup` without a mode, by a plan."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from wslnet.app.explain import topic_named
from wslnet.app.setup import wish_for
from wslnet.cli.main import root, run
from wslnet.errors import InputError
from wslnet.explain import discover
from wslnet.model.allow import Allow, parse_allow
from wslnet.model.forward import parse_forward
from wslnet.model.machine import Inventory, Kind, Machine, Wish
from wslnet.model.snapshot import Snapshot
from wslnet.model.windows_facts import Adapter, Os, WindowsAddress, WindowsFacts, WindowsRoute
from wslnet.model.windows_wsl import WslConfigFile, WslService
from wslnet.profiles.mode_choice import MODES, Served, judge, serving, unserved
from wslnet.profiles.mode_ways import WAYS, Place
from wslnet.profiles.modes import SetupOptions

MACHINES = {
    "windows": Machine("windows", Kind.WINDOWS),
    "wsl": Machine("wsl", Kind.WSL, "windows", distro="Debian"),
    "vm1": Machine("vm1", Kind.VM, "wsl", address="192.168.122.191"),
    "vm2": Machine("vm2", Kind.VM, "vm1", address="192.168.124.91"),
    "lan": Machine("lan", Kind.PEER, address="172.24.21.50"),
    "hv1": Machine("hv1", Kind.PEER, address="172.29.16.10"),
}
NO_VMS = {name: one for name, one in MACHINES.items() if one.kind is not Kind.VM}
INVENTORY = """schema_version = 1
state = "{state}"
[machines.windows]
kind = "windows"
address = "127.0.0.1"
user = "owner"
[machines.wsl]
kind = "wsl"
parent = "windows"
distro = "Debian"
user = "root"
[wish]
allow = ["tcp/8080@lan"]
"""


def windows(mode: str = "nat", **facts: Any) -> WindowsFacts:
    """A Windows 11 with a LAN card and the Default Switch; no External switch."""
    found = WindowsFacts(
        os=Os(22631, 4169, edition="Core", product="Windows 11 Home"),
        adapters=(Adapter(12, "Ethernet", mac="1c:83:41:cf:a8:7c", status="Up"),),
        interfaces=(),
        addresses=(
            WindowsAddress(12, "Ethernet", 4, "172.24.21.109", 24),
            WindowsAddress(22, "vEthernet (Default Switch)", 4, "172.29.16.1", 20),
        ),
        routes=(WindowsRoute(12, "Ethernet", 4, "0.0.0.0/0", "172.24.21.254"),),
        wslconfig=WslConfigFile(".wslconfig", exists=True, content=base64.b64encode(b"").decode()),
        wsl=WslService(installed=True, running=True, mode=mode, address="172.23.102.37"),
    )
    return replace(found, **facts)


def seen(wish: Wish, machines: dict[str, Machine] | None = None, mode: str = "nat") -> Snapshot:
    inventory = Inventory(Path("wslnet.toml"), Path("state"), machines or NO_VMS, wish)
    return Snapshot(inventory, {"windows": windows(mode)})


def serves(wish: Wish, machines: dict[str, Machine] | None = None) -> dict[str, bool]:
    return {one.mode: one.serves for one in judge(seen(wish, machines), wish)}


def test_every_way_is_judged_for_the_modes_that_setup_offers() -> None:
    inside = {Place.WSL, Place.VM}
    ways = {(a, b) for a in Place for b in Place if (a in inside) != (b in inside)}
    for mode in ("mirrored", "nat", "bridged"):
        assert set(WAYS[mode]) == ways
    assert set(WAYS) == set(MODES)


@pytest.mark.row("S2-04")
@pytest.mark.parametrize(
    ("wish", "modes"),
    [
        (Wish(reach=(("wsl", "lan"),)), {"mirrored", "nat", "bridged", "consomme"}),
        (Wish(reach=(("lan", "wsl"),)), {"mirrored", "bridged"}),
        (Wish(reach=(("hv1", "wsl"), ("wsl", "hv1"))), {"nat"}),
        (Wish(allow=(Allow("tcp", 8080, "lan"),)), {"mirrored", "bridged"}),
        (Wish(allow=(Allow("tcp", 5357, "lan"),)), {"bridged"}),
        (Wish(forward=(parse_forward("tcp/8080@lan=wsl:80"),)), {"mirrored", "nat"}),
        (Wish(reach=(("lan", "windows"),)), {"mirrored", "nat", "bridged", "consomme", "none"}),
        (Wish(reach=(("hv1", "wsl"), ("lan", "wsl"))), set()),
    ],
    ids=["client", "server", "switch", "port", "kept port", "published", "beside", "nothing does"],
)
def test_a_wish_has_its_modes(wish: Wish, modes: set[str]) -> None:
    assert {mode for mode, does in serves(wish).items() if does} == modes


@pytest.mark.row("S2-21")
def test_bridged_for_serving_and_nat_for_clients() -> None:
    lines = topic_named("modes").tell(seen(Wish(reach=(("wsl", "lan"),)))).lines
    assert any(line.startswith("  for clients:") for line in lines)
    assert any(line.startswith("  for serving:") for line in lines)
    assert lines[-1] == "WSL runs in nat mode, which serves it: nothing to change"


def test_vms_inside_reach_each_other_and_out_but_are_not_reached() -> None:
    inside = Wish(reach=(("wsl", "vm2"), ("vm2", "vm1")))
    found = serves(inside, MACHINES)
    assert {mode for mode, does in found.items() if does} == {"mirrored", "nat", "bridged", "consomme"}
    wish = Wish(reach=(("lan", "vm2"), ("windows", "vm1")))
    for one in judge(seen(wish, MACHINES), wish)[:3]:
        assert [answer.served for answer in one.answers] == [Served.NO, Served.NO, Served.YES]
    depth = judge(seen(inside, MACHINES), inside)[0].answers[-1]
    assert depth.item == "VMs 2 deep in WSL reach out"


def test_what_nobody_knows_is_not_promised() -> None:
    wish = Wish(reach=(("lan", "wsl"),))
    (consomme,) = [one for one in judge(seen(wish), wish) if one.mode == "consomme"]
    assert [one.served for one in consomme.answers] == [Served.UNKNOWN]
    assert not consomme.serves


def test_the_mode_that_runs_is_the_first_choice() -> None:
    wish = Wish(reach=(("wsl", "lan"),))
    judgements = judge(seen(wish), wish)
    assert serving(judgements) == ("mirrored", "nat", "bridged")
    assert serving(judgements, "bridged")[0] == "bridged"


def test_explain_says_what_keeps_a_mode_from_this_pc() -> None:
    told = topic_named("modes").tell(seen(Wish(reach=(("lan", "wsl"),))))
    modes = {one["mode"]: one for one in told.data["modes"]}  # type: ignore[attr-defined]
    assert "Windows Home (Core) has no Hyper-V Manager" in modes["bridged"]["hindrance"]
    assert modes["consomme"]["hindrance"] is not None
    assert modes["nat"]["hindrance"] is None
    assert modes["nat"]["serves"] is False
    assert "bridged" not in told.data["best"]  # type: ignore[operator]
    text = "\n".join(told.lines)
    assert "  not to be had here: windows: bridged mode needs an External Hyper-V switch" in text
    assert "  no  lan -> wsl: WSL's NAT address is known to Windows alone" in text


def test_without_windows_it_is_told_from_the_inventory() -> None:
    blind = Snapshot(seen(Wish(reach=(("lan", "wsl"),))).inventory)
    lines = topic_named("modes").tell(blind).lines
    assert lines[0].startswith("Windows was not seen")
    assert lines[-1] == "`wslnet setup --mirrored` serves it"


def test_a_plan_says_what_its_mode_does_not_serve() -> None:
    inventory = Inventory(
        Path("wslnet.toml"), Path("nowhere"), NO_VMS, Wish(allow=(parse_allow("tcp/8080@lan"),))
    )
    wish = wish_for(inventory, "nat", SetupOptions()).wish
    assert (wish.allow, wish.beyond) == ((), (Allow("tcp", 8080, "lan"),))
    lines = unserved(seen(wish), replace(wish, allow=wish.beyond), "nat")
    assert lines[0].startswith("nat mode does not serve tcp/8080@lan: ")
    assert lines[1:] == ("all that is wished for is served by setup --mirrored or --bridged",)
    assert unserved(seen(wish), replace(wish, allow=wish.beyond), "mirrored") == ()


def test_setup_without_a_mode_says_which_would_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "wslnet.toml"
    file.write_text(INVENTORY.format(state=tmp_path / "state"), encoding="utf-8")
    assert run(["--inventory", str(file), "setup"]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "--mirrored serves all that is wished for; --nat serves all but tcp/8080@lan" in said
    assert run(["--inventory", str(file), "setup", "--allow", "udp/53"]) == 2
    assert "--nat serves all but udp/53" in capsys.readouterr().err


def test_topics_are_found_and_named() -> None:
    assert [one.name for one in discover()] == ["modes"]
    with pytest.raises(InputError, match="no topic 'mode'; there is modes"):
        topic_named("mode")
    told = CliRunner().invoke(root, ["explain"])
    assert (told.exit_code, told.output.split()[0]) == (0, "modes")
