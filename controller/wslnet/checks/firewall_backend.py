"""Which firewall back ends of a Linux machine hold rules, and whether one of them hides another's.

iptables-legacy and iptables-nft filter side by side and neither shows the other's rules, and iptables-nft
cannot show base chains that others put into its tables. Which rule blocks is for `nested.reject` to say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.checks.parts.findings import REACHABLE, Findings, look_again
from wslnet.model.finding import Check, Finding, Status
from wslnet.model.machine import Kind
from wslnet.netfilter.ruleset import tainted_tables
from wslnet.netfilter.view import IPTABLES_NFT, LEGACY, rule_users, tables

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from wslnet.model.linux_network import Firewall
    from wslnet.model.snapshot import Snapshot
    from wslnet.netfilter.rules import Table

_SAY = Findings(
    "firewall.backend", docs="https://wiki.nftables.org/wiki-nftables/index.php/Legacy_xtables_tools"
)

_WSLS_OWN = "WSL"


def _judge(snapshot: Snapshot) -> Iterator[Finding]:
    for machine in snapshot.inventory.machines.values():
        if machine.kind not in {Kind.WSL, Kind.VM}:
            continue
        facts = snapshot.linux(machine.name)
        if facts is None:
            yield _SAY.unseen(snapshot, machine.name)
        elif facts.firewall is None:
            yield _SAY.skip(machine.name, f"{machine.name} has no firewall tools, or did not tell its rules")
        else:
            yield _machine(machine.name, facts.firewall)


def _machine(machine: str, firewall: Firewall) -> Finding:
    users = rule_users(firewall)
    evidence = tuple(f"{machine} {backend}: {_words(found)}" for backend, found in users.items())
    if {LEGACY, IPTABLES_NFT} <= set(users):
        other = LEGACY if firewall.default == IPTABLES_NFT else IPTABLES_NFT
        return _SAY.problem(
            Status.WARN,
            machine,
            f"{machine} has rules in iptables-legacy and in iptables-nft",
            evidence=evidence,
            cause=f"`iptables` is {firewall.default} there and does not show what {other} has; both filter",
            fix=look_again(
                _SAY.code,
                f"on {machine}, look at both: wslnet rules show --machine {machine}",
                "have everybody use one: update-alternatives --config iptables, then restart who made "
                f"the rules of {other}",
            ),
        )
    hidden = tuple(_hidden(machine, firewall))
    if hidden:
        return _SAY.problem(
            Status.WARN,
            machine,
            f"{machine} has incompatible base-chains in tables of iptables",
            evidence=(*evidence, *hidden),
            cause="iptables-nft does not show them, and restoring a saved table takes them away",
            fix=look_again(_SAY.code, f"on {machine}, list them with: nft list ruleset"),
        )
    return _SAY.ok(machine, f"{machine} filters with {', '.join(users) or 'nothing'}", *evidence)


def _words(found: tuple[Table, ...]) -> str:
    counts = [sum(len(chain.rules) for chain in table.chains.values()) for table in found]
    return ", ".join(f"{one.name} ({count} rules)" for one, count in zip(found, counts, strict=True))


def _hidden(machine: str, firewall: Firewall) -> Iterator[str]:
    """In words, base chains in tables of iptables-nft that it says it cannot show; WSL's own are expected."""
    tainted = tainted_tables(firewall.backends.get(IPTABLES_NFT, {}).get("4") or "")
    by_name: Mapping[str, tuple[str, ...]] = {
        table.name: tuple(chain.name for chain in table.chains.values() if chain.hook is not None)
        for table in tables(firewall)
        if table.backend == "nft" and table.family == "ip"
    }
    for name in tainted:
        strangers = [chain for chain in by_name.get(name, ()) if not chain.startswith(_WSLS_OWN)]
        if strangers:
            yield f"{machine} nft ip {name}: chain {', '.join(strangers)}, not shown by iptables-nft"


CHECK = Check(
    code=_SAY.code,
    title="All firewall rules stand in one back end",
    needs={kind: frozenset({"firewall"}) for kind in (Kind.WSL, Kind.VM)},
    judge=_judge,
    depends_on=(REACHABLE,),
    docs=_SAY.docs,
)
