"""Builds what is sent to a machine: the agent's modules, minified and compressed, and the command for it.

Runs on the controller (Python 3.11 and later) and never on the machine. The built bundle is kept beside
Python's own compiled files and trusted like those; it is built anew when a source has changed.
"""

from __future__ import annotations

import ast
import contextlib
import hashlib
import importlib.util
import os
import re
import sys
import tempfile
import threading
import zlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

HELLO = b"wslnet agent 1\n"
"""The first bytes from the agent. Before them there may be anything that a login script prints."""

FIRST_STAGE = (
    "import os,sys,zlib;os.write(1,b'wslnet agent 1'+bytes([10]));i=sys.stdin.buffer;"
    "exec(zlib.decompress(i.read(int(i.readline()))))"
)
"""What stands on the remote command line: says hello, reads a length and as many bytes, runs it.

Neither double quotes nor backslashes are in it: on Windows it goes through wsl.exe's own command line.
"""

CONNECTED = b"connected"
"""The first line of a relay that has its connection; any other line says why it has none."""

PYTHON = ("python3", "-I", "-S", "-c")
"""Isolated, without `site`: nothing of the machine's Python set-up runs, and it starts in half the time."""

_PACKAGE = "wslnet_linux_agent"
_FOLDER = Path(__file__).parent
_BOOT = "boot.py"
_RELAY = "relay.py"
# A guard undoes what others did: it comes with the ops that it may have to undo.
_GUARD = (
    *("ops_bridge.py", "facts_bridging.py", "ops_uplink.py", "ops_manager.py"),
    *("ops_nft.py", "ops_file.py", "ops_owned.py", "ops_persist.py", "ops_state.py", "ops_guard.py"),
)
_GUEST = (
    *("ops_guest_stream.py", "ops_guest_shell.py", "ops_guest_agent.py"),
    *("ops_guest_ssh.py", "ops_guest_console.py", "ops_guest_channel.py"),
)
_HOLDER = ("ops_state.py", "ops_holder.py")
_ON_DEMAND = {
    "guard": _GUARD,
    "lock": (*_GUARD, "ops_lock.py"),
    "chain": ("ops_chain.py",),
    "policy": ("ops_policy.py",),
    "nft": ("ops_nft.py",),
    "file": ("ops_file.py",),
    "marker": ("ops_file.py",),
    "lease": ("ops_lease.py",),
    "guest": (*_GUEST, "ops_guest.py"),
    "bridge": ("ops_bridge.py",),
    "tap": ("ops_bridge.py",),
    "uplink": ("facts_bridging.py", "ops_uplink.py"),
    "manager": ("ops_manager.py",),
    "owned": ("ops_owned.py",),
    "link": ("ops_owned.py", "ops_persist.py"),
    "boot_command": ("ops_owned.py", "ops_persist.py"),
    "hosts": ("ops_owned.py", "ops_persist.py"),
    "resident": ("ops_owned.py", "ops_persist.py"),
    "holder": _HOLDER,
    "daemon_json": ("ops_docker.py",),
    "card": ("ops_card.py",),
    "domain": ("ops_domain.py",),
    "listen": ("ops_listen.py",),
    "unlisten": ("ops_listen.py",),
    "setting": ("ops_setting.py",),
    "module": ("ops_setting.py",),
}
_GUESTS = ("facts_guests.py",)
_FACTS_ON_DEMAND = {
    "sessions": ("facts_use.py",),
    "containers": ("facts_use.py",),
    "files": ("ops_file.py",),
    "guests": _GUESTS,
    "guest_keys": (*_GUESTS, *_GUEST, "facts_guest_keys.py"),
    "networks": _GUESTS,
    "routers": (*_GUESTS, "probe_dhcp.py", "facts_routers.py"),
    "path_mtu": ("facts_path.py",),
    "bridging": ("facts_bridging.py",),
    "fdb": ("facts_bridging.py",),
    "owned": ("ops_owned.py",),
    "persistence": ("ops_owned.py", "ops_persist.py", "facts_persist.py"),
    "holders": _HOLDER,
    "engines": ("ops_docker.py",),
    "platform": ("facts_platform.py",),
    "in_use": ("facts_in_use.py",),
    "settings": ("ops_setting.py",),
}
_RESIDENT = (
    *("__init__.py", "ops.py", "shell.py", "netlink.py", "facts_network.py", "ops_route.py", "ops_sysctl.py"),
    *("ops_rule.py", "ops_nft.py", "ops_bridge.py", "ops_card.py"),
    *("ops_holder.py", "ops_state.py", "ops_owned.py"),
    *("resident.py", "resident_nets.py", "resident_log.py", "resident_repair.py", "resident_watch.py"),
)
"""What wslnet-agent is made of: what can look at an owned thing and do its op again."""
_NOT_SENT = (
    *(Path(__file__).name, _BOOT, _RELAY),
    *(file for file in _RESIDENT if file.startswith("resident")),
    *(file for files in (*_ON_DEMAND.values(), *_FACTS_ON_DEMAND.values()) for file in files),
)
_INDENT = 4
# Python 3.11 counts the depth of syntax trees per interpreter: of two threads that parse one may fail.
_PARSING = threading.Lock()
_FORMAT = b"1"


@cache
def bundle() -> bytes:
    """Give the bytes to send after the first stage has started: a line with the length, then the agent."""
    sources = {path.name: path.read_bytes() for path in sorted(_FOLDER.glob("*.py"))}
    digest = hashlib.sha256(_FORMAT)
    for name, source in sources.items():
        digest.update(b"%s\0%d\0%s" % (name.encode(), len(source), source))
    kept = _kept(digest.digest())
    if kept is None:
        kept = build({name: source.decode("utf-8") for name, source in sources.items()})
        _keep(digest.digest(), kept)
    return b"%d\n%s" % (len(kept), kept)


def build(sources: dict[str, str]) -> bytes:
    """Give the compressed program made of the sources (file name → text)."""
    modules = {
        _module_name(name): minify(source) for name, source in sources.items() if name not in _NOT_SENT
    }
    program = f"{minify(sources[_BOOT])}\nstart({modules!r})"
    return zlib.compress(program.encode("utf-8"), 9)


def parts_for(verb: str, needs: Iterable[str] = ()) -> dict[str, str]:
    """Give names and texts of the modules to send before an op of this verb or a reading of these facts."""
    wanted = [_ON_DEMAND.get(verb.partition(".")[0], ()), *(_FACTS_ON_DEMAND.get(name, ()) for name in needs)]
    return {_module_name(file): _text_of(file) for files in wanted for file in files}


@cache
def _text_of(file: str) -> str:
    return minify((_FOLDER / file).read_text(encoding="utf-8"))


@cache
def resident(run: str) -> str:
    """Give the program wslnet-agent, without the lines before it; `run` is the run by which it stands."""
    modules = {_module_name(file): _text_of(file) for file in _RESIDENT}
    texts = ",\n".join(f"{name!r}: {text!r}" for name, text in modules.items())
    boot = minify((_FOLDER / _BOOT).read_text(encoding="utf-8"))
    return (
        f"{boot}\nsys.meta_path.insert(0, Sources({{{texts}}}))\n"
        f"from wslnet_linux_agent import resident\nsys.exit(resident.main({run!r}, sys.argv[1:]))\n"
    )


def relay(host: str, port: int) -> bytes:
    """Give what is sent instead of the agent: a program that passes bytes on to `host` and `port`."""
    source = minify((_FOLDER / _RELAY).read_text(encoding="utf-8"))
    program = zlib.compress(f"{source}\nrelay({host!r}, {port!r})".encode(), 9)
    return b"%d\n%s" % (len(program), program)


def minify(source: str) -> str:
    """Give the same program without docstrings, annotations, comments and blocks for the type checker."""
    with _PARSING:
        tree = _Strip().visit(ast.parse(source))
        text = ast.unparse(ast.fix_missing_locations(tree))
        narrow = re.sub(
            r"^(?: {4})+", lambda found: " " * (len(found[0]) // _INDENT), text, flags=re.MULTILINE
        )
        # Text over several lines would have lost spaces that are its own.
        return narrow if ast.dump(ast.parse(narrow)) == ast.dump(ast.parse(text)) else text


class _Strip(ast.NodeTransformer):
    """Takes out what Python does not need to run."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        arguments = node.args
        named = arguments.posonlyargs + arguments.args + arguments.kwonlyargs
        for argument in (*named, arguments.vararg, arguments.kwarg):
            if argument is not None:
                argument.annotation = None
        node.returns = None
        return self._body(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        return self._body(node)

    def visit_Module(self, node: ast.Module) -> ast.AST:
        return self._body(node)

    def visit_If(self, node: ast.If) -> ast.AST | None:
        if isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            return None
        return self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> ast.AST | None:
        target = node.targets[0]
        return None if isinstance(target, ast.Name) and target.id == "TYPE_CHECKING" else node

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        text = isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        return None if text else self.generic_visit(node)

    def _body(self, node: ast.FunctionDef | ast.ClassDef | ast.Module) -> ast.AST:
        self.generic_visit(node)
        if not node.body and not isinstance(node, ast.Module):
            node.body = [ast.Pass()]
        return node


def _module_name(file_name: str) -> str:
    stem = file_name.removesuffix(".py")
    return _PACKAGE if stem == "__init__" else f"{_PACKAGE}.{stem}"


def _cache_file() -> Path:
    return Path(importlib.util.cache_from_source(str(_FOLDER / "bundle.py"))).with_name("agent-bundle.bin")


def _kept(digest: bytes) -> bytes | None:
    try:
        data = _cache_file().read_bytes()
    except OSError:
        return None
    return data[len(digest) :] if data.startswith(digest) else None


def _keep(digest: bytes, data: bytes) -> None:
    # Where nothing can be written, it is built each time.
    with contextlib.suppress(OSError):
        file = _cache_file()
        file.parent.mkdir(exist_ok=True)
        handle, name = tempfile.mkstemp(dir=file.parent)
        with os.fdopen(handle, "wb") as temporary:
            temporary.write(digest + data)
        Path(name).replace(file)


def sent_sources() -> list[Path]:
    """Give the files of which the bundle is made: they must stay in the syntax of Python 3.5."""
    return sorted(path for path in _FOLDER.glob("*.py") if path.name != Path(__file__).name)


if __name__ == "__main__":
    # For scripts/lint: `python -m wslnet_linux_agent.bundle --list-sources`.
    if sys.argv[1:] != ["--list-sources"]:
        sys.exit("usage: python -m wslnet_linux_agent.bundle --list-sources")
    print(*sent_sources(), sep="\n")  # noqa: T201 - this is its output
