"""Files of /etc that are others', KVM's module, the MTU of cards, and what each op makes of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from wslnet.model.linux_facts import LinuxFacts, SettingState

from .bridging_model import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def _put(facts: LinuxFacts, args: Mapping[str, Any]) -> LinuxFacts:
    assert facts.settings is not None
    have = facts.settings.files[args["path"]]
    if args["expect"] != (None if have is None else have.to_json()):
        raise Refused("exists")
    put = None if args["to"] is None else SettingState(**args["to"])
    return replace(facts, settings=replace(facts.settings, files={**facts.settings.files, args["path"]: put}))


def _set_module(facts: LinuxFacts, args: Mapping[str, Any], *, kvm: bool) -> LinuxFacts:
    assert facts.platform is not None
    assert args["module"].startswith("kvm_")
    return replace(facts, platform=replace(facts.platform, kvm=kvm))


def _set_mtu(facts: LinuxFacts, args: Mapping[str, Any]) -> LinuxFacts:
    if not any(one.name == args["link"] for one in facts.links or ()):
        raise Refused("not-found")
    links = (replace(one, mtu=args["mtu"]) if one.name == args["link"] else one for one in facts.links or ())
    return replace(facts, links=tuple(links))


OPS: dict[str, Callable[[LinuxFacts, Mapping[str, Any]], LinuxFacts]] = {
    "setting.put": _put,
    "module.load": lambda facts, args: _set_module(facts, args, kvm=True),
    "module.unload": lambda facts, args: _set_module(facts, args, kvm=False),
    "card.set_mtu": _set_mtu,
}
