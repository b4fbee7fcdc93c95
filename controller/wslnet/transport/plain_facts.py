"""Facts of a machine without Python: a few fixed commands over SSH that only read, iproute2's or busybox's.

Nothing is changed this way: every other op is refused with the package to install. What these commands cannot
tell is null, with that reason.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from wslnet.model.change import Op, OpResult
from wslnet.model.families import MAIN_TABLE
from wslnet.transport.agent_text import clean
from wslnet.transport.ssh_diagnosis import output

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from wslnet.errors import Unsupported
    from wslnet.transport.carrier import Shell

_FAMILIES = {"inet": 4, "inet6": 6}
_PROTOCOLS = {"redirect": 1, "kernel": 2, "boot": 3, "static": 4, "ra": 9, "dhcp": 16}
_FORWARD = "net.ipv4.ip_forward"


def answer(shell: Shell, ops: Sequence[Op], why: Unsupported) -> tuple[OpResult, ...]:
    """The results of ops that ask for facts, in order.

    Raises:
        Unsupported: `why`, for any other op: it names the package to install.
        Unreachable: the connection broke.
    """
    if any(op.verb != "facts" for op in ops):
        raise why
    return tuple(OpResult(value=clean(_facts(shell, op, why.message))) for op in ops)


def _facts(shell: Shell, op: Op, why: str) -> dict[str, object]:
    needs = op.args.get("needs")
    wanted = [str(name) for name in needs] if isinstance(needs, list) else []
    found: dict[str, object] = {name: _READERS[name](shell) for name in wanted if name in _READERS}
    unknown = [name for name in wanted if name not in _READERS]
    errors = {name: {"code": "tool-missing", "message": why} for name in unknown}
    return {**found, **dict.fromkeys(unknown), **({"errors": errors} if errors else {})}


def _text(shell: Shell, *argv: str) -> str:
    return output(shell, argv).decode("utf-8", "replace")


def _identity(shell: Shell) -> object:
    files = ("hostname", "osrelease", "random/boot_id")
    hostname, kernel, boot_id = (_text(shell, "cat", f"/proc/sys/kernel/{one}").strip() for one in files)
    uid = _text(shell, "id", "-u").strip()
    number = int(uid) if uid.isdigit() else -1
    return {"hostname": hostname, "kernel": kernel, "boot_id": boot_id, "python": "", "uid": number}


def links_of(text: str) -> Iterator[dict[str, object]]:
    """Links as `ip -o link` prints them."""
    for line in text.splitlines():
        found = re.match(r"(\d+): ([^:@\s]+)(?:@\S+)?: <([^>]*)> mtu (\d+)", line)
        if found is not None:
            flags = found[3].split(",")
            yield {
                "index": int(found[1]),
                "name": found[2],
                "mac": _after(line.split(), "link/ether"),
                "mtu": int(found[4]),
                "up": "UP" in flags,
                "carrier": "LOWER_UP" in flags,
                "master": _after(line.split(), "master"),
                "flags": flags,
            }


def addresses_of(text: str) -> Iterator[dict[str, object]]:
    """Addresses as `ip -o addr` prints them."""
    for words in (line.split() for line in text.splitlines()):
        place = next((at for at, word in enumerate(words) if word in _FAMILIES), None)
        if place is not None and "/" in words[place + 1]:
            address, _, prefix = words[place + 1].partition("/")
            family, scope = _FAMILIES[words[place]], _after(words, "scope") or "global"
            link = words[1].rstrip(":")
            yield {"link": link, "family": family, "address": address, "prefix": int(prefix), "scope": scope}


def routes_of(text: str) -> Iterator[dict[str, object]]:
    """IPv4 routes of the main table as `ip route` prints them."""
    for words in (line.split() for line in text.splitlines() if line[:1] not in {" ", "\t", ""}):
        proto = _after(words, "proto") or "boot"
        yield {
            "family": 4,
            "dst": words[0] if "/" in words[0] or words[0] == "default" else f"{words[0]}/32",
            "via": _after(words, "via"),
            "dev": _after(words, "dev"),
            "table": MAIN_TABLE,
            "proto": int(proto) if proto.isdigit() else _PROTOCOLS.get(proto, 0),
            "metric": int(_after(words, "metric") or 0),
            "src": _after(words, "src"),
            "scope": _after(words, "scope") or "global",
        }


def _after(words: Sequence[str], word: str) -> str | None:
    return next((value for one, value in pairwise(words) if one == word), None)


def _sysctls(shell: Shell) -> object:
    value = _text(shell, "cat", "/proc/sys/net/ipv4/ip_forward").strip()
    return {_FORWARD: value} if value else {}


_READERS: dict[str, Callable[[Shell], object]] = {
    "identity": _identity,
    "links": lambda shell: list(links_of(_text(shell, "ip", "-o", "link"))),
    "addresses": lambda shell: list(addresses_of(_text(shell, "ip", "-o", "addr"))),
    "routes": lambda shell: list(routes_of(_text(shell, "ip", "route"))),
    "sysctls": _sysctls,
}
