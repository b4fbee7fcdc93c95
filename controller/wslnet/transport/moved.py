"""Where a VM is that no longer has the address of the inventory: its parent's libvirt and neighbours know.

Addresses are candidates only: who answers there is checked by the pinned host key of the machine's name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.model.linux_facts import LinuxFacts
from wslnet.model.nested_vms import NEEDS, nested_vms
from wslnet.model.typed import typed

if TYPE_CHECKING:
    from wslnet.model.machine import Inventory, Machine
    from wslnet.transport.agent_client import AgentClient

_MOST = 4
"""Candidates that are tried; each that is another VM's costs a handshake."""


def candidates(inventory: Inventory, machine: Machine, parent: AgentClient) -> tuple[str, ...]:
    """Addresses that the machine may have now, the likeliest first.

    Raises:
        Unreachable, AgentError: the parent does not tell.
    """
    facts = typed(parent.facts(NEEDS), LinuxFacts)
    found = nested_vms(inventory, machine.parent or "", facts)
    # Its own domain first, then those that the inventory does not know by name or address.
    mine = [vm for vm in found if machine.name in {vm.name, vm.domain}]
    others = [vm for vm in found if vm.name is None and vm not in mine]
    addresses = [vm.address for vm in (*mine, *others) if vm.address not in {None, machine.address}]
    return tuple(dict.fromkeys(one for one in addresses if one is not None))[:_MOST]
