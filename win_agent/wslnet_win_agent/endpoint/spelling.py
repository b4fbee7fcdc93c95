"""One typed call, two spellings: a checked statement as the function of the same meaning on the endpoint.

It only translates what `send` has already let through, and refuses what the endpoint has no function for.
"""

from __future__ import annotations

import base64
import ntpath
from types import MappingProxyType
from typing import TYPE_CHECKING

from wslnet_win_agent import registry
from wslnet_win_agent.boot.task import FOLDER
from wslnet_win_agent.call import Call
from wslnet_win_agent.calls.firewall import WSL_CREATOR
from wslnet_win_agent.errors import CallRefused
from wslnet_win_agent.send import Statement

from .offer import PROBE, READS
from .own_files import MADE, MOVED, MOVED_TO, NO_ID, READ, REMOVED, WRITTEN, kind_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from wslnet_win_agent.crossing import Value

_PLAIN = frozenset(name for names in READS.values() for name in names)
_KEYS: Mapping[str, str] = {
    registry.CURRENT_VERSION: "windows",
    registry.IPV6_PARAMETERS: "ipv6",
    registry.FIREWALL_PARAMETERS: "firewall",
    registry.HOST_RULES["Local"]: "host-rules",
    registry.HOST_RULES["GroupPolicy"]: "host-rules-policy",
    registry.WSL_POLICIES: "wsl-policies",
    registry.WSL_MSI: "wsl-program",
    registry.WSL_USER: "wsl-user",
    registry.FOR_ADMINISTRATORS: "administrators",
    **{path: family for family, path in registry.PORTPROXY.items()},
}
_KINDS = {".wslconfig": "file", ".wslconfig.wslnet-tmp": "draft", ".wslconfig.wslnet-bak": "backup"}
_TASKS = frozenset({"network", "wsl", "programs"})
_COMMON = frozenset({"ErrorAction"})
_PROFILE = ["Env:\\USERPROFILE"]

Parameters = dict[str, "Value"]


def probe() -> Call:
    """What asks a session which spelling it takes; what is not there is an error each, and no harm."""
    return Call("Get-Command", {"Name": list(PROBE)})


def is_constrained(names: Collection[object]) -> bool:
    """Say by the answer's names whether the session is the constrained endpoint."""
    function, cmdlet = PROBE
    return function in names and cmdlet not in names


def spelled(statement: Statement) -> Statement:
    """Give the statement as the endpoint takes it; a plain read stays as it is.

    Raises:
        CallRefused: the endpoint offers nothing of that meaning.
    """
    if statement.cmdlet in _PLAIN:
        return statement
    own = dict(statement.parameters)
    common = {name: own.pop(name) for name in _COMMON & own.keys()}
    own.pop("Confirm", None)  # the function never asks
    translate = _FUNCTIONS.get(statement.cmdlet)
    if translate is None:
        raise CallRefused(f"the constrained endpoint has nothing for {statement.cmdlet}")
    name, parameters = translate(own)
    return Statement(name, MappingProxyType({**parameters, **common}))


def _one(own: Parameters, name: str) -> Value:
    """A selector that Windows takes as a list of one."""
    value = own[name]
    if isinstance(value, list):
        if len(value) != 1:
            raise CallRefused(f"the constrained endpoint takes one {name} at a time")
        return value[0]
    return value


def _only_wsl(own: Parameters, name: str) -> None:
    if str(_one(own, name)).upper() != WSL_CREATOR:
        raise CallRefused("the constrained endpoint changes nothing but WSL's own firewall")


def _forwarding(own: Parameters) -> tuple[str, Parameters]:
    keys = {name: _one(own, name) for name in ("InterfaceIndex", "AddressFamily")}
    return "Set-WslnetForwarding", {**keys, "Forwarding": own["Forwarding"]}


def _new_rule(own: Parameters) -> tuple[str, Parameters]:
    _only_wsl(own, "VMCreatorId")
    return "New-WslnetHyperVRule", {name: value for name, value in own.items() if name != "VMCreatorId"}


def _remove_rule(own: Parameters) -> tuple[str, Parameters]:
    return "Remove-WslnetHyperVRule", {"Name": _one(own, "Name")}


def _setting(verb: str) -> Callable[[Parameters], tuple[str, Parameters]]:
    def translate(own: Parameters) -> tuple[str, Parameters]:
        _only_wsl(own, "Name")
        values = {name: value for name, value in own.items() if name != "Name"}
        return f"{verb}-WslnetHyperVSetting", values

    return translate


def _registry(own: Parameters) -> tuple[str, Parameters]:
    paths = own["LiteralPath"]
    unknown = [path for path in paths if path not in _KEYS] if isinstance(paths, list) else [paths]
    if unknown:
        raise CallRefused(f"the constrained endpoint does not read {unknown[0]!r}")
    return "Get-WslnetRegistry", {"Key": [_KEYS[str(path)] for path in paths]}  # type: ignore[union-attr]  # a list


def _item(own: Parameters) -> tuple[str, Parameters]:
    if own["LiteralPath"] == _PROFILE:
        return "Get-WslnetUserProfile", {}
    if (found := _file(own, "LiteralPath")) is not None:
        return "Get-WslnetFileItem", _named(found)
    return "Get-WslnetConfigItem", {"Kind": _kind(own, "LiteralPath")}


def _content(own: Parameters) -> tuple[str, Parameters]:
    if (found := _file(own, "LiteralPath")) is not None:
        return "Get-WslnetFileContent", _named(found)
    return "Get-WslnetConfigContent", {"Kind": _kind(own, "LiteralPath")}


def _write(own: Parameters) -> tuple[str, Parameters]:
    found = _file(own, "LiteralPath", WRITTEN)
    if found is None:
        _must_be(own, "LiteralPath", "draft")
    value = own["Value"]
    if not isinstance(value, bytes) or not value:
        raise CallRefused("the constrained endpoint writes no empty file")
    content: Parameters = {"Content": base64.b64encode(value).decode()}
    if found is not None:
        return "Set-WslnetFile", _named(found) | content
    return "Set-WslnetConfigDraft", content


def _new(own: Parameters) -> tuple[str, Parameters]:
    found = _file(own, "Path", MADE)
    if found is None or own.get("ItemType") != "File":
        raise CallRefused(f"the constrained endpoint does not make {_one(own, 'Path')!r}")
    return "New-WslnetFile", _named(found) | {"Text": own["Value"]}


def _copy(own: Parameters) -> tuple[str, Parameters]:
    _must_be(own, "LiteralPath", "file")
    _must_be(own, "Destination", "backup")
    return "Copy-WslnetConfig", {"To": "backup"}


def _move(own: Parameters) -> tuple[str, Parameters]:
    if (found := _file(own, "LiteralPath", MOVED)) is not None:
        return _moved(own, found)
    _must_be(own, "LiteralPath", "draft")
    _must_be(own, "Destination", "file")
    return "Publish-WslnetConfig", {"From": "draft"}


def _moved(own: Parameters, found: tuple[str, str]) -> tuple[str, Parameters]:
    """A lock that changes its name; on the endpoint there is one id for both names, and no taking over."""
    target = _file(own, "Destination", MOVED_TO)
    ids = {each for _, each in (found, target or found) if each != NO_ID}
    if target is None or len(ids) != 1 or own.get("Force"):
        raise CallRefused(f"the constrained endpoint does not move anything to {own['Destination']!r}")
    return "Move-WslnetFile", {"From": found[0], "To": target[0], "Id": ids.pop()}


def _remove(own: Parameters) -> tuple[str, Parameters]:
    if (found := _file(own, "LiteralPath", REMOVED)) is not None:
        return "Remove-WslnetFile", _named(found)
    return "Remove-WslnetConfig", {"Kind": _kind(own, "LiteralPath")}


def _start(own: Parameters) -> tuple[str, Parameters]:
    if own["TaskName"] not in _TASKS or own["TaskPath"] != FOLDER:
        raise CallRefused(f"the constrained endpoint does not start the task {own['TaskName']!r}")
    return "Start-WslnetTask", {"Name": own["TaskName"]}


def _file(own: Parameters, name: str, kinds: Collection[str] = READ) -> tuple[str, str] | None:
    """Kind and id of a file that is not `.wslconfig`; None for others, and for kinds that are not `kinds`."""
    found = kind_of(str(_one(own, name)))
    return found if found is not None and found[0] in kinds else None


def _named(found: tuple[str, str]) -> Parameters:
    return {"Kind": found[0], "Id": found[1]}


def _kind(own: Parameters, name: str) -> str:
    """The endpoint derives the folder itself, from who is connected; only the file's name is looked at."""
    path = str(_one(own, name))
    kind = _KINDS.get(ntpath.basename(path).lower())
    if kind is None:
        raise CallRefused(f"the constrained endpoint does not touch {path}")
    return kind


def _must_be(own: Parameters, name: str, kind: str) -> None:
    if _kind(own, name) != kind:
        raise CallRefused(f"the constrained endpoint does not do this with {own[name]!r}")


_FUNCTIONS: Mapping[str, Callable[[Parameters], tuple[str, Parameters]]] = {
    "Copy-Item": _copy,
    "Get-Content": _content,
    "Get-Item": _item,
    "Get-ItemProperty": _registry,
    "Move-Item": _move,
    "New-Item": _new,
    "New-NetFirewallHyperVRule": _new_rule,
    "New-NetFirewallHyperVVMSetting": _setting("New"),
    "Remove-Item": _remove,
    "Remove-NetFirewallHyperVRule": _remove_rule,
    "Set-Content": _write,
    "Set-NetFirewallHyperVVMSetting": _setting("Set"),
    "Set-NetIPInterface": _forwarding,
    "Start-ScheduledTask": _start,
}
