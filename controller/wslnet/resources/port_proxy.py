"""A portproxy rule of Windows: TCP to one of its addresses is carried on to another one (windows-facts 3).

Rules have no owner, so what stands there and leads elsewhere is somebody else's, unless it may move: one of
ours follows WSL's address, and is known by its listener and by leading to the same port. A rule in force is
one that somebody listens for: the service may have missed it, or its address came later than the service.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from wslnet.errors import PortTaken
from wslnet.model.change import FORECAST_VERB, Action, Change, Op
from wslnet.model.windows_facts import PortProxy, WindowsFacts

if TYPE_CHECKING:
    from wslnet.model.snapshot import MachineFacts

FAMILY = "v4tov4"
_EVERYWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104 - as sockets say it
_UNHEARD = ", and nobody listens for it"


@dataclass(frozen=True, slots=True)
class PortProxyRule:
    """The rule is there and in force, or (not `present`) no rule with this listener is.

    Without `connect_address` it is a forecast: WSL has its address after it has started. `moves`: one that
    leads to the same port of another address is an earlier one of ours.
    """

    machine: str
    listen_address: str
    listen_port: int
    connect_address: str | None
    connect_port: int
    why: str
    moves: bool = False
    present: bool = True
    rows: tuple[str, ...] = ("S1-12", "S1-21", "S1-22")
    needs: frozenset[str] = frozenset({"portproxy", "listeners"})
    volatile: bool = False

    @classmethod
    def absent(cls, machine: str, found: PortProxy, why: str) -> Self:
        """That this rule, which was found there, is not."""
        return cls(
            machine,
            found.listen_address,
            found.listen_port,
            found.connect_address,
            found.connect_port,
            why,
            present=False,
        )

    @property
    def name(self) -> str:
        """Its identity: the listener."""
        return f"portproxy {self.listen_address}:{self.listen_port}"

    def diff(self, facts: MachineFacts) -> tuple[Change, ...]:
        """The rule to write or to remove; the one there is its undo.

        Raises:
            PortTaken: somebody else's rule listens there.
        """
        if not isinstance(facts, WindowsFacts) or facts.portproxy is None:
            return ()
        found = next((rule for rule in facts.portproxy if self._is_listener(rule)), None)
        if not self.present:
            gone = () if found is None else (found,)
            return tuple(self._change(Action.REMOVE, one, self._remove(), self._put(one)) for one in gone)
        change = self._written(facts, found)
        return () if change is None else (change,)

    def _written(self, facts: WindowsFacts, found: PortProxy | None) -> Change | None:
        if self.connect_address is None:
            return self._change(Action.CHANGE if found else Action.ADD, found, Op(FORECAST_VERB), None)
        if found is None:
            return self._change(Action.ADD, None, self._put(), self._remove())
        if (found.connect_address, found.connect_port) == (self.connect_address, self.connect_port):
            unheard = self._change(Action.CHANGE, found, self._put(), self._put(found), _UNHEARD)
            return None if self._is_heard(facts) else unheard
        if not self.moves or found.connect_port != self.connect_port:
            raise PortTaken(
                f"{self.machine}: portproxy {_text(found)} is there already and was not made by this; adopt "
                "it (wslnet forward adopt), remove it, or publish by another port",
                machine=self.machine,
            )
        return self._change(Action.CHANGE, found, self._put(), self._put(found))

    def _change(
        self, action: Action, found: PortProxy | None, do: Op, undo: Op | None, state: str = ""
    ) -> Change:
        target = self.connect_address or "WSL's address then"
        goal = f"{self.listen_address}:{self.listen_port} -> {target}:{self.connect_port}"
        return Change(
            machine=self.machine,
            resource=self.name,
            action=action,
            before=None if found is None else f"{_text(found)}{state}",
            after=goal if self.present else "gone",
            why=self.why,
            do=do,
            undo=undo,
            rows=self.rows,
        )

    def _is_heard(self, facts: WindowsFacts) -> bool:
        """Whether somebody listens for it, as far as that was read."""
        return facts.listeners is None or any(
            (one.proto, one.port) == ("tcp", self.listen_port)
            and one.address in {self.listen_address, *_EVERYWHERE}
            for one in facts.listeners
        )

    def _is_listener(self, rule: PortProxy) -> bool:
        return (rule.family, rule.listen_address, rule.listen_port) == (
            FAMILY,
            self.listen_address,
            self.listen_port,
        )

    def _put(self, found: PortProxy | None = None) -> Op:
        address, port = (
            (self.connect_address, self.connect_port)
            if found is None
            else (found.connect_address, found.connect_port)
        )
        return Op("portproxy.set", {**self._where(), "connect_address": address, "connect_port": port})

    def _remove(self) -> Op:
        return Op("portproxy.remove", self._where())

    def _where(self) -> dict[str, object]:
        return {"listen_address": self.listen_address, "listen_port": self.listen_port}


def _text(rule: PortProxy) -> str:
    return f"{rule.listen_address}:{rule.listen_port} -> {rule.connect_address}:{rule.connect_port}"
