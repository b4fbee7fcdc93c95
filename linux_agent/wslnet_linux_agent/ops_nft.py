"""Verbs `nft.insert` and `nft.delete`: single rules in chains of nftables that are there already.

Never a flush, a new table or a new chain. A rule is known by its text; its handle, which no later rule gets,
is looked up at the moment of the deletion. Not part of the bundle: sent when needed.
"""

import re

from wslnet_linux_agent import shell
from wslnet_linux_agent.ops import OpError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from wslnet_linux_agent.ops import Args

_FAMILIES = ("ip", "ip6", "inet", "bridge", "arp", "netdev")
_NAME = re.compile(r"[A-Za-z0-9_.-]+$")
_QUOTED = re.compile(r'"[^"\\]*"')
# Outside of quotes these would end the rule and begin another command.
_FORBIDDEN = re.compile(r"[;\\\n\"#]")
_COUNTER = re.compile(r"\bcounter packets \d+ bytes \d+")
_LINE = re.compile(r"^\s+(.*?) # handle (\d+)$", re.MULTILINE)


def insert(args: "Args") -> "dict[str, Any]":
    """Insert a rule at a position, counted from 1.

    Raises:
        OpError: nft refused; `not-found` if there is no such chain, or no such position; `exists` if the
            chain has more than `equal` such rules: somebody has put it back.
    """
    chain = chain_of(args)
    rule = args.text("rule")
    if _FORBIDDEN.search(_QUOTED.sub("", rule)):
        raise OpError("bad-op", "this is not one rule: %s" % rule)
    position = args.number("position")
    present = [text for text, _ in rules(chain)]
    if args.has("equal") and present.count(rule) > args.number("equal"):
        raise OpError("exists", "the rule is there again")
    if not 1 <= position <= len(present) + 1:
        raise OpError("not-found", "%s has no place %d for a rule" % (" ".join(chain), position))
    if position == 1:
        _nft(["insert", "rule", *chain, rule])
    else:
        _nft(["add", "rule", *chain, "index", str(position - 2), rule])
    return {}


def delete(args: "Args") -> "dict[str, Any]":
    """Delete the first rule that reads as `rule`, counters aside.

    Raises:
        OpError: `not-found` if there is none.
    """
    chain = chain_of(args)
    wanted = args.text("rule")
    handle = next((handle for rule, handle in rules(chain) if rule == wanted), None)
    if handle is None:
        raise OpError("not-found", "%s has no such rule: %s" % (" ".join(chain), wanted))
    _nft(["delete", "rule", *chain, "handle", handle])
    return {}


def chain_of(args: "Args") -> "list[str]":
    """Give family, table and chain that an op names."""
    names = [args.text("table"), args.text("chain")]
    for name in names:
        if not _NAME.match(name):
            raise OpError("bad-op", "not a name of nftables: %s" % name)
    return [args.choice("family", _FAMILIES), *names]


def rules(chain: "list[str]") -> "list[tuple[str, str]]":
    """Give text and handle of each rule of a chain, counters at nought."""
    lines = _LINE.findall(_nft(["-a", "list", "chain", *chain]))
    # The chain's own handle stands behind its opening brace.
    return [(_COUNTER.sub("counter", rule), handle) for rule, handle in lines if not rule.endswith("{")]


def _nft(words: "list[str]") -> "str":
    outcome = shell.run(["nft", *words])
    if outcome.code == 0:
        return outcome.text()
    reason = outcome.reason()
    code = outcome.problem or "failed"
    if "No such file or directory" in reason:
        code = "not-found"
    elif "Operation not permitted" in reason:
        code = "not-permitted"
    raise OpError(code, "nft: %s" % reason)
