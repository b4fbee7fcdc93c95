"""What the controller and the guard on Windows tell each other: two small JSON files for each half.

The order is written by the controller and says what to watch over; the report is written by the guard process
alone, holds all that it needs to take back, and is what counts. Data only, nothing here touches a file.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

JsonDict = dict[str, object]

NETWORK, WSL = "network", "wsl"
HALVES: Mapping[str, str] = {
    "boot_data.write": NETWORK,
    "forwarding.set": NETWORK,
    "host_rule.put": NETWORK,
    "host_rule.remove": NETWORK,
    "hyperv_rule.create": NETWORK,
    "hyperv_rule.remove": NETWORK,
    "hyperv_setting.set": NETWORK,
    "dynamic_ports.set": NETWORK,
    "nat_range.set": NETWORK,
    "service.set": NETWORK,
    "windows_value.set": NETWORK,
    "portproxy.remove": NETWORK,
    "portproxy.set": NETWORK,
    "relay.put": NETWORK,
    "relay.remove": NETWORK,
    "wsl.restart": WSL,
    "wslconfig.write": WSL,
}
"""Which task's process takes an op back: SYSTEM what is of the network, the distros' owner the rest."""

WATCH, RELEASE = "watch", "release"
ARMED, FIRING, FIRED, RELEASED = "armed", "firing", "fired", "released"


@dataclass(frozen=True, slots=True)
class Order:
    """What the controller asks of one half.

    Attributes:
        run: whose changes they are.
        token: only who knows it may change the order.
        number: counts the orders of a run; a report carries the number it has seen.
        word: `watch`, or `release`: let the changes stand.
        deadline_s: seconds from when the guard reads this until it takes everything back.
        undo: ops, oldest change first.
        halves: those that watch for this run.
        vms: `{host, domain, depth}` of what ran before the change, parents first.
        mode: in which mode WSL ran before; null if it did not run.
        captured: what a restart of WSL loses of others; null before one.
    """

    run: str
    token: str
    number: int
    word: str
    deadline_s: float
    undo: tuple[JsonDict, ...]
    halves: tuple[str, ...]
    vms: tuple[JsonDict, ...] = ()
    mode: str | None = None
    captured: JsonDict | None = None

    def is_of(self, run: str, token: str) -> bool:
        """Whether it belongs to this run, as whoever knows the token asks."""
        return (self.run, self.token) == (run, token)

    def to_bytes(self) -> bytes:
        """The file's content."""
        return json.dumps(asdict(self), ensure_ascii=False).encode()

    @classmethod
    def of(cls, content: bytes | None) -> Self | None:
        """The order of a file's content; None for no file and for one that is just being written."""
        document = _document(content)
        try:
            return None if document is None else cls(**_tuples(document))
        except TypeError:
            return None


@dataclass(frozen=True, slots=True)
class Report:
    """How one half stands: the order it follows, `armed`, `firing`, `fired` or `released`.

    Attributes:
        order: the newest that was read.
        state: see above; only `fired` and `released` are the end.
        done: what a fired one took back, in that order: `{verb, error: {code, message} or null}`.
        aliases: names of the interfaces in the order by their index, which a boot gives anew.
    """

    order: Order
    state: str
    done: tuple[JsonDict, ...] = ()
    aliases: Mapping[str, str] | None = None

    @property
    def is_settled(self) -> bool:
        """Whether nothing is left to watch or to take back."""
        return self.state in {FIRED, RELEASED}

    def to_bytes(self) -> bytes:
        """The file's content."""
        return json.dumps(asdict(self), ensure_ascii=False).encode()

    @classmethod
    def of(cls, content: bytes | None) -> Self | None:
        """The report of a file's content; None for no file."""
        document = _document(content)
        try:
            if document is None:
                return None
            order = Order(**_tuples(document.pop("order")))
            return cls(order, **_tuples(document))
        except (TypeError, KeyError, AttributeError):
            return None


def _document(content: bytes | None) -> dict[str, Any] | None:
    try:
        document = json.loads(content or b"")
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def _tuples(document: object) -> dict[str, Any]:
    if not isinstance(document, dict):
        raise TypeError("no object")
    return {key: tuple(value) if isinstance(value, list) else value for key, value in document.items()}
