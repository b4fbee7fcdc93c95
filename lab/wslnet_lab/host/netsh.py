"""netsh.exe: `interface portproxy add|set|delete|show|reset`, port ranges of `interface ipv4`, no more.

Input is the same in every language, what it prints is not (windows-facts 3). Tables and messages in Chinese
are as real machines print them; other languages see English.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet_lab.host.contract import Identity, NativeOutcome
from wslnet_lab.host.port_proxy import PortProxy, ProxyRule

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from wslnet_lab.host.state import MachineState

_RULE_TAGS = ("listenport", "connectaddress", "connectport", "listenaddress", "protocol")
_DELETE_TAGS = ("listenport", "listenaddress", "protocol")
_DYNAMIC_TAGS = ("startport", "numberofports")
_KINDS = frozenset({"v4tov4", "v4tov6", "v6tov4", "v6tov6"})
_HIGHEST_PORT = 65535
_LOWEST_DYNAMIC, _FEWEST_DYNAMIC = 1024, 255
_TEXTS = {
    "not-found": ("The following command was not found: {0}.", "找不到下列命令: {0}。"),
    "elevation": (
        "The requested operation requires elevation (Run as administrator).",
        "请求的操作需要提升(作为管理员运行)。",
    ),
    "syntax": (
        "The syntax supplied for this command is not valid. Check help for the correct syntax.",
        "此命令提供的语法无效。请查看帮助以获取正确的语法信息。",
    ),
    "parameter": ("The parameter is incorrect.", "参数错误。"),
    "no-rule": ("The system cannot find the file specified.", "系统找不到指定的文件。"),
    "dynamic": ("Protocol {0} Dynamic Port Range", "协议 {0} 动态端口范围"),
    "start": ("Start Port      : ", "启动端口        : "),
    "number": ("Number of Ports : ", "端口数          : "),
    "excluded": ("Protocol {0} Port Exclusion Ranges", "协议 {0} 端口排除范围"),
    "ends": ("Start Port    End Port      ", "开始端口    结束端口      "),
    "star": ("* - Administered port exclusions.", "* - 管理的端口排除。"),
    "direction": ("Listen on ipv4:             Connect to ipv4:", "侦听 ipv4:                 连接到 ipv4:"),
    "columns": (
        "Address         Port        Address         Port",
        "地址            端口        地址            端口",
    ),
}


class NetshError(Exception):
    """What netsh prints before it ends with 1: the key of a text and what goes into it."""

    def __init__(self, text: str, *arguments: str) -> None:
        super().__init__(text)
        self.text = text
        self.arguments = arguments


class Netsh:
    """The program."""

    def __init__(self, state: MachineState, proxy: PortProxy) -> None:
        self._state = state
        self._proxy = proxy

    def run(self, argv: tuple[str, ...], identity: Identity) -> NativeOutcome:
        """Runs one command; 0 or 1."""
        try:
            lines = self._act(argv[1:], identity)
        except NetshError as error:
            return NativeOutcome(1, self._encode([self._text(error.text, *error.arguments), ""]), b"")
        return NativeOutcome(0, self._encode(lines), b"")

    def _act(self, words: tuple[str, ...], identity: Identity) -> list[str]:
        lowered = [word.lower() for word in words]
        if lowered[:1] in (["interface"], ["int"]) and lowered[1:3] in (["ipv4", "show"], ["ip", "show"]):
            return self._ranges(lowered[3:])
        if lowered[:1] in (["interface"], ["int"]) and lowered[1:4] == ["ipv4", "set", "dynamicport"]:
            return self._move(lowered[4:], identity)
        if lowered[:1] not in (["interface"], ["int"]) or lowered[1:2] != ["portproxy"]:
            raise NetshError("not-found", " ".join(words))
        verb, kind = [*lowered[2:4], "", ""][:2]
        if verb == "show" and kind in {"all", "v4tov4"}:
            return self._table()
        changes = {"add": self._put, "set": self._put, "delete": self._delete}
        if verb != "reset" and (verb not in changes or kind not in _KINDS):
            raise NetshError("not-found", " ".join(words))
        if not identity.admin and not identity.system:
            raise NetshError("elevation")
        if verb == "reset":
            for rule in self._proxy.rules():
                self._proxy.delete(rule.listen_address, rule.listen_port)
        elif kind != "v4tov4":
            raise NetshError("parameter")
        else:
            changes[verb](words[4:])
        self._proxy.reread()
        return [""]

    def _ranges(self, words: Sequence[str]) -> list[str]:
        """What Windows keeps from programs, or gives to outgoing connections."""
        what, proto = words[0] if words else "", words[-1].rpartition("=")[2] if words else ""
        if len(words) != len(("what", "protocol")) or proto not in {"tcp", "udp"}:
            raise NetshError("syntax")
        own = self._state.settings
        if what == "dynamicport":
            first, last = own.dynamic_ports[proto]
            rows = [f"{self._text('start')}{first}", f"{self._text('number')}{last - first + 1}"]
            return ["", self._text("dynamic", proto), "-" * 33, *rows, ""]
        if what != "excludedportrange":
            raise NetshError("not-found", " ".join(words))
        rows = [
            f"{first:10}  {last:10}     {'*' if administered else ''}"
            for first, last, administered in self._state.excluded_ports(proto)
        ]
        head = ["", self._text("excluded", proto), "", self._text("ends"), "----------    --------      "]
        return [*head, *rows, "", self._text("star"), ""]

    def _move(self, words: Sequence[str], identity: Identity) -> list[str]:
        """Other dynamic ports: below 1024 and fewer than 255 there cannot be any."""
        proto = words[0].rpartition("=")[2] if words else ""
        given = _tags([_in_full(word) for word in words[1:]], _DYNAMIC_TAGS)
        if proto not in {"tcp", "udp"} or len(given) != len(_DYNAMIC_TAGS):
            raise NetshError("syntax")
        if not identity.admin and not identity.system:
            raise NetshError("elevation")
        first, number = _port(given, "startport"), _port(given, "numberofports")
        if first < _LOWEST_DYNAMIC or number < _FEWEST_DYNAMIC or first + number - 1 > _HIGHEST_PORT:
            raise NetshError("parameter")
        self._state.move_dynamic_ports(proto, first, first + number - 1)
        return [""]

    def _put(self, words: Sequence[str]) -> None:
        given = _tags(words, _RULE_TAGS)
        if "connectaddress" not in given:
            raise NetshError("syntax")
        port = _port(given)
        target_port = _port(given, "connectport") if "connectport" in given else port
        self._proxy.write(
            ProxyRule(given.get("listenaddress", "*"), port, given["connectaddress"], target_port)
        )

    def _delete(self, words: Sequence[str]) -> None:
        given = _tags(words, _DELETE_TAGS)
        if not self._proxy.delete(given.get("listenaddress", "*"), _port(given)):
            raise NetshError("no-rule")

    def _table(self) -> list[str]:
        rows = [_row(rule) for rule in self._proxy.rules()]
        if not rows:
            return [""]
        ruler = "--------------- ----------  --------------- ----------"
        return ["", self._text("direction"), "", self._text("columns"), ruler, *rows, ""]

    def _text(self, key: str, *arguments: str) -> str:
        return _TEXTS[key][self._state.culture() == "zh-CN"].format(*arguments)

    def _encode(self, lines: list[str]) -> bytes:
        # The code page of the console, as old programs use it.
        page = "gbk" if self._state.culture() == "zh-CN" else "cp437"
        return "".join(f"{line}\r\n" for line in lines).encode(page, "replace")


def _row(rule: ProxyRule) -> str:
    listening = f"{rule.listen_address:<15} {rule.listen_port:<10}"
    return f"{listening}  {rule.connect_address:<15} {rule.connect_port}"


def _in_full(word: str) -> str:
    """A word whose tag is cut short, as netsh lets it be, with the whole tag."""
    tag, equals, value = word.partition("=")
    name = next((one for one in _DYNAMIC_TAGS if equals and tag and one.startswith(tag)), tag)
    return f"{name}{equals}{value}"


def _tags(words: Sequence[str], names: tuple[str, ...]) -> dict[str, str]:
    """`tag=value` words, and bare values in the order of `names`."""
    given: dict[str, str] = {}
    for position, word in enumerate(words):
        tag, equals, value = word.partition("=")
        name = tag.lower() if equals else names[position] if position < len(names) else ""
        if name not in names or name in given:
            raise NetshError("syntax")
        given[name] = value if equals else word
    if given.get("protocol", "tcp").lower() != "tcp":
        raise NetshError("parameter")
    return given


def _port(given: Mapping[str, str], name: str = "listenport") -> int:
    if name not in given:
        raise NetshError("syntax")
    text = given[name]
    if not text.isdecimal() or not 0 < int(text) <= _HIGHEST_PORT:
        raise NetshError("parameter")
    return int(text)
