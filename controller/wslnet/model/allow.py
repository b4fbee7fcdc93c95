"""What `--allow tcp/8080@lan` means: a protocol, a port and who may come."""

from __future__ import annotations

import re
from dataclasses import dataclass

from wslnet.errors import InputError

_FORM = re.compile(r"(?P<proto>tcp|udp)/(?P<port>[0-9]{1,5})(?:@(?P<scope>[a-z]+))?")
_LAST_PORT = 65535


@dataclass(frozen=True, slots=True, order=True)
class Allow:
    """One allowed port. `scope` is `lan` (the on-link prefixes) or None (any source)."""

    proto: str
    port: int
    scope: str | None = None

    def __str__(self) -> str:
        return f"{self.proto}/{self.port}" + (f"@{self.scope}" if self.scope else "")


def parse_allow(text: str) -> Allow:
    """Reads `tcp/8080` or `udp/53@lan`.

    Raises:
        InputError: the text is not of that form; the message names it.
    """
    match = _FORM.fullmatch(text)
    if match is None:
        raise InputError(f"--allow {text!r}: expected tcp/PORT or udp/PORT, optionally followed by @lan")
    port = int(match["port"])
    if not 1 <= port <= _LAST_PORT:
        raise InputError(f"--allow {text!r}: port {port} is not between 1 and {_LAST_PORT}")
    if match["scope"] not in {None, "lan"}:
        raise InputError(f"--allow {text!r}: unknown scope @{match['scope']}; the only scope is @lan")
    return Allow(match["proto"], port, match["scope"])
