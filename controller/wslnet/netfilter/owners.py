"""Who made a rule, as far as names of chains and tables, comments and libvirt's own wording tell. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wslnet.netfilter.rules import Rule, Table

_TABLES = {"libvirt_network": "libvirt", "docker-bridges": "Docker", "firewalld": "firewalld"}
_CHAINS = (
    ("LIBVIRT_", "libvirt"),
    ("DOCKER", "Docker"),
    ("ufw-", "ufw"),
    ("ufw6-", "ufw"),
    ("FWDI_", "firewalld"),
    ("FWDO_", "firewalld"),
    ("FORWARD_ZONES", "firewalld"),
    ("FORWARD_direct", "firewalld"),
    ("ts-", "Tailscale"),
    ("f2b-", "fail2ban"),
    ("KUBE-", "Kubernetes"),
    ("CNI-", "CNI"),
    ("NETAVARK", "Podman"),
    ("WSL", "WSL"),
)
# Words of the REJECTs that libvirt before 5.1 puts straight into FORWARD (note 000).
_OLD_LIBVIRT = frozenset({"icmp-port-unreachable", "virbr0"})


def owner_of(table: Table, chain: str, rule: Rule | None) -> str | None:
    """`libvirt`, `Docker`, `ufw`, `firewalld`, `WSL`, `wslnet` …, or None if nothing tells.

    A rule that only jumps is its target's owner's; `rule` None asks about the chain's policy.
    """
    if rule is not None and rule.ours:
        return "wslnet"
    if table.name in _TABLES:
        return _TABLES[table.name]
    for name in (rule.target if rule is not None else None, chain):
        found = next((owner for start, owner in _CHAINS if name and name.startswith(start)), None)
        if found is not None:
            return found
    if rule is None:
        return _owner_of_policy(table, chain)
    return "libvirt" if rule.act == "REJECT" and _OLD_LIBVIRT & set(rule.spec) else None


def _owner_of_policy(table: Table, chain: str) -> str | None:
    """Who asks the chain's first question is taken for who set its policy."""
    rules = table.chains[chain].rules if chain in table.chains else ()
    return next(
        (owner for rule in rules if (owner := owner_of(table, chain, rule)) in {"Docker", "ufw"}), None
    )
