"""The note's first recipe for nested VMs: libvirt's two REJECTs are deleted instead of overruled."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.netfilter.placing import Stop, place_of
from wslnet.netfilter.rules import Act, Field, Place
from wslnet.resources.absent_rule import AbsentRule
from wslnet.resources.forward_accept import ForwardAccept

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from wslnet.model.change import Resource
    from wslnet.model.snapshot import Snapshot
    from wslnet.netfilter.rules import Rule

_INTERFACES = frozenset({Field.IIF, Field.OIF})


def without_rejects(snapshot: Snapshot, resources: Iterable[Resource]) -> tuple[Resource, ...]:
    """The same, with accepts that stand against libvirt's rejects replaced by the deletion of those.

    Both of a bridge go, as in the note. An accept that something else stops stays an accept.
    """
    found: dict[tuple[str, str], Resource] = {}
    for one in resources:
        facts = snapshot.linux(one.machine)
        stop = one.stop(facts) if isinstance(one, ForwardAccept) and facts is not None else None
        link = None if stop is None else _bridge_of(stop.verdict.rule)
        instead = (one,) if stop is None or link is None else tuple(_rejects(one.machine, stop, link))
        for resource in instead:
            found.setdefault((resource.machine, resource.name), resource)
    return tuple(found.values())


def _bridge_of(rule: Rule | None) -> str | None:
    """The bridge, if the rule rejects all that goes in or out by one: libvirt's form in every generation."""
    if rule is None or rule.act is not Act.REJECT or len(rule.matches) != 1:
        return None
    (match,) = rule.matches
    return match.values[0] if match.field in _INTERFACES and not match.negated and match.values else None


def _rejects(machine: str, stop: Stop, link: str) -> Iterator[AbsentRule]:
    base = place_of(stop.base)
    for chain in stop.base.table.chains.values():
        texts = tuple(rule.text for rule in chain.listed if _bridge_of(rule) == link)
        place = Place(base.backend, base.family, base.table, chain.name)
        why = f"it keeps what lies behind {link} from the machines above"
        for index, text in enumerate(texts):
            left = texts[index + 1 :].count(text)
            yield AbsentRule(machine, place, text, why, left, texts[:index], ("S0-36",))
