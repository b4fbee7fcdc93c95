"""The texts of wsl.exe by language: English and zh-CN in full, German only the labels of `--version`.

What a language lacks falls back to English, as an untranslated build does. `{0}` … are filled in order. Texts
marked as seen are from the corpus or the facts, the rest say the same in the same pattern.
"""

# ruff: noqa: RUF001 - the Chinese texts have full-width signs, which is what makes them worth having
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
    "nat-address": "Failed to give the virtual machine the address '{0}', a new one was assigned instead.",
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
    "not-elevated": "Updating the Windows Subsystem for Linux requires elevation.",
    "up-to-date": "The most recent version of Windows Subsystem for Linux is already installed.",
    "updating": "Updating Windows Subsystem for Linux to version: {0}.",
    "not-installed": "The Windows Subsystem for Linux is not installed.",
    "done": "The operation completed successfully.",
    "list-header": "Windows Subsystem for Linux Distributions:",
    "list-default": "{0} (Default)",
    "status-distro": "Default Distribution: {0}",
    "status-version": "Default Version: {0}",
    "status-no-wsl1": "WSL1 is not supported with your current machine configuration.\n"
    'Please enable the "Windows Subsystem for Linux" optional component to use WSL1.',
    "version": "WSL version: {0}\nKernel version: {1}\nWSLg version: {2}\nMSRDC version: {3}\n"
    "Direct3D version: {4}\nDXCore version: {5}\nWindows version: {6}",
}
_CHINESE: Mapping[str, str] = {
    # seen
    "config-unknown-key": "{1}:{2} 中的未知密钥 '{0}'",
    "mirrored-windows": "不支持镜像网络模式： Windows 版本 {0} 没有所需的功能。\n正在回退到 NAT 网络。",
    "status-distro": "默认分发: {0}",
    "status-version": "默认版本: {0}",
    "status-no-wsl1": "当前计算机配置不支持 WSL1。\n"
    "若要使用 WSL1，请启用“Windows Subsystem for Linux”可选组件。",
    "version": "WSL 版本： {0}\n内核版本： {1}\nWSLg 版本： {2}\nMSRDC 版本： {3}\nDirect3D 版本： {4}\n"
    "DXCore 版本： {5}\nWindows 版本： {6}",
    # same pattern
    "mirrored-unsupported": "不支持镜像网络模式，正在回退到 NAT 网络",
    "firewall-unsupported": "不支持 Hyper-V 防火墙",
    "network-fallback": "无法配置网络(networkingMode {0})，正在回退到 networkingMode {1}。",
    "local-system": "不支持以本地系统身份运行 WSL。",
    "error-code": "错误代码: {0}",
    "config-duplicate": "{1}:{2} 中的重复配置密钥 '{0}'(冲突密钥: {4}:{5} 中的 '{3}')",
    "config-invalid-section": "{1}:{2} 中的节名称无效",
    "config-invalid-key": "{1}:{2} 中的密钥名称无效",
    "config-expected": "{1}:{2} 中应为 '{0}'",
    "config-invalid-escape": "{1}:{2} 中的转义字符无效: '{0}'",
    "config-invalid-bool": "{2}:{3} 中密钥 '{1}' 的布尔值 '{0}' 无效",
    "config-invalid-int": "{2}:{3} 中密钥 '{1}' 的整数值 '{0}' 无效",
    "config-invalid-size": "{2}:{3} 中密钥 '{1}' 的内存字符串 '{0}' 无效",
    "config-invalid-value": "{2}:{3} 中配置密钥 '{1}' 的值 '{0}' 无效(有效值: {4})",
    "config-invalid-ip": "{2}:{3} 中密钥 '{1}' 的 IP 值 '{0}' 无效",
    "config-unreadable": "无法打开配置文件 {0}，{1}",
    "localhost-forwarding": "使用镜像网络模式时，wsl2.localhostForwarding 不起作用",
    "mirrored-ipv6": "不支持镜像网络模式： 注册表中已禁用 IPv6。\n正在回退到 NAT 网络。",
    "mirrored-kernel": "不支持镜像网络模式： 内核没有所需的功能。\n正在回退到 NAT 网络。",
    "policy-override": "设置 {0} 已被计算机策略覆盖。",
    "nat-range": "无法创建地址范围为 '{0}' 的网络，已改为创建新的范围。",
    "nat-address": "无法为虚拟机分配地址 '{0}'，已改为分配新的地址。",
    "no-kernel": "找不到 {1} 中指定的自定义内核: '{0}'。",
    "bad-mac": "{1} 中的 MAC 地址 '{0}' 无效。",
    "vswitch-not-set": "桥接网络需要设置 wsl2.vmSwitch。",
    "vswitch-not-found": "找不到 VmSwitch '{0}'。",
    "no-distro": "不存在具有所提供名称的分发。",
    "no-default-distro": "适用于 Linux 的 Windows 子系统没有已安装的分发。",
    "none-running": "没有正在运行的分发。",
    "bad-argument": "命令行参数无效: {0}",
    "missing-argument": "命令行参数 {0} 需要值。",
    "user-not-found": "找不到用户。",
    "start-failed": "无法启动虚拟机: {0}",
    "not-elevated": "更新适用于 Linux 的 Windows 子系统需要提升权限。",
    "up-to-date": "已安装最新版本的适用于 Linux 的 Windows 子系统。",
    "updating": "正在将适用于 Linux 的 Windows 子系统更新到版本: {0}。",
    "not-installed": "未安装适用于 Linux 的 Windows 子系统。",
    "done": "操作成功完成。",
    "list-header": "适用于 Linux 的 Windows 子系统分发:",
    "list-default": "{0} (默认)",
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
