"""One Linux machine as its facts, and what each op of the agent makes of them. Pure."""

from __future__ import annotations

import base64
import hashlib
import shlex
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from wslnet.model.guest_facts import GuestAccount, GuestKeys, PinnedLease
from wslnet.model.linux_facts import DiskFile, LinuxFacts
from wslnet.model.linux_network import Address, Firewall, HeldPort, Route

from . import bridging_model, keeping_model, setting_model
from .bridging_model import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

BACKEND = "iptables-nft"
FORWARD = "net.ipv4.ip_forward"
REDIRECTS = "net.ipv4.conf.all.accept_redirects"


def _route_of(args: Mapping[str, Any]) -> Route:
    fields = {key: args[key] for key in ("family", "dst", "via", "dev", "table", "proto", "metric")}
    return Route(**fields, src=args.get("src"))


def _add_route(facts: LinuxFacts, args: Mapping[str, Any]) -> LinuxFacts:
    route, routes = _route_of(args), facts.routes or ()
    if any(_key(one) == _key(route) for one in routes):
        raise Refused("exists")
    return replace(facts, routes=(*routes, route))


def _key(route: Route) -> tuple[object, ...]:
    """What the kernel tells routes apart by (`ip route add` is CREATE and EXCL)."""
    return route.family, route.dst, route.table, route.metric


def _delete_route(facts: LinuxFacts, args: Mapping[str, Any]) -> LinuxFacts:
    route, routes = _route_of(args), facts.routes or ()
    same = [
        one for one in routes if replace(one, src=route.src and one.src, flags=(), scope=route.scope) == route
    ]
    if not same:
        raise Refused("not-found")
    return replace(facts, routes=tuple(one for one in routes if one is not same[0]))


def _set_sysctl(facts: LinuxFacts, args: Mapping[str, Any]) -> LinuxFacts:
    values = dict(facts.sysctls or {})
    if args["key"] not in values:
        raise Refused("not-found")
    for key, value in {args["key"]: args["value"], **args.get("also", {})}.items():
        if values[key] == value:
            continue
        values[key] = value
        if key == FORWARD:
            # net/ipv4/devinet.c: inet_forward_change
            turned = [one for one in values if one.endswith(".forwarding") and one.startswith("net.ipv4.")]
            values |= dict.fromkeys(turned, value)
            if REDIRECTS in values:
                values[REDIRECTS] = "0" if value == "1" else "1"
    return replace(facts, sysctls=values)


def _rules(facts: LinuxFacts, args: Mapping[str, Any]) -> tuple[list[str], list[int]]:
    assert facts.firewall is not None
    lines = facts.firewall.backends[args["backend"]][str(args["family"])].splitlines()
    return lines, [at for at, line in enumerate(lines) if line.startswith(f"-A {args['chain']} ")]


def _words(spec: Sequence[str]) -> str:
    """As iptables-save prints them: a lone `!` needs no quotes there."""
    return " ".join(word if word == "!" else shlex.quote(word) for word in spec)


def _with_lines(facts: LinuxFacts, args: Mapping[str, Any], lines: list[str]) -> LinuxFacts:
    saved = {args["backend"]: {str(args["family"]): "\n".join(lines)}}
    return replace(facts, firewall=Firewall(saved, args["backend"]))


def _insert_rule(facts: LinuxFacts, args: Mapping[str, Any]) -> LinuxFacts:
    lines, places = _rules(facts, args)
    places.append(lines.index("COMMIT"))
    lines.insert(places[args["position"] - 1], f"-A {args['chain']} {_words(args['spec'])}")
    return _with_lines(facts, args, lines)


def _delete_rule(facts: LinuxFacts, args: Mapping[str, Any]) -> LinuxFacts:
    lines, places = _rules(facts, args)
    wanted = f"-A {args['chain']} {_words(args['spec'])}"
    same = [at for at in places if lines[at] == wanted]
    if not same:
        raise Refused("not-found")
    del lines[same[0]]
    return _with_lines(facts, args, lines)


def _native(facts: LinuxFacts, args: Mapping[str, Any]) -> tuple[list[str], list[int]]:
    """The lines of nft's ruleset, where the rules of the chain stand in them, and behind those its end."""
    assert facts.firewall is not None
    lines = (facts.firewall.nft or "").splitlines()
    table = lines.index(f"table {args['family']} {args['table']} {{")
    first = lines.index(f"\tchain {args['chain']} {{", table) + 1
    end = lines.index("\t}", first)
    return lines, [*(at for at in range(first, end) if not lines[at].startswith("\t\ttype ")), end]


def _with_native(facts: LinuxFacts, lines: list[str]) -> LinuxFacts:
    assert facts.firewall is not None
    return replace(facts, firewall=replace(facts.firewall, nft="\n".join(lines)))


def _insert_native(facts: LinuxFacts, args: Mapping[str, Any]) -> LinuxFacts:
    lines, places = _native(facts, args)
    lines.insert(places[args["position"] - 1], f"\t\t{args['rule']}")
    return _with_native(facts, lines)


def _delete_native(facts: LinuxFacts, args: Mapping[str, Any]) -> LinuxFacts:
    lines, places = _native(facts, args)
    same = [at for at in places if lines[at] == f"\t\t{args['rule']}"]
    if not same:
        raise Refused("not-found")
    del lines[same[0]]
    return _with_native(facts, lines)


def _write_file(facts: LinuxFacts, args: Mapping[str, Any]) -> LinuxFacts:
    assert facts.files is not None
    content = base64.b64decode(args["content"])
    if "run" in args:
        content = content.replace(b"@RUN@", args["run"].encode())
    assert b"# wslnet " in content
    made = DiskFile(args["path"], args["mode"], args["uid"], args["gid"], base64.b64encode(content).decode())
    others = tuple(one for one in facts.files.found if one.path != made.path)
    above = tuple(one for one in facts.files.missing if not made.path.startswith(f"{one}/"))
    return replace(facts, files=replace(facts.files, found=(*others, made), missing=above))


def _remove_file(facts: LinuxFacts, args: Mapping[str, Any]) -> LinuxFacts:
    assert facts.files is not None
    others = tuple(one for one in facts.files.found if one.path != args["path"])
    if others == facts.files.found:
        raise Refused("not-found")
    gone = tuple(args["folders"])
    return replace(facts, files=replace(facts.files, found=others, missing=(*facts.files.missing, *gone)))


def _mark(facts: LinuxFacts, args: Mapping[str, Any]) -> LinuxFacts:
    assert facts.files is not None
    runs = tuple(sorted({*facts.files.confirmed, args["run"]}))
    return replace(facts, files=replace(facts.files, confirmed=runs))


def _unmark(facts: LinuxFacts, args: Mapping[str, Any]) -> LinuxFacts:
    assert facts.files is not None
    if args["run"] not in facts.files.confirmed:
        raise Refused("not-found")
    runs = tuple(one for one in facts.files.confirmed if one != args["run"])
    return replace(facts, files=replace(facts.files, confirmed=runs))


def _update_network(facts: LinuxFacts, args: Mapping[str, Any], *, pins: bool) -> LinuxFacts:
    entry = PinnedLease(args["mac"], args["address"])
    networks = []
    for one in facts.networks or ():
        changed = one
        for place, field in (("config", "hosts"), ("live", "live_hosts")):
            if one.name == args["network"] and place in args:
                hosts: tuple[PinnedLease, ...] = getattr(one, field)
                if (entry in hosts) == pins:
                    raise Refused("failed")
                kept = tuple(host for host in hosts if host != entry)
                changed = replace(changed, **{field: (*hosts, entry) if pins else kept})
        networks.append(changed)
    return replace(facts, networks=tuple(networks))


def _authorize(facts: LinuxFacts, args: Mapping[str, Any]) -> LinuxFacts:
    def add(account: GuestAccount) -> GuestAccount:
        there = b"" if account.content is None else base64.b64decode(account.content)
        gap = b"\n" if there and not there.endswith(b"\n") else b""
        text = base64.b64encode(there + gap + args["line"].encode() + b"\n").decode()
        return replace(account, content=text, folder_exists=True)

    return _in_guest(facts, args, add)


def _deauthorize(facts: LinuxFacts, args: Mapping[str, Any]) -> LinuxFacts:
    def take(account: GuestAccount) -> GuestAccount:
        lines = base64.b64decode(account.content or "").split(b"\n")
        at = lines.index(args["line"].encode())
        del lines[at]
        if "gap" in args and lines[at:] == [b""]:
            lines.pop()
        left = b"\n".join(lines)
        if not left and "remove" in args:
            return replace(account, content=None, folder_exists="remove_folder" not in args)
        return replace(account, content=base64.b64encode(left).decode())

    return _in_guest(facts, args, take)


def _in_guest(
    facts: LinuxFacts, args: Mapping[str, Any], act: Callable[[GuestAccount], GuestAccount]
) -> LinuxFacts:
    def of(guest: GuestKeys) -> GuestKeys:
        mine = (act(one) if one.folder == args["folder"] else one for one in guest.accounts)
        return replace(guest, accounts=tuple(mine)) if guest.domain == args["domain"] else guest

    return replace(facts, guest_keys=tuple(of(guest) for guest in facts.guest_keys or ()))


def _start_holder(facts: LinuxFacts, args: Mapping[str, Any]) -> LinuxFacts:
    held = HeldPort(args["proto"], args["port"])
    return replace(facts, holders=tuple({*(facts.holders or ()), held}))


def _stop_holder(facts: LinuxFacts, args: Mapping[str, Any]) -> LinuxFacts:
    held = HeldPort(args["proto"], args["port"])
    if held not in (facts.holders or ()):
        raise Refused("not-found")
    return replace(facts, holders=tuple(one for one in facts.holders or () if one != held))


def _write_settings(facts: LinuxFacts, args: Mapping[str, Any]) -> LinuxFacts:
    (docker,) = facts.engines or ()
    have = None if docker.settings is None else base64.b64decode(docker.settings)
    if args["expect_sha256"] != (None if have is None else hashlib.sha256(have).hexdigest()):
        raise Refused("exists")
    return replace(facts, engines=(replace(docker, settings=args["content"]),))


def _switch_card(facts: LinuxFacts, args: Mapping[str, Any], *, up: bool) -> LinuxFacts:
    if not any(one.name == args["link"] for one in facts.links or ()):
        raise Refused("not-found")
    links = (replace(one, up=up) if one.name == args["link"] else one for one in facts.links or ())
    return replace(facts, links=tuple(links))


def _add_address(facts: LinuxFacts, args: Mapping[str, Any]) -> LinuxFacts:
    new = Address(args["link"], 4, args["address"], args["prefix"])
    if new in (facts.addresses or ()):
        raise Refused("exists")
    return replace(facts, addresses=(*(facts.addresses or ()), new))


def _delete_address(facts: LinuxFacts, args: Mapping[str, Any]) -> LinuxFacts:
    gone = Address(args["link"], 4, args["address"], args["prefix"])
    if gone not in (facts.addresses or ()):
        raise Refused("not-found")
    return replace(facts, addresses=tuple(one for one in facts.addresses or () if one != gone))


OPS: dict[str, Callable[[LinuxFacts, Mapping[str, Any]], LinuxFacts]] = {
    "route.add": _add_route,
    "route.delete": _delete_route,
    "sysctl.set": _set_sysctl,
    "rule.insert": _insert_rule,
    "rule.delete": _delete_rule,
    "nft.insert": _insert_native,
    "nft.delete": _delete_native,
    "file.write": _write_file,
    "file.remove": _remove_file,
    "marker.set": _mark,
    "marker.remove": _unmark,
    **bridging_model.OPS,
    "lease.pin": partial(_update_network, pins=True),
    "lease.unpin": partial(_update_network, pins=False),
    "guest.authorize": _authorize,
    "guest.deauthorize": _deauthorize,
    **keeping_model.OPS,
    **setting_model.OPS,
    "holder.start": _start_holder,
    "daemon_json.write": _write_settings,
    "card.up": partial(_switch_card, up=True),
    "card.down": partial(_switch_card, up=False),
    "card.add_address": _add_address,
    "card.delete_address": _delete_address,
    "holder.stop": _stop_holder,
}


def _by_chain(text: str) -> str:
    """Rules of one chain have an order, chains have none."""
    return "\n".join(sorted(text.splitlines(), key=lambda line: line.split()[:2] if line[:2] == "-A" else []))


def canonical(facts: LinuxFacts) -> LinuxFacts:
    """The same state always looks the same: only rules have an order, and `linkdown` is the link's state."""
    routes = (replace(one, flags=tuple(set(one.flags) - {"linkdown"})) for one in facts.routes or ())
    facts = replace(facts, routes=tuple(sorted(routes, key=str)))
    if facts.holders is not None:
        facts = replace(facts, holders=tuple(sorted(facts.holders, key=str)))
    if facts.firewall is not None:
        saved = {
            backend: {family: _by_chain(text) for family, text in texts.items()}
            for backend, texts in facts.firewall.backends.items()
        }
        facts = replace(facts, firewall=replace(facts.firewall, backends=saved))
    if facts.files is None:
        return facts
    found, missing = sorted(facts.files.found, key=str), sorted(facts.files.missing)
    marks = tuple(sorted(facts.files.confirmed))
    files = replace(facts.files, found=tuple(found), missing=tuple(missing), confirmed=marks)
    return replace(facts, files=files)
