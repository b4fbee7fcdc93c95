"""The IP Helper service's port proxy: listens for the rules that it was told, carries TCP (windows-facts 3).

Started with the path of Windows' network namespace. Each line of standard input is a JSON list of all rules,
`[listen address, port, connect address, port]`, and is answered by a line that says which of them listen. It
ends with its standard input. A rule that could not listen is tried again at the next line.
"""

from __future__ import annotations

import asyncio
import functools
import ipaddress
import json
import os
import socket
import sys

from wslnet_lab import syscalls
from wslnet_lab.relay import tcp

_ANY = "0.0.0.0"
_LINE_LIMIT = 1 << 20

Rule = tuple[str, int, str, int]


class PortProxy:
    """The rules that listen."""

    def __init__(self) -> None:
        self._servers: dict[Rule, asyncio.Server] = {}

    async def tell(self, rules: list[Rule]) -> list[bool]:
        """Makes `rules` the ones in force; gives which of them listen."""
        for gone in self._servers.keys() - set(rules):
            self._servers.pop(gone).close()
        for rule in rules:
            if rule not in self._servers and (server := await _start(rule)) is not None:
                self._servers[rule] = server
        return [rule in self._servers for rule in rules]


async def _start(rule: Rule) -> asyncio.Server | None:
    address, port, target, target_port = rule
    # Names are for Windows to resolve; this network has no name server, so such a rule leads nowhere.
    if not _is_ipv4(target):
        return None
    where = _ANY if address == "*" else address
    listening = tcp.bind(socket.AF_INET, where, port, alone=where != _ANY) if _is_ipv4(where) else None
    if listening is None:
        return None
    return await tcp.serve(listening, functools.partial(_dial, target, target_port))


async def _dial(address: str, port: int) -> socket.socket:
    far = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    far.setblocking(False)  # noqa: FBT003 - the method's own signature
    try:
        await asyncio.get_running_loop().sock_connect(far, (address, port))
    except BaseException:
        far.close()
        raise
    return far


def _is_ipv4(text: str) -> bool:
    try:
        ipaddress.IPv4Address(text)
    except ValueError:
        return False
    return True


async def _main() -> None:
    told = asyncio.StreamReader(limit=_LINE_LIMIT)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(told), sys.stdin)
    proxy = PortProxy()
    while line := await told.readline():
        rules: list[Rule] = [(row[0], row[1], row[2], row[3]) for row in json.loads(line)]
        sys.stdout.write(json.dumps(await proxy.tell(rules)) + "\n")
        sys.stdout.flush()


def main() -> None:
    """Runs until standard input ends."""
    windows = os.open(sys.argv[1], os.O_RDONLY | os.O_CLOEXEC)
    syscalls.setns(windows, syscalls.CLONE_NEWNET)
    syscalls.name_process("svchost")
    asyncio.run(_main())


if __name__ == "__main__":
    main()
