"""Hyper-V firewall ops: read, one write, read back. Success is what was read back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet_win_agent.bridge import demand_unless_absent
from wslnet_win_agent.calls import firewall as calls
from wslnet_win_agent.errors import WindowsAgentError
from wslnet_win_agent.facts.firewall import rule as rule_fact
from wslnet_win_agent.facts.firewall import setting as setting_fact

if TYPE_CHECKING:
    from wslnet_win_agent.call import Call
    from wslnet_win_agent.host import Host

    from .arguments import Arguments

Fact = dict[str, object]


def create_rule(host: Host, arguments: Arguments) -> dict[str, object]:
    """Create a rule; one of that name that is there already is `exists`."""
    wanted = _wanted(arguments)
    before = _rule(host, wanted.name)
    if before is not None:
        raise WindowsAgentError("exists", f"there is a Hyper-V firewall rule {wanted.name} already")
    host.attempt(calls.create_rule(wanted), f"creating {wanted.name}")
    return {"before": None, "after": _must_be(host, wanted)}


def remove_rule(host: Host, arguments: Arguments) -> dict[str, object]:
    """Remove an own rule; one that is not there is `not-found`."""
    name = arguments.own_rule("name")
    before = _rule(host, name)
    if before is None:
        raise WindowsAgentError("not-found", f"there is no Hyper-V firewall rule {name}")
    host.attempt(calls.remove_rule(name), f"removing {name}")
    if _rule(host, name) is not None:
        raise WindowsAgentError("failed", f"{name} was removed and is still there")
    return {"before": before, "after": None}


def set_setting(host: Host, arguments: Arguments) -> dict[str, object]:
    """Set the default inbound action of one creator; made if it has no setting yet (windows-facts 2)."""
    creator = arguments.text("creator", calls.WSL_CREATOR)
    action = arguments.text("default_inbound_action")
    before = _setting(host, calls.setting(creator))
    stored = _setting(host, calls.stored_setting(creator))
    make = calls.create_setting if stored is None else calls.change_setting
    host.attempt(make(creator, action), "setting the default inbound action")
    after = _setting(host, calls.stored_setting(creator))
    if after is None or after["default_inbound"] != action:
        raise WindowsAgentError("failed", "the default inbound action was set and reads back as before")
    return {"before": before, "after": _setting(host, calls.setting(creator))}


def _wanted(arguments: Arguments) -> calls.Rule:
    return calls.Rule(
        name=arguments.own_rule("name"),
        display_name=arguments.text("display_name"),
        direction=arguments.text("direction"),
        action=arguments.text("action"),
        protocol=arguments.text("protocol"),
        local_ports=arguments.texts("local_ports"),
        remote_addresses=arguments.texts("remote_addresses"),
        profiles=arguments.texts("profiles"),
        creator=arguments.text("creator", calls.WSL_CREATOR),
        enabled=arguments.flag("enabled", default=True),
    )


def _rule(host: Host, name: str) -> Fact | None:
    rows = demand_unless_absent(host.read([calls.rule(name)]), f"reading {name}").rows(
        "MSFT_NetFirewallHyperVRule"
    )
    return rule_fact(rows[0]) if rows else None


def _setting(host: Host, call: Call) -> Fact | None:
    reply = demand_unless_absent(host.read([call]), "reading the Hyper-V firewall's setting")
    rows = reply.rows("MSFT_NetFirewallHyperVVMSetting")
    return setting_fact(rows[0]) if rows else None


def _must_be(host: Host, wanted: calls.Rule) -> Fact:
    """Read a rule back and compare what decides about packets; Windows spells addresses in its own way."""
    after = _rule(host, wanted.name)
    if after is None:
        raise WindowsAgentError("failed", f"{wanted.name} was written and is not there")
    same = (
        after["direction"] == wanted.direction
        and after["action"] == wanted.action
        and after["enabled"] == wanted.enabled
        and after["local_ports"] == (list(wanted.local_ports) or after["local_ports"])
    )
    if not same:
        raise WindowsAgentError("failed", f"{wanted.name} was written and reads back otherwise")
    return after
