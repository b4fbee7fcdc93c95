r"""icacls.exe: an owner set, inheritance cut, rights granted to SIDs and taken from them.

Of its command line only `PATH /setowner *SID`, `/remove *SID`, `/inheritance:r` and
`/grant[:r] *SID:(OI)(CI)RIGHTS …` are there; anything else it refuses as it refuses nonsense.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from wslnet_lab.host.contract import Identity, NativeOutcome
from wslnet_lab.host.state.disk import normal_path

if TYPE_CHECKING:
    from wslnet_lab.host.state import MachineState

_GRANT = re.compile(r"\*(?P<sid>S-1-[0-9-]+):(?P<flags>(?:\((?:OI|CI)\))*)(?P<right>F|M|RX|R)")
_RIGHTS = {"F": "FA", "M": "0x1301bf", "RX": "0x1200a9", "R": "FR"}
_SHORT = {"S-1-5-18": "SY", "S-1-5-32-544": "BA", "S-1-5-32-545": "BU"}
_INVALID, _DENIED, _MISSING = 87, 5, 2


class Icacls:
    """The program."""

    def __init__(self, state: MachineState) -> None:
        self._state = state

    def run(self, argv: tuple[str, ...], identity: Identity) -> NativeOutcome:
        """Acts on one path."""
        path = normal_path(argv[1], self._state.settings.home) if len(argv) > 1 else None
        if path is None or self._state.disk.locate(path) is None:
            return _said(_MISSING, "The system cannot find the file specified.")
        if not identity.admin and not identity.system:
            return _said(_DENIED, f"{argv[1]}: Access is denied.")
        words = list(argv[2:])
        if not words:
            return _said(0, f"{path} {self._state.acl.entries(path)}")
        try:
            self._act(path, words)
        except ValueError as error:
            return _said(_INVALID, f'Invalid parameter "{error}"')
        return _said(0, f"processed file: {path}\nSuccessfully processed 1 files; Failed processing 0 files")

    def _act(self, path: str, words: list[str]) -> None:
        acl = self._state.acl
        verb, *rest = words
        if verb.lower() in {"/setowner", "/remove"} and len(rest) == 1 and rest[0].startswith("*"):
            sid = _SHORT.get(rest[0][1:], rest[0][1:])
            if verb.lower() == "/setowner":
                acl.set_owner(path, sid)
            else:
                acl.set_entries(path, _without(acl.entries(path), sid))
            return
        dacl = acl.entries(path)
        for word in words:
            grant = _GRANT.fullmatch(word)
            if word.lower() == "/inheritance:r":
                dacl = "D:PAI" + "".join(re.findall(r"\((?![^)]*ID;)[^)]*\)", dacl))
            elif grant is not None:
                flags = grant["flags"].replace("(", "").replace(")", "")
                sid = _SHORT.get(grant["sid"], grant["sid"])
                dacl = _without(dacl, sid) + f"(A;{flags};{_RIGHTS[grant['right']]};;;{sid})"
            elif word.lower() not in {"/grant", "/grant:r"}:
                raise ValueError(word)
        acl.set_entries(path, dacl)


def _without(dacl: str, sid: str) -> str:
    """The access list without what was granted to `sid` here; what is inherited stays."""
    return re.sub(rf"\(A;(?![^;]*ID)[^)]*;;;{re.escape(sid)}\)", "", dacl)


def _said(code: int, text: str) -> NativeOutcome:
    return NativeOutcome(code, (text + "\n").replace("\n", "\r\n").encode(), b"")
