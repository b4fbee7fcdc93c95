"""Can the machines that hold VMs run them on the CPU? Without KVM QEMU emulates it, some ten times slower."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.checks.parts.findings import REACHABLE, Findings
from wslnet.checks.parts.wires import grandchildren, routers
from wslnet.model.finding import Check, Finding, Fix, Status
from wslnet.model.machine import Kind
from wslnet.resources.kernel_module import KernelModule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.model.change import Resource
    from wslnet.model.linux_facts import Platform
    from wslnet.model.machine import Machine
    from wslnet.model.snapshot import Snapshot

_SAY = Findings("nested.kvm", docs="https://docs.kernel.org/virt/kvm/x86/running-nested-guests.html")

_IN_WSL = (
    "let WSL have it: wslnet config set wsl2.nestedVirtualization true --file PATH, then wslnet restart",
    "look that virtualisation is on in the firmware, and no policy forbids it (AllowNestedVirtualization)",
)


def _judge(snapshot: Snapshot) -> Iterator[Finding]:
    for machine in routers(snapshot):
        facts = snapshot.linux(machine.name)
        if facts is None:
            yield _SAY.unseen(snapshot, machine.name)
        elif facts.platform is None:
            yield _SAY.unread(machine.name, "CPU and KVM")
        else:
            yield _machine(snapshot, machine, facts.platform)


def _machine(snapshot: Snapshot, machine: Machine, platform: Platform) -> Finding:
    name = machine.name
    evidence = (
        f"{name}: CPU flag {platform.cpu or 'vmx or svm is missing'}",
        f"{name}: /dev/kvm is {'there' if platform.kvm else 'missing'}",
        *(
            (f"{name}: kvm nested = {'Y' if platform.nested else 'N'}",)
            if platform.nested is not None
            else ()
        ),
    )
    if not platform.kvm:
        cause, steps, resources = _without_kvm(machine, platform)
        title = f"{name} runs its VMs without KVM"
    elif grandchildren(snapshot.inventory, name) and platform.nested is False:
        title, resources = f"{name} hands no virtualisation on to its VMs", ()
        cause = "KVM there was loaded with nested=0, so the VMs in its VMs are emulated"
        steps = (
            f"on {name}: write `options kvm_intel nested=1` (or kvm_amd) to /etc/modprobe.d/kvm.conf",
            "load the module anew while no VM runs",
        )
    else:
        return _SAY.ok(name, f"{name} runs its VMs on the CPU", *evidence)
    command = f"wslnet doctor --only {_SAY.code}{' --fix' if resources else ''}"
    return _SAY.problem(
        Status.WARN, name, title, evidence=evidence, cause=cause, fix=Fix(command, steps, resources)
    )


def _without_kvm(machine: Machine, platform: Platform) -> tuple[str, tuple[str, ...], tuple[Resource, ...]]:
    """Cause, steps, and what `doctor --fix` does about it."""
    if platform.cpu is not None:
        module = "kvm_intel" if platform.cpu == "vmx" else "kvm_amd"
        loaded = KernelModule(machine.name, module, "VMs run on the CPU, not emulated")
        steps = [f"on {machine.name}, until it restarts: modprobe {module}"]
        if machine.kind is Kind.WSL:
            steps.append("for good: [boot] systemd=true in /etc/wsl.conf, which has udev load it (WSL#13262)")
        return "the CPU shows virtualisation and KVM is not loaded", tuple(steps), (loaded,)
    if machine.kind is Kind.WSL:
        return "Windows hands no virtualisation on to WSL, so QEMU emulates the CPU", _IN_WSL, ()
    steps = [
        f"on {machine.parent}: give {machine.name} the host's CPU: <cpu mode='host-passthrough'/> in its XML",
        f"look that {machine.parent} can hand it on: /sys/module/kvm_*/parameters/nested must say Y",
    ]
    cause = f"{machine.parent} hands no virtualisation on to {machine.name}, so QEMU emulates the CPU"
    return cause, tuple(steps), ()


CHECK = Check(
    code=_SAY.code,
    title="Machines run their VMs on the CPU",
    needs={kind: frozenset({"platform"}) for kind in (Kind.WSL, Kind.VM)},
    judge=_judge,
    depends_on=(REACHABLE,),
    docs=_SAY.docs,
)
