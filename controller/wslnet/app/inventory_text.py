"""An inventory as TOML text: written anew with comments that explain it, or tables added to a text.

The only place that writes inventories. What a person wrote stays as it is, byte for byte.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from wslnet.model.machine import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from wslnet.model.machine import Inventory, Machine, Secret

_HEAD = """\
# The machines that wslnet looks after, found by `wslnet init`. Edit it freely; wslnet keeps what you write.
# Passwords never stand here: `secret` says where one comes from (command, keyring or env).
schema_version = 1
"""
_EXPLAINED = {
    Kind.WINDOWS: "The Windows host. Without an address it is this very machine.",
    Kind.WSL: "WSL's utility VM, entered through this distro. Its address is found anew after every start.",
    Kind.VM: "A VM; `parent` is the machine that runs it, through which it is entered.",
    Kind.PEER: "Another PC: probed from, never changed.",
}
_WISH = """
# What should be true; `wslnet doctor` judges by it. Pairs are [from, to].
[wish]
# mode = "mirrored"
"""


def whole(inventory: Inventory, notes: Mapping[str, str], state: Path | None = None) -> str:
    """The text of a new inventory file.

    Args:
        inventory: what to write.
        notes: a comment by machine name.
        state: the state folder, if it shall not be the default one.
    """
    parts = [_HEAD + (f"state = {quoted(str(state))}\n" if state is not None else "")]
    parts += [table(machine, notes.get(machine.name)) for machine in inventory.machines.values()]
    parts.append(_WISH + "".join(_reach(inventory)) + _allow(inventory))
    return "".join(parts)


def extended(text: str, machines: Iterable[Machine], notes: Mapping[str, str]) -> str:
    """The given text with tables for further machines at its end."""
    end = "" if text.endswith("\n") or not text else "\n"
    return text + end + "".join(table(machine, notes.get(machine.name)) for machine in machines)


def table(machine: Machine, note: str | None = None) -> str:
    """One `[machines.NAME]` table with what it is as comment."""
    lines = ["", f"# {_EXPLAINED[machine.kind]}"]
    lines += [f"# {_plain(note)}"] if note else []
    lines += [f"[machines.{machine.name}]", f'kind = "{machine.kind}"']
    for key in ("parent", "address", "port", "user", "key", "distro", "configuration", "proxy"):
        value = getattr(machine, key)
        if value is not None:
            lines.append(f"{key} = {value if isinstance(value, int) else quoted(str(value))}")
    if machine.save:
        lines.append("save = true")
    if machine.routes:
        lines.append(f"routes = [{', '.join(map(quoted, machine.routes))}]")
    if machine.secret is not None:
        lines.append(f"secret = {{ {_secret(machine.secret)} }}")
    return "\n".join(lines) + "\n"


def _secret(secret: Secret) -> str:
    if secret.command:
        return f"command = [{', '.join(quoted(word) for word in secret.command)}]"
    return f"env = {quoted(secret.env)}" if secret.env else f"keyring = {quoted(secret.keyring or '')}"


def _reach(inventory: Inventory) -> Iterator[str]:
    """The pairs wished for; without any, every VM from WSL and back."""
    wsl = inventory.wsl
    pairs = inventory.wish.reach or tuple(
        pair
        for machine in inventory.of_kind(Kind.VM)
        if wsl is not None
        for pair in ((wsl.name, machine.name), (machine.name, wsl.name))
    )
    yield "reach = [\n"
    for one, other in pairs:
        yield f"    [{quoted(one)}, {quoted(other)}],\n"
    yield "]\n"


def _allow(inventory: Inventory) -> str:
    allowed = ", ".join(quoted(str(one)) for one in inventory.wish.allow)
    return f"allow = [{allowed}]\n" if allowed else ""


def quoted(text: str) -> str:
    """A basic string of TOML: JSON's escapes are TOML's, but for DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _plain(text: str) -> str:
    return "".join(one if one.isprintable() else " " for one in text)
