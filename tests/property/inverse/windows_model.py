"""One Windows as its facts, and what each op of the agent makes of them. Pure."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from wslnet.model.windows_facts import (
    BootTask,
    Endpoint,
    EndpointFile,
    HostRule,
    HyperVFirewall,
    HyperVRule,
    HyperVSetting,
    LocalUse,
    PortProxy,
    WindowsFacts,
)
from wslnet_win_agent.boot.startup_script import StartupScript

from .linux_model import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

WINDOWS_DEFAULT = "Block"
UNSET = "NotConfigured"


def firewall_with(stored: str | None, rules: tuple[HyperVRule, ...] = ()) -> HyperVFirewall:
    """The firewall of a Windows on which an administrator has left `stored`, or nothing."""
    effective = WINDOWS_DEFAULT if stored in {None, UNSET} else stored
    kept = None if stored is None else HyperVSetting(default_inbound=stored)
    setting = HyperVSetting(default_inbound=effective)
    return HyperVFirewall(
        supported=True, creator_registered=True, setting=setting, stored_setting=kept, rules=rules
    )


def _firewall(facts: WindowsFacts) -> HyperVFirewall:
    assert facts.hyperv_firewall is not None
    return facts.hyperv_firewall


def _create_rule(facts: WindowsFacts, args: Mapping[str, Any]) -> WindowsFacts:
    firewall = _firewall(facts)
    if any(one.name == args["name"] for one in firewall.rules):
        raise Refused("exists")
    made = {key: tuple(value) if isinstance(value, list) else value for key, value in args.items()}
    assert set(made) <= {each.name for each in fields(HyperVRule)}
    return replace(facts, hyperv_firewall=replace(firewall, rules=(*firewall.rules, HyperVRule(**made))))


def _remove_rule(facts: WindowsFacts, args: Mapping[str, Any]) -> WindowsFacts:
    firewall = _firewall(facts)
    kept = tuple(one for one in firewall.rules if one.name != args["name"])
    if kept == firewall.rules:
        raise Refused("not-found")
    return replace(facts, hyperv_firewall=replace(firewall, rules=kept))


def _put_host_rule(facts: WindowsFacts, args: Mapping[str, Any]) -> WindowsFacts:
    others = tuple(one for one in facts.host_rules or () if not _is_local(one, args["name"]))
    made = {key: tuple(value) if isinstance(value, list) else value for key, value in args.items()}
    rule = HostRule(**{**made, "protocol": made["protocol"].lower()})
    return replace(facts, host_rules=(*others, rule))


def _remove_host_rule(facts: WindowsFacts, args: Mapping[str, Any]) -> WindowsFacts:
    others = tuple(one for one in facts.host_rules or () if not _is_local(one, args["name"]))
    if others == facts.host_rules:
        raise Refused("not-found")
    return replace(facts, host_rules=others)


def _is_local(rule: HostRule, name: str) -> bool:
    return (rule.name, rule.source) == (name, "Local")


def _set_setting(facts: WindowsFacts, args: Mapping[str, Any]) -> WindowsFacts:
    made = firewall_with(args["default_inbound_action"], _firewall(facts).rules)
    return replace(facts, hyperv_firewall=made)


def _set_forwarding(facts: WindowsFacts, args: Mapping[str, Any]) -> WindowsFacts:
    key = args["interface_index"], args["family"]
    found = facts.interfaces or ()
    if key not in {(one.index, one.family) for one in found}:
        raise Refused("not-found")
    made = (replace(o, forwarding=args["enabled"]) if (o.index, o.family) == key else o for o in found)
    return replace(facts, interfaces=tuple(made))


def _register(facts: WindowsFacts, args: Mapping[str, Any]) -> WindowsFacts:
    assert facts.boot is not None
    others = tuple(one for one in facts.boot.tasks if one.name != args["name"])
    task = BootTask(args["name"], "Ready", args["xml"])
    return replace(facts, boot=replace(facts.boot, tasks=(*others, task)))


def _unregister(facts: WindowsFacts, args: Mapping[str, Any]) -> WindowsFacts:
    assert facts.boot is not None
    others = tuple(one for one in facts.boot.tasks if one.name != args["name"])
    if others == facts.boot.tasks:
        raise Refused("not-found")
    return replace(facts, boot=replace(facts.boot, tasks=others))


def _put_relay(facts: WindowsFacts, args: Mapping[str, Any]) -> WindowsFacts:
    made = _register(facts, args)
    assert made.boot is not None
    running = tuple(
        replace(one, state="Running") if one.name == args["name"] else one for one in made.boot.tasks
    )
    return replace(made, boot=replace(made.boot, tasks=running))


def _write_data(facts: WindowsFacts, args: Mapping[str, Any]) -> WindowsFacts:
    assert facts.boot is not None
    data = replace(facts.boot.data, exists=True, content=args["content"], strangers=())
    return replace(facts, boot=replace(facts.boot, data=data))


def _remove_data(facts: WindowsFacts, _args: Mapping[str, Any]) -> WindowsFacts:
    assert facts.boot is not None
    if not facts.boot.data.exists:
        raise Refused("not-found")
    data = replace(facts.boot.data, exists=False, content=None)
    return replace(facts, boot=replace(facts.boot, data=data))


def _write_config(facts: WindowsFacts, args: Mapping[str, Any]) -> WindowsFacts:
    file = facts.wslconfig
    assert file is not None
    there = base64.b64decode(file.content) if file.exists and file.content is not None else None
    if args["expect_sha256"] != (None if there is None else hashlib.sha256(there).hexdigest()):
        raise Refused("changed")
    content = args["content"]
    return replace(facts, wslconfig=replace(file, exists=content is not None, content=content))


def _put_proxy(facts: WindowsFacts, args: Mapping[str, Any]) -> WindowsFacts:
    others = tuple(one for one in facts.portproxy or () if not _is_listener(one, args))
    return replace(facts, portproxy=(*others, PortProxy("v4tov4", **args)))


def _remove_proxy(facts: WindowsFacts, args: Mapping[str, Any]) -> WindowsFacts:
    others = tuple(one for one in facts.portproxy or () if not _is_listener(one, args))
    if others == facts.portproxy:
        raise Refused("not-found")
    return replace(facts, portproxy=others)


def _is_listener(one: PortProxy, args: Mapping[str, Any]) -> bool:
    return (one.family, one.listen_address, one.listen_port) == (
        "v4tov4",
        args["listen_address"],
        args["listen_port"],
    )


def _set_range(facts: WindowsFacts, args: Mapping[str, Any]) -> WindowsFacts:
    assert facts.wsl_nat is not None
    return replace(facts, wsl_nat=replace(facts.wsl_nat, **args))


def _set_service(facts: WindowsFacts, args: Mapping[str, Any]) -> WindowsFacts:
    found = facts.services or ()
    if args["name"] not in {one.name for one in found}:
        raise Refused("not-found")
    state = "Running" if args["running"] else "Stopped"
    made = (replace(o, start=args["start"], state=state) if o.name == args["name"] else o for o in found)
    return replace(facts, services=tuple(made))


def _set_value(facts: WindowsFacts, args: Mapping[str, Any]) -> WindowsFacts:
    assert facts.registry is not None
    names = {
        "DisabledComponents": "ipv6_disabled_components",
        "HyperVFirewallDisable": "hyperv_firewall_disabled",
    }
    return replace(facts, registry=replace(facts.registry, **{names[args["name"]]: args["value"]}))


def _set_ports(facts: WindowsFacts, args: Mapping[str, Any]) -> WindowsFacts:
    assert facts.port_ranges is not None
    wanted = args["first"], args["last"]
    made = (replace(o, dynamic=wanted) if o.proto == args["proto"] else o for o in facts.port_ranges)
    return replace(facts, port_ranges=tuple(made))


def _install_endpoint(facts: WindowsFacts, args: Mapping[str, Any]) -> WindowsFacts:
    rows = tuple(EndpointFile(each["path"], each["content"]) for each in args["files"])
    return replace(facts, endpoint=Endpoint(registered=True, files=rows))


def _remove_endpoint(facts: WindowsFacts, _args: Mapping[str, Any]) -> WindowsFacts:
    if facts.endpoint is None or not (facts.endpoint.registered or facts.endpoint.files):
        raise Refused("not-found")
    return replace(facts, endpoint=Endpoint(registered=False))


def _keep_verdict(facts: WindowsFacts, args: Mapping[str, Any]) -> WindowsFacts:
    assert facts.endpoint is not None
    return replace(facts, endpoint=replace(facts.endpoint, local=LocalUse("", "", args["content"])))


def _put_script(facts: WindowsFacts, args: Mapping[str, Any]) -> WindowsFacts:
    assert facts.boot is not None
    script = StartupScript(**args)
    if script in facts.boot.startup:
        raise Refused("exists")
    return replace(facts, boot=replace(facts.boot, startup=(*facts.boot.startup, script)))


def _remove_script(facts: WindowsFacts, args: Mapping[str, Any]) -> WindowsFacts:
    assert facts.boot is not None
    kept = tuple(one for one in facts.boot.startup if one != StartupScript(**args))
    if kept == facts.boot.startup:
        raise Refused("not-found")
    return replace(facts, boot=replace(facts.boot, startup=kept))


OPS: dict[str, Callable[[WindowsFacts, Mapping[str, Any]], WindowsFacts]] = {
    "host_rule.put": _put_host_rule,
    "host_rule.remove": _remove_host_rule,
    "hyperv_rule.create": _create_rule,
    "hyperv_rule.remove": _remove_rule,
    "hyperv_setting.set": _set_setting,
    "forwarding.set": _set_forwarding,
    "startup_script.put": _put_script,
    "startup_script.remove": _remove_script,
    "task.register": _register,
    "task.unregister": _unregister,
    "endpoint.install": _install_endpoint,
    "endpoint.remove": _remove_endpoint,
    "endpoint.verdict": _keep_verdict,
    "boot_data.write": _write_data,
    "boot_data.remove": _remove_data,
    "dynamic_ports.set": _set_ports,
    "nat_range.set": _set_range,
    "portproxy.set": _put_proxy,
    "service.set": _set_service,
    "windows_value.set": _set_value,
    "portproxy.remove": _remove_proxy,
    "relay.put": _put_relay,
    "relay.remove": _unregister,
    "wslconfig.write": _write_config,
}


def canonical(facts: WindowsFacts) -> WindowsFacts:
    """The same state always looks the same: lists have no order, an unset setting is none."""
    firewall, boot = facts.hyperv_firewall, facts.boot
    if firewall is not None:
        stored = firewall.stored_setting
        kept = None if stored is None or stored.default_inbound == UNSET else stored
        firewall = replace(firewall, rules=tuple(sorted(firewall.rules, key=str)), stored_setting=kept)
    if facts.host_rules is not None:
        facts = replace(facts, host_rules=tuple(sorted(facts.host_rules, key=str)))
    if facts.portproxy is not None:
        facts = replace(facts, portproxy=tuple(sorted(facts.portproxy, key=str)))
    if boot is not None:
        scripts = tuple(sorted(boot.startup, key=str))
        boot = replace(boot, tasks=tuple(sorted(boot.tasks, key=str)), startup=scripts)
    return replace(facts, hyperv_firewall=firewall, boot=boot)
