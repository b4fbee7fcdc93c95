"""A Windows in memory behind the bridge's seam: enough state for every op to act on and read back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from wslnet_win_agent.bridge import Bridge, ErrorRecord, Reply, WindowsObject
from wslnet_win_agent.errors import DeliveryUnknown
from wslnet_win_agent.host import Host
from wslnet_win_agent.native import NativeResult

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from wslnet_win_agent.send import Batch, Statement

WSL = "{40E0AC32-46A5-438A-A0B2-2B479E8F2E90}"
PROFILE = "C:\\Users\\17895"
WSLCONFIG = f"{PROFILE}\\.wslconfig"
_ACTIONS = {"NotConfigured": 0, "Allow": 2, "Block": 4}
_HKLM = "Microsoft.PowerShell.Core\\Registry::HKEY_LOCAL_MACHINE\\"
_HKCU = "Microsoft.PowerShell.Core\\Registry::HKEY_CURRENT_USER\\"
_MANAGEMENT = "Microsoft.PowerShell.Commands"


def cim(class_name: str, text: Mapping[str, object] | None = None, /, **raw: object) -> WindowsObject:
    names = (
        f"Microsoft.Management.Infrastructure.CimInstance#ROOT/StandardCimv2/{class_name}",
        f"Microsoft.Management.Infrastructure.CimInstance#{class_name}",
    )
    return WindowsObject(names, raw, text or {})


def not_found(name: str = "Name") -> ErrorRecord:
    return ErrorRecord(f"CmdletizationQuery_NotFound_{name},X", "ObjectNotFound", "没有找到")


@dataclass
class FakeWindows(Bridge):
    """State by kind, and switches for what goes wrong."""

    rules: dict[str, dict[str, Any]] = field(default_factory=dict)
    setting: dict[str, Any] | None = None
    creator: bool = True
    hyperv: bool = True
    forwarding: dict[tuple[int, str], int] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    lengths: dict[str, int] = field(default_factory=dict)
    locked: set[str] = field(default_factory=set)
    registry: dict[str, dict[str, object]] = field(default_factory=dict)
    rows: dict[str, list[WindowsObject]] = field(default_factory=dict)
    absent: set[str] = field(default_factory=set)
    denied: set[str] = field(default_factory=set)
    ineffective: set[str] = field(default_factory=set)
    lost: Callable[[str], bool | None] = lambda _name: None
    """For a write: True: it acts and its answer is lost, False: it does not act, None: nothing is lost."""
    batches: list[Batch] = field(default_factory=list)

    def deliver(self, batch: Batch, *, deadline_s: float) -> Reply:
        assert deadline_s > 0
        self.batches.append(batch)
        outputs: list[WindowsObject] = []
        errors: list[ErrorRecord] = []
        for statement in batch.statements:
            if statement.cmdlet in self.absent:
                unknown = ErrorRecord("CommandNotFoundException", "ObjectNotFound", "")
                return Reply(tuple(outputs), (unknown,), "Failed")
            self._one(statement, outputs, errors)
        # Stop makes the first error the pipeline's end.
        return Reply(tuple(outputs), tuple(errors), "Failed" if errors and batch.writes else "Completed")

    def close(self) -> None:
        """Nothing is open."""

    def sent(self) -> list[str]:
        return [statement.cmdlet for batch in self.batches for statement in batch.statements]

    def writes(self) -> list[str]:
        return [batch.statements[0].cmdlet for batch in self.batches if batch.writes]

    def _one(self, statement: Statement, outputs: list[WindowsObject], errors: list[ErrorRecord]) -> None:
        name, given = statement.cmdlet, dict(statement.parameters)
        writes = "ErrorAction" in given
        if name in self.denied:
            errors.append(ErrorRecord(f"Windows System Error 5,{name}", "PermissionDenied", "拒绝访问。"))
            return
        fate = self.lost(name) if writes else None
        if not (writes and name in self.ineffective) and fate is not False:
            getattr(self, "_" + name.lower().replace("-", "_"))(given, outputs, errors)
        if fate is not None:
            raise DeliveryUnknown(f"{name}: the answer was lost")

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_get_"):
            raise AttributeError(name)
        cmdlet = name

        def listed(_given: Any, outputs: list[WindowsObject], _errors: Any) -> None:
            outputs.extend(self.rows.get(cmdlet.removeprefix("_get_"), []))

        return listed

    def _get_netipinterface(self, given: Any, outputs: Any, errors: Any) -> None:
        wanted = {
            (index, family)
            for index, family in self.forwarding
            if index in given.get("InterfaceIndex", [index])
            and family in given.get("AddressFamily", [family])
        }
        for index, family in sorted(wanted):
            number = {"IPv4": 2, "IPv6": 23}[family]
            value = self.forwarding[index, family]
            outputs.append(
                cim("MSFT_NetIPInterface", InterfaceIndex=index, AddressFamily=number, Forwarding=value)
            )
        if not wanted:
            errors.append(not_found(""))

    def _set_netipinterface(self, given: Any, _outputs: Any, _errors: Any) -> None:
        value = {"Enabled": 1, "Disabled": 0}[given["Forwarding"]]
        self.forwarding[given["InterfaceIndex"][0], given["AddressFamily"][0]] = value

    def _get_netfirewallhypervvmcreator(self, _given: Any, outputs: Any, errors: Any) -> None:
        if self.creator:
            outputs.append(cim("MSFT_NetFirewallHyperVVMCreator", VMCreatorId=WSL, FriendlyName="WSL"))
        else:
            errors.append(not_found("VMCreatorId"))

    def _get_netfirewallhypervvmsetting(self, given: Any, outputs: Any, errors: Any) -> None:
        if self.setting is None and given["PolicyStore"] == "PersistentStore":
            errors.append(not_found())
            return
        stored = self.setting or {"DefaultInboundAction": 4}
        outputs.append(
            cim("MSFT_NetFirewallHyperVVMSetting", Name=WSL, Enabled=1, LoopbackEnabled=1, **stored)
        )

    def _set_netfirewallhypervvmsetting(self, given: Any, _outputs: Any, _errors: Any) -> None:
        self.setting = {"DefaultInboundAction": _ACTIONS[given["DefaultInboundAction"]]}

    _new_netfirewallhypervvmsetting = _set_netfirewallhypervvmsetting

    def _get_netfirewallhypervrule(self, given: Any, outputs: Any, errors: Any) -> None:
        names = given.get("Name", list(self.rules))
        outputs.extend(self._rule(name) for name in names if name in self.rules)
        errors.extend(not_found("InstanceID") for name in names if name not in self.rules)

    def _rule(self, name: str) -> WindowsObject:
        rule = self.rules[name]
        bits = {"Any": 0, "Domain": 1, "Private": 2, "Public": 4}
        return cim(
            "MSFT_NetFirewallHyperVRule",
            {"Name": name},
            InstanceID=name,
            DisplayName=rule.get("DisplayName") or rule.get("NewDisplayName"),
            Direction={"Inbound": 1, "Outbound": 2}[rule["Direction"]],
            Action=_ACTIONS[rule["Action"]],
            Enabled={"True": 1, "False": 2}[rule["Enabled"]],
            Protocol=rule["Protocol"],
            LocalPorts=rule.get("LocalPorts"),
            RemoteAddresses=rule["RemoteAddresses"],
            Profiles=sum(bits[one] for one in rule["Profiles"].split(",")),
            VMCreatorId=rule["VMCreatorId"],
        )

    def _new_netfirewallhypervrule(self, given: Any, _outputs: Any, _errors: Any) -> None:
        self.rules[given["Name"]] = given

    def _set_netfirewallhypervrule(self, given: Any, _outputs: Any, _errors: Any) -> None:
        self.rules[given["Name"][0]] = given

    def _remove_netfirewallhypervrule(self, given: Any, _outputs: Any, _errors: Any) -> None:
        del self.rules[given["Name"][0]]

    def _get_itemproperty(self, given: Any, outputs: Any, errors: Any) -> None:
        for path in given["LiteralPath"]:
            values = self.registry.get(path)
            if values is None:
                fqid = f"PathNotFound,{_MANAGEMENT}.GetItemPropertyCommand"
                errors.append(ErrorRecord(fqid, "ObjectNotFound", "", path))
                continue
            full = path.replace("HKLM:\\", _HKLM).replace("HKCU:\\", _HKCU)
            added = {"PSPath": full, "PSChildName": path.rpartition("\\")[2], "PSProvider": "Registry"}
            names = ("System.Management.Automation.PSCustomObject",)
            outputs.append(WindowsObject(names, {}, {**values, **added}))

    def _get_item(self, given: Any, outputs: Any, errors: Any) -> None:
        environment = {"USERPROFILE": PROFILE, "USERDOMAIN": "BOX", "USERNAME": "我"}
        names = [path.partition("Env:\\")[2] for path in given["LiteralPath"]]
        if names[0] in environment:
            entries = [{"Key": name, "Value": environment[name]} for name in names]
            outputs.extend(WindowsObject(("System.Collections.DictionaryEntry",), each) for each in entries)
            return
        (path,) = given["LiteralPath"]
        if self._real(path) not in self.files and path not in self.links:
            self._missing(errors, "GetItem")
            return
        link = self.links.get(path)
        text = {"LinkType": "SymbolicLink", "Target": [link]} if link else {"LinkType": None, "Target": []}
        raw = {"Name": path, "Length": self.lengths.get(path)}
        outputs.append(WindowsObject(("System.IO.FileInfo", "System.Object"), raw, text))

    def _get_content(self, given: Any, outputs: Any, errors: Any) -> None:
        path = self._real(given["LiteralPath"][0])
        if path not in self.files:
            self._missing(errors, "GetContent")
        elif path in self.locked:
            fqid = f"GetContentReaderIOError,{_MANAGEMENT}.GetContentCommand"
            errors.append(ErrorRecord(fqid, "ReadError", "另一个程序正在使用此文件。", path))
        elif self.files[path]:
            outputs.append(WindowsObject(value=list(self.files[path])))

    def _set_content(self, given: Any, _outputs: Any, _errors: Any) -> None:
        self.files[self._real(given["LiteralPath"][0])] = given["Value"]

    def _copy_item(self, given: Any, _outputs: Any, _errors: Any) -> None:
        self.files[given["Destination"]] = self.files[self._real(given["LiteralPath"][0])]

    def _move_item(self, given: Any, _outputs: Any, errors: Any) -> None:
        (source,), target = given["LiteralPath"], given["Destination"]
        if target in self.locked:
            fqid = f"MoveFileInfoItemIOError,{_MANAGEMENT}.MoveItemCommand"
            errors.append(ErrorRecord(fqid, "WriteError", "另一个程序正在使用此文件。", target))
            return
        self.files[target] = self.files.pop(source)

    def _remove_item(self, given: Any, _outputs: Any, _errors: Any) -> None:
        self.files.pop(given["LiteralPath"][0])

    def _test_netconnection(self, given: Any, outputs: Any, _errors: Any) -> None:
        answers = {"PingSucceeded": given["ComputerName"].endswith(".1")}
        if "Port" in given:
            answers = {"PingSucceeded": False, "TcpTestSucceeded": given["Port"] in (22, 8080)}
        outputs.append(WindowsObject(("TestNetConnectionResult", "System.Object"), answers))

    def _real(self, path: str) -> str:
        target = self.links.get(path, path)
        return target if ":" in target else f"{PROFILE}\\{target}"

    @staticmethod
    def _missing(errors: list[ErrorRecord], verb: str) -> None:
        fqid = f"PathNotFound,{_MANAGEMENT}.{verb}Command"
        errors.append(ErrorRecord(fqid, "ObjectNotFound", "找不到路径"))


@dataclass
class FakeWslExe:
    """`wsl.exe` with states of distros; notes what was asked."""

    states: dict[str, str] = field(
        default_factory=lambda: {"Ubuntu-22.04": "Stopped", "docker-desktop": "Running"}
    )
    mode: str = "nat"
    addresses: str = "172.23.102.37 192.168.122.1 10.255.255.254"
    fails: bytes = b""
    utf8: bool = True
    seen: list[tuple[str, ...]] = field(default_factory=list)

    def run(
        self, argv: Sequence[str], *, timeout_s: float, stdin: bytes = b"", changes: bool = False
    ) -> NativeResult:
        assert timeout_s > 0
        assert not stdin
        if argv[0].endswith("whoami.exe"):
            return NativeResult(0, b'"box\\owner","S-1-5-21-1004336348-1177238915-682003330-1001"\r\n', b"")
        if argv[0].endswith("netsh.exe"):
            return NativeResult(1, b"The following command was not found.\r\n", b"")
        self.seen.append(tuple(argv[1:]))
        text, code = self._answer(list(argv[1:]), changes=changes)
        return NativeResult(code, text.encode("utf-8" if self.utf8 else "utf-16-le"), b"")

    def hold(self, argv: Sequence[str]) -> None:
        assert self.states[argv[2]] == "Running"
        self.seen.append(tuple(argv[1:]))

    def _answer(self, argv: list[str], *, changes: bool) -> tuple[str, int]:
        if argv == ["-l", "-v"]:
            rows = [f"{'*' if n.startswith('U') else ' '} {n}  {s}  2\r\n" for n, s in self.states.items()]
            return "  NAME  STATE  VERSION\r\n" + "".join(rows), 0
        if argv == ["--version"]:
            return "WSL 版本\uff1a 2.6.3.0\r\n内核版本\uff1a 6.6.87.2-1\r\nWSLg 版本\uff1a 1.0.71\r\n", 0
        if argv == ["--shutdown"]:
            assert changes
            self.states = dict.fromkeys(self.states, "Stopped")
            return "", 0
        distro = argv[1]
        if argv[-1] == "true":
            assert changes
            if self.fails:
                return self.fails.decode(), 4294967295
            self.states[distro] = "Running"
            return "", 0
        assert self.states[distro] == "Running", "looking started a stopped distro"
        return (f"{self.mode}", 0) if "wslinfo" in argv else (f"{self.addresses} \n", 0)

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def windows() -> FakeWindows:
    return FakeWindows(
        files={WSLCONFIG: b"[wsl2]\r\nnetworkingMode=nat\r\n"},
        registry={
            r"HKLM:\SOFTWARE\Microsoft\Windows NT\CurrentVersion": {
                "CurrentBuildNumber": "22631",
                "UBR": 4317,
                "EditionID": "Professional",
                "ProductName": "Windows 10 Pro",
            },
            r"HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Lxss\MSI": {
                "Version": "2.6.3.0",
                "InstallLocation": "C:\\Program Files\\WSL\\",
            },
            r"HKCU:\SOFTWARE\Microsoft\Windows\CurrentVersion\Lxss": {"NatIpAddress": "172.23.102.37"},
        },
        forwarding={(7, "IPv4"): 0, (7, "IPv6"): 0},
    )


@pytest.fixture
def wsl_exe() -> FakeWslExe:
    return FakeWslExe()


@pytest.fixture
def host(windows: FakeWindows, wsl_exe: FakeWslExe) -> Host:
    return Host(windows, wsl_exe)
