"""Who may log on: local accounts with passwords, and what a session of theirs runs as."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from wslnet_lab.host.contract import Identity


@dataclass(frozen=True, slots=True)
class Account:
    """A local account."""

    identity: Identity
    password: str = field(repr=False)


class Accounts:
    """The accounts of one Windows, and the credential file that pyspnego's NTLM acceptor reads."""

    def __init__(self, accounts: Iterable[Account], host_name: str, credential_file: Path) -> None:
        """Writes `credential_file` (mode 600) for the accounts.

        Raises ValueError for a name or password that the file's format cannot hold.
        """
        self._accounts = {account.identity.user.lower(): account for account in accounts}
        self._host_name = host_name
        self.credential_file = credential_file
        for account in self._accounts.values():
            if any(mark in account.identity.user + account.password for mark in ":\r\n"):
                raise ValueError(
                    f"account {account.identity.user}: no colon or line break in name or password"
                )
        credential_file.parent.mkdir(parents=True, exist_ok=True)
        credential_file.touch(mode=0o600)
        credential_file.write_text("".join(self._lines()), encoding="utf-8")

    def _lines(self) -> Iterable[str]:
        """One line per spelling of the domain: none, the machine's name, and `.` for this machine."""
        for account in self._accounts.values():
            for domain in ("", self._host_name, "."):
                yield f"{domain}:{account.identity.user}:{account.password}\n"

    def find(self, principal: str) -> Identity | None:
        r"""The identity behind a logon name, with or without `DOMAIN\`."""
        account = self._accounts.get(principal.rpartition("\\")[2].lower())
        return account.identity if account else None

    def check(self, principal: str, password: str) -> Identity | None:
        """The identity if the password is right (Basic only; NTLM never sees a password)."""
        account = self._accounts.get(principal.rpartition("\\")[2].lower())
        if account is None or not hmac.compare_digest(account.password.encode(), password.encode()):
            return None
        return account.identity
