"""Our key in a running VM's authorized_keys, declared on the machine that runs it and enters it to write.

Only a line that wslnet made is ever taken out: its comment says so.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet.errors import PlanRefused
from wslnet.model.change import Action, Change, Op
from wslnet.model.guest_entry import AGENT, GuestEntry, Way
from wslnet.model.linux_facts import LinuxFacts

if TYPE_CHECKING:
    from wslnet.model.guest_facts import GuestAccount
    from wslnet.model.snapshot import MachineFacts

COMMENT = "wslnet"
"""The comment of every key line of ours."""


@dataclass(frozen=True, slots=True)
class GuestKey:
    """The public key (`ssh-ed25519 AAAA…`) that shall, or shall not, be authorized for a user of a domain."""

    machine: str
    domain: str
    user: str
    key: str
    why: str
    present: bool = True
    entry: GuestEntry = AGENT
    rows: tuple[str, ...] = ("S0-56",)
    needs: frozenset[str] = frozenset({"guest_keys"})
    volatile: bool = False

    @property
    def name(self) -> str:
        """Its identity: domain and user."""
        return f"authorized key of {self.user} in {self.domain}"

    @property
    def line(self) -> str:
        """The line of ours."""
        return f"{self.key} {COMMENT}"

    def diff(self, facts: MachineFacts) -> tuple[Change, ...]:
        """The line to add, unless the key is authorized already by whatever line; or our line to take out.

        Raises:
            PlanRefused: the guest cannot be entered, or has no such user.
        """
        found = facts.guest_keys if isinstance(facts, LinuxFacts) else None
        if found is None:
            return ()
        guest = next((one for one in found if one.domain == self.domain), None)
        if guest is None or guest.problem is not None:
            problem = guest.problem if guest is not None and guest.problem else "the domain does not run"
            raise PlanRefused(
                f"{self.domain} in {self.machine}: {problem}", machine=self.machine, hint=self.entry.hint
            )
        account = next((one for one in guest.accounts if one.user == self.user), None)
        if account is None:
            users = ", ".join(one.user for one in guest.accounts) or "none"
            raise PlanRefused(f"{self.domain} in {self.machine}: no user {self.user} there; it has {users}")
        content = base64.b64decode(account.content or "").decode("utf-8", "replace")
        lines = content.split("\n")
        done = any(self.key in line for line in lines) if self.present else self.line not in lines
        return () if done else (self._change(account, content),)

    def _change(self, account: GuestAccount, content: str) -> Change:
        args: dict[str, object] = {"domain": self.domain, "folder": account.folder, "line": self.line}
        args |= {"via": self.entry.via()} if self.entry.way is not Way.AGENT else {}
        adds: dict[str, object] = {**args, "uid": account.uid, "gid": account.gid}
        takes: dict[str, object] = dict(args)
        if self.present:
            takes |= {"gap": True} if content and not content.endswith("\n") else {}
            takes |= {"remove": True} if account.content is None else {}
            takes |= {"remove_folder": True} if not account.folder_exists else {}
        return Change(
            machine=self.machine,
            resource=self.name,
            action=Action.ADD if self.present else Action.REMOVE,
            before=None if self.present else self.line,
            after=self.line if self.present else None,
            why=self.why,
            do=Op("guest.authorize", adds) if self.present else Op("guest.deauthorize", takes),
            undo=Op("guest.deauthorize", takes) if self.present else Op("guest.authorize", adds),
            rows=self.rows,
        )
