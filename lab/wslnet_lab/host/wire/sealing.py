"""WinRM's message encryption: one sealed SOAP message in a multipart/encrypted body (windows-facts 8)."""

from __future__ import annotations

import re
import struct
from typing import Any

CONTENT_TYPE = (
    'multipart/encrypted;protocol="application/HTTP-SPNEGO-session-encrypted";boundary="Encrypted Boundary"'
)
_BOUNDARY = b"--Encrypted Boundary"
_LENGTH = re.compile(rb"OriginalContent:[^\r\n]*?Length=(\d+)")
_PAYLOAD = b"\tContent-Type: application/octet-stream\r\n"


class SealError(ValueError):
    """A body that is not what its content type says, or that does not decrypt."""


def is_sealed(content_type: str) -> bool:
    """Whether a request with this content type carries a sealed message."""
    return content_type.lower().startswith("multipart/encrypted")


def unseal(body: bytes, context: Any) -> bytes:  # noqa: ANN401 - pyspnego's context is untyped
    """The SOAP message in a sealed body.

    Raises SealError if the parts are not as expected or the length differs.
    """
    head, found, rest = body.partition(_PAYLOAD)
    length = _LENGTH.search(head)
    if not found or length is None or not rest.endswith(_BOUNDARY + b"--\r\n"):
        raise SealError("not a multipart/encrypted body")
    sealed = rest[: -len(_BOUNDARY) - 4]
    (size,) = struct.unpack_from("<i", sealed)
    message = context.unwrap_winrm(sealed[4 : 4 + size], sealed[4 + size :])
    if len(message) != int(length.group(1)):
        raise SealError("the message is not as long as its header says")
    return bytes(message)


def seal(message: bytes, context: Any) -> bytes:  # noqa: ANN401 - pyspnego's context is untyped
    """The body that carries `message` sealed."""
    wrapped = context.wrap_winrm(message)
    length = len(message) + wrapped.padding_length
    return b"".join(
        (
            _BOUNDARY,
            b"\r\n\tContent-Type: application/HTTP-SPNEGO-session-encrypted\r\n",
            b"\tOriginalContent: type=application/soap+xml;charset=UTF-8;Length=%d\r\n" % length,
            _BOUNDARY,
            b"\r\n",
            _PAYLOAD,
            struct.pack("<i", len(wrapped.header)),
            wrapped.header,
            wrapped.data,
            _BOUNDARY,
            b"--\r\n",
        )
    )
