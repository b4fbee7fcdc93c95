"""Routes grouped by next hop, so that dozens of host routes of a VPN are one line and not dozens.

Pure; nothing is left out: a group keeps all of its destinations.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet.model.families import MAIN_TABLE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wslnet.model.linux_network import Route
    from wslnet.model.windows_facts import WindowsRoute

_SHOWN = 3
_ON_LINK = frozenset({"0.0.0.0", "::", ""})  # noqa: S104 - how Windows writes "no next hop"
_DEFAULTS = frozenset({"0.0.0.0/0", "::/0", "default"})


@dataclass(frozen=True, slots=True)
class RouteGroup:
    """All routes of one family and table that take one way: through `via` (None: on-link) and `dev`."""

    family: int
    table: int
    via: str | None
    dev: str | None
    destinations: tuple[str, ...]
    metrics: tuple[int, ...]

    @property
    def text(self) -> str:
        """One line: few destinations in full, many as their number with the first and the last."""
        way = (f" via {self.via}" if self.via else "") + (f" dev {self.dev}" if self.dev else "")
        table = "" if self.table == MAIN_TABLE else f" table {self.table}"
        metric = f" metric {'-'.join(str(one) for one in self.metrics)}" if any(self.metrics) else ""
        if len(self.destinations) <= _SHOWN:
            return f"{', '.join(self.destinations)}{way}{metric}{table}"
        ends = f"{self.destinations[0]} … {self.destinations[-1]}"
        return f"{len(self.destinations)} destinations{way}{metric}{table}: {ends}"


def linux_groups(routes: Iterable[Route]) -> tuple[RouteGroup, ...]:
    """Groups of a Linux machine's routes; the default route stands alone and first."""
    return _grouped(
        (route.family, route.table, _is_default(route.dst), route.via, route.dev, route.dst, route.metric)
        for route in routes
    )


def windows_groups(routes: Iterable[WindowsRoute]) -> tuple[RouteGroup, ...]:
    """Groups of Windows' routes; `dev` is the adapter's name."""
    return _grouped(
        (
            route.family,
            MAIN_TABLE,
            _is_default(route.dst),
            None if route.via in _ON_LINK else route.via,
            route.alias,
            "default" if _is_default(route.dst) else route.dst,
            route.metric,
        )
        for route in routes
    )


def _is_default(dst: str) -> bool:
    return dst in _DEFAULTS


_Row = tuple[int, int, bool, str | None, str | None, str, int]


def _grouped(rows: Iterable[_Row]) -> tuple[RouteGroup, ...]:
    found: dict[tuple[int, int, bool, str | None, str | None], list[tuple[str, int]]] = {}
    for family, table, default, via, dev, dst, metric in rows:
        found.setdefault((family, table, not default, via, dev), []).append((dst, metric))
    ordered = sorted(found.items(), key=lambda entry: entry[0][:3])
    return tuple(
        RouteGroup(
            family,
            table,
            via,
            dev,
            tuple(dst for dst, _ in members),
            _span([metric for _, metric in members]),
        )
        for (family, table, _, via, dev), members in ordered
    )


def _span(metrics: list[int]) -> tuple[int, ...]:
    low, high = min(metrics), max(metrics)
    return (low,) if low == high else (low, high)
