"""The endpoint as a client meets it: registered, and reached over WinRM by one who is no administrator."""

import base64
from collections.abc import Iterator
from typing import Any

import pytest

from wslnet.transport.winrm import WinrmBridge
from wslnet.transport.winrm_endpoint import WinrmEndpoint
from wslnet_lab.host.contract import Identity, Session
from wslnet_lab.host.endpoint.registered import NotAdmitted
from wslnet_lab.host.engine import EngineSettings, build_engine
from wslnet_lab.host.log import JsonLinesLog
from wslnet_lab.host.machine import WindowsMachine, build_windows, endpoints_of
from wslnet_lab.host.paper_hardware import PaperHardware
from wslnet_lab.host.server import WinRmServer
from wslnet_lab.host.wire.accounts import Account
from wslnet_lab.host.wire.settings import Settings
from wslnet_win_agent.calls import network
from wslnet_win_agent.endpoint import render
from wslnet_win_agent.endpoint.offer import CONFIGURATION, READS
from wslnet_win_agent.endpoint.places import MODULE_FOLDER
from wslnet_win_agent.host import Host
from wslnet_win_agent.native import NativeResult
from wslnet_win_agent.ops.table import execute

pytestmark = pytest.mark.timeout(300)

PASSWORD = "correct horse"


class NoNative:
    def run(self, argv: tuple[str, ...], **_options: object) -> NativeResult:
        raise AssertionError(argv)


@pytest.fixture(scope="module")
def windows(tmp_path_factory: pytest.TempPathFactory) -> WindowsMachine:
    folder = tmp_path_factory.mktemp("windows")
    machine = build_windows(folder, PaperHardware(), JsonLinesLog(folder / "calls.jsonl"))
    machine.boot()
    return machine


@pytest.fixture(scope="module")
def server(windows: WindowsMachine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WinRmServer]:
    own, folder = windows.state.settings, tmp_path_factory.mktemp("server")
    server = WinRmServer(
        engine=build_engine(windows.registry, EngineSettings()),
        programs=windows.programs,
        log=JsonLinesLog(folder / "calls.jsonl"),
        accounts=[
            Account(Identity(own.owner, own.owner_sid, admin=False), PASSWORD),
            Account(Identity("chief", "S-1-5-21-1004336348-1177238915-682003330-500"), PASSWORD),
        ],
        credential_file=folder / "ntlm",
        settings=lambda: Settings(loopback_for_others=True),
        port=0,
        address="127.0.0.1",
        endpoints=endpoints_of(windows),
    )
    server.start()
    yield server
    server.close()


@pytest.fixture(scope="module")
def chief(server: WinRmServer) -> Iterator[Host]:
    """An administrator, in Windows' own configuration."""
    bridge = WinrmBridge(WinrmEndpoint("win", "127.0.0.1", "chief", PASSWORD, server.port))
    yield Host(bridge, NoNative())
    bridge.close()


@pytest.fixture(scope="module")
def installed(chief: Host, windows: WindowsMachine) -> list[dict[str, str]]:
    """The endpoint as `wslnet endpoint install` puts it there."""
    own = windows.state.settings
    texts = render.files(modules=tuple(READS), account=f"{own.computer}\\{own.owner}")
    files = [
        {"path": path, "content": base64.b64encode(text.encode()).decode()} for path, text in texts.items()
    ]
    assert _value(chief, "endpoint.install", files=files)["after"] == {"registered": True}
    return files


@pytest.fixture(scope="module")
def host(windows: WindowsMachine, server: WinRmServer, installed: list[dict[str, str]]) -> Iterator[Host]:
    """The owner, no administrator, in the constrained endpoint."""
    assert installed
    place = WinrmEndpoint(
        "win", "127.0.0.1", windows.state.settings.owner, PASSWORD, server.port, CONFIGURATION
    )
    bridge = WinrmBridge(place)
    yield Host(bridge, NoNative())
    bridge.close()


def _value(host: Host, verb: str, **args: Any) -> Any:
    [result] = execute(host, [{"verb": verb, "args": args}])
    assert result["ok"], result
    return result["value"]


def test_the_network_half_works_as_in_a_full_session(host: Host) -> None:
    interfaces = _value(host, "facts", needs=["interfaces"])["interfaces"]
    index = next(one["index"] for one in interfaces if one["index"] != 1)
    changed = _value(host, "forwarding.set", interface_index=index, family=4, enabled=True)
    rule = {
        "name": "wslnet-allow-tcp-22",
        "display_name": "wslnet: tcp/22 into WSL",
        "direction": "Inbound",
        "action": "Allow",
        "protocol": "TCP",
        "local_ports": ["22"],
        "remote_addresses": ["192.168.1.0/24"],
        "profiles": ["Private"],
    }
    made = _value(host, "hyperv_rule.create", **rule)
    setting = _value(host, "hyperv_setting.set", default_inbound_action="Allow")
    gone = _value(host, "hyperv_rule.remove", name=rule["name"])

    assert changed["after"] == {"enabled": True}
    assert made["after"]["local_ports"] == ["22"]
    assert setting["after"]["default_inbound"] == "Allow"
    assert gone["before"]["name"] == rule["name"]


def test_the_owners_wslconfig_is_written_by_its_function(host: Host, windows: WindowsMachine) -> None:
    path = windows.state.wslconfig_path()
    content = "W3dzbDJdDQo="
    before = _value(host, "facts", needs=["wslconfig"])["wslconfig"]
    _value(host, "wslconfig.write", path=before["path"], content=content, expect_sha256=None)

    assert windows.state.disk.read(path) == b"[wsl2]\r\n"


def test_a_script_or_a_bare_cmdlet_is_refused(host: Host) -> None:
    [refused] = execute(host, [{"verb": "task.register", "args": {"name": "x", "xml": "<Task/>"}}])
    assert "constrained endpoint" in refused["error"]["message"]
    host.bridge._constrained = False
    reply = host.bridge.run([network.set_forwarding(1, 4, enabled=True)], deadline_s=20.0)
    host.bridge._constrained = True

    assert [error.id for error in reply.errors] == ["CommandNotFoundException"]


@pytest.mark.usefixtures("host")
def test_nobody_else_is_admitted(windows: WindowsMachine) -> None:
    endpoints = endpoints_of(windows)
    with pytest.raises(NotAdmitted, match="mallory"):
        endpoints.open(CONFIGURATION, Session(Identity("mallory", "S-1-5-21-9", admin=False)))


def test_what_stands_there_is_read_and_taken_away_again(
    chief: Host, host: Host, installed: list[dict[str, str]], windows: WindowsMachine
) -> None:
    found = _value(chief, "facts", needs=["endpoint"])["endpoint"]
    [denied] = execute(host, [{"verb": "endpoint.remove", "args": {}}])
    windows.state.acl.set_entries(f"{MODULE_FOLDER}\\WslnetEndpoint.psm1".lower(), "D:AI(A;;FA;;;BU)")
    opened = _value(chief, "facts", needs=["endpoint"])["endpoint"]
    [refused] = execute(chief, [{"verb": "endpoint.install", "args": {"files": installed}}])
    removed = _value(chief, "endpoint.remove")
    gone = _value(chief, "facts", needs=["endpoint"])["endpoint"]

    assert (found["registered"], found["strangers"]) == (True, [])
    assert sorted(each["path"] for each in found["files"]) == sorted(each["path"] for each in installed)
    assert set(found["modules"]) == set(READS)
    assert not denied["ok"]
    assert [each.rpartition(": ")[2] for each in opened["strangers"]] == ["BU"]
    assert refused["error"]["code"] == "refused"
    assert removed == {"before": {"registered": True}, "after": {"registered": False}}
    assert (gone["registered"], gone["files"]) == (False, [])


def test_files_that_are_not_ours_are_refused(chief: Host) -> None:
    rows = [{"path": "..\\evil.psm1", "content": ""}, {"path": "wslnet.pssc", "content": ""}]
    [refused] = execute(chief, [{"verb": "endpoint.install", "args": {"files": rows}}])

    assert refused["error"]["code"] == "bad-op"
