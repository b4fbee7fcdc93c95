"""The endpoint as a client meets it: registered, and reached over WinRM by one who is no administrator."""

from collections.abc import Iterator
from typing import Any

import pytest

from wslnet.transport.winrm import WinrmBridge
from wslnet.transport.winrm_endpoint import WinrmEndpoint
from wslnet_lab.host.contract import Argument, Identity, Invocation, Session
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
from wslnet_win_agent.endpoint.offer import CONFIGURATION, MODULE, READS
from wslnet_win_agent.host import Host
from wslnet_win_agent.native import NativeResult
from wslnet_win_agent.ops.table import execute

pytestmark = pytest.mark.timeout(300)

MODULE_FOLDER = rf"C:\Program Files\WindowsPowerShell\Modules\{MODULE}"
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


def _register(windows: WindowsMachine) -> None:
    own = windows.state.settings
    drive = windows.state.disk.locate("C:\\")
    assert drive is not None
    texts = render.files(modules=tuple(READS), account=f"{own.computer}\\{own.owner}")
    for name, text in texts.items():
        place = drive.joinpath(*MODULE_FOLDER.split("\\")[1:], *name.split("\\"))
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8", newline="")
    engine = build_engine(windows.registry, EngineSettings())
    call = Invocation(
        "Register-PSSessionConfiguration",
        (Argument("Name", CONFIGURATION), Argument("Path", rf"{MODULE_FOLDER}\{render.PSSC}")),
    )
    outcome = engine.run(((call,),), Session(Identity("admin", own.owner_sid)), Silent())
    assert outcome.state == "Completed"


class Silent:
    def output(self, value: object) -> None:
        """Nobody looks."""

    def error(self, details: object) -> None:
        raise AssertionError(details)

    def warning(self, text: str) -> None:
        raise AssertionError(text)

    def progress(self, activity: str, status: str, *, completed: bool) -> None:
        """Nobody looks."""

    def stopping(self) -> bool:
        return False


@pytest.fixture(scope="module")
def host(windows: WindowsMachine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    _register(windows)
    own, folder = windows.state.settings, tmp_path_factory.mktemp("server")
    server = WinRmServer(
        engine=build_engine(windows.registry, EngineSettings()),
        programs=windows.programs,
        log=JsonLinesLog(folder / "calls.jsonl"),
        accounts=[Account(Identity(own.owner, own.owner_sid, admin=False), PASSWORD)],
        credential_file=folder / "ntlm",
        settings=Settings,
        port=0,
        address="127.0.0.1",
        endpoints=endpoints_of(windows),
    )
    server.start()
    place = WinrmEndpoint("win", "127.0.0.1", own.owner, PASSWORD, server.port, CONFIGURATION)
    bridge = WinrmBridge(place)
    yield Host(bridge, NoNative())
    bridge.close()
    server.close()


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
    [refused] = execute(host, [{"verb": "task.start", "args": {"name": "network"}}])
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
