"""The ways by which the host of a VM enters it before we can: guest agent, the host's own SSH, console."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Way(StrEnum):
    """What is trusted for the first contact; the words are those of `--via`."""

    AGENT = "agent"
    SSH = "ssh"
    CONSOLE = "console"


@dataclass(frozen=True, slots=True)
class GuestEntry:
    """One way into a guest, as `user`.

    SSH goes to `address` with the key and the known hosts of `caller`, a user of the host. A console's
    password is that of `machine`, a name of the inventory; it never stands here.
    """

    way: Way
    user: str = "root"
    address: str = ""
    caller: str = "root"
    machine: str = ""

    @property
    def words(self) -> str:
        """What it is called in messages."""
        if self.way is Way.SSH:
            return f"SSH by {self.caller} of its host"
        return "its guest agent" if self.way is Way.AGENT else "its console"

    @property
    def hint(self) -> str:
        """What it needs to work."""
        if self.way is Way.SSH:
            there = f"{self.user}@{self.address}"
            return f"{self.caller} of its host must enter {there} with a key and have its host key known"
        if self.way is Way.CONSOLE:
            return "it needs a serial console with a free login, and its password by --secret-env or `secret`"
        return "it needs the package qemu-guest-agent and the channel org.qemu.guest_agent.0"

    def via(self) -> dict[str, str]:
        """The argument `via` of `guest.*` (docs/protocols.md 1)."""
        if self.way is Way.SSH:
            return {"kind": "ssh", "user": self.user, "address": self.address, "as": self.caller}
        if self.way is Way.CONSOLE:
            return {"kind": "console", "user": self.user, "machine": self.machine}
        return {"kind": "agent"}


AGENT = GuestEntry(Way.AGENT)
