"""Rows of NetAdapter, NetTCPIP and NetConnection as facts. Pure: outputs in, plain data out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet_win_agent.values import boolean, enum_names, family, integer, name_of, named, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wslnet_win_agent.bridge import Reply, WindowsObject

Fact = dict[str, object]
_MAC_DIGITS = 12


def adapters(reply: Reply) -> list[Fact]:
    """Give all adapters; `mac` with colons in lower case, as Linux spells it."""
    return [
        {
            "index": integer(row.get("InterfaceIndex")),
            "name": text(row.get("Name")),
            "description": text(row.get("InterfaceDescription")),
            "mac": _mac(row),
            "status": _status(row),
            "hidden": boolean(row.get("Hidden")) or False,
            "virtual": boolean(row.get("Virtual")) or False,
            "guid": text(row.get("InterfaceGuid")),
        }
        for row in reply.rows("MSFT_NetAdapter")
    ]


def _mac(row: WindowsObject) -> str | None:
    # MacAddress is added by the types file; the raw ones come without it.
    addresses = row.get("NetworkAddresses")
    first = addresses[0] if isinstance(addresses, list) and addresses else None
    digits = [
        each
        for each in str(row.get("MacAddress") or first or row.get("PermanentAddress") or "")
        if each.isalnum()
    ]
    if len(digits) != _MAC_DIGITS:
        return None
    pairs = zip(digits[::2], digits[1::2], strict=True)
    return ":".join("".join(pair) for pair in pairs).lower()


def _status(row: WindowsObject) -> str | None:
    """The word `Get-NetAdapter` shows; without the types file it follows from the operational status."""
    shown = row.text.get("Status")
    if isinstance(shown, str):
        return shown
    return name_of(row, "InterfaceOperationalStatus")


def interfaces(reply: Reply) -> list[Fact]:
    """Give the IP interfaces, one per adapter and family."""
    return [
        {
            "index": integer(row.get("InterfaceIndex")),
            "alias": text(row.get("InterfaceAlias")) or "",
            "family": family(row),
            "forwarding": name_of(row, "Forwarding") == "Enabled",
            "metric": integer(row.get("InterfaceMetric")),
            "mtu": integer(row.get("NlMtu")),
            "connected": name_of(row, "ConnectionState") == "Connected",
        }
        for row in reply.rows("MSFT_NetIPInterface")
    ]


def addresses(reply: Reply) -> list[Fact]:
    """Give the addresses, without the zone that Windows writes behind link-local ones."""
    return [
        {
            "index": integer(row.get("InterfaceIndex")),
            "alias": text(row.get("InterfaceAlias")) or "",
            "family": family(row),
            "address": (text(row.get("IPAddress")) or "").partition("%")[0],
            "prefix": integer(row.get("PrefixLength")),
        }
        for row in reply.rows("MSFT_NetIPAddress")
    ]


def routes(reply: Reply) -> list[Fact]:
    """Give the routes; `metric` is the route's own part, the interface's is added by Windows."""
    return [
        {
            "index": integer(row.get("InterfaceIndex")),
            "alias": text(row.get("InterfaceAlias")) or "",
            "family": family(row),
            "dst": text(row.get("DestinationPrefix")),
            "via": text(row.get("NextHop")),
            "metric": integer(row.get("RouteMetric")) or 0,
        }
        for row in reply.rows("MSFT_NetRoute")
    ]


def profiles(reply: Reply) -> list[Fact]:
    """Give the network category of each connected adapter."""
    return [
        {
            "index": integer(row.get("InterfaceIndex")),
            "alias": text(row.get("InterfaceAlias")) or "",
            "name": text(row.get("Name")),
            "category": name_of(row, "NetworkCategory"),
        }
        for row in reply.rows("MSFT_NetConnectionProfile")
    ]


def listeners(reply: Reply, names: Mapping[int, str]) -> list[Fact]:
    """Give what listens: TCP in state Listen and all bound UDP; `names` maps process ids to names."""
    states = enum_names("MSFT_NetTCPConnection", "State")
    listening = [
        ("tcp", row)
        for row in reply.rows("MSFT_NetTCPConnection")
        if named(row.get("State"), states) == "Listen"
    ]
    bound = [("udp", row) for row in reply.rows("MSFT_NetUDPEndpoint")]
    return [
        {
            "proto": proto,
            "address": (text(row.get("LocalAddress")) or "").partition("%")[0],
            "port": integer(row.get("LocalPort")),
            "pid": integer(row.get("OwningProcess")),
            "process": names.get(integer(row.get("OwningProcess")) or 0),
        }
        for proto, row in listening + bound
    ]


def owners(reply: Reply) -> set[int]:
    """Give the process ids that own listeners, without the idle process that no one can ask for."""
    rows = reply.rows("MSFT_NetTCPConnection") + reply.rows("MSFT_NetUDPEndpoint")
    return {pid for row in rows if (pid := integer(row.get("OwningProcess")))}


def process_names(reply: Reply) -> dict[int, str]:
    """Give process id to name."""
    names = {}
    for row in reply.outputs:
        pid, name = integer(row.get("Id")), row.get("ProcessName") or row.get("Name")
        if pid is not None and isinstance(name, str):
            names[pid] = name
    return names
