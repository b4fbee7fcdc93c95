"""Verbs `holder.*` and the fact `holders`: tiny processes that hold ports, so that WSL steers these to Linux.

In mirrored mode Windows gives a port to WSL only while a process of WSL's own network namespace has bound it
(wsl-facts 2.2); what arrives there is then led on by DNAT. A holder lives as long as its file in the folder
of runs: distributions share that folder and no processes. Not part of the bundle: sent when needed.
"""

import array
import os
import re
import socket
import struct
import time

from wslnet_linux_agent import ops_state
from wslnet_linux_agent.ops import OpError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from wslnet_linux_agent.ops import Args

_PREFIX = "hold-"
_NAME = re.compile(_PREFIX + r"(tcp|udp)-(\d+)$")
_PROTOCOLS = ("tcp", "udp")
_KINDS = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}
# How soon a holder notices that its file has gone, and how long its end is waited for.
_TICK_S = 0.5
_END_S = 5.0
_POLL_S = 0.02
_LONGEST_LINE = 4096
# linux/filter.h: BPF_RET with the constant 0 lets nothing of a packet through; asm-generic/socket.h.
_RETURN = 0x06
_ATTACH_FILTER = 26


def holders() -> "list[dict[str, Any]]":
    """Protocol and port of every holder that lives."""
    found = []
    for name in sorted(os.listdir(ops_state.FOLDER) if os.path.isdir(ops_state.FOLDER) else ()):
        match = _NAME.match(name)
        if match is not None and _lives(_path(match.group(1), match.group(2))):
            found.append({"proto": match.group(1), "port": int(match.group(2))})
    return found


def start(args: "Args") -> "dict[str, Any]":
    """Hold a port of all addresses; one that is held already stays as it is, a dead holder is replaced.

    Raises:
        OpError: `exists` when Windows or another program has the port; `failed` if it does not start.
    """
    proto, port = _what(args)
    # Not under the folder's lock: wslnet-agent puts holders back while it has that.
    ops_state.prepare()
    ready, started = os.pipe()
    child = os.fork()
    if not child:
        try:
            _become(_path(proto, port), proto, port, started)
        finally:
            os._exit(0)
    os.close(started)
    os.waitpid(child, 0)
    said = os.read(ready, _LONGEST_LINE).decode("utf-8", "replace")
    os.close(ready)
    if said != "held":
        raise OpError("exists" if said else "failed", said or "%s port %d: no holder starts" % (proto, port))
    return {}


def stop(args: "Args") -> "dict[str, Any]":
    """End a holder and wait until the port is free.

    Raises:
        OpError: `not-found` if there is none; `timed-out` if it does not end.
    """
    path = _path(*_what(args))
    if not os.path.exists(path):
        raise OpError("not-found", "nobody holds %s" % os.path.basename(path)[len(_PREFIX) :])
    with open(path, "r+") as held:
        os.unlink(path)
        until = time.monotonic() + _END_S
        while not ops_state.lock(held.fileno()):
            if time.monotonic() > until:
                raise OpError("timed-out", "the holder of %s does not end" % path)
            time.sleep(_POLL_S)
    return {}


def is_held(args: "Args") -> "bool":
    """Whether the holder that `start` would make is there."""
    return _lives(_path(*_what(args)))


def _what(args: "Args") -> "tuple[str, int]":
    proto, port = args.choice("proto", _PROTOCOLS), args.number("port", None, 65535)
    if not port:
        raise OpError("bad-op", "port 0 cannot be held")
    return proto, port


def _path(proto: "str", port: "int | str") -> "str":
    return os.path.join(ops_state.FOLDER, "%s%s-%s" % (_PREFIX, proto, port))


def _lives(path: "str") -> "bool":
    try:
        with open(path, "r+") as file:
            return not ops_state.lock(file.fileno())
    except FileNotFoundError:
        return False


def _become(path: "str", proto: "str", port: "int", started: "int") -> "None":
    """Become the holder: bound before anybody is told, in a session of its own, nothing else open."""
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    if not ops_state.detach((file, started)):
        return
    if not ops_state.lock(file):
        os.write(started, b"held")
        return
    try:
        bound = _bind(proto, port)
    except OSError as error:
        os.unlink(path)
        os.write(started, ("%s port %d is taken: %s" % (proto, port, error.strerror)).encode("utf-8"))
        return
    os.write(started, b"held")
    os.close(started)
    while _is_there(path, file):
        time.sleep(_TICK_S)
    bound.close()


def _bind(proto: "str", port: "int") -> "socket.socket":
    held = socket.socket(socket.AF_INET, _KINDS[proto])
    # What is not led on is dropped here: a connection to nobody must not look like one to somebody.
    program = array.array("B", struct.pack("HBBI", _RETURN, 0, 0, 0))
    held.setsockopt(socket.SOL_SOCKET, _ATTACH_FILTER, struct.pack("HP", 1, program.buffer_info()[0]))
    if proto == "tcp":
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind(("0.0.0.0", port))  # noqa: S104 - the port is to be held whatever the address
    if proto == "tcp":
        # WSL looks for listening sockets, a bound one would be given up after a minute (wsl-guest-facts 1).
        held.listen(1)
    return held


def _is_there(path: "str", file: "int") -> "bool":
    try:
        return os.stat(path).st_ino == os.fstat(file).st_ino
    except FileNotFoundError:
        return False
