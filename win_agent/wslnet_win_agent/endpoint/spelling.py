"""One typed call, two spellings: a checked statement as the function of the same meaning on the endpoint.

It only translates what `send` has already let through, and refuses what the endpoint has no function for.
"""

from __future__ import annotations

import base64
import ntpath
from types import MappingProxyType
from typing import TYPE_CHECKING

from wslnet_win_agent import registry
from wslnet_win_agent.call import Call
from wslnet_win_agent.calls.firewall import WSL_CREATOR
from wslnet_win_agent.errors import CallRefused
from wslnet_win_agent.send import Statement

from .offer import PROBE, READS

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
    return "Get-WslnetConfigItem", {"Kind": _kind(own, "LiteralPath")}


def _content(own: Parameters) -> tuple[str, Parameters]:
    return "Get-WslnetConfigContent", {"Kind": _kind(own, "LiteralPath")}


def _write(own: Parameters) -> tuple[str, Parameters]:
    _must_be(own, "LiteralPath", "draft")
    value = own["Value"]
    if not isinstance(value, bytes) or not value:
        raise CallRefused("the constrained endpoint writes no empty file")
    return "Set-WslnetConfigDraft", {"Content": base64.b64encode(value).decode()}


def _copy(own: Parameters) -> tuple[str, Parameters]:
    _must_be(own, "LiteralPath", "file")
    _must_be(own, "Destination", "backup")
    return "Copy-WslnetConfig", {"To": "backup"}


def _move(own: Parameters) -> tuple[str, Parameters]:
    _must_be(own, "LiteralPath", "draft")
    _must_be(own, "Destination", "file")
    return "Publish-WslnetConfig", {"From": "draft"}


def _remove(own: Parameters) -> tuple[str, Parameters]:
    return "Remove-WslnetConfig", {"Kind": _kind(own, "LiteralPath")}


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
    "New-NetFirewallHyperVRule": _new_rule,
    "New-NetFirewallHyperVVMSetting": _setting("New"),
    "Remove-Item": _remove,
    "Remove-NetFirewallHyperVRule": _remove_rule,
    "Set-Content": _write,
    "Set-NetFirewallHyperVVMSetting": _setting("Set"),
    "Set-NetIPInterface": _forwarding,
}
