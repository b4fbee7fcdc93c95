"""A machine for constrained sessions: Windows' network commands as stand-ins that say what was bound."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from psrpcore.types import CommandTypes

from wslnet_lab.host.contract import (
    Argument,
    BoundCall,
    EnumValue,
    ErrorDetails,
    Identity,
    Information,
    Invocation,
    Notice,
    Number,
    Outcome,
    PlainObject,
    Remark,
    Session,
    Sink,
    Statement,
)
from wslnet_lab.host.endpoint.engine import RestrictedEngine
from wslnet_lab.host.endpoint.failures import ConfigurationRefused, OpenFailed
from wslnet_lab.host.endpoint.files import read_capability, read_configuration
from wslnet_lab.host.endpoint.session import open_session
from wslnet_lab.host.engine import EngineSettings, Registry
from wslnet_lab.host.engine.build import build_commands
from wslnet_lab.host.engine.signatures import load_oracle
from wslnet_lab.host.engine.values import text_of
from wslnet_lab.host.script.syntax import NotInTheLab
from wslnet_lab.host.wire.decode import metadata_statements

STUBBED = frozenset({"NetTCPIP", "NetSecurity", "NetAdapter", "NetConnection"})
DEFAULTS = 8
_PROCESS = "System.Diagnostics.Process (process_api)"
# What the recording had no stand-in for.
_NOT_STUBBED = ("Find-NetRoute", "Get-NetFirewallHyperVPort", "Get-NetFirewallHyperVProfile")
_HEX = re.compile(r"_[0-9a-f]{32}")


@dataclass
class Recorder:
    """A sink that keeps everything."""

    outputs: list[object] = field(default_factory=list)
    errors: list[ErrorDetails] = field(default_factory=list)
    streams: list[list[str]] = field(default_factory=list)

    def output(self, value: object) -> None:
        self.outputs.append(value)

    def error(self, details: ErrorDetails) -> None:
        self.errors.append(details)

    def warning(self, text: str) -> None:
        self.streams.append(["WarningRecord", text])

    def remark(self, kind: Remark, text: str) -> None:
        self.streams.append([f"{kind.capitalize()}Record", text])

    def notice(self, record: Notice) -> None:
        assert isinstance(record, Information)
        self.streams.append(["InformationRecord", text_of(record.message)])

    def stopping(self) -> bool:
        return False


class Outside:
    def variable(self, name: str) -> str | None:
        return {"PATH": "/usr/bin", "HOME": "<home>"}.get(name.upper())

    def read(self, path: str) -> bytes | None:
        return b"root" if path == "/etc/passwd" else None

    def write(self, path: str, content: bytes) -> None:
        raise OSError(path, len(content))

    def registry_value(self, key: str, name: str) -> object:
        raise AssertionError(key, name)


class NoFiles:
    def text(self, module: str, name: str) -> str | None:
        del module, name


def _stub(call: BoundCall, _sink: Sink) -> Iterator[object]:
    signature = load_oracle("all").command(_HEX.sub("", call.command))
    assert signature is not None
    bound = {name: _shown(value) for name, value in call.parameters.items()}
    bound = {name: value for name, value in bound.items() if not signature.parameters[name].common}
    types = {name: signature.parameters[name].type.full_name for name in bound}
    notes = {
        "Command": call.command,
        "Set": call.parameter_set,
        "Bound": bound,
        "Types": types,
        "Name": "stub",
        "InterfaceAlias": "stubIf",
        "DestinationPrefix": "10.9.9.0/24",
    }
    yield PlainObject(("Stub.Result", "System.Object"), {}, notes)


def _shown(value: object) -> str:
    if isinstance(value, list):
        return "|".join(_shown(item) for item in value)
    return text_of(value)


def _get_process(call: BoundCall, _sink: Sink) -> Iterator[object]:
    for number in call.parameters["Id"]:  # type: ignore[attr-defined]  # the binder made a list of it
        yield PlainObject(("System.Diagnostics.Process",), {"Id": number}, to_string=_PROCESS)


def _test_path(_call: BoundCall, _sink: Sink) -> Iterator[object]:
    yield True


def _get_item(_call: BoundCall, _sink: Sink) -> Iterator[object]:
    yield PlainObject(("System.Collections.DictionaryEntry",), {"Key": "PATH", "Value": "/usr/bin"})


class StandIns:
    """`endpoint.session.World` over the stand-ins."""

    def __init__(self) -> None:
        registry = Registry()
        for signature in load_oracle("all").commands.values():
            if signature.module in STUBBED:
                registry.add(signature.name, _stub)
        registry.add("Get-Process", _get_process)
        registry.add("Test-Path", _test_path)
        registry.add("Get-Item", _get_item)
        windows = build_commands(registry, EngineSettings(reading="all"))
        known = {key: each for key, each in windows.oracle.commands.items() if each.name not in _NOT_STUBBED}
        self.windows = replace(windows, oracle=replace(windows.oracle, commands=known))
        self.files = NoFiles()
        self.outside = Outside()

    def native(self, path: str, arguments: list[str]) -> list[str]:
        if path != "/bin/echo":
            raise NotInTheLab(path)
        return [" ".join(arguments)]

    def start_script(self, path: str) -> str | None:
        del path

    def keeps_transcripts(self, folder: str) -> bool:
        return not folder.startswith("/proc/")


SESSION = Session(Identity("", "S-1-5-21-1-2-3-1001", admin=False), "case", no_language=True)


def sent(value: Any) -> object:
    """A value of a case as the host gets it."""
    if isinstance(value, list):
        return [sent(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "$t" in value:
        return value["v"] if value["$t"] in ("SBK", "G") else Number(value["$t"], value["v"])
    if "$switch" in value or "$enum" in value:
        return value["$switch"] if "$switch" in value else EnumValue(*value["$enum"])
    content = value["$obj"]
    if "dict" in content:
        return {key: sent(item) for key, item in content["dict"].items()}
    notes = {name: sent(item) for name, item in content["ms"].items()}
    return PlainObject(tuple(content["tn"]), {}, notes, content.get("str"))


def statements(send: dict[str, Any]) -> tuple[Statement, ...]:
    """What a case sends, as the host decodes it."""
    if "metadata" in send:
        return metadata_statements(send["metadata"]["name"], int(CommandTypes.All))
    rows = send.get("statements") or [send["pipe"]]
    # The client that made the recording loses a null on its way (psrp-facts 5).
    fed = tuple(sent(item) for item in send.get("input", ()) if item is not None)
    found: list[Statement] = []
    ends = send.get("redirect") is False
    for row in rows:
        commands = []
        for at, each in enumerate(row):
            arguments = tuple(Argument(name, sent(value)) for name, value in each.get("params", ()))
            piped = fed if at == 0 else ()
            commands.append(Invocation(each["cmd"], arguments, bool(each.get("script")), piped, ends))
        found.append(tuple(commands))
    return tuple(found)


def plain(value: object) -> Any:
    """An output as the cases write it."""
    match value:
        case PlainObject():
            held = {**value.properties, **value.notes}
            shown: dict[str, Any] = {key: plain(item) for key, item in held.items()}
            if value.type_names[0].endswith("HelpInfo"):
                shown = {"type": "help object", "about": held["Name"]}
            elif not value.type_names[0].endswith("PSCustomObject"):
                shown["type"] = value.type_names[0]
            return shown
        case EnumValue(name=held) | Number(value=held):
            return held
        case list():
            return [plain(item) for item in value]
        case dict():
            return {str(key): plain(item) for key, item in value.items()}
        case bool() | int() | float() | None:
            return value
    return str(value)


class Sessions:
    """Opens one session for each set of roles, as the recording did, and runs cases in it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._world = StandIns()
        self._engines: dict[tuple[str, ...], RestrictedEngine] = {}

    def open(self, pssc: str, roles: list[str]) -> tuple[RestrictedEngine, list[str]]:
        """The engine and the names that a client sees beside the eight."""
        configuration = read_configuration((self._folder / pssc).read_text("utf-8"))
        folder = self._folder / "JeaCases" / "RoleCapabilities"
        named = [name for role in roles for name in configuration.roles[f"CASE\\{role}"]]
        capabilities = [read_capability((folder / f"{name}.psrc").read_text("utf-8")) for name in named]
        opened = open_session(configuration, capabilities, self._world, SESSION)
        engine = RestrictedEngine(opened)
        self._engines[(pssc, *roles)] = engine
        visible = [name for name, _ in opened.commands.listed(hidden=False)]
        if "Get-Command" not in visible:
            # The recording asked Get-Command, which such a session has not (jea-facts H).
            visible = []
        return engine, sorted(visible)

    def outcome(self, case: dict[str, Any]) -> dict[str, Any]:
        """What happens, in the words of the cases."""
        pssc, roles, send = case["pssc"], case["roles"], case["send"]
        if send.get("open"):
            return self._opened(pssc, roles)
        try:
            engine = self._engines.get((pssc, *roles)) or self.open(pssc, roles)[0]
        except ConfigurationRefused:
            return {"state": "OpenFailed"}
        sink = Recorder()
        ended: Outcome = engine.run(statements(send), SESSION, sink)
        found: dict[str, Any] = {"state": ended.state}
        if sink.outputs:
            found["output"] = [plain(value) for value in sink.outputs]
        if sink.streams:
            found["streams"] = sink.streams
        if sink.errors:
            found["errors"] = [_id(details) for details in sink.errors]
        if ended.reason is not None:
            found["terminating"] = _id(ended.reason)
        return json.loads(_HEX.sub("_<32hex>", json.dumps(found)))  # type: ignore[no-any-return]  # JSON

    def _opened(self, pssc: str, roles: list[str]) -> dict[str, Any]:
        try:
            _, visible = self.open(pssc, roles)
        except ConfigurationRefused:
            return {"state": "OpenFailed"}
        except OpenFailed as error:
            return {"state": "OpenFailed", "terminating": _id(error.details), "pool_state": "Broken"}
        names = [_HEX.sub("_<32hex>", name) for name in visible]
        beyond = [name for name in names if name not in _DEFAULT_NAMES]
        found: dict[str, Any] = {"state": "Opened", "visible_beyond_default": beyond}
        found["default_commands"] = len(names) - len(beyond)
        return found


_DEFAULT_NAMES = frozenset(
    {
        *("Clear-Host", "Exit-PSSession", "Get-Command", "Get-FormatData"),
        *("Get-Help", "Measure-Object", "Out-Default", "Select-Object"),
    }
)


def _id(details: ErrorDetails) -> dict[str, str]:
    category = details.category.name.title().replace("_", "")
    return {"fqid": details.fqid, "category": category}


def differences(wanted: dict[str, Any], found: dict[str, Any]) -> list[str]:
    """Where an outcome is not the one of a case: state, output, records, ids and categories."""
    told = []
    if found["state"] != wanted["state"]:
        told.append(f"state {found['state']}")
    keys = ("visible_beyond_default", "default_commands", "streams")
    told += [f"{key} {found.get(key)}" for key in keys if wanted.get(key) != found.get(key)]
    pairs = [("terminating", wanted.get("terminating"), found.get("terminating"))]
    errors, ours = wanted.get("errors", []), found.get("errors", [])
    pairs += [("error", each, other) for each, other in zip(errors, ours, strict=False)]
    if len(errors) != len(ours):
        told.append(f"errors {ours}")
    for what, one, other in pairs:
        if (one is None) != (other is None) or (one and other and any(one[k] != other[k] for k in other)):
            told.append(f"{what} {other}")
    if "one_of" in wanted:
        if found.get("output") not in wanted["one_of"]:
            told.append(f"output {found.get('output')}")
    elif not _same_outputs(wanted.get("output", []), found.get("output", [])):
        told.append(f"output {found.get('output')}")
    return told


def _same_outputs(wanted: list[Any], found: list[Any]) -> bool:
    return len(wanted) == len(found) and all(map(_same, wanted, found))


def _same(wanted: Any, found: Any) -> bool:
    if not isinstance(wanted, dict) or not isinstance(found, dict):
        return bool(wanted == found)
    if isinstance(wanted.get("keys"), list):
        return wanted["keys"] == sorted(found)
    for key, value in wanted.items():
        if key in ("str", "keys", "has_definition_text"):
            continue
        other = found.get(key, "" if key == "type" else None)
        if key == "parameters":
            # ProgressAction came with 7.4; the lab's Windows has PowerShell 5.1 (jea-facts I).
            value, other = [each for each in value if each != "ProgressAction"], sorted(found["Parameters"])  # noqa: PLW2901 - the same value in our words
        if isinstance(value, dict) and isinstance(other, dict):
            if not _same(value, other) or (key != "Types" and value.keys() != other.keys()):
                return False
        elif value != other:
            return False
    return True


@pytest.fixture(scope="session")
def sessions() -> Callable[[Path], Sessions]:
    return Sessions


@pytest.fixture(scope="session")
def compare() -> Callable[[dict[str, Any], dict[str, Any]], list[str]]:
    return differences
