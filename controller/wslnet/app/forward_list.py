"""`wslnet forward list` and `check`: what is published, whether it is in place, whether packets get there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet.app.forward import mode_of, see
from wslnet.engine.probes import measure
from wslnet.errors import WslnetError
from wslnet.model.reach import forward_probes
from wslnet.profiles.forwards import linux_resources, windows_resources

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from wslnet.engine.fleet import Fleet
    from wslnet.model.forward import Forward
    from wslnet.model.probe import Measured
    from wslnet.model.snapshot import Snapshot
    from wslnet.model.windows_facts import PortProxy

SCHEMA_VERSION = 1
_MEANS = {"mirrored": "holder and DNAT", "nat": "portproxy"}
_RELAY = "relay"


@dataclass(frozen=True, slots=True)
class Published:
    """One forward, and what is missing of it in words; none: it is in place."""

    forward: Forward
    means: str
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Survey:
    """All that is published, and the portproxy rules that are somebody else's."""

    mode: str
    published: tuple[Published, ...]
    others: tuple[PortProxy, ...]

    def to_json(self) -> dict[str, object]:
        """The document of `forward list --json`."""
        return {
            "schema_version": SCHEMA_VERSION,
            "mode": self.mode,
            "forwards": [
                {
                    "listen": one.forward.listen,
                    "proto": one.forward.proto,
                    "port": one.forward.port,
                    "scope": one.forward.scope,
                    "to": one.forward.target,
                    "to_port": one.forward.target_port,
                    "backend": one.means,
                    "in_place": not one.missing,
                    "missing": list(one.missing),
                }
                for one in self.published
            ],
            "portproxy": [
                {
                    "family": rule.family,
                    "listen_address": rule.listen_address,
                    "listen_port": rule.listen_port,
                    "connect_address": rule.connect_address,
                    "connect_port": rule.connect_port,
                }
                for rule in self.others
            ],
        }

    def lines(self) -> Iterator[str]:
        """The same for people."""
        if not self.published:
            yield "Nothing is published by wslnet."
        for one in self.published:
            to = f"{one.forward.target}:{one.forward.target_port}"
            yield f"{one.forward.listen} -> {to}  by {one.means}: " + (
                "NOT in place" if one.missing else "in place"
            )
            yield from (f"  missing: {text}" for text in one.missing)
        for rule in self.others:
            yield (
                f"portproxy of somebody else: {rule.listen_address}:{rule.listen_port} -> "
                f"{rule.connect_address}:{rule.connect_port}"
            )


def survey(fleet: Fleet, say: Callable[[str, str], None]) -> Survey:
    """What the fleet's wish publishes, held against what is there.

    Raises:
        Unreachable: a machine on the way cannot be seen.
    """
    forwards = fleet.inventory.wish.forward
    snapshot = see(fleet, forwards, say)
    mode = mode_of(snapshot)
    means = _MEANS.get(mode, "nothing in this mode")
    published = tuple(
        Published(
            one,
            _RELAY if (mode, one.proto) == ("nat", "udp") else means,
            tuple(_missing(snapshot, mode, one)),
        )
        for one in forwards
    )
    ports = {one.port for one in forwards if one.proto == "tcp"} if mode == "nat" else set()
    rules = (snapshot.windows.portproxy if snapshot.windows is not None else None) or ()
    return Survey(mode, published, tuple(rule for rule in rules if rule.listen_port not in ports))


def ask(fleet: Fleet, say: Callable[[str, str], None]) -> tuple[Measured, ...]:
    """Every published port, measured by those who may reach it.

    Raises:
        Unreachable: a machine on the way cannot be seen.
    """
    snapshot = see(fleet, fleet.inventory.wish.forward, say)
    say("all", "probing with real packets")
    return measure(fleet, forward_probes(snapshot), attempts=2)


def _missing(snapshot: Snapshot, mode: str, forward: Forward) -> Iterator[str]:
    try:
        wanted = (
            *windows_resources(snapshot, mode, (forward,)),
            *linux_resources(snapshot, mode, (forward,)),
        )
        for resource in wanted:
            for change in resource.diff(snapshot.facts[resource.machine]):
                yield f"{change.machine}: {change.resource}"
    except WslnetError as error:
        yield error.message
