"""portproxy rules: written by netsh, which tells iphlpsvc of them, and read back from the registry.

A rule that is only in the registry has no effect (windows-facts 3). netsh takes the same words in every
language, what it prints is not looked at. Never `reset`: it takes everybody's rules.
"""

from __future__ import annotations

import ipaddress
import time
from typing import TYPE_CHECKING

from wslnet_win_agent import registry
from wslnet_win_agent.calls import files, network
from wslnet_win_agent.errors import WindowsAgentError
from wslnet_win_agent.facts.network import listeners
from wslnet_win_agent.facts.port_proxy import portproxy

if TYPE_CHECKING:
    from wslnet_win_agent.host import Host

    from .arguments import Arguments

NETSH = r"C:\Windows\System32\netsh.exe"
_TIMEOUT_S = 20.0
_HEARD_WITHIN_S = 2.0
_FREE_WITHIN_S = 5.0
_LOOK_EVERY_S = 0.25
_FAMILY = "v4tov4"
_ANY = "*"
_LAST_PORT = 65535


def put(host: Host, arguments: Arguments) -> dict[str, object]:
    """Put a rule there, over one with the same listener, and give the service a moment to listen for it.

    A new one first gives who listens there a moment to go: WSL's relay does so after its server in WSL.
    `heard` in the answer: whether somebody does. That is not this op's to demand: the service may be stopped,
    and a rule that is put back had nobody either.

    Raises:
        WindowsAgentError: `not-permitted` without an administrator's rights, `failed` when it reads back
            otherwise.
    """
    listener = _listener(arguments)
    goal = {
        "connect_address": _address(arguments, "connect_address"),
        "connect_port": _port(arguments, "connect_port"),
    }
    words = [f"connectaddress={goal['connect_address']}", f"connectport={goal['connect_port']}"]
    if _found(host, listener) is None:
        _await_free(host, listener)
    _netsh(host, "set", [*_words(listener), *words])
    found = _found(host, listener)
    if found is None or any(found[key] != value for key, value in goal.items()):
        raise _unwritten(host, f"portproxy {listener[0]}:{listener[1]} was written and is not there")
    return {"after": {"there": True, "heard": _is_heard(host, listener[1])}}


def remove(host: Host, arguments: Arguments) -> dict[str, object]:
    """Remove the rule with this listener.

    Raises:
        WindowsAgentError: `not-found`; `not-permitted`; `failed` when it is still there.
    """
    listener = _listener(arguments)
    if _found(host, listener) is None:
        raise WindowsAgentError("not-found", f"there is no portproxy rule for {listener[0]}:{listener[1]}")
    _netsh(host, "delete", _words(listener))
    if _found(host, listener) is not None:
        raise _unwritten(host, f"portproxy {listener[0]}:{listener[1]} was removed and is still there")
    return {"after": {"there": False}}


def _listener(arguments: Arguments) -> tuple[str, int]:
    address = arguments.text("listen_address")
    return address if address == _ANY else _address(arguments, "listen_address"), _port(
        arguments, "listen_port"
    )


def _words(listener: tuple[str, int]) -> list[str]:
    # Left out, the address is stored as `*`; a star cannot be passed on.
    address = [] if listener[0] == _ANY else [f"listenaddress={listener[0]}"]
    return [f"listenport={listener[1]}", *address]


def _netsh(host: Host, verb: str, words: list[str]) -> None:
    argv = (NETSH, "interface", "portproxy", verb, _FAMILY, *words)
    host.native.run(argv, timeout_s=_TIMEOUT_S, changes=True)
    host.touched = True


def _found(host: Host, listener: tuple[str, int]) -> dict[str, object] | None:
    reply = host.read([files.registry_keys([registry.PORTPROXY[_FAMILY]])])
    rules = portproxy(registry.read(reply.outputs))
    return next((one for one in rules if (one["listen_address"], one["listen_port"]) == listener), None)


def _await_free(host: Host, listener: tuple[str, int]) -> None:
    until = time.monotonic() + _FREE_WITHIN_S
    while time.monotonic() < until:
        found = listeners(host.read([network.tcp_listeners()]), {})
        if not any((one["address"], one["port"]) == listener for one in found):
            return
        time.sleep(_LOOK_EVERY_S)


def _is_heard(host: Host, port: int) -> bool:
    until = time.monotonic() + _HEARD_WITHIN_S
    while True:
        found = listeners(host.read([network.tcp_listeners()]), {})
        if any(one["port"] == port for one in found):
            return True
        if time.monotonic() >= until:
            return False
        time.sleep(_LOOK_EVERY_S)


def _unwritten(host: Host, message: str) -> WindowsAgentError:
    """Why it is not as written: netsh ends with 1 for everything, rights are asked for by themselves."""
    reply = host.read([files.registry_keys([registry.FOR_ADMINISTRATORS])])
    is_denied = any(error.is_denied for error in reply.errors)
    return WindowsAgentError("not-permitted" if is_denied else "failed", message)


def _address(arguments: Arguments, name: str) -> str:
    """An IPv4 address: iphlpsvc resolves names only when it starts."""
    given = arguments.text(name)
    try:
        return str(ipaddress.IPv4Address(given))
    except ValueError as error:
        raise WindowsAgentError("bad-op", f"{arguments.verb}: {given!r} is not a valid {name}") from error


def _port(arguments: Arguments, name: str) -> int:
    port = arguments.number(name)
    if not 0 < port <= _LAST_PORT:
        raise WindowsAgentError("bad-op", f"{arguments.verb}: {port} is not a valid {name}")
    return port
