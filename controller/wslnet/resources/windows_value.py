"""A number of Windows' registry without which WSL has no mirrored mode (wsl-facts 2.1).

Windows takes it at its next start, so a plan that holds it ends with a wait for one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet.model.change import Action, Change, Op
from wslnet.model.windows_facts import WindowsFacts

if TYPE_CHECKING:
    from wslnet.model.snapshot import MachineFacts
    from wslnet.model.windows_facts import Registry

VERB = "windows_value.set"
IPV6_COMPONENTS, FIREWALL_DISABLE = "DisabledComponents", "HyperVFirewallDisable"


@dataclass(frozen=True, slots=True)
class WindowsValue:
    """The value `value_name` is `value`; None: it is not there."""

    machine: str
    value_name: str
    value: int | None
    why: str
    rows: tuple[str, ...] = ("S3-06",)
    needs: frozenset[str] = frozenset({"registry"})
    volatile: bool = False

    @property
    def name(self) -> str:
        """Its identity: the value's name."""
        return f"registry {self.value_name}"

    def diff(self, facts: MachineFacts) -> tuple[Change, ...]:
        """The value to write or to remove; the one there is its undo."""
        registry = facts.registry if isinstance(facts, WindowsFacts) else None
        found = _found(registry, self.value_name) if registry is not None else self.value
        if found == self.value:
            return ()
        do, undo = (Op(VERB, {"name": self.value_name, "value": value}) for value in (self.value, found))
        change = Change(
            machine=self.machine,
            resource=self.name,
            action=Action.ADD if found is None else Action.REMOVE if self.value is None else Action.CHANGE,
            before=_text(found),
            after=f"{_text(self.value)}, from the next start of Windows on",
            why=self.why,
            do=do,
            undo=undo,
            rows=self.rows,
            at_boot=True,
        )
        return (change,)


def _found(registry: Registry, name: str) -> int | None:
    return registry.ipv6_disabled_components if name == IPV6_COMPONENTS else registry.hyperv_firewall_disabled


def _text(value: int | None) -> str | None:
    return "not there" if value is None else hex(value)
