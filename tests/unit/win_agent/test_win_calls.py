"""Every call of the agent, judged by the lab's binder as each machine that was read would bind it."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

import pytest

from wslnet_lab.host.contract import Argument, CommandError
from wslnet_lab.host.engine.binder import bind
from wslnet_lab.host.engine.signatures import load_oracle
from wslnet_win_agent.calls import (
    endpoints,
    events,
    files,
    firewall,
    host_firewall,
    network,
    security,
    services,
    system,
    tasks,
)
from wslnet_win_agent.registry import WSL_MACHINE
from wslnet_win_agent.send import SELECTORS, Batch, is_write

if TYPE_CHECKING:
    from wslnet_win_agent.call import Call

PATH = "C:\\Users\\17895\\.wslconfig"
RULE = firewall.Rule(
    name="wslnet-x",
    display_name="x",
    direction="Inbound",
    action="Allow",
    protocol="TCP",
    local_ports=("80", "5000-5010"),
    remote_addresses=("172.24.21.0/24",),
    profiles=("Domain", "Private"),
)
HOST_RULE = host_firewall.HostRule(
    name="wslnet-publish-tcp-2200",
    display_name="x",
    action="Allow",
    protocol="TCP",
    local_ports=("2200",),
    remote_addresses=("172.24.21.0/24",),
    profiles=("Domain", "Private"),
    program="%SystemRoot%\\System32\\svchost.exe",
    service="iphlpsvc",
)
CALLS: dict[str, Call] = {
    "adapters": network.adapters(),
    "interfaces": network.interfaces(),
    "interface": network.interface(7, 6),
    "set_forwarding": network.set_forwarding(7, 4, enabled=True),
    "addresses": network.addresses(),
    "routes": network.routes(),
    "profiles": network.profiles(),
    "tcp_listeners": network.tcp_listeners(),
    "udp_listeners": network.udp_listeners(),
    "processes": network.processes([4, 4120]),
    "services": services.services(),
    "wsl_events": events.wsl_events(),
    "service": services.service("hns"),
    "set_start": services.set_start("hns", "Manual"),
    "start_service": services.start_service("hns"),
    "stop_service": services.stop_service("hns"),
    "firewall_products": security.firewall_products(),
    "operating_system": system.operating_system(),
    "device_guard": security.device_guard(),
    "ping": network.ping("172.24.21.1"),
    "connect": network.connect("172.24.21.1", 8080),
    "creators": firewall.creators(),
    "setting": firewall.setting(),
    "stored_setting": firewall.stored_setting(),
    "hyperv_profiles": firewall.hyperv_profiles(),
    "rules": firewall.rules(),
    "stored_rules": firewall.stored_rules(),
    "rule": firewall.rule("wslnet-x"),
    "create_rule": firewall.create_rule(RULE),
    "remove_rule": firewall.remove_rule("wslnet-x"),
    "change_setting": firewall.change_setting(firewall.WSL_CREATOR, "Allow"),
    "create_setting": firewall.create_setting(firewall.WSL_CREATOR, "NotConfigured"),
    "host_profiles": host_firewall.host_profiles(),
    "create_host_rule": host_firewall.create_host_rule(HOST_RULE),
    "remove_host_rule": host_firewall.remove_host_rule("wslnet-publish-tcp-2200"),
    "registry_keys": files.registry_keys(["HKLM:\\SOFTWARE\\Policies\\WSL"]),
    "set_value": files.set_value(WSL_MACHINE, "NatNetwork", "172.30.96.0/20"),
    "remove_value": files.remove_value(WSL_MACHINE, "NatNetwork"),
    "user_profile": files.user_profile(),
    "file_item": files.file_item(PATH),
    "file_bytes": files.file_bytes(PATH),
    "write_bytes": files.write_bytes(PATH, b"[wsl2]\r\n"),
    "copy_over": files.copy_over(PATH, f"{PATH}.wslnet-bak"),
    "move_over": files.move_over(f"{PATH}.wslnet-tmp", PATH),
    "remove": files.remove(f"{PATH}.wslnet-tmp"),
    "user_name": files.user_name(),
    "access": files.access(["C:\\Program Files\\wslnet"]),
    "children": files.children("C:\\ProgramData\\wslnet"),
    "move": files.move(f"{PATH}.wslnet-tmp", PATH),
    "new_file": files.new_file("C:\\ProgramData\\wslnet.lock", "{}"),
    "new_folder": files.new_folder("C:\\ProgramData\\wslnet"),
    "tasks": tasks.tasks(),
    "export": tasks.export("network"),
    "info": tasks.info("network"),
    "register": tasks.register("network", "<Task/>"),
    "unregister": tasks.unregister("network"),
    "start": tasks.start("network"),
    "stop": tasks.stop("network"),
    "configuration": endpoints.configuration("wslnet"),
    "commands": endpoints.commands(["Get-NetRoute"]),
    "register_configuration": endpoints.register("wslnet", "C:\\wslnet.pssc"),
    "unregister_configuration": endpoints.unregister("wslnet"),
}
ABSENT_ON_2016 = {
    "creators", "setting", "stored_setting", "hyperv_profiles", "rules", "stored_rules", "rule",
    "create_rule", "remove_rule", "change_setting", "create_setting",
}  # fmt: skip
"""What Windows without a Hyper-V firewall lacks: `facts` answers `supported: false` there."""


def judged(call: Call, reading: str) -> str:
    """Binds as Windows would; gives the chosen set, or the error id."""
    (statement,) = Batch([call]).statements
    signature = load_oracle(reading).command(statement.cmdlet)
    if signature is None:
        return "absent"
    try:
        bound = bind(signature, tuple(Argument(name, value) for name, value in statement.parameters.items()))
    except CommandError as error:
        return error.details.fqid
    return bound.result().parameter_set


@pytest.mark.parametrize("reading", ["win11", "win11-early"])
@pytest.mark.parametrize("name", CALLS)
def test_binds_on_windows_11(name: str, reading: str) -> None:
    outcome = judged(CALLS[name], reading)
    assert "," not in outcome
    assert outcome != "absent"


@pytest.mark.parametrize("name", CALLS)
def test_binds_on_server_2016_or_is_known_to_be_absent(name: str) -> None:
    outcome = judged(CALLS[name], "win2016")
    assert (outcome == "absent") is (name in ABSENT_ON_2016)
    assert "," not in outcome


def test_every_constructor_is_judged_here() -> None:
    made = {
        f"{name}_configuration" if module is endpoints and name in {"register", "unregister"} else name
        for module in (
            network,
            firewall,
            host_firewall,
            files,
            security,
            services,
            system,
            tasks,
            endpoints,
            events,
        )
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__ and not name.startswith("_")
    }
    assert made == set(CALLS)


def test_every_listed_write_has_a_constructor() -> None:
    assert {call.cmdlet for call in CALLS.values() if is_write(call.cmdlet)} == set(SELECTORS)
