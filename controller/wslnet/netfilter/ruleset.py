"""Reads what iptables saves (`iptables-save [-c]`, `iptables -S`) into tables, chains and rules.

The exact argument vector of each rule is kept, so that a rule can be shown, compared and deleted as it is.
"""

from __future__ import annotations

import re
import shlex
from functools import lru_cache

from wslnet.netfilter.iptables_words import comment, decode
from wslnet.netfilter.rules import Chain, Rule, Table

_COUNTERS = re.compile(r"\[(?P<packets>\d+):(?P<bytes>\d+)\] ?")
_CHAIN = re.compile(r":(?P<name>\S+) (?P<policy>\S+)")
_TAINTED = re.compile(r"# Table `(?P<name>[^']+)' (?:contains incompatible base-chains|is incompatible)")

_BASE_PRIORITIES = {"raw": -300, "mangle": -150, "filter": 0, "security": 50}
_HOOKS = {
    "PREROUTING": "prerouting",
    "INPUT": "input",
    "FORWARD": "forward",
    "OUTPUT": "output",
    "POSTROUTING": "postrouting",
}
_NAT_PRIORITIES = {"PREROUTING": -100, "OUTPUT": -100, "INPUT": 100, "POSTROUTING": 100}


def parse_save(text: str, backend: str = "iptables", family: str = "ip") -> dict[str, Table]:
    """Reads saved rules; without a `*table` line they are of table filter, as `iptables -S` prints them.

    Lines that are no rules (comments such as the warning about incompatible base chains) are passed over.

    Returns:
        Tables by name; a table missing from the text is missing here.
    """
    return dict(_parsed(text, backend, family))


@lru_cache(maxsize=256)
def _parsed(text: str, backend: str, family: str) -> dict[str, Table]:
    """The same text is read by every resource of a plan, and again by what is read back."""
    tables: dict[str, dict[str, str | None]] = {}
    rules: dict[tuple[str, str], list[Rule]] = {}
    current = "filter"
    for line in text.splitlines():
        if line.startswith("*"):
            current = line[1:].strip()
            tables.setdefault(current, {})
        elif line.startswith(":") and (chain := _CHAIN.match(line)):
            tables.setdefault(current, {})[chain["name"]] = (
                None if chain["policy"] == "-" else chain["policy"]
            )
        elif line.startswith(("-", "[")):
            _read(line, tables.setdefault(current, {}), current, rules)
    return {
        name: Table(
            name,
            {
                chain: hooked(name, chain, policy, tuple(rules.get((name, chain), ())))
                for chain, policy in chains.items()
            },
            backend,
            family,
        )
        for name, chains in tables.items()
    }


def tainted_tables(text: str) -> tuple[str, ...]:
    """Tables of which iptables-nft said that they hold base chains that it cannot show."""
    return tuple(found["name"] for found in _TAINTED.finditer(text))


def hooked(table: str, name: str, policy: str | None, rules: tuple[Rule, ...]) -> Chain:
    """A chain of iptables; the built-in ones with the hook and priority that the kernel gives them."""
    hook = _HOOKS.get(name) if policy is not None or name in _HOOKS else None
    priority = _NAT_PRIORITIES.get(name, 0) if table == "nat" else _BASE_PRIORITIES.get(table, 0)
    if hook is None:
        return Chain(name, policy, rules)
    return Chain(name, policy, rules, hook, priority, "nat" if table == "nat" else "filter")


def _read(
    line: str, chains: dict[str, str | None], table: str, rules: dict[tuple[str, str], list[Rule]]
) -> None:
    counters = _COUNTERS.match(line)
    words = _words(line[counters.end() :] if counters else line)
    match words:
        case ["-P", chain, policy, *_]:
            chains[chain] = policy
        case ["-N", chain, *_]:
            chains[chain] = None
        case ["-A", chain, *spec]:
            chains.setdefault(chain, None)
            listed = rules.setdefault((table, chain), [])
            packets, size = (int(counters["packets"]), int(counters["bytes"])) if counters else (None, None)
            listed.append(_rule(len(listed) + 1, tuple(spec), packets, size))
        case _:
            return


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError:
        # A line that was cut in a quoted comment still says what its first words are.
        return line.split()


def _rule(number: int, spec: tuple[str, ...], packets: int | None, size: int | None) -> Rule:
    matches, act, target = decode(spec)
    # `!` alone needs no quotes, and nobody writes them.
    text = " ".join(word if word == "!" else shlex.quote(word) for word in spec)
    return Rule(number, spec, text, matches, act, target, packets, size, comment(spec))
