"""Containers under mirrored mode: what their engine does with Windows' 127.0.0.1, and what helps.

A published port is translated on its way in. What comes from localhost of Windows arrives on loopback0 with
127.0.0.1 as source, and the answers of a container never find back (microsoft/WSL#10494). Pure.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from wslnet.errors import PlanRefused
from wslnet.model.daemon_json import value_of
from wslnet.netfilter.rules import Act, Field
from wslnet.netfilter.view import tables
from wslnet.resources.own_rule import OwnRule

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from wslnet.model.change import Resource
    from wslnet.model.linux_facts import ContainerEngine, LinuxFacts
    from wslnet.netfilter.rules import Rule

UPSTREAM = "microsoft/WSL#10494"
LOOPBACK0 = "loopback0"
HANDLES_SINCE = (27, 3)
"""From this version on Docker leaves loopback0 alone if it sees mirrored mode when it starts (moby#48514)."""

_LOCALHOST = frozenset({"127.0.0.1", "127.0.0.1/32", "127.0.0.0/8"})
_PODMAN = ("NETAVARK", "CNI-")


class Case(StrEnum):
    """What is so; the words of `docker check --json`."""

    NOTHING = "nothing-published"
    HANDLED = "handled"
    USERLAND = "userland"
    STALE = "stale-raw-rules"
    LATE = "engine-before-mirrored"
    UNHANDLED = "unhandled"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Verdict:
    """One engine's case, what it was seen by, and what to do; `fixable`: `docker fix` has a rule for it."""

    engine: str
    version: str | None
    case: Case
    evidence: tuple[str, ...]
    advice: str
    fixable: bool = False


def judge(facts: LinuxFacts) -> tuple[Verdict, ...]:
    """A verdict for every engine that is installed and answers; facts `engines` and `firewall` are read."""
    return tuple(_judge(facts, one) for one in facts.engines or () if one.version is not None)


def rules_for(machine: str, verdict: Verdict) -> tuple[Resource, ...]:
    """The rules that help in this case, none where none does; each is known by its comment.

    127.0.0.1 on loopback0 stays as it is, so that the engine's userland proxy takes it.
    """
    here = ("-d", "127.0.0.1/32", "-i", LOOPBACK0)
    why = f"until {UPSTREAM} is settled: containers answer to localhost of Windows"
    rows = ("S3-50", "S3-52")
    if verdict.case is Case.STALE:
        tag = "containers loopback0"
        return (OwnRule(machine, "raw", "PREROUTING", tag, here, ("-j", "ACCEPT"), why, rows),)
    if verdict.fixable:
        action = ("-j", "DNAT", "--to-destination", "127.0.0.1")
        return (
            OwnRule(
                machine, "nat", "PREROUTING", "containers loopback0", here, action, why, rows, below_ours=True
            ),
        )
    return ()


def userland_values() -> dict[str, object]:
    """What fix 1 of note 003 writes into daemon.json."""
    return {"iptables": False, "userland-proxy": True}


DRAWBACKS = (
    "published ports are carried by a process for each: slower, and the container sees no client's address",
    "containers lose their way out unless somebody else masquerades for them",
    "networks of containers are not kept apart from each other any more",
)
"""Of `iptables: false` (S3-47)."""


def against_userland(facts: LinuxFacts) -> tuple[str, ...]:
    """What of Docker is in use here that `iptables: false` takes away, in words; none: it costs little."""
    published = list(_published(facts, "docker"))
    bridges = {
        one.values[0]
        for _, rule in _rules(facts, "nat")
        for one in rule.matches
        if rule.target == "MASQUERADE" and one.field is Field.OIF and one.negated and one.values
    }
    networks = sorted(one for one in bridges if one == "docker0" or one.startswith("br-"))
    ports = f"{len(published)} published ports would each be carried by a process" if published else ""
    apart = f"{len(networks)} networks are kept apart by its rules: {', '.join(networks)}"
    return tuple(text for text in (ports, apart if len(networks) > 1 else "") if text)


def _judge(facts: LinuxFacts, engine: ContainerEngine) -> Verdict:
    def say(case: Case, advice: str, evidence: Iterable[str] = (), *, fixable: bool = False) -> Verdict:
        return Verdict(engine.engine, engine.version, case, tuple(evidence), advice, fixable)

    published, stale = list(_published(facts, engine.engine)), list(_stale(facts))
    if facts.firewall is None:
        return say(Case.UNKNOWN, "the rules of the machine could not be read")
    if engine.engine == "docker" and _setting(engine, "iptables") is False:
        return say(Case.USERLAND, "nothing to do; its drawbacks: " + "; ".join(DRAWBACKS))
    if stale:
        return say(Case.STALE, "wslnet docker fix, or restart the engine", stale, fixable=True)
    if not published:
        return say(Case.NOTHING, "no container publishes a port by a translation")
    skips = list(_skips(facts))
    if skips:
        return say(Case.HANDLED, "nothing to do", skips)
    case, advice, fixable = _untreated(engine)
    return say(case, advice, published, fixable=fixable)


def _untreated(engine: ContainerEngine) -> tuple[Case, str, bool]:
    """Case, advice and whether a rule helps, where nothing yet is done about it."""
    if engine.engine == "podman":
        advice = "run it rootless (its rootlessport listens itself), or use the LAN address of Windows"
        return Case.UNHANDLED, advice, False
    has_proxy = _setting(engine, "userland-proxy") is not False
    if _number(engine.version) >= HANDLES_SINCE:
        advice = f"Docker {engine.version} looks for mirrored mode only when it starts: restart docker"
        return Case.LATE, advice, has_proxy
    if has_proxy:
        return Case.UNHANDLED, "wslnet docker fix, or update Docker to 27.3 or newer", True
    advice = "update Docker to 27.3 or newer: its userland proxy is off, so nobody else would answer"
    return Case.UNHANDLED, advice, False


def _published(facts: LinuxFacts, engine: str) -> Iterator[str]:
    for name, rule in _rules(facts, "nat"):
        is_theirs = name.startswith(_PODMAN) if engine == "podman" else name.startswith("DOCKER")
        if is_theirs and not rule.ours and rule.target == "DNAT":
            yield f"nat {name} rule {rule.number}: {rule.text}"


def _skips(facts: LinuxFacts) -> Iterator[str]:
    """Rules by which what comes from loopback0 is left alone: Docker's own, or of `docker fix`."""
    for name, rule in _rules(facts, "nat"):
        asks = LOOPBACK0 in rule.values(Field.IIF)
        if asks and (rule.act is Act.RETURN or (rule.target == "DNAT" and "127.0.0.1" in rule.spec)):
            yield f"nat {name} rule {rule.number}: {rule.text}"


def _stale(facts: LinuxFacts) -> Iterator[str]:
    """Drops of Docker for 127.0.0.1 with no accept of loopback0 above them (moby#53382)."""
    accepted: set[tuple[str, ...]] = set()
    for name, rule in _rules(facts, "raw"):
        ports = rule.values(Field.DPORT)
        if rule.act is Act.ACCEPT and LOOPBACK0 in rule.values(Field.IIF):
            accepted.add(ports)
        is_local = bool(_LOCALHOST & set(rule.values(Field.DST)))
        not_lo = any(one.field is Field.IIF and one.negated and "lo" in one.values for one in rule.matches)
        covered = () in accepted or ports in accepted
        if rule.act is Act.DROP and is_local and not_lo and not covered:
            yield f"raw {name} rule {rule.number}: {rule.text}"


def _rules(facts: LinuxFacts, wanted: str) -> Iterator[tuple[str, Rule]]:
    for table in tables(facts.firewall) if facts.firewall is not None else ():
        if table.name == wanted:
            for chain in table.chains.values():
                yield from ((chain.name, rule) for rule in chain.listed)


def _settings(engine: ContainerEngine) -> str | None:
    return None if engine.settings is None else base64.b64decode(engine.settings).decode(errors="replace")


def _setting(engine: ContainerEngine, key: str) -> object:
    """A value of its settings; None where it says nothing, or nothing that can be read."""
    try:
        return value_of(_settings(engine), key)
    except PlanRefused:
        return None


def _number(version: str | None) -> tuple[int, ...]:
    parts = (version or "").partition("-")[0].split(".")
    return tuple(int(part) for part in parts if part.isdigit())
