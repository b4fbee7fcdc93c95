"""Keys of the owner's `.wslconfig`, edited so that no other byte changes.

All keys of one run make one change, so the file is written once. Existing values are judged as WSL would
read them (first duplicate wins), not as they look.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet.errors import PlanRefused
from wslnet.model.change import Action, Change, Op, Risk
from wslnet.model.windows_facts import WindowsFacts
from wslnet_win_agent.wslconfig import WslConfigError, editor, reader

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wslnet.model.snapshot import MachineFacts
    from wslnet.model.windows_wsl import WslConfigFile


@dataclass(frozen=True, slots=True)
class WslConfigKeys:
    """Values by `section.key`, for instance `{"wsl2.networkingMode": "mirrored"}`; `gone` are to be unset.

    `restarts` false: only the file is written, and WSL takes it whenever it starts next.
    """

    machine: str
    values: Mapping[str, str]
    why: str
    rows: tuple[str, ...] = ("S0-07", "S0-08")
    needs: frozenset[str] = frozenset({"wslconfig"})
    volatile: bool = False
    gone: tuple[str, ...] = ()
    restarts: bool = True

    @property
    def name(self) -> str:
        """Its identity: the keys it declares."""
        without = [f"without {key}" for key in sorted(self.gone)]
        return f"wslconfig {', '.join([*sorted(self.values), *without])}"

    def diff(self, facts: MachineFacts) -> tuple[Change, ...]:
        """The new content of the file, with the old content as its undo.

        Raises:
            PlanRefused: the file is there and could not be read (it may be locked by an editor).
        """
        file = facts.wslconfig if isinstance(facts, WindowsFacts) else None
        if file is None:
            return ()
        if file.error is not None:
            raise PlanRefused(
                f"{file.path} cannot be read: {file.error}; close the program that holds it and run again",
                machine=self.machine,
            )
        old = base64.b64decode(file.content) if file.exists and file.content is not None else None
        try:
            new, before = self._edited(old or b"")
        except WslConfigError as error:
            raise PlanRefused(f"{file.path}: {error}; nothing was changed", machine=self.machine) from error
        if not before:
            return ()
        change = Change(
            machine=self.machine,
            resource=self.name,
            action=Action.ADD if old is None else Action.CHANGE,
            before=None if old is None else ", ".join(before),
            after=", ".join(
                [
                    *(f"{key}={value}" for key, value in self.values.items()),
                    *(f"{key} unset" for key in self.gone),
                ]
            ),
            why=self.why,
            do=_write(file, new, old),
            undo=_write(file, old, new),
            risk=Risk.RESTARTS_LAYER if self.restarts else Risk.SAFE,
            rows=self.rows,
        )
        return (change,)

    def _edited(self, content: bytes) -> tuple[bytes, list[str]]:
        """The new content, and what the keys that change are now."""
        new, before = content, []
        for full_key, value in self.values.items():
            section, _, key = full_key.partition(".")
            found = effective(content, full_key)
            if found is None or found.lower() != value.lower():
                before.append(f"{full_key}={found if found is not None else '(unset)'}")
                new = editor.set_value(new, section, key, value)
        for full_key in self.gone:
            section, _, key = full_key.partition(".")
            edited = editor.unset_value(new, section, key)
            if edited != new:
                # A value that WSL does not take goes too.
                before.append(f"{full_key}={effective(content, full_key) or '(not valid)'}")
                new = edited
        return new, before


def value_in(file: WslConfigFile | None, full_key: str) -> str | None:
    """The value of `section.key` in a file as it was read; None when it is not there or not set."""
    if file is None or not file.exists or file.content is None:
        return None
    return effective(base64.b64decode(file.content), full_key)


def effective(content: bytes, full_key: str) -> str | None:
    """The value WSL would use for `section.key`; None when it would use its default."""
    return reader.read(content).value(full_key)


def _write(file: WslConfigFile, content: bytes | None, expected: bytes | None) -> Op:
    return Op(
        "wslconfig.write",
        {
            "path": file.target or file.path,
            "content": None if content is None else base64.b64encode(content).decode(),
            "expect_sha256": None if expected is None else hashlib.sha256(expected).hexdigest(),
        },
    )
