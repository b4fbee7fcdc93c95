"""`wslnet config` on one file, wherever its bytes come from: what WSL makes of it, and one edit.

Local files are read and replaced whole; nothing is left half-written. The grammar is the Windows agent's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet.errors import InputError
from wslnet.whole_file import write_whole
from wslnet_win_agent.wslconfig import (
    WSL_CONF,
    WSLCONFIG,
    WslConfig,
    WslConfigError,
    read,
    set_value,
    unset_value,
)
from wslnet_win_agent.wslconfig.lint import Surroundings

if TYPE_CHECKING:
    from pathlib import Path

    from wslnet_win_agent.wslconfig import Schema

KINDS = {"wslconfig": WSLCONFIG, "wsl.conf": WSL_CONF}


@dataclass(frozen=True)
class ConfigFile:
    """One of WSL's two files: `content` None when it is not there, and what is known around it."""

    path: str
    schema: Schema
    content: bytes | None
    around: Surroundings

    @property
    def config(self) -> WslConfig:
        """The file as WSL sees it; an absent one is an empty one."""
        return read(self.content or b"", self.schema)


def local_file(path: Path, kind: str | None) -> ConfigFile:
    """A file of this PC; `kind` is a key of KINDS, else the name decides (`…wsl.conf` or `.wslconfig`).

    Raises:
        InputError: it is no file, or cannot be read.
    """
    schema = KINDS[kind] if kind is not None else (WSL_CONF if path.name.endswith("wsl.conf") else WSLCONFIG)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        content = None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    link = str(path.readlink()) if schema is WSL_CONF and path.is_symlink() else None
    return ConfigFile(str(path), schema, content, Surroundings(symlink=link))


def known_key(schema: Schema, name: str) -> str:
    """The key's name in WSL's own spelling.

    Raises:
        InputError: WSL does not know it; the nearest one is named.
    """
    section, _, key = name.partition(".")
    found = schema.canonical(section, key)
    if found is not None:
        return found
    right = schema.section_of(key or name)
    like = f"{right}.{key or name}" if right is not None else schema.like(key or name)
    hint = f"did you mean {like}?" if like else None
    raise InputError(f"{name}: no key that WSL reads in {schema.name}", hint=hint)


def edited(file: ConfigFile, name: str, value: str | None) -> bytes:
    """The bytes of the file with the key (WSL's spelling) set, or without it where `value` is None.

    Raises:
        InputError: WSL would not take the value, or the file cannot be edited without risk; nothing is lost.
    """
    section, _, key = name.partition(".")
    try:
        if value is None:
            return unset_value(file.content or b"", section, key, file.schema)
        if not file.schema.is_valid(name, value):
            meant = file.schema.nearest(name, value)
            hint = f"write {meant}" if meant else None
            raise InputError(f"{name}: WSL does not take {value!r} as {file.schema.known[name]}", hint=hint)
        return set_value(file.content or b"", section, key, value, file.schema)
    except WslConfigError as error:
        raise InputError(f"{file.path}: {name}: {error}; nothing was changed") from error


def replace_local(path: Path, content: bytes) -> None:
    """Puts new content in the place of a local file in one step; a link stays one, the mode is kept.

    Raises:
        InputError: the folder or the file cannot be written; the old file is whole.
    """
    try:
        write_whole(path, content)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}; nothing was changed") from error
