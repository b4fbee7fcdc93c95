"""Host keys pinned by machine name, in one file `known_hosts` of the inventory's state folder.

The format is OpenSSH's, so that `ssh -o UserKnownHostsFile=… -o HostKeyAlias=NAME` works with it. A machine
is known by its name, never its address: WSL's address changes with every start, its key does not. A key is
pinned on first contact only when the caller asks for that; a key that differs from the pinned one is always
refused, and nothing here replaces it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet.errors import HostKeyMismatch, HostKeyUnknown, InputError
from wslnet.whole_file import write_whole

if TYPE_CHECKING:
    from pathlib import Path

_append = threading.Lock()


@dataclass(frozen=True, slots=True)
class HostKey:
    """A public host key: its type (`ssh-ed25519`) and its bytes as SSH carries them."""

    kind: str
    data: bytes

    @property
    def fingerprint(self) -> str:
        """As `ssh-keygen -l` prints it: `SHA256:…`."""
        digest = base64.b64encode(hashlib.sha256(self.data).digest()).decode("ascii")
        return f"SHA256:{digest.rstrip('=')}"


@dataclass(frozen=True, slots=True)
class Pins:
    """The pinned host keys of one inventory."""

    file: Path

    def get(self, machine: str) -> HostKey | None:
        """Give the pinned key of a machine, None if it has none.

        Raises:
            InputError: the file cannot be read or is damaged.
        """
        return self._all().get(machine)

    def check(self, machine: str, shown: HostKey, *, enroll: bool) -> None:
        """Accept a key that a machine has shown, or raise.

        Args:
            machine: name in the inventory.
            shown: what the machine proved to own.
            enroll: pin it if the machine has no pinned key yet.

        Raises:
            HostKeyUnknown: no key is pinned and `enroll` is off.
            HostKeyMismatch: another key is pinned.
            InputError: the file cannot be read or written.
        """
        pinned = self.get(machine)
        if pinned is None and enroll:
            self._pin(machine, shown)
            # Another process may have been faster: the first line counts, for everybody.
            pinned = self.get(machine)
        if pinned is None:
            raise HostKeyUnknown(
                f"{machine}: no host key is pinned for it",
                machine=machine,
                hint=f"check the machine, then pin its key: wslnet vm enroll {machine}",
            )
        if pinned != shown:
            raise HostKeyMismatch(
                f"{machine}: it shows another {shown.kind} host key than the one pinned in {self.file}",
                machine=machine,
                hint=f"if the machine was made anew: wslnet vm forget {machine}, then enroll it again",
            )

    def pin(self, machine: str, key: HostKey) -> None:
        """Pin a key that was read over a channel that is trusted as it is: the machine's own host.

        Raises:
            HostKeyMismatch: another key is pinned.
            InputError: the file cannot be read or written.
        """
        self.check(machine, key, enroll=True)

    def forget(self, machine: str) -> bool:
        """Take a machine's key out of the file; gives whether there was one.

        Raises:
            InputError: the file cannot be written; it is as it was.
        """
        with _append:
            kept = [line for line in self._lines() if line.split()[:1] != [machine]]
            removed = len(kept) != len(self._lines())
            if removed:
                try:
                    write_whole(self.file, "".join(f"{line}\n" for line in kept).encode("ascii"))
                except OSError as error:
                    raise self._unwritable(error) from error
        return removed

    def _pin(self, machine: str, key: HostKey) -> None:
        line = f"{machine} {key.kind} {base64.b64encode(key.data).decode('ascii')}\n"
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            # One write to a file opened for appending: lines of several writers never mix.
            with _append, self.file.open("ab", buffering=0) as file:
                file.write(line.encode("ascii"))
                os.fsync(file.fileno())
        except OSError as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> InputError:
        return InputError(f"{self.file}: cannot keep host keys there: {error.strerror}")

    def _all(self) -> dict[str, HostKey]:
        found: dict[str, HostKey] = {}
        for number, line in enumerate(self._lines(), 1):
            words = line.split()
            if not words or words[0].startswith("#"):
                continue
            try:
                _, kind, text = words
                key = HostKey(kind, base64.b64decode(text, validate=True))
            except (ValueError, binascii.Error) as error:
                raise InputError(f"{self.file} line {number}: not a host key: {line[:60]!r}") from error
            found.setdefault(words[0], key)
        return found

    def _lines(self) -> list[str]:
        try:
            return self.file.read_text(encoding="ascii").splitlines()
        except FileNotFoundError:
            return []
        except (OSError, ValueError) as error:
            raise InputError(f"{self.file}: cannot be read: {error}") from error
