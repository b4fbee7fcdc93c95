"""What `status net` prints for people: a line for each router, and one for each thing that it gives away."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.engine.router_list import RouterList, RouterView


def render(found: RouterList) -> Iterator[str]:
    """The lines, machine by machine."""
    for one in found.routers:
        yield from _router(one)
    if not found.routers:
        yield "No virtual router was found."
    for name, reason in found.unseen.items():
        yield f"not seen: {name}: {reason}"


def _router(one: RouterView) -> Iterator[str]:
    link = f" ({one.link})" if one.link not in {None, one.name} else ""
    state = "" if one.active else ", not active"
    yield f"{one.machine}: {one.name}{link}: {one.way}, by {one.maker}{state}"
    yield f"  gateway: {one.gateway or 'none'}" + (f", subnet {one.subnet}" if one.subnet else "")
    for each in one.ranges:
        yield f"  dhcp: {each.first} to {each.last}"
    for lease in one.leases or ():
        host = f" ({lease.host})" if lease.host else ""
        until = f", until {lease.until}" if lease.until else ""
        yield f"  lease: {lease.address} to {lease.mac}{host}{until}"
    if one.note is not None:
        yield f"  note: {one.note}"
