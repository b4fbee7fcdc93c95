r"""What a controller and the task `\wslnet\programs` tell each other: request and answer, two small files.

WinRS is for administrators, and a session over the network may not be able to run WSL at all (windows-facts
5); so the distros' owner's own task runs wsl.exe there. Data only, nothing here touches a file.
"""

from __future__ import annotations

import base64
import json
import ntpath
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Sequence

TASK = "programs"
PROBE = "probe-endpoint"
"""Asked for in the place of a program: one session on the constrained endpoint of this very machine."""

_PROGRAM = "wsl.exe"


@dataclass(frozen=True, slots=True)
class Request:
    """A program to run; with `hold` it is left running until the request's file is removed.

    `timeout_s` is how long it may run, in seconds.
    """

    argv: tuple[str, ...]
    timeout_s: float
    stdin: bytes = b""
    hold: bool = False

    def to_bytes(self) -> bytes:
        """The file's content."""
        stdin = base64.b64encode(self.stdin).decode()
        document = {"argv": self.argv, "timeout_s": self.timeout_s, "stdin": stdin, "hold": self.hold}
        return json.dumps(document).encode()

    @classmethod
    def of(cls, content: bytes) -> Self | None:
        """The request of a file's content; None for one that is just being written, or is none."""
        found = _document(content)
        try:
            argv = tuple(str(word) for word in found["argv"])
            stdin = base64.b64decode(found["stdin"], validate=True)
            return cls(argv, float(found["timeout_s"]), stdin, bool(found["hold"])) if argv else None
        except (KeyError, TypeError, ValueError):
            return None


@dataclass(frozen=True, slots=True)
class Answer:
    """How a program ended, or why it did not (`code` and `message` as of a Windows agent's error)."""

    exit_code: int = 0
    stdout: bytes = b""
    stderr: bytes = b""
    code: str = ""
    message: str = ""

    def to_bytes(self) -> bytes:
        """The file's content."""
        said = {"stdout": self.stdout, "stderr": self.stderr}
        texts = {name: base64.b64encode(data).decode() for name, data in said.items()}
        rest = {"exit_code": self.exit_code, "code": self.code, "message": self.message}
        return json.dumps({**rest, **texts}).encode()

    @classmethod
    def of(cls, content: bytes | None) -> Self | None:
        """The answer of a file's content; None as long as it is not whole."""
        found = _document(content or b"")
        try:
            said = {name: base64.b64decode(found[name], validate=True) for name in ("stdout", "stderr")}
            return cls(
                int(found["exit_code"]), code=str(found["code"]), message=str(found["message"]), **said
            )
        except (KeyError, TypeError, ValueError):
            return None


def request_name(call: str) -> str:
    """Name of a request's file; `call` is 32 hex digits."""
    return f"call-{call}.json"


def answer_name(call: str) -> str:
    """Name of the answer's file."""
    return f"call-{call}.answer.json"


def is_owners(argv: Sequence[str]) -> bool:
    """Whether a program is the one that the owner's task runs: WSL's own."""
    return ntpath.basename(argv[0]).lower() == _PROGRAM


def _document(content: bytes) -> dict[str, Any]:
    try:
        document = json.loads(content)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}
