"""KVM's module in a running kernel: without it QEMU emulates the CPU of every VM."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet.model.change import Action, Change, Op
from wslnet.model.linux_facts import LinuxFacts

if TYPE_CHECKING:
    from wslnet.model.snapshot import MachineFacts


@dataclass(frozen=True, slots=True)
class KernelModule:
    """The module (`kvm_intel`, `kvm_amd`) is loaded; a restart of the kernel loses it."""

    machine: str
    module: str
    why: str
    rows: tuple[str, ...] = ()
    needs: frozenset[str] = frozenset({"platform"})
    volatile: bool = True

    @property
    def name(self) -> str:
        """Its identity: the module."""
        return f"module {self.module}"

    def diff(self, facts: MachineFacts) -> tuple[Change, ...]:
        """To load it where /dev/kvm is missing; nothing where it is, or was not looked for."""
        platform = facts.platform if isinstance(facts, LinuxFacts) else None
        if platform is None or platform.kvm:
            return ()
        change = Change(
            machine=self.machine,
            resource=self.name,
            action=Action.ADD,
            before=None,
            after="loaded",
            why=self.why,
            do=Op("module.load", {"module": self.module}),
            undo=Op("module.unload", {"module": self.module}),
            rows=self.rows,
        )
        return (change,)
