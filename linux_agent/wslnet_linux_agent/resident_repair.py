"""Looks at each thing that wslnet owns and puts back the one that is gone; touches nothing of anybody else.

One at a time, and never beside a run of the controller: as long as one holds the machine's lock or a guard
waits, nothing is put back.
"""

import shlex

from wslnet_linux_agent import (
    facts_network,
    ops,
    ops_card,
    ops_holder,
    ops_nft,
    ops_owned,
    ops_route,
    ops_rule,
    ops_state,
    ops_sysctl,
    resident_nets,
    shell,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

THERE, PUT_BACK, LEFT_ALONE = "there", "put back", "left alone"
MOST_AN_HOUR = 12
"""How often one thing is put back within an hour; then somebody else means it, and it is left alone."""

_HOUR_S = 3600
_STATE = "agent.json"
_OWN_MARK = "wslnet:"
# Targets of iptables behind which a packet goes on, or is as free as by our accept.
_HARMLESS = ("ACCEPT", "LOG", "NFLOG", "ULOG", "MARK", "CONNMARK", "AUDIT", "TRACE")
_LOOKS = {
    "holder.start": ops_holder.is_held,
    "sysctl.set": lambda args: ops_sysctl.read(args) == args.value("value"),
    "card.up": ops_card.is_up,
    "card.add_address": ops_card.needs_no_address,
    "card.set_mtu": ops_card.has_mtu,
}
_STOPPING = ("drop", "reject", "jump", "goto", "queue")


class BusyError(Exception):
    """A run of the controller is at work here."""


def repair(*, counted: "bool") -> "list[tuple[str, str]]":
    """Put back what is gone; gives name and outcome of each item, the outcome in words.

    `counted`: not more often than MOST_AN_HOUR each. What is put back counts either way.

    Raises:
        ops.OpError: what is owned cannot be read; nothing was touched.
        BusyError: not now.
    """
    with ops_state.Locked():
        _refuse_beside_run()
        done = _times()
        items, found = _wanted()
        look = Look()
        for item in items:
            name = item["name"]
            outcome = _repair(item["do"], look, spent=counted and len(done.get(name, ())) >= MOST_AN_HOUR)
            if outcome == PUT_BACK:
                done.setdefault(name, []).append(ops_state.now())
            found.append((name, outcome))
        if any(outcome == PUT_BACK for _, outcome in found):
            ops_state.write(_STATE, {"done": done})
        return found


def inspect() -> "list[tuple[str, str]]":
    """Say of each item whether it is there; changes nothing.

    Raises:
        ops.OpError: what is owned cannot be read.
    """
    look = Look()
    items, problems = _wanted()
    return problems + [(one["name"], _words(one["do"], look)) for one in items]


def _wanted() -> "tuple[list[ops_owned.Item], list[tuple[str, str]]]":
    """What is to be there by runs that stand, bridges before routes through them; and what is refused."""
    runs = ops_owned.confirmed()
    items, problems = resident_nets.declared(runs)
    for declared in ops_owned.read():
        item = ops_owned.in_force(declared, runs)
        if item is not None and item["do"] is not None:
            items.append(dict(item, name=declared["name"]))
    return items, problems


def _words(do: "dict[str, Any]", look: "Look") -> "str":
    try:
        return THERE if look.stands(do) else "missing"
    except (ops.OpError, OSError, ValueError) as error:
        return "cannot be seen: %s" % ops.explain(error)[1]


def _repair(do: "dict[str, Any]", look: "Look", *, spent: "bool") -> "str":
    try:
        if look.stands(do):
            return THERE
        if spent:
            return "%s: it was taken away %d times within an hour" % (LEFT_ALONE, MOST_AN_HOUR)
        look.take_away(do)
    except (ops.OpError, OSError, ValueError) as error:
        return "waits: %s" % ops.explain(error)[1]
    result = ops.perform(do)
    if result["ok"]:
        return PUT_BACK
    code, text = result["error"]["code"], result["error"]["message"]
    return "in the way is what wslnet did not make: %s" % text if code == "exists" else "waits: %s" % text


def _refuse_beside_run() -> "None":
    lock, guard = ops_state.read("lock.json"), ops_state.read("guard.json")
    if lock is not None and ops_state.now() < lock["until"]:
        raise BusyError("run %s is at work" % lock["run"])
    if guard is not None and guard["state"] == "armed":
        raise BusyError("run %s waits for its confirmation" % guard["run"])


def _times() -> "dict[str, list[float]]":
    """When what was put back, of the last hour."""
    done = (ops_state.read(_STATE) or {"done": {}})["done"]
    since = ops_state.now() - _HOUR_S
    return {name: [one for one in times if one > since] for name, times in done.items()}


class Look:
    """The machine as one pass sees it: each table is read once, until something in it is changed."""

    def __init__(self) -> "None":
        self._routes = None  # type: list[dict[str, Any]] | None
        self._links = None  # type: set[str] | None
        self._chains = {}  # type: dict[tuple[str, ...], list[list[str]]]

    def stands(self, do: "dict[str, Any]") -> "bool":
        """Whether what the op makes is there, a rule where it wins."""
        args, verb = ops.Args(do["args"]), do["verb"]
        if verb == "route.add":
            if self._routes is None:
                self._routes = facts_network.routes()
            return any(ops_route.is_meant(args, route) for route in self._routes)
        if verb in _LOOKS:
            return bool(_LOOKS[verb](args))
        if verb in ("bridge.add", "tap.add"):
            if self._links is None:
                self._links = {str(link["name"]) for link in facts_network.links()}
            return args.text("name") in self._links
        rules, wanted = self._rules(verb, args)
        if wanted not in rules:
            # The tool may print it in other words than it was given.
            return verb == "rule.insert" and ops_rule.is_there(args)
        return not any(_may_stop(verb, rule) for rule in rules[: rules.index(wanted)])

    def take_away(self, do: "dict[str, Any]") -> "None":
        """Remove a rule of ours that no longer stands where it wins, before it is put there."""
        verb, args = do["verb"], ops.Args(do["args"])
        if not verb.endswith(".insert"):
            return
        rules, wanted = self._rules(verb, args)
        self._chains.clear()
        if wanted in rules:
            gone = dict(do["args"])
            del gone["position"]
            ops.perform({"verb": verb.replace("insert", "delete"), "args": gone})

    def _rules(self, verb: "str", args: "ops.Args") -> "tuple[list[list[str]], list[str]]":
        if verb == "nft.insert":
            chain = tuple(ops_nft.chain_of(args))
            if chain not in self._chains:
                self._chains[chain] = [[rule] for rule, _ in ops_nft.rules(list(chain))]
            return self._chains[chain], [args.text("rule")]
        tool = ops_rule.tool(args)
        key = (tool, args.text("table"), args.text("chain"))
        if key not in self._chains:
            saved = shell.run([tool, "-w", "5", "-t", key[1], "-S", key[2]]).text()
            lines = [shlex.split(line) for line in saved.split("\n")]
            self._chains[key] = [words[2:] for words in lines if words[:1] == ["-A"]]
        return self._chains[key], args.texts("spec")


def _may_stop(verb: "str", rule: "list[str]") -> "bool":
    """Whether a rule above ours can end a packet that ours would let pass; our own never do."""
    if verb == "nft.insert":
        return _OWN_MARK not in rule[0] and any(word in rule[0].split() for word in _STOPPING)
    if any(word.startswith(_OWN_MARK) for word in rule):
        return False
    targets = [rule[place + 1] for place, word in enumerate(rule[:-1]) if word in ("-j", "-g")]
    return any(target not in _HARMLESS for target in targets)
