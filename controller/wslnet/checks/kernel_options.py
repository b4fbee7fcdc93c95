"""Has the kernel what VMs and their networks need? One that somebody built himself may lack a part of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.checks.parts.findings import REACHABLE, Findings, graded, look_again
from wslnet.checks.parts.wires import routers
from wslnet.model.finding import Check, Finding, Status
from wslnet.model.machine import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from wslnet.model.machine import Machine
    from wslnet.model.snapshot import Snapshot

_SAY = Findings("kernel.options", docs="https://learn.microsoft.com/windows/wsl/wsl-config#wslconfig")

_NEEDED = (
    (("BRIDGE",), "the bridge that VMs hang on"),
    (("TUN",), "the taps of VMs"),
    (("NETFILTER",), "every firewall rule"),
    (("IP_NF_IPTABLES", "NF_TABLES"), "the tables of the firewall"),
    (("NF_CONNTRACK",), "answers to what was let through"),
    (("NF_NAT",), "masquerading of VMs"),
)
_USEFUL = (
    (("VETH",), "containers"),
    (("KVM_INTEL", "KVM_AMD", "KVM"), "VMs at the speed of the CPU"),
)
"""Any one option of each group will do."""


def _judge(snapshot: Snapshot) -> Iterator[Finding]:
    for machine in _concerned(snapshot):
        facts = snapshot.linux(machine.name)
        if facts is None:
            yield _SAY.unseen(snapshot, machine.name)
        elif facts.platform is None or facts.platform.options is None:
            yield _SAY.skip(
                machine.name, f"the kernel of {machine.name} does not tell what it was built with"
            )
        else:
            yield _machine(snapshot, machine, facts.platform.options)


def _concerned(snapshot: Snapshot) -> tuple[Machine, ...]:
    """The machines with VMs below them, and WSL, whose kernel the user may have built."""
    found = routers(snapshot)
    wsl = snapshot.inventory.wsl
    return found if wsl is None or wsl in found else (wsl, *found)


def _machine(snapshot: Snapshot, machine: Machine, options: Mapping[str, str]) -> Finding:
    needed, useful = (
        [
            f"{machine.name}: CONFIG_{' or CONFIG_'.join(names)} is missing: {what}"
            for names, what in groups
            if not any(name in options for name in names)
        ]
        for groups in (_NEEDED, _USEFUL)
    )
    if not needed and not useful:
        return _SAY.ok(
            machine.name,
            f"the kernel of {machine.name} has what VMs need",
            f"{machine.name}: {', '.join(f'{name}={value}' for name, value in sorted(options.items()))}",
        )
    wished = bool(needed and snapshot.inventory.children(machine.name) and snapshot.inventory.wish.reach)
    return _SAY.problem(
        graded(wished=True) if wished else Status.WARN,
        machine.name,
        f"the kernel of {machine.name} lacks what VMs and their networks need",
        evidence=(*needed, *useful),
        cause="a kernel that was built by hand (kernel= in .wslconfig) has only what its builder chose",
        fix=look_again(
            _SAY.code,
            "build it anew with these options, as module or built in",
            "or take WSL's own kernel: wslnet config unset wsl2.kernel --file PATH, then wslnet restart",
        ),
    )


CHECK = Check(
    code=_SAY.code,
    title="The kernel has what VMs need",
    needs={kind: frozenset({"platform"}) for kind in (Kind.WSL, Kind.VM)},
    judge=_judge,
    depends_on=(REACHABLE,),
    docs=_SAY.docs,
)
