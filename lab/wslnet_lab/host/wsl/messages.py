"""The texts of wsl.exe by language. English always; zh-CN where a real text was seen (corpus/windows).

German only has the labels of `--version`. Other texts fall back to English, as an untranslated build does.
`{0}` … are filled in order. Texts marked in `_ENGLISH` as seen are from the corpus or the facts, the rest say
the same in the same pattern.
"""

# ruff: noqa: RUF001 - the Chinese texts have full-width colons, which is what makes them worth having
from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Message:
    """A text to be said in the reader's language."""

    kind: str
    arguments: tuple[str, ...] = ()


_ENGLISH: Mapping[str, str] = {
    # seen
    "config-unknown-key": "Unknown key '{0}' in {1}:{2}",
    "mirrored-windows": "Mirrored networking mode is not supported: Windows version {0} does not have "
    "the required features.\nFalling back to NAT networking.",
    "mirrored-unsupported": "Mirrored networking mode is not supported, falling back to NAT networking",
    "firewall-unsupported": "Hyper-V firewall is not supported",
    "network-fallback": "Failed to configure network (networkingMode {0}), "
    "falling back to networkingMode {1}.",
    "local-system": "Running WSL as local system is not supported.",
    "error-code": "Error code: {0}",
    # same pattern
    "config-duplicate": "Duplicated config key '{0}' in {1}:{2} (Conflicting key: '{3}' in {4}:{5})",
    "config-invalid-section": "Invalid section name in {1}:{2}",
    "config-invalid-key": "Invalid key name in {1}:{2}",
    "config-expected": "Expected '{0}' in {1}:{2}",
    "config-invalid-escape": "Invalid escaped character: '{0}' in {1}:{2}",
    "config-invalid-bool": "Invalid boolean value '{0}' for key '{1}' in {2}:{3}",
    "config-invalid-int": "Invalid integer value '{0}' for key '{1}' in {2}:{3}",
    "config-invalid-size": "Invalid memory string '{0}' for key '{1}' in {2}:{3}",
    "config-invalid-value": "Invalid value '{0}' for config key '{1}' in {2}:{3} (Valid values: {4})",
    "config-invalid-ip": "Invalid IP value '{0}' for key '{1}' in {2}:{3}",
    "config-unreadable": "Failed to open config file {0}, {1}",
    "localhost-forwarding": "wsl2.localhostForwarding has no effect when using mirrored networking mode",
    "mirrored-ipv6": "Mirrored networking mode is not supported: IPv6 is disabled in the registry.\n"
    "Falling back to NAT networking.",
    "mirrored-kernel": "Mirrored networking mode is not supported: the kernel does not have "
    "the required features.\nFalling back to NAT networking.",
    "policy-override": "The {0} setting was overridden by the computer's policy.",
    "nat-range": "Failed to create a network with address range: '{0}', a new range was created instead.",
    "no-kernel": "The custom kernel in {1} was not found: '{0}'.",
    "bad-mac": "Invalid MAC address '{0}' in {1}.",
    "vswitch-not-set": "Bridged networking needs wsl2.vmSwitch to be set.",
    "vswitch-not-found": "The VmSwitch '{0}' was not found.",
    "no-distro": "There is no distribution with the supplied name.",
    "no-default-distro": "Windows Subsystem for Linux has no installed distributions.",
    "none-running": "There are no running distributions.",
    "bad-argument": "Invalid command line argument: {0}",
    "missing-argument": "Command line argument {0} requires a value.",
    "user-not-found": "User not found.",
    "start-failed": "The virtual machine could not be started: {0}",
    "not-installed": "The Windows Subsystem for Linux is not installed.",
    "done": "The operation completed successfully.",
    "list-header": "Windows Subsystem for Linux Distributions:",
    "list-default": "{0} (Default)",
    "status-distro": "Default Distribution: {0}",
    "status-version": "Default Version: {0}",
    "version": "WSL version: {0}\nKernel version: {1}\nWSLg version: {2}\nMSRDC version: {3}\n"
    "Direct3D version: {4}\nDXCore version: {5}\nWindows version: {6}",
}
_CHINESE: Mapping[str, str] = {
    "config-unknown-key": "{1}:{2} 中的未知密钥 '{0}'",
    "mirrored-windows": "不支持镜像网络模式： Windows 版本 {0} 没有所需的功能。\n正在回退到 NAT 网络。",
    "status-distro": "默认分发: {0}",
    "status-version": "默认版本: {0}",
    "version": "WSL 版本： {0}\n内核版本： {1}\nWSLg 版本： {2}\nMSRDC 版本： {3}\nDirect3D 版本： {4}\n"
    "DXCore 版本： {5}\nWindows 版本： {6}",
}
_GERMAN: Mapping[str, str] = {
    "version": "WSL-Version: {0}\nKernelversion: {1}\nWSLg-Version: {2}\nMSRDC-Version: {3}\n"
    "Direct3D-Version: {4}\nDXCore-Version: {5}\nWindows-Version: {6}",
}
_TEXTS = {"en-us": _ENGLISH, "zh-cn": _CHINESE, "de-de": _GERMAN}


def say(message: Message, culture: str) -> str:
    """The text of a message in a culture, without a line end."""
    template = _TEXTS.get(culture.lower(), _ENGLISH).get(message.kind, _ENGLISH[message.kind])
    return template.format(*message.arguments)
