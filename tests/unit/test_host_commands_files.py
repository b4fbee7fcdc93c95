"""Files, registry, services, events and Get-Command of the lab's Windows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from wslnet_lab.host.contract import Identity, Number, PlainObject
from wslnet_lab.host.local_session import LocalSession, Screen
from wslnet_lab.host.state.registry import value_of
from wslnet_lab.host.state.settings import OWNER_SID

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = r"C:\Users\owner\.wslconfig"
TEMPORARY = r"C:\Users\owner\.wslconfig.wslnet-tmp"
COMMANDS = "Microsoft.PowerShell.Commands"
CURRENT_VERSION = r"HKLM:\SOFTWARE\Microsoft\Windows NT\CurrentVersion"


class Desk(LocalSession):
    def do(self, command: str, **parameters: object) -> Screen:
        return self.run(command, parameters)

    def file(self, name: str = ".wslconfig") -> Path:
        return self.folder / "windows/C/Users/owner" / name

    def break_with(self, fault: str) -> None:
        (self.folder / "faults.json").write_text(f'{{"faults": ["{fault}"]}}')


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def only(screen: Screen) -> PlainObject:
    (value,) = screen.outputs
    assert isinstance(value, PlainObject)
    return value


# ---- reading and writing -----------------------------------------------------------------------------


def test_bytes_are_exact_both_ways(desk: Desk) -> None:
    content = bytes(range(256))
    assert desk.do("Set-Content", LiteralPath=CONFIG, Value=content, Encoding="Byte").ids == []
    assert desk.file().read_bytes() == content
    assert desk.do("Get-Content", LiteralPath=CONFIG, Encoding="Byte", Raw=True).outputs == [content]
    assert desk.do("Get-Content", LiteralPath=CONFIG, Encoding="Byte", ReadCount=0).outputs == [content]
    singles = desk.do("Get-Content", LiteralPath=CONFIG, Encoding="Byte").outputs
    assert singles == [Number("By", each) for each in content]


def test_a_list_of_numbers_is_bytes_too(desk: Desk) -> None:
    desk.do("Set-Content", LiteralPath=CONFIG, Value=[1, 255], Encoding="Byte")
    assert desk.file().read_bytes() == b"\x01\xff"
    refused = desk.do("Set-Content", LiteralPath=CONFIG, Value=["text"], Encoding="Byte")
    assert (refused.end.state, desk.file().read_bytes()) == ("Failed", b"\x01\xff")


def test_an_empty_file_gives_nothing(desk: Desk) -> None:
    desk.file().write_bytes(b"")
    found = desk.do("Get-Content", LiteralPath=CONFIG, Encoding="Byte", Raw=True)
    assert (found.outputs, found.ids) == ([], [])


def test_lines_carry_notes_and_the_ansi_code_page_bites(desk: Desk) -> None:
    desk.file().write_bytes("[wsl2]\r\n# 网\r\n".encode())
    lines = desk.do("Get-Content", Path=CONFIG).outputs
    texts = [line.to_string for line in lines if isinstance(line, PlainObject)]
    assert texts[0] == "[wsl2]"
    assert texts[1] != "# 网"
    utf8 = desk.do("Get-Content", Path=CONFIG, Encoding="UTF8").outputs[1]
    assert isinstance(utf8, PlainObject)
    assert (utf8.to_string, utf8.notes["PSChildName"]) == ("# 网", ".wslconfig")


def test_text_is_written_as_windows_powershell_does(desk: Desk) -> None:
    desk.do("Set-Content", LiteralPath=CONFIG, Value=["a", "b"], Encoding="Unicode")
    assert desk.file().read_bytes() == b"\xff\xfe" + "a\r\nb\r\n".encode("utf-16-le")


def test_missing_files_and_folders(desk: Desk) -> None:
    nothing = desk.do("Get-Content", LiteralPath=CONFIG, Raw=True)
    assert (nothing.end.state, nothing.ids) == ("Completed", [f"PathNotFound,{COMMANDS}.GetContentCommand"])
    assert desk.do("Get-Item", LiteralPath=CONFIG, ErrorAction="Stop").end.state == "Failed"
    folder = desk.do("Set-Content", LiteralPath=r"C:\no\where", Value=b"", Encoding="Byte")
    assert folder.ids == [f"GetContentWriterDirectoryNotFoundError,{COMMANDS}.SetContentCommand"]
    assert desk.do("Get-Item", LiteralPath=r"Q:\x").ids == [f"DriveNotFound,{COMMANDS}.GetItemCommand"]


def test_a_locked_wslconfig_refuses_everything_but_looking(desk: Desk) -> None:
    desk.file().write_bytes(b"old")
    desk.do("Set-Content", LiteralPath=TEMPORARY, Value=b"new", Encoding="Byte")
    desk.break_with("wslconfig-locked")
    assert desk.do("Get-Item", LiteralPath=CONFIG).ids == []
    read = desk.do("Get-Content", LiteralPath=CONFIG, Encoding="Byte", Raw=True)
    assert read.ids == [f"GetContentReaderIOError,{COMMANDS}.GetContentCommand"]
    write = desk.do("Set-Content", LiteralPath=CONFIG.upper(), Value=b"x", Encoding="Byte")
    assert write.ids == [f"GetContentWriterIOError,{COMMANDS}.SetContentCommand"]
    move = desk.do("Move-Item", LiteralPath=TEMPORARY, Destination=CONFIG, Force=True)
    assert move.ids == [f"MoveFileInfoItemIOError,{COMMANDS}.MoveItemCommand"]
    assert desk.do("Remove-Item", LiteralPath=CONFIG).ids[0].startswith("RemoveFileSystemItemIOError")
    assert (desk.file().read_bytes(), desk.file(".wslconfig.wslnet-tmp").read_bytes()) == (b"old", b"new")


def test_move_needs_force_over_a_file(desk: Desk) -> None:
    desk.file().write_bytes(b"old")
    desk.file(".wslconfig.wslnet-tmp").write_bytes(b"new")
    refused = desk.do("Move-Item", LiteralPath=TEMPORARY, Destination=CONFIG)
    assert refused.ids == [f"MoveFileInfoItemIOError,{COMMANDS}.MoveItemCommand"]
    assert desk.do("Move-Item", LiteralPath=TEMPORARY, Destination=CONFIG, Force=True).ids == []
    assert desk.file().read_bytes() == b"new"
    assert not desk.file(".wslconfig.wslnet-tmp").exists()


def test_move_is_not_atomic(desk: Desk) -> None:
    desk.file().write_bytes(b"old")
    desk.file(".wslconfig.wslnet-tmp").write_bytes(b"new")
    desk.break_with("move-item-half-done")
    assert desk.do("Move-Item", LiteralPath=TEMPORARY, Destination=CONFIG, Force=True).ids != []
    assert not desk.file().exists()
    assert desk.file(".wslconfig.wslnet-tmp").read_bytes() == b"new"


def test_copy_and_remove(desk: Desk) -> None:
    desk.file().write_bytes(b"old")
    desk.do("Copy-Item", LiteralPath=CONFIG, Destination=CONFIG + ".bak", Force=True)
    assert desk.file(".wslconfig.bak").read_bytes() == b"old"
    assert desk.do("Remove-Item", LiteralPath=CONFIG).ids == []
    assert desk.do("Remove-Item", LiteralPath=CONFIG).ids == [f"PathNotFound,{COMMANDS}.RemoveItemCommand"]


# ---- links -----------------------------------------------------------------------------------------------


@pytest.fixture
def linked(desk: Desk) -> Desk:
    desk.file("dotfiles").mkdir()
    desk.file("dotfiles/wslconfig").write_bytes(b"[wsl2]\n")
    desk.file().symlink_to("dotfiles/wslconfig")
    return desk


def test_a_link_says_where_it_points(linked: Desk) -> None:
    item = only(linked.do("Get-Item", LiteralPath=CONFIG, Force=True))
    assert item.notes["LinkType"] == "SymbolicLink"
    assert item.notes["Target"] == [r"dotfiles\wslconfig"]
    assert item.properties["Length"] == Number("I64", 0)
    assert linked.do("Get-Content", LiteralPath=CONFIG, Encoding="Byte", Raw=True).outputs == [b"[wsl2]\n"]


def test_writing_follows_a_link_moving_replaces_it(linked: Desk) -> None:
    linked.do("Set-Content", LiteralPath=CONFIG, Value=b"x", Encoding="Byte")
    assert linked.file("dotfiles/wslconfig").read_bytes() == b"x"
    linked.file(".wslconfig.wslnet-tmp").write_bytes(b"new")
    linked.do("Move-Item", LiteralPath=TEMPORARY, Destination=CONFIG, Force=True)
    assert not linked.file().is_symlink()
    assert linked.file("dotfiles/wslconfig").read_bytes() == b"x"


def test_links_never_lead_out_of_the_drive(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x")
    desk.file().symlink_to(tmp_path / "secret")
    assert desk.do("Get-Content", LiteralPath=CONFIG).ids == [f"PathNotFound,{COMMANDS}.GetContentCommand"]


# ---- items ---------------------------------------------------------------------------------------------


def test_paths_in_any_case_and_spelling(desk: Desk) -> None:
    desk.file().write_bytes(b"x")
    for path in ("c:/users/OWNER/.WSLCONFIG", "~\\.wslconfig", r"..\.wslconfig", rf"FileSystem::{CONFIG}"):
        assert only(desk.do("Get-Item", LiteralPath=path)).properties["FullName"] == CONFIG
    assert desk.do("Test-Path", Path=r"C:\Users\owner\.wsl*").outputs == [True]
    assert desk.do("Test-Path", LiteralPath=r"C:\Users\owner", PathType="Leaf").outputs == [False]
    names = [each.properties["Name"] for each in desk.do("Get-ChildItem", Path=r"C:\Users").outputs]  # type: ignore[attr-defined]
    assert names == ["17895", "owner"]


def test_the_environment_belongs_to_the_identity(desk: Desk) -> None:
    def profile(identity: Identity) -> object:
        found = desk.run("Get-Item", {"LiteralPath": r"Env:\USERPROFILE"}, identity=identity)
        return only(found).properties["Value"]

    assert profile(Identity("owner", OWNER_SID)) == r"C:\Users\owner"
    assert profile(Identity("SYSTEM", "S-1-5-18", system=True)) == r"C:\WINDOWS\system32\config\systemprofile"
    assert profile(Identity("WinRM VA_1", "S-1-5-94-1")) == r"C:\Users\WinRM VA_1"


def test_cim_instances_by_class(desk: Desk) -> None:
    (system,) = desk.do("Get-CimInstance", ClassName="Win32_OperatingSystem").rows()
    assert (system["BuildNumber"], system["Version"]) == ("22631", "10.0.22631")
    routes = desk.do("Get-CimInstance", ClassName="msft_netroute", Namespace=r"root\StandardCimv2")
    assert len(routes.rows()) == 3
    unknown = desk.do("Get-CimInstance", ClassName="Win32_Nothing")
    assert unknown.ids[0].startswith("HRESULT 0x80041010,")


# ---- registry ----------------------------------------------------------------------------------------------


def test_values_of_a_key(desk: Desk) -> None:
    item = only(desk.do("Get-ItemProperty", LiteralPath=CURRENT_VERSION))
    assert (item.notes["CurrentBuildNumber"], item.notes["UBR"]) == ("22631", 4317)
    assert item.notes["PSPath"] == (
        r"Microsoft.PowerShell.Core\Registry::HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows NT\CurrentVersion"
    )
    some = only(desk.do("Get-ItemProperty", Path=CURRENT_VERSION, Name=["ubr"]))
    assert [name for name in some.notes if not name.startswith("PS")] == ["UBR"]
    missing = desk.do("Get-ItemProperty", LiteralPath=CURRENT_VERSION, Name=["Nothing"])
    assert missing.ids == [
        f"System.Management.Automation.PSArgumentException,{COMMANDS}.GetItemPropertyCommand"
    ]


def test_several_keys_at_once_and_absent_ones(desk: Desk) -> None:
    keys = [CURRENT_VERSION, r"HKLM:\SOFTWARE\Policies\WSL", r"HKCU:\Volatile Environment"]
    found = desk.do("Get-ItemProperty", LiteralPath=keys)
    assert found.ids == [f"PathNotFound,{COMMANDS}.GetItemPropertyCommand"]
    user = found.outputs[1]
    assert isinstance(user, PlainObject)
    assert (
        user.notes["PSPath"] == r"Microsoft.PowerShell.Core\Registry::HKEY_CURRENT_USER\Volatile Environment"
    )


def test_numbers_are_signed_and_names_may_hold_slashes(desk: Desk) -> None:
    registry = desk.windows.state.registry
    path = r"HKLM:\SYSTEM\CurrentControlSet\Services\PortProxy\v4tov4\tcp"
    registry.set(path, "0.0.0.0/8080", value_of("172.23.102.37/80"), OWNER_SID)
    registry.set(path, "Flags", value_of(0xFFFFFFFF), OWNER_SID)
    item = only(desk.do("Get-ItemProperty", LiteralPath=path))
    assert (item.notes["0.0.0.0/8080"], item.notes["Flags"]) == ("172.23.102.37/80", -1)
    desk.boot()
    assert only(desk.do("Get-ItemProperty", LiteralPath=path)).notes["Flags"] == -1


def test_distros_are_keys_of_their_owner_alone(desk: Desk) -> None:
    path = r"HKCU:\Software\Microsoft\Windows\CurrentVersion\Lxss"
    (key,) = desk.do("Get-ChildItem", Path=path).outputs
    assert isinstance(key, PlainObject)
    assert "DistributionName" in str(key.notes["Property"])
    stranger = desk.run("Get-Item", {"Path": path}, identity=Identity("x", "S-1-5-94-1"))
    assert stranger.ids == [f"PathNotFound,{COMMANDS}.GetItemCommand"]


# ---- services, commands, events ----------------------------------------------------------------------------


def test_services(desk: Desk) -> None:
    service = only(desk.do("Get-Service", Name="wslservice"))
    assert (service.properties["Status"], service.notes["Name"]) == ("Running", "WSLService")
    missing = desk.do("Get-Service", Name=["nothing", "iph*"])
    assert missing.ids == [f"NoServiceFoundForGivenName,{COMMANDS}.GetServiceCommand"]
    assert len(missing.outputs) == 1


def test_get_command_knows_what_this_build_has(desk: Desk, tmp_path: Path) -> None:
    found = desk.do("Get-Command", Name=["get-netroute", "Get-NetNothing"])
    assert found.ids == [f"CommandNotFoundException,{COMMANDS}.GetCommandCommand"]
    (command,) = found.outputs
    assert isinstance(command, PlainObject)
    assert (command.properties["Name"], command.properties["CommandType"]) == ("Get-NetRoute", "Function")
    older = tmp_path / "old"
    older.mkdir()
    (older / "windows.json").write_text('{"build": 19045}')
    assert Desk(older).do("Get-Command", Name="Get-NetFirewallHyperVProfile").ids != []


def test_wsls_warnings_are_in_the_event_log(desk: Desk) -> None:
    empty = desk.do("Get-WinEvent", FilterHashtable={"LogName": "Application", "ProviderName": "WSL"})
    assert empty.ids == [f"NoMatchingEventsFound,{COMMANDS}.GetWinEventCommand"]
    desk.write_wslconfig("[wsl2]\nbogus=1\n")
    desk.native("wsl.exe", "-e", "true")
    event = only(desk.do("Get-WinEvent", FilterHashtable={"LogName": "Application", "ProviderName": "WSL"}))
    assert "wsl2.bogus" in str(event.notes["Message"])
    assert event.properties["LevelDisplayName"] == "Warning"
    other = desk.do("Get-WinEvent", FilterHashtable={"LogName": "Application", "ProviderName": "Other"})
    assert other.outputs == []
