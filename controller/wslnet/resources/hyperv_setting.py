"""The default inbound action of the Hyper-V firewall for WSL: the explicit opt-in `--open-all`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet.model.change import Action, Change, Op
from wslnet.model.windows_facts import WindowsFacts
from wslnet.resources.hyperv_rule import WSL_CREATOR

if TYPE_CHECKING:
    from wslnet.model.snapshot import MachineFacts


_UNSET = "NotConfigured"


@dataclass(frozen=True, slots=True)
class HyperVDefaultInbound:
    """`DefaultInboundAction` of WSL's creator."""

    machine: str
    value: str
    why: str
    rows: tuple[str, ...] = ("S3-08",)
    needs: frozenset[str] = frozenset({"hyperv_firewall"})
    volatile: bool = False

    @property
    def name(self) -> str:
        """Its identity: there is one such setting."""
        return "hyperv-setting DefaultInboundAction"

    def diff(self, facts: MachineFacts) -> tuple[Change, ...]:
        """The value to set; its undo is what an administrator had configured, if anything.

        What was effective is not: to write it down would pin a default of Windows (windows-facts 2).
        """
        firewall = facts.hyperv_firewall if isinstance(facts, WindowsFacts) else None
        setting = firewall.setting if firewall is not None else None
        stored = firewall.stored_setting if firewall is not None else None
        found = (setting.default_inbound if setting is not None else None) or _UNSET
        back = (stored.default_inbound if stored is not None else None) or _UNSET
        if found == self.value:
            return ()
        change = Change(
            machine=self.machine,
            resource=self.name,
            action=Action.CHANGE,
            before=found,
            after=self.value,
            why=self.why,
            do=Op("hyperv_setting.set", {"creator": WSL_CREATOR, "default_inbound_action": self.value}),
            undo=Op("hyperv_setting.set", {"creator": WSL_CREATOR, "default_inbound_action": back}),
            rows=self.rows,
        )
        return (change,)
