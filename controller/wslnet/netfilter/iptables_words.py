"""What the arguments of one iptables rule mean, whichever of its programs saved them. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.netfilter.rules import Act, Field, Match

if TYPE_CHECKING:
    from collections.abc import Sequence

_FIELDS = {
    "-i": Field.IIF, "--in-interface": Field.IIF,
    "-o": Field.OIF, "--out-interface": Field.OIF,
    "-s": Field.SRC, "--source": Field.SRC, "--src": Field.SRC,
    "-d": Field.DST, "--destination": Field.DST, "--dst": Field.DST,
    "-p": Field.PROTO, "--protocol": Field.PROTO,
    "--ctstate": Field.STATE, "--state": Field.STATE,
    "--dport": Field.DPORT, "--dports": Field.DPORT, "--destination-port": Field.DPORT,
    "--sport": Field.SPORT, "--sports": Field.SPORT, "--source-port": Field.SPORT,
    "--icmp-type": Field.ICMP_TYPE,
    "--dst-type": Field.DST_TYPE,
    "--physdev-in": Field.BRIDGED, "--physdev-out": Field.BRIDGED, "--physdev-is-bridged": Field.BRIDGED,
}  # fmt: skip
_PROTOCOLS = {"0": "all", "1": "icmp", "6": "tcp", "17": "udp", "58": "ipv6-icmp"}
_SILENT = frozenset({"-m", "--match", "--comment"})
_JUMPS = frozenset({"-j", "--jump"})
_GOTOS = frozenset({"-g", "--goto"})
_FINAL = {act.value: act for act in Act if act.is_final or act is Act.RETURN}
BUILT_IN = frozenset(
    {
        "MASQUERADE", "DNAT", "SNAT", "REDIRECT", "NETMAP", "LOG", "NFLOG", "ULOG", "MARK", "CONNMARK",
        "CHECKSUM", "TCPMSS", "TOS", "DSCP", "TTL", "HL", "CT", "NOTRACK", "SET", "CLASSIFY", "SECMARK",
        "CONNSECMARK", "AUDIT", "TRACE", "TEE", "TPROXY", "NFQUEUE", "RATEEST", "CLUSTERIP",
    }
)  # fmt: skip


def decode(spec: Sequence[str]) -> tuple[tuple[Match, ...], Act, str | None]:
    """The conditions, what happens, and the chain or target; options of the target mean nothing here."""
    matches: list[Match] = []
    index = 0
    negated = False
    while index < len(spec):
        word = spec[index]
        if word == "!":
            negated, index = True, index + 1
            continue
        if word in _JUMPS | _GOTOS:
            target = spec[index + 1] if index + 1 < len(spec) else ""
            act = _act(target, goes=word in _GOTOS)
            return tuple(matches), act, None if act in _FINAL.values() else target or None
        value = spec[index + 1] if index + 1 < len(spec) and not _is_option(spec[index + 1]) else None
        if word not in _SILENT:
            matches.append(_match(word, value, negated=negated))
        negated = False
        index += 1 if value is None else 2
    return tuple(matches), Act.OTHER, None


def comment(spec: Sequence[str]) -> str | None:
    """The text of its comment match."""
    return next((spec[place + 1] for place, word in enumerate(spec[:-1]) if word == "--comment"), None)


def _is_option(word: str) -> bool:
    return word == "!" or (word.startswith("-") and not word[1:2].isdigit() and len(word) > 1)


def _match(option: str, value: str | None, *, negated: bool) -> Match:
    field = _FIELDS.get(option)
    if field is None or (value is None and field is not Field.BRIDGED):
        return Match(Field.UNKNOWN, (option if value is None else f"{option} {value}",), negated)
    values = (value or "",) if field in {Field.IIF, Field.OIF} else tuple((value or "").split(","))
    if field is Field.PROTO:
        values = tuple(_PROTOCOLS.get(one, one) for one in values)
    if field in {Field.DPORT, Field.SPORT}:
        values = tuple(one.replace(":", "-") for one in values)
    return Match(field, values, negated)


def _act(target: str, *, goes: bool) -> Act:
    if goes:
        return Act.GOTO
    if target in _FINAL:
        return _FINAL[target]
    return Act.OTHER if target in BUILT_IN or not target else Act.JUMP
