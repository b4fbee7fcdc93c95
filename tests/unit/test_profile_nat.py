"""NAT mode as resources: what is written when NAT holds already, WSL's adapter to come, SSH from a switch."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from wslnet.engine.planner import RESTART_VERB, make_plan
from wslnet.errors import InputError
from wslnet.model.allow import parse_allow
from wslnet.model.linux_facts import LinuxFacts, WslInfo
from wslnet.model.machine import Inventory, Kind, Machine, Wish
from wslnet.model.reach import allow_probes, wished_probes
from wslnet.model.snapshot import Snapshot
from wslnet.model.windows_facts import HyperVFirewall, Interface, WindowsAddress, WindowsFacts, WindowsRoute
from wslnet.model.windows_wsl import WslConfigFile, WslService
from wslnet.profiles.modes import SetupOptions
from wslnet.profiles.nat import nat_resources, volatile_resources
from wslnet.profiles.table import profile_of

WSL_ADAPTER = Interface(21, "vEthernet (WSL (Hyper-V firewall))", 4, connected=True)
DEFAULT_SWITCH = Interface(20, "vEthernet (Default Switch)", 4, connected=True)
MACHINES = {
    "windows": Machine("windows", Kind.WINDOWS),
    "wsl": Machine("wsl", Kind.WSL, "windows", distro="Debian"),
    "lan": Machine("lan", Kind.PEER, address="172.24.21.50"),
    "hv1": Machine("hv1", Kind.PEER, address="172.29.16.10"),
}
REACH = (("wsl", "hv1"), ("hv1", "wsl"), ("lan", "wsl"))


def snapshot(
    config: str | None = "",
    mode: str = "nat",
    interfaces: tuple[Interface, ...] = (DEFAULT_SWITCH, WSL_ADAPTER),
) -> Snapshot:
    content = None if config is None else base64.b64encode(config.encode()).decode()
    windows = WindowsFacts(
        interfaces=interfaces,
        addresses=(
            WindowsAddress(12, "以太网", 4, "172.24.21.109", 24),
            WindowsAddress(20, DEFAULT_SWITCH.alias, 4, "172.29.16.1", 20),
        ),
        routes=(WindowsRoute(12, "以太网", 4, "0.0.0.0/0", "172.24.21.254"),),
        hyperv_firewall=HyperVFirewall(supported=True),
        wslconfig=WslConfigFile(r"C:\Users\owner\.wslconfig", exists=config is not None, content=content),
        wsl=WslService(installed=True, running=True, mode=mode, address="172.23.102.37"),
    )
    wsl = LinuxFacts(wsl=WslInfo(mode))
    inventory = Inventory(Path("wslnet.toml"), Path("state"), MACHINES, Wish("nat", REACH))
    return Snapshot(inventory, {"windows": windows, "wsl": wsl})


def planned(found: Snapshot, **options: Any) -> list[str]:
    plan = make_plan(found, nat_resources(found, SetupOptions(**options)), mode="nat")
    return [one.do.verb if one.do.verb == RESTART_VERB else one.resource for one in plan.changes]


RULE = "hyperv-rule wslnet-reach-hv1-tcp-22"
FLAGS = [f"forwarding {one.alias} (IPv4)" for one in (DEFAULT_SWITCH, WSL_ADAPTER)]
MODE = "wslconfig wsl2.networkingMode"


@pytest.mark.parametrize("config", [None, "", "[wsl2]\nmemory=4GB\n", "[wsl2]\nnetworkingMode=NAT\n"])
def test_where_nat_holds_already_no_mode_is_written(config: str | None) -> None:
    assert planned(snapshot(config)) == [RULE, *FLAGS]


def test_a_file_that_asks_for_another_mode_is_changed_and_wsl_started_anew() -> None:
    asked = "[wsl2]\nnetworkingMode=mirrored\n"
    assert planned(snapshot(asked)) == [MODE, RULE, RESTART_VERB, *FLAGS]
    assert planned(snapshot(asked, "mirrored")) == [MODE, RULE, RESTART_VERB, *FLAGS]


def test_mirrored_by_a_default_that_is_not_in_the_file_gets_the_key() -> None:
    assert planned(snapshot("", "mirrored")) == [MODE, RULE, RESTART_VERB, *FLAGS]


@pytest.mark.parametrize(
    ("config", "alias"),
    [("", "vEthernet (WSL (Hyper-V firewall))"), ("[wsl2]\nfirewall=false\n", "vEthernet (WSL)")],
)
def test_wsls_adapter_is_forecast_until_nat_has_made_it(config: str, alias: str) -> None:
    found = snapshot(config, "mirrored", (DEFAULT_SWITCH,))
    assert planned(found)[-1] == f"forwarding {alias} (IPv4)"
    assert [one.name for one in volatile_resources(found)] == FLAGS[:1]


def test_the_rule_lets_in_one_machine_to_one_port() -> None:
    found = snapshot()
    plan = make_plan(found, nat_resources(found, SetupOptions()), mode="nat")
    args = plan.changes[0].do.args
    assert (args["remote_addresses"], args["local_ports"]) == (["172.29.16.10"], ["22"])


def test_options_of_mirrored_mode_are_refused() -> None:
    for options in (SetupOptions(allow=(parse_allow("tcp/8080"),)), SetupOptions(host_loopback=True)):
        with pytest.raises(InputError, match="--"):
            nat_resources(snapshot(), options)
    with pytest.raises(InputError, match="no mode 'bridge'"):
        profile_of("bridge")


def test_recommended_keys_go_without_the_mode() -> None:
    assert planned(snapshot(), recommended=True)[0] == (
        "wslconfig wsl2.autoProxy, wsl2.dnsTunneling, wsl2.firewall"
    )


def test_a_vm_on_a_switch_is_neither_the_way_out_nor_the_lan() -> None:
    found = snapshot()
    assert {one.source for one in allow_probes(found, (parse_allow("tcp/80"),))} == {"lan"}
    assert {(one.source, one.target) for one in wished_probes(found)} == set(REACH)
