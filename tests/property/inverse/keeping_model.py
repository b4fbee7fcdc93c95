"""What the ops do that make a machine keep things: declaration, link of the unit, boot command. Pure."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from wslnet.model.linux_facts import Enabled, LinuxFacts, OwnedItem

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def _put_owned(facts: LinuxFacts, args: Mapping[str, Any]) -> LinuxFacts:
    found = next((one for one in _items(facts) if one.name == args["name"]), None)
    before = None if found is None else {"run": found.run, "do": found.do}
    return _with_entry(facts, args["name"], OwnedItem(args["name"], args["run"], _plain(args["do"]), before))


def _restore_owned(facts: LinuxFacts, args: Mapping[str, Any]) -> LinuxFacts:
    entry = args["entry"]
    return _with_entry(facts, args["name"], None if entry is None else OwnedItem(**entry))


def _write_owned(facts: LinuxFacts, args: Mapping[str, Any]) -> LinuxFacts:
    return _with_items(facts, tuple(OwnedItem(**one) for one in args["items"]))


def _items(facts: LinuxFacts) -> tuple[OwnedItem, ...]:
    assert facts.owned is not None
    return facts.owned.items


def _with_items(facts: LinuxFacts, items: tuple[OwnedItem, ...]) -> LinuxFacts:
    assert facts.owned is not None
    return replace(facts, owned=replace(facts.owned, items=items))


def _with_entry(facts: LinuxFacts, name: str, entry: OwnedItem | None) -> LinuxFacts:
    items = [entry if one.name == name else one for one in _items(facts)]
    if entry is not None and entry not in items:
        items.append(entry)
    return _with_items(facts, tuple(one for one in items if one is not None))


def _plain(value: object) -> Any:
    """As it comes back from the machine: JSON has no tuples."""
    return json.loads(json.dumps(value))


def _enable(facts: LinuxFacts, _: Mapping[str, Any]) -> LinuxFacts:
    assert facts.persistence is not None
    return replace(facts, persistence=replace(facts.persistence, enabled=Enabled(unit=True, folder=True)))


def _disable(facts: LinuxFacts, args: Mapping[str, Any]) -> LinuxFacts:
    assert facts.persistence is not None
    left = Enabled(unit=False, folder=not args["made"])
    return replace(facts, persistence=replace(facts.persistence, enabled=left))


def _set_boot_command(facts: LinuxFacts, args: Mapping[str, Any]) -> LinuxFacts:
    assert facts.persistence is not None
    have = facts.persistence.wsl_conf
    digest = None if have is None else hashlib.sha256(base64.b64decode(have)).hexdigest()
    assert digest == args["expect_sha256"]
    return replace(facts, persistence=replace(facts.persistence, wsl_conf=args["content"]))


def _write_hosts(facts: LinuxFacts, args: Mapping[str, Any]) -> LinuxFacts:
    assert facts.persistence is not None
    have = facts.persistence.hosts
    digest = None if have is None else hashlib.sha256(base64.b64decode(have)).hexdigest()
    assert digest == args["expect_sha256"]
    return replace(facts, persistence=replace(facts.persistence, hosts=args["content"]))


OPS: dict[str, Callable[[LinuxFacts, Mapping[str, Any]], LinuxFacts]] = {
    "owned.put": _put_owned,
    "owned.restore": _restore_owned,
    "owned.remove": lambda facts, _: _with_items(facts, ()),
    "owned.write": _write_owned,
    "link.make": _enable,
    "link.remove": _disable,
    "boot_command.set": _set_boot_command,
    "hosts.write": _write_hosts,
}
