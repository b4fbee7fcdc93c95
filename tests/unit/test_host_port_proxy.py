"""portproxy of Windows on paper: netsh, the registry, and a service that has to be told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from wslnet_lab.host.contract import Identity, NativeOutcome
from wslnet_lab.host.local_session import OWNER, LocalSession
from wslnet_lab.host.port_proxy import KEY
from wslnet_lab.host.state.registry import value_of
from wslnet_lab.host.state.settings import OWNER_SID

if TYPE_CHECKING:
    from pathlib import Path

LIMITED = Identity("owner", OWNER_SID, admin=False)


class Desk(LocalSession):
    """One Windows on paper and what listens on it."""

    def portproxy(self, *words: str, identity: Identity = OWNER) -> NativeOutcome:
        return self.native("netsh.exe", "interface", "portproxy", *words, identity=identity)

    def listening(self) -> list[tuple[str, int]]:
        return [(each.address, each.port) for each in self.hardware.sockets]

    def values(self) -> dict[str, object]:
        values = self.windows.state.registry.values(KEY, OWNER_SID)
        return {name: value.data for name, value in values.items()}


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_netsh_writes_the_registry_and_tells_the_service(desk: Desk) -> None:
    added = desk.portproxy(
        "add", "v4tov4", "listenport=2222", "listenaddress=172.24.21.109", "connectaddress=172.23.102.37",
        "connectport=22", "protocol=tcp",
    )  # fmt: skip
    assert added == NativeOutcome(0, b"\r\n", b"")
    assert desk.portproxy("set", "v4tov4", "8080", "172.23.102.37").exit_code == 0
    assert desk.values() == {"172.24.21.109/2222": "172.23.102.37/22", "*/8080": "172.23.102.37/8080"}
    assert desk.listening() == [("172.24.21.109", 2222), ("0.0.0.0", 8080)]
    assert desk.portproxy("delete", "v4tov4", "listenport=8080").exit_code == 0
    assert desk.listening() == [("172.24.21.109", 2222)]
    assert desk.portproxy("reset").exit_code == 0
    assert (desk.values(), desk.listening()) == ({}, [])


def test_nobody_is_given_a_port_of_winnats(desk: Desk) -> None:
    (desk.folder / "faults.json").write_text('{"faults": ["winnat-takes-ports"]}')
    interface = ("netsh.exe", "interface", "ipv4")
    low = ("startport=1024", "numberofports=64512")
    assert desk.native(*interface, "set", "dynamicport", "tcp", *low).exit_code == 0
    for port in ("2200", "2300", "50000"):  # the last one an administrator excluded
        desk.portproxy("add", "v4tov4", f"listenport={port}", "connectaddress=172.23.102.37")
    assert desk.listening() == [("0.0.0.0", 2300), ("0.0.0.0", 50000)]
    usual = ("startport=49152", "numberofports=16384")
    assert desk.native(*interface, "set", "dynamicport", "tcp", *usual).exit_code == 0
    shown = desk.native(*interface, "show", "excludedportrange", "protocol=tcp").stdout
    assert b"2150        2249" in shown, "what is given stays given until the next boot"


def test_show_prints_the_table_of_each_language(desk: Desk) -> None:
    assert desk.portproxy("show", "all").stdout == b"\r\n"
    desk.portproxy("add", "v4tov4", "13333", "127.0.0.1", "12333")
    lines = desk.portproxy("show", "v4tov4").stdout.decode().split("\r\n")
    assert lines[1] == "Listen on ipv4:             Connect to ipv4:"
    assert lines[5] == "*               13333       127.0.0.1       12333"
    (desk.folder / "faults.json").write_text('{"faults": ["culture-zh-cn"]}')
    chinese = desk.portproxy("show", "all").stdout.decode("gbk").split("\r\n")
    assert (chinese[1].split()[0], chinese[5]) == ("侦听", lines[5])


@pytest.mark.parametrize(
    "words",
    [
        ("delete", "v4tov4", "listenport=1"),
        ("add", "v4tov4", "listenport=1"),
        ("add", "v4tov4", "listenport=70000", "connectaddress=10.0.0.1"),
        ("add", "v4tov4", "listenport=http", "connectaddress=10.0.0.1"),
        ("add", "v4tov4", "1", "10.0.0.1", "listenport=2"),
        ("add", "v4tov4", "listenport=1", "connectaddress=10.0.0.1", "protocol=udp"),
        ("add", "v4tov4", "listenport=1", "connectaddress=10.0.0.1", "colour=red"),
        ("add", "v4tov5", "listenport=1", "connectaddress=10.0.0.1"),
        ("add", "v6tov4", "listenport=1", "connectaddress=10.0.0.1"),
        ("frobnicate",),
        (),
    ],
)
def test_what_netsh_refuses_changes_nothing(desk: Desk, words: tuple[str, ...]) -> None:
    refused = desk.portproxy(*words)
    assert refused.exit_code == 1
    assert refused.stdout.strip()
    assert (desk.values(), desk.listening()) == ({}, [])


def test_only_administrators_may_write_and_everybody_may_look(desk: Desk) -> None:
    denied = desk.portproxy("add", "v4tov4", "80", "10.0.0.1", identity=LIMITED)
    assert (denied.exit_code, b"elevation" in denied.stdout) == (1, True)
    assert desk.portproxy("show", "all", identity=LIMITED).exit_code == 0
    assert desk.native("sc.exe", "control", "iphlpsvc", "paramchange", identity=LIMITED).exit_code == 5
    ids = desk.run("Restart-Service", {"Name": ["iphlpsvc"]}, identity=LIMITED).ids
    assert ids == ["CouldNotStopService,Microsoft.PowerShell.Commands.RestartServiceCommand"]
    assert desk.values() == {}


def test_a_registry_write_alone_does_nothing_until_the_service_is_told(desk: Desk) -> None:
    desk.windows.state.registry.set(KEY, "0.0.0.0/8080", value_of("10.0.0.1/80"), OWNER_SID)
    assert desk.listening() == []
    told = desk.native("sc.exe", "control", "iphlpsvc", "paramchange")
    assert (told.exit_code, b"4  RUNNING" in told.stdout) == (0, True)
    assert desk.listening() == [("0.0.0.0", 8080)]
    desk.windows.state.registry.set(KEY, "0.0.0.0/8081", value_of("10.0.0.1/80"), OWNER_SID)
    assert desk.run("Restart-Service", {"Name": ["iphlpsvc"], "Force": True}).ids == []
    assert desk.listening() == [("0.0.0.0", 8080), ("0.0.0.0", 8081)]


def test_a_stopped_service_listens_for_nothing_and_boots_again(desk: Desk) -> None:
    desk.portproxy("add", "v4tov4", "80", "10.0.0.1")
    assert desk.run("Stop-Service", {"Name": ["iphlpsvc"]}).ids == []
    assert desk.listening() == []
    assert desk.native("sc.exe", "control", "iphlpsvc", "paramchange").exit_code == 1062
    assert desk.portproxy("add", "v4tov4", "81", "10.0.0.1").exit_code == 0
    assert desk.listening() == []
    service = desk.run("Start-Service", {"Name": ["iphlpsvc"], "PassThru": True}).outputs[0]
    assert service.properties["Status"] == "Running"  # type: ignore[attr-defined]
    assert [port for _, port in desk.listening()] == [80, 81]
    desk.run("Stop-Service", {"Name": ["iphlpsvc"]})
    desk.boot()
    assert [port for _, port in desk.listening()] == [80, 81]


def test_sc_speaks_of_what_is_not_there(desk: Desk) -> None:
    assert desk.native("sc.exe", "query", "nothing").exit_code == 1060
    assert b"RUNNING" in desk.native("sc.exe", "query", "iphlpsvc").stdout
    assert desk.native("sc.exe", "stop", "iphlpsvc").exit_code == 0
    assert b"STOPPED" in desk.native("sc.exe", "query", "iphlpsvc").stdout
    assert desk.native("sc.exe", "start", "iphlpsvc").exit_code == 0
    assert desk.native("sc.exe", "start", "iphlpsvc").exit_code == 1056
    assert desk.native("sc.exe", "control", "hns", "paramchange").exit_code == 1052
    assert desk.native("sc.exe", "dance").exit_code == 1639
    ids = desk.run("Restart-Service", {"Name": ["nothing"]}).ids
    assert ids == ["NoServiceFoundForGivenName,Microsoft.PowerShell.Commands.RestartServiceCommand"]


def test_stopping_wsls_service_ends_wsl(desk: Desk) -> None:
    desk.native("wsl.exe", "-e", "true")
    assert desk.run("Restart-Service", {"Name": ["WSLService"]}).ids == []
    assert not desk.hardware.wsl.running
