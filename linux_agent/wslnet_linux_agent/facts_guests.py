"""Facts `guests` and `networks`: what libvirt, and the guests' agents through it, tell of running domains.

Read only, by argument vectors; a domain that went down meanwhile is left out. Not part of the bundle.
"""

import re

from wslnet_linux_agent import shell
from wslnet_linux_agent.facts_domains import commands, names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_SOURCES = ("lease", "agent", "arp")
_FAMILIES = {"ipv4": 4, "ipv6": 6}
_ATTRIBUTE = re.compile("([a-z]+)='([^']*)'")


def guests() -> "list[dict[str, Any]] | None":
    """Fact `guests`: cards and addresses of running domains; None without virsh.

    An address is told once for each source that knows it: libvirt's DHCP, the guest agent, the host's ARP.
    """
    domains = running()
    if domains is None:
        return None
    asked = [["virsh", "domiflist", "--domain", name] for name in domains]
    for source in _SOURCES:
        asked += [["virsh", "domifaddr", "--domain", name, "--source", source] for name in domains]
    outcomes = shell.run_all(asked, shell.TIMEOUT_S) if asked else []
    count = len(domains)
    found = []
    for place, name in enumerate(domains):
        cards, answers = outcomes[place], outcomes[place + count :: count]
        if cards.code == 0:
            addresses = [
                one
                for source, outcome in zip(_SOURCES, answers)
                if outcome.code == 0
                for one in _addresses(outcome.text(), source)
            ]
            agent = answers[_SOURCES.index("agent")].code == 0
            found.append(
                {"domain": name, "nics": _nics(cards.text()), "addresses": addresses, "agent": agent}
            )
    return found


def running() -> "list[str] | None":
    """Give the names of running domains; None without virsh."""
    todo = dict(commands())
    return names(shell.run(todo["running"])) if todo else None


def rows(text: "str") -> "list[list[str]]":
    """The words of each line below the rule under the head."""
    _, _, body = text.partition("\n---")
    return [line.split() for line in body.split("\n")[1:] if line.strip()]


def _nics(text: "str") -> "list[dict[str, str | None]]":
    return [
        {"tap": None if words[0] == "-" else words[0], "kind": words[1], "source": words[2], "mac": words[-1]}
        for words in rows(text)
    ]


def _addresses(text: "str", source: "str") -> "list[dict[str, Any]]":
    found = []
    link = mac = ""
    for name, address_of, protocol, address in (words[:4] for words in rows(text) if len(words) > 3):  # noqa: PLR2004 - columns
        # A second address of a card has dashes in the place of its name and MAC.
        link, mac = (link, mac) if name == "-" else (name, address_of)
        host, _, prefix = address.partition("/")
        if protocol in _FAMILIES:
            family = _FAMILIES[protocol]
            bits = int(prefix or 0)
            found.append(
                {
                    "link": link,
                    "mac": mac,
                    "family": family,
                    "address": host,
                    "prefix": bits,
                    "source": source,
                }
            )
    return found


def networks() -> "list[dict[str, Any]] | None":
    """Fact `networks`: libvirt's networks with the addresses that their DHCP keeps for a MAC."""
    if not shell.find("virsh"):
        return None
    every, running = active_networks()
    found = []
    for name in every:
        dump = ["virsh", "net-dumpxml", "--network", name]
        kept, live = shell.run_all([[*dump, "--inactive"], dump], shell.TIMEOUT_S)
        text = kept.text()
        found.append(
            {
                "name": name,
                "active": name in running,
                "bridge": attributes("bridge", text).get("name"),
                "address": attributes("ip", text).get("address"),
                "hosts": _hosts(text),
                "live_hosts": _hosts(live.text()) if name in running else [],
            }
        )
    return found


def active_networks() -> "tuple[list[str], list[str]]":
    """The names of all networks of libvirt, and of those that are active."""
    every, active = shell.run_all(
        [["virsh", "net-list", "--name", "--all"], ["virsh", "net-list", "--name"]], shell.TIMEOUT_S
    )
    return names(every), names(active)


def attributes(element: "str", text: "str") -> "dict[str, str]":
    """Attributes of the first such element; libvirt writes all of them in single quotes."""
    first = re.search("<%s( [^>]*)>" % element, text)
    return dict(_ATTRIBUTE.findall(first.group(1))) if first else {}


def _hosts(text: "str") -> "list[dict[str, str]]":
    every = (dict(_ATTRIBUTE.findall(found)) for found in re.findall("<host( [^>]*)>", text))
    return [{"mac": one["mac"], "address": one["ip"]} for one in every if "mac" in one and "ip" in one]
