"""Reads `iptables-save` text into tables, chains and rules.

The exact argument vector of each rule is kept, so that a rule can be shown, compared and deleted as it is.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field

_COUNTERS = re.compile(r"\[(?P<packets>\d+):(?P<bytes>\d+)\] ?")
_CHAIN = re.compile(r":(?P<name>\S+) (?P<policy>\S+)")
_COMMENT_LINE = "#"


@dataclass(frozen=True, slots=True)
class RuleLine:
    """One rule: its number in the chain (from 1), its arguments without `-A CHAIN`, its packet counter."""

    number: int
    spec: tuple[str, ...]
    packets: int | None = None

    def option(self, *names: str) -> str | None:
        """The value of the first of the named options, with a leading `!` if it is negated."""
        for index, word in enumerate(self.spec[:-1]):
            if word in names:
                negated = index > 0 and self.spec[index - 1] == "!"
                return ("!" if negated else "") + self.spec[index + 1]
        return None

    @property
    def target(self) -> str | None:
        """What it jumps or goes to; None for a rule that only counts."""
        return self.option("-j", "--jump", "-g", "--goto")

    @property
    def goes(self) -> bool:
        """Whether it goes to its target and does not come back (`-g`)."""
        return self.option("-g", "--goto") is not None

    @property
    def comment(self) -> str | None:
        """The text of its comment match."""
        return self.option("--comment")

    @property
    def text(self) -> str:
        """The rule as one would type it."""
        return shlex.join(self.spec)


@dataclass(frozen=True, slots=True)
class Chain:
    """A chain; `policy` is None for user chains."""

    name: str
    policy: str | None
    rules: tuple[RuleLine, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """One table (`filter`, `nat`, …) of one back end and family."""

    name: str
    chains: dict[str, Chain] = field(default_factory=dict)


def parse_save(text: str) -> dict[str, Table]:
    """Reads the output of `iptables-save [-c]`.

    Lines that are no rules (comments such as the warning about incompatible base chains) are passed over.

    Returns:
        Tables by name; a table missing from the text is missing here.
    """
    tables: dict[str, Table] = {}
    policies: dict[str, str | None] = {}
    rules: dict[str, list[RuleLine]] = {}
    current: str | None = None
    for line in text.splitlines():
        if line.startswith("*"):
            current, policies, rules = line[1:].strip(), {}, {}
        elif line.startswith(":") and (chain := _CHAIN.match(line)):
            policies[chain["name"]] = None if chain["policy"] == "-" else chain["policy"]
            rules[chain["name"]] = []
        elif line.strip() == "COMMIT" and current is not None:
            tables[current] = Table(
                current,
                {name: Chain(name, policy, tuple(rules[name])) for name, policy in policies.items()},
            )
        elif not line.startswith(_COMMENT_LINE):
            _read_rule(line, rules)
    return tables


def _read_rule(line: str, rules: dict[str, list[RuleLine]]) -> None:
    counters = _COUNTERS.match(line)
    words = shlex.split(line[counters.end() :] if counters else line)
    if len(words) > 1 and words[0] == "-A" and words[1] in rules:
        chain = rules[words[1]]
        packets = int(counters["packets"]) if counters else None
        chain.append(RuleLine(len(chain) + 1, tuple(words[2:]), packets))
