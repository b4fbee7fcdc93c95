"""One typed call, two spellings: on the endpoint the same thing happens to Windows as in a full session."""

from collections.abc import Callable
from typing import Any

import pytest

from wslnet_lab.host.contract import Argument, EnumValue, Invocation, Number
from wslnet_win_agent import registry
from wslnet_win_agent.call import Call
from wslnet_win_agent.calls import files, firewall, network, tasks
from wslnet_win_agent.endpoint.offer import PROBE
from wslnet_win_agent.endpoint.spelling import is_constrained, spelled
from wslnet_win_agent.errors import CallRefused
from wslnet_win_agent.send import Batch

CONFIG = "C:\\Users\\anna\\.wslconfig"
RULE = firewall.Rule(
    name="wslnet-allow-tcp-22",
    display_name="wslnet: tcp/22 into WSL",
    direction="Inbound",
    action="Allow",
    protocol="TCP",
    local_ports=("22",),
    remote_addresses=("192.168.1.0/24", "fe80::/64"),
    profiles=("Private",),
)
ID = "0123456789abcdef0123456789abcdef"
LOCK = "C:\\ProgramData\\wslnet.lock"
CALLS = [
    network.set_forwarding(7, 4, enabled=True),
    network.set_forwarding(7, 6, enabled=False),
    firewall.create_rule(RULE),
    firewall.create_rule(firewall.Rule("wslnet-x-1", "wslnet-x-1", "Inbound", "Block", "ICMPv4")),
    firewall.remove_rule("wslnet-allow-tcp-22"),
    firewall.change_setting(firewall.WSL_CREATOR, "Allow"),
    firewall.create_setting(firewall.WSL_CREATOR, "Block"),
    files.copy_over(CONFIG, f"{CONFIG}.wslnet-bak"),
    files.write_bytes(f"{CONFIG}.wslnet-tmp", b"[wsl2]\nnetworkingMode=mirrored\n"),
    files.move_over(f"{CONFIG}.wslnet-tmp", CONFIG),
    files.remove(f"{CONFIG}.wslnet-tmp"),
    files.file_item(CONFIG),
    files.file_bytes(CONFIG),
    files.new_file(LOCK, '{"run": "r"}'),
    files.new_file(f"{LOCK}.{ID}", '{"run": "r"}'),
    files.write_bytes(LOCK, b"{}"),
    files.move(LOCK, f"{LOCK}.{ID}-dead"),
    files.move(f"{LOCK}.{ID}", LOCK),
    files.remove(f"{LOCK}.{ID}-dead"),
    files.file_item(LOCK),
    files.file_bytes("C:\\ProgramData\\wslnet\\guard-network.order.json"),
    files.file_item("C:\\Users\\anna\\AppData\\Local\\wslnet\\guard-wsl.json"),
    files.write_bytes(f"C:\\Users\\anna\\AppData\\Local\\wslnet\\call-{ID}.json", b"{}"),
    files.file_bytes(f"C:\\Users\\anna\\AppData\\Local\\wslnet\\call-{ID}.answer.json"),
    tasks.start("programs"),
]
KEYS = [
    *(
        registry.CURRENT_VERSION,
        registry.IPV6_PARAMETERS,
        registry.FIREWALL_PARAMETERS,
        registry.WSL_POLICIES,
    ),
    *(registry.WSL_MSI, registry.FOR_ADMINISTRATORS, *registry.PORTPROXY.values()),
]
REFUSED = [
    tasks.register("network", "<Task/>"),
    tasks.start("other"),
    tasks.stop("network"),
    files.new_folder("C:\\ProgramData\\wslnet.lock"),
    files.write_bytes("C:\\ProgramData\\wslnet\\guard-network.order.json", b"{}"),
    files.write_bytes(f"C:\\Users\\anna\\AppData\\Local\\wslnet\\call-{ID}.answer.json", b"{}"),
    files.remove("C:\\ProgramData\\wslnet\\boot.json"),
    files.move_over("C:\\ProgramData\\wslnet.lock", f"C:\\ProgramData\\wslnet.lock.{ID}-dead"),
    files.move("C:\\ProgramData\\wslnet.lock", "C:\\ProgramData\\x"),
    files.new_file("C:\\ProgramData\\wslnet\\x", "x"),
    files.write_bytes("C:\\Windows\\System32\\drivers\\etc\\hosts", b"x"),
    files.write_bytes(CONFIG, b"x"),
    files.move_over(f"{CONFIG}.wslnet-tmp", "C:\\Windows\\x"),
    files.remove("C:\\Users\\anna\\secrets"),
    files.registry_keys(["HKLM:\\SAM"]),
    files.access(["C:\\"]),
    files.children("C:\\"),
    firewall.change_setting("{00000000-0000-0000-0000-000000000000}", "Allow"),
    network.ping("192.0.2.1"),
]


def _plain(value: object) -> object:
    match value:
        case EnumValue(name=held) | Number(value=held):
            return held
        case list():
            return [_plain(item) for item in value]
    return value


@pytest.fixture(scope="module")
def endpoint(open_endpoint: Callable[[], Any]) -> Any:
    return open_endpoint()


def _run(endpoint: Any, call: Call) -> Any:
    [statement] = Batch([call]).statements
    way = spelled(statement)
    arguments = tuple(Argument(name, value) for name, value in way.parameters.items())
    outcome, sink = endpoint.run((Invocation(way.cmdlet, arguments),))
    assert (outcome.state, outcome.reason, sink.errors) == ("Completed", None, [])
    return way


@pytest.mark.parametrize("call", CALLS, ids=[each.cmdlet for each in CALLS])
def test_the_function_does_what_the_cmdlet_would(call: Call, endpoint: Any) -> None:
    way = _run(endpoint, call)
    made = endpoint.machine.calls[-1]
    [statement] = Batch([call]).statements
    wanted = {name: _plain(value) for name, value in statement.parameters.items() if name != "ErrorAction"}
    got = {name: _plain(value) for name, value in made.parameters.items()}

    assert "Wslnet" in way.cmdlet
    assert made.command == call.cmdlet
    assert {name: _listed(value) for name, value in got.items()} == {
        name: _listed(value) for name, value in wanted.items()
    }


def _listed(value: object) -> object:
    return list(value) if isinstance(value, list | bytes) else [value]


def test_registry_keys_by_their_names(endpoint: Any) -> None:
    _run(endpoint, files.registry_keys([*KEYS, registry.WSL_USER]))
    read = [each.parameters["LiteralPath"] for each in endpoint.machine.calls]

    assert read[:-1] == [[path] for path in KEYS]
    assert str(read[-1][0]).startswith("Registry::HKEY_USERS\\S-1-5-21-")


@pytest.mark.parametrize("call", REFUSED, ids=[each.cmdlet for each in REFUSED])
def test_what_it_has_no_function_for_is_refused_before_sending(call: Call) -> None:
    [statement] = Batch([call]).statements
    with pytest.raises(CallRefused, match="constrained endpoint"):
        spelled(statement)


def test_reads_stay_as_they_are(endpoint: Any) -> None:
    for call in (network.adapters(), network.interfaces(), firewall.rules(), tasks.tasks()):
        assert _run(endpoint, call).cmdlet == call.cmdlet


@pytest.mark.parametrize(
    ("names", "constrained"), [(PROBE[:1], True), (PROBE, False), (PROBE[1:], False), ((), False)]
)
def test_which_session_it_is(names: tuple[str, ...], constrained: bool) -> None:  # noqa: FBT001 - a table
    assert is_constrained(names) is constrained
