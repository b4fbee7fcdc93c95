"""All open connections of one inventory: one to each machine, opened when first used, one thread at a time.

Nested machines ride on their parent's connection; one whose lease has changed is looked for there. WSL's
endpoint is asked of Windows after each start and found again by its pinned host key; nothing here starts a
stopped WSL.
"""

from __future__ import annotations

import threading
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Self

from wslnet.errors import (
    AuthenticationFailed,
    HostKeyMismatch,
    HostKeyUnknown,
    InputError,
    Unreachable,
    Unsupported,
    WslnetError,
)
from wslnet.model.change import Op, OpResult
from wslnet.model.machine import Kind, Machine
from wslnet.transport.pins import Pins
from wslnet.transport.secrets import password_of
from wslnet.transport.windows_session import WindowsSession
from wslnet.transport.windows_ways import elevated, is_here, session_of
from wslnet.transport.wsl_connection import WslConnection, stopped

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from wslnet.model.machine import Inventory
    from wslnet.transport.agent_client import AgentClient
    from wslnet.transport.carrier import Carrier
    from wslnet.transport.elevated_session import ElevatedSession
    from wslnet.transport.ssh import SshTarget

PINS_FILE = "known_hosts"
_LOOPBACK = "127.0.0.1"
_SSH_PORT = 22
_ENDPOINT_DEADLINE_S = 30.0


class Connections:
    """The real `wslnet.engine.fleet.Fleet`.

    `enroll` pins the host keys of machines that have none pinned yet: for a first contact that was asked for.
    """

    def __init__(self, inventory: Inventory, *, enroll: bool = False) -> None:
        self.inventory = inventory
        self._enroll = enroll
        self._pins = Pins(inventory.state / PINS_FILE)
        self._locks = {name: threading.RLock() for name in inventory.machines}
        self._carriers: dict[str, Carrier] = {}
        self._agents: dict[str, AgentClient] = {}
        self._windows: dict[str, WindowsSession | ElevatedSession] = {}
        self._wsl_address: str | None = None
        self._moving = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends every connection; agents leave nothing behind on their machines."""
        with ExitStack() as stack:
            for session in self._windows.values():
                stack.callback(session.close)
        self._windows.clear()
        self.forget(self.inventory.machines)

    def forget(self, machines: Iterable[str]) -> None:
        """Drops the connections of these machines; Windows' own session stays, it survives WSL.

        Deepest first: a nested connection rides on its parent's.
        """
        for name in sorted(machines, key=self.inventory.depth, reverse=True):
            self._wsl_address = None if self.inventory[name].kind is Kind.WSL else self._wsl_address
            agent, connection = self._agents.pop(name, None), self._carriers.pop(name, None)
            if agent is not None:
                agent.close()
            if connection is not None:
                connection.close()

    def execute(self, machine: str, ops: Sequence[Op], *, deadline_s: float) -> tuple[OpResult, ...]:
        """Runs ops on a machine in one request (see `Fleet.execute`)."""
        with self._locks[machine]:
            if self.inventory[machine].kind is Kind.WINDOWS:
                return self._on_windows(machine).execute(ops, deadline_s=deadline_s)
            try:
                return self._agent(machine).run(ops, deadline_s)
            except Unsupported as error:
                return self._without_python(machine, ops, error)

    def _without_python(self, machine: str, ops: Sequence[Op], why: Unsupported) -> tuple[OpResult, ...]:
        from wslnet.transport.plain_facts import answer  # noqa: PLC0415 - few machines have none
        from wslnet.transport.ssh import SshConnection  # noqa: PLC0415 - loads paramiko

        connection = self._connection(machine)
        if not isinstance(connection, SshConnection):
            raise why
        return answer(connection, ops, why)

    def _on_windows(self, machine: str) -> WindowsSession | ElevatedSession:
        if machine not in self._windows:
            self._windows[machine] = session_of(self.inventory[machine])
        return self._windows[machine]

    def elevate(self, machine: str, plan: Mapping[str, object]) -> None:
        """Asks for an administrator's rights on this very Windows, for the ops of one plan and nothing else.

        Raises:
            NeedsElevation: they were not given.
        """
        with self._locks[machine]:
            own = self._on_windows(machine)
            if isinstance(own, WindowsSession):
                self._windows[machine] = elevated(self.inventory[machine], own, plan)

    def _agent(self, machine: str) -> AgentClient:
        agent = self._agents.get(machine)
        if agent is None or not agent.alive:
            agent = self._agents[machine] = self._connection(machine).open_agent()
        return agent

    def _connection(self, name: str) -> Carrier:
        from wslnet.transport.ssh import SshTarget, open_ssh  # noqa: PLC0415 - loads paramiko

        with self._locks[name]:
            found = self._carriers.get(name)
            if found is not None and found.alive:
                return found
            machine = self.inventory[name]
            if self._on_this_windows(machine):
                self._carriers[name] = WslConnection(name, machine.distro)
                return self._carriers[name]
            parent = self._connection(machine.parent or "") if machine.kind is Kind.VM else None
            host, port = self._endpoint(machine)
            target = SshTarget(
                name,
                host,
                machine.user or "root",
                port,
                machine.key,
                lambda: password_of(machine),
                self._proxy(machine),
            )
            try:
                self._carriers[name] = open_ssh(target, self._pins, parent, enroll=self._enroll)
            except (HostKeyMismatch, Unreachable) as error:
                if parent is None or self._enroll or isinstance(error, AuthenticationFailed | HostKeyUnknown):
                    raise
                self._carriers[name] = self._moved(target, parent, error)
            return self._carriers[name]

    def _moved(self, target: SshTarget, parent: Carrier, why: WslnetError) -> Carrier:
        """Looks for a VM at another address than the inventory's, and corrects that while this lives.

        Raises:
            WslnetError: `why`, when it is nowhere.
        """
        from wslnet.transport.moved import candidates  # noqa: PLC0415 - only then
        from wslnet.transport.ssh import open_ssh  # noqa: PLC0415 - loads paramiko

        machine = self.inventory[target.machine]
        with self._locks[machine.parent or ""]:
            try:
                addresses = candidates(self.inventory, machine, self._agent(machine.parent or ""))
            except WslnetError:
                raise why from None
        for address in addresses:
            try:
                found = open_ssh(replace(target, host=address), self._pins, parent)
            except WslnetError:
                continue
            with self._moving:
                machines = {**self.inventory.machines, machine.name: replace(machine, address=address)}
                self.inventory = replace(self.inventory, machines=machines)
            return found
        raise why

    def _on_this_windows(self, machine: Machine) -> bool:
        """Whether it is the WSL of this very Windows; one with an address is asked over SSH all the same."""
        parent = self.inventory[machine.parent] if machine.parent else None
        return machine.kind is Kind.WSL and machine.address is None and parent is not None and is_here(parent)

    def _proxy(self, machine: Machine) -> str | None:
        """WSL is dialled from where Windows is dialled: its parent's way is its own."""
        if machine.kind is Kind.WSL and machine.proxy is None and machine.parent is not None:
            return self.inventory[machine.parent].proxy
        return machine.proxy

    def _endpoint(self, machine: Machine) -> tuple[str, int]:
        port = machine.port or _SSH_PORT
        if machine.address is not None:
            return machine.address, port
        if machine.kind is not Kind.WSL or machine.parent is None:
            raise InputError(f"machines.{machine.name}: no address", machine=machine.name)
        if self._wsl_address is None:
            self._wsl_address = self._find_wsl(machine.parent, machine.name)
        return self._wsl_address, port

    def _find_wsl(self, windows: str, wsl: str) -> str:
        """Asks Windows in which mode WSL runs: its NAT address, or 127.0.0.1, never `localhost`."""
        op = Op("facts", {"needs": ["wsl"]})
        (result,) = self.execute(windows, [op], deadline_s=_ENDPOINT_DEADLINE_S)
        service = result.value.get("wsl") if isinstance(result.value, dict) else None
        if not result.ok or not isinstance(service, dict):
            raise Unreachable(f"{wsl}: Windows does not say where WSL is: {result.message}", machine=wsl)
        if not service.get("running"):
            raise stopped(wsl)
        if service.get("mode") == "nat":
            address = service.get("address")
            if not isinstance(address, str):
                raise Unreachable(
                    f"{wsl}: WSL runs in NAT mode and Windows does not know its address", machine=wsl
                )
            return address
        return _LOOPBACK
