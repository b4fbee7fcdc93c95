"""Reads the inventory (TOML) and refuses what is wrong in one line that names file and place.

Reading only; `wslnet init` and friends edit the file elsewhere.
"""

from __future__ import annotations

import ipaddress
import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from platformdirs import PlatformDirs

from wslnet.errors import InputError
from wslnet.model.allow import parse_allow
from wslnet.model.forward import Forward, parse_forward
from wslnet.model.machine import Inventory, Kind, Machine, Secret, Wish
from wslnet.model.typed import typed

SCHEMA_VERSION = 1
FILE_NAME = "wslnet.toml"
_MODES = ("nat", "mirrored", "bridged", "none", "virtioproxy", "consomme")

Name = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,62}$")]
Port = Annotated[int, msgspec.Meta(ge=1, le=65535)]


class _Strict(msgspec.Struct, forbid_unknown_fields=True):
    """A table whose unknown keys are errors."""


class _Secret(_Strict):
    command: list[str] | None = None
    keyring: str | None = None
    env: str | None = None


class _Machine(_Strict):
    kind: Kind
    parent: Name | None = None
    address: str | None = None
    port: Port | None = None
    user: str | None = None
    key: str | None = None
    distro: str | None = None
    configuration: str | None = None
    proxy: str | None = None
    secret: _Secret | None = None
    save: bool = False
    routes: list[str] = []
    auth: Literal["negotiate", "ntlm", "kerberos", "certificate", "basic"] | None = None
    certificate: str | None = None
    client_certificate: str | None = None


class _Wish(_Strict):
    mode: str | None = None
    reach: list[tuple[str, str]] = []
    allow: list[str] = []
    forward: list[str] = []


class _Forwarding(_Strict):
    match: str | None = None


class _File(_Strict):
    schema_version: int
    machines: dict[Name, _Machine]
    wish: _Wish = msgspec.field(default_factory=_Wish)
    forwarding: _Forwarding = msgspec.field(default_factory=_Forwarding)
    state: str | None = None


def default_path() -> Path:
    """`wslnet.toml` in the user's configuration folder."""
    return Path(PlatformDirs("wslnet", appauthor=False).user_config_dir) / FILE_NAME


def load_inventory(path: Path | None) -> Inventory:
    """Reads `path`, or the default file.

    Raises:
        InputError: the file is missing, is no TOML, has an unknown or wrong key, or its tree is broken.
    """
    file = path or default_path()
    try:
        document = tomllib.loads(file.read_bytes().decode("utf-8-sig"))
        read = typed(document, _File)
    except OSError as error:
        hint = "" if path else "; name one with --inventory or make one with `wslnet init`"
        raise InputError(f"{file}: {error.strerror or error}{hint}") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{file}: not valid TOML: {error}") from error
    except msgspec.ValidationError as error:
        raise InputError(f"{file}: {error}") from error
    if read.schema_version != SCHEMA_VERSION:
        raise InputError(f"{file}: schema_version {read.schema_version} is not {SCHEMA_VERSION}")
    machines = {name: _machine(file, name, one) for name, one in read.machines.items()}
    _check_tree(file, machines)
    wish, pattern = _wish(file, machines, read.wish), _pattern(file, read.forwarding.match)
    return Inventory(file, _state(file, read.state), machines, wish, pattern)


def _machine(file: Path, name: str, one: _Machine) -> Machine:
    where = f"{file}: machines.{name}"
    if one.kind in {Kind.VM, Kind.PEER} and one.address is None:
        raise InputError(f"{where}: a machine of kind {one.kind} needs an address")
    if one.kind in {Kind.VM, Kind.WSL} and one.parent is None:
        raise InputError(f"{where}: a machine of kind {one.kind} needs a parent")
    if one.kind is Kind.VM and not _is_ip(one.address or ""):
        raise InputError(f"{where}: address {one.address!r} is no IP address, and routes need one")
    if one.save and one.kind is not Kind.VM:
        raise InputError(f"{where}.save: only a machine of kind vm can be saved")
    _check_routes(where, one)
    secret = None
    if one.secret is not None:
        given = [key for key in ("command", "keyring", "env") if getattr(one.secret, key)]
        if len(given) != 1:
            raise InputError(f"{where}.secret: give exactly one of command, keyring, env")
        secret = Secret(tuple(one.secret.command or ()), one.secret.keyring, one.secret.env)
    fields: dict[str, Any] = {key: getattr(one, key) for key in one.__struct_fields__}
    for each in ("key", "certificate", "client_certificate"):
        fields[each] = None if fields[each] is None else _beside(file, fields[each])
    return Machine(**(fields | {"name": name, "secret": secret, "routes": tuple(one.routes)}))


def _check_routes(where: str, one: _Machine) -> None:
    if one.routes and one.kind is not Kind.VM:
        raise InputError(f"{where}.routes: only a machine of kind vm can be a router")
    for text in one.routes:
        try:
            ipaddress.IPv4Network(text)
        except ValueError:
            raise InputError(f"{where}.routes: {text!r} is no IPv4 network such as 10.20.0.0/24") from None


def _is_ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _pattern(file: Path, text: str | None) -> str | None:
    try:
        re.compile(text or "")
    except re.error as error:
        raise InputError(f"{file}: forwarding.match {text!r} is no regular expression: {error}") from error
    return text


def _beside(file: Path, text: str) -> Path:
    path = Path(text).expanduser()
    return path if path.is_absolute() else file.parent / path


def default_state(file: Path) -> Path:
    """Where an inventory file keeps its state that names no folder for it."""
    return Path(PlatformDirs("wslnet", appauthor=False).user_state_path) / file.resolve().stem


def _state(file: Path, text: str | None) -> Path:
    return default_state(file) if text is None else _beside(file, text)


def _check_tree(file: Path, machines: dict[str, Machine]) -> None:
    for machine in machines.values():
        where = f"{file}: machines.{machine.name}"
        if machine.parent is not None and machine.parent not in machines:
            raise InputError(f"{where}: unknown parent {machine.parent!r}")
        seen = {machine.name}
        parent = machine.parent
        while parent is not None:
            if parent in seen:
                raise InputError(f"{where}: its parents form a cycle through {parent!r}")
            seen.add(parent)
            parent = machines[parent].parent
        if machine.kind is Kind.WSL and machines[machine.parent or ""].kind is not Kind.WINDOWS:
            raise InputError(f"{where}: the parent of wsl must be a machine of kind windows")
        if machine.kind is Kind.VM and not machines[machine.parent or ""].is_linux:
            raise InputError(f"{where}: the parent of a vm must be wsl or another vm")


def _wish(file: Path, machines: dict[str, Machine], wish: _Wish) -> Wish:
    if wish.mode is not None and wish.mode.lower() not in _MODES:
        raise InputError(f"{file}: wish.mode {wish.mode!r} is none of {', '.join(_MODES)}")
    for pair in wish.reach:
        for name in pair:
            if name not in machines:
                raise InputError(f"{file}: wish.reach names the unknown machine {name!r}")
    try:
        allow = tuple(parse_allow(text) for text in wish.allow)
    except InputError as error:
        raise InputError(f"{file}: wish.allow: {error.message.removeprefix('--allow ')}") from error
    forward = _forwards(file, machines, wish.forward)
    return Wish(wish.mode.lower() if wish.mode else None, tuple(wish.reach), allow, forward)


def _forwards(file: Path, machines: dict[str, Machine], texts: list[str]) -> tuple[Forward, ...]:
    found: dict[tuple[str, int], Forward] = {}
    for text in texts:
        try:
            one = parse_forward(text)
        except InputError as error:
            raise InputError(f"{file}: wish.forward {text!r}: {error.message}") from error
        if one.target not in machines or machines[one.target].kind not in {Kind.WSL, Kind.VM}:
            raise InputError(f"{file}: wish.forward {text!r}: {one.target} is no WSL or VM of this file")
        if one.key in found:
            raise InputError(f"{file}: wish.forward publishes {one.proto}/{one.port} twice")
        found[one.key] = one
    return tuple(found.values())
