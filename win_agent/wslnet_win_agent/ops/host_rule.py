"""Ops on rules of Windows' own firewall: read, write, read back from the registry (facts/host_rules)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet_win_agent import registry
from wslnet_win_agent.bridge import demand_unless_absent
from wslnet_win_agent.calls import files
from wslnet_win_agent.calls import host_firewall as calls
from wslnet_win_agent.errors import WindowsAgentError
from wslnet_win_agent.facts.host_rules import rule_fact

if TYPE_CHECKING:
    from wslnet_win_agent.host import Host

    from .arguments import Arguments

_LOCAL = "Local"
Fact = dict[str, object]


def put(host: Host, arguments: Arguments) -> dict[str, object]:
    """Make a rule; an own one of that name gives way, also one that somebody switched off."""
    wanted = _wanted(arguments)
    before = _stored(host, wanted.name)
    if before is not None:
        host.attempt(calls.remove_host_rule(wanted.name), f"removing {wanted.name}")
        if _stored(host, wanted.name) is not None:
            raise WindowsAgentError("failed", f"{wanted.name} was removed and is still there")
    host.attempt(calls.create_host_rule(wanted), f"creating {wanted.name}")
    return {"before": _fact(wanted.name, before), "after": _must_be(host, wanted)}


def remove(host: Host, arguments: Arguments) -> dict[str, object]:
    """Remove an own rule; one that is not there is `not-found`."""
    name = arguments.own_rule("name")
    before = _stored(host, name)
    if before is None:
        raise WindowsAgentError("not-found", f"there is no firewall rule {name}")
    host.attempt(calls.remove_host_rule(name), f"removing {name}")
    if _stored(host, name) is not None:
        raise WindowsAgentError("failed", f"{name} was removed and is still there")
    return {"before": _fact(name, before), "after": None}


def _wanted(arguments: Arguments) -> calls.HostRule:
    return calls.HostRule(
        name=arguments.own_rule("name"),
        display_name=arguments.text("display_name"),
        action=arguments.text("action"),
        protocol=arguments.text("protocol"),
        local_ports=arguments.texts("local_ports"),
        remote_addresses=arguments.texts("remote_addresses"),
        profiles=arguments.texts("profiles"),
        program=arguments.optional_text("program"),
        service=arguments.optional_text("service"),
    )


def _stored(host: Host, name: str) -> str | None:
    """The registry's text of a rule of this PC's store, on or off."""
    path = registry.HOST_RULES[_LOCAL]
    reply = demand_unless_absent(host.read([files.registry_keys([path])]), f"reading {name}")
    found = registry.read(reply.outputs).values(path).get(name)
    return found if isinstance(found, str) else None


def _fact(name: str, text: str | None) -> Fact | None:
    return None if text is None else rule_fact(name, text, _LOCAL)


def _must_be(host: Host, wanted: calls.HostRule) -> Fact:
    """Read a rule back and compare what decides about packets; Windows spells addresses in its own way."""
    after = _fact(wanted.name, _stored(host, wanted.name))
    if after is None:
        raise WindowsAgentError("failed", f"{wanted.name} was written and is not in force")
    same = (
        after["action"] == wanted.action
        and after["local_ports"] == (list(wanted.local_ports) or after["local_ports"])
        and (after["remote_addresses"] != []) == (wanted.remote_addresses != ())
    )
    if not same:
        raise WindowsAgentError("failed", f"{wanted.name} was written and reads back otherwise")
    return after
