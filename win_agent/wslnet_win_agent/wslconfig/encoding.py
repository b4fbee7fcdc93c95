"""Bytes of a `.wslconfig` to text and back without losing one.

WSL opens the file with `ccs=UTF-8` (wsl-facts 1.1): a byte order mark of UTF-8 or UTF-16LE is honoured,
without one it is UTF-8. What that way gives garbage is refused rather than guessed.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass

_END_OF_TEXT = "\x1a"


class WslConfigError(Exception):
    """The file cannot be edited without risk; `code` is a stable word, the message one line."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Decoded:
    """The text of a file and how to make its bytes again.

    `text` ends at Ctrl-Z, where a C runtime in text mode stops reading; `rest` is what follows.
    """

    text: str
    rest: str
    mark: bytes
    codec: str
    errors: str

    def encode(self, text: str) -> bytes:
        """Give the bytes of the file with `text` in place of the old one.

        Raises:
            WslConfigError: `text` does not fit the file's encoding.
        """
        try:
            return self.mark + (text + self.rest).encode(self.codec, self.errors)
        except UnicodeEncodeError as error:
            raise WslConfigError("not-encodable", f"the value does not fit the encoding: {error}") from None


def decode(data: bytes) -> Decoded:
    """Give the text of `data`, byte-exact to encode again.

    Raises:
        WslConfigError: `utf-16` (big-endian, or without a mark: WSL reads garbage) or `truncated`.
    """
    if data.startswith(codecs.BOM_UTF16_BE):
        raise WslConfigError("utf-16", "it is UTF-16 big-endian, which WSL cannot read: save it as UTF-8")
    if data.startswith(codecs.BOM_UTF16_LE):
        if len(data) % 2:
            raise WslConfigError("truncated", "it is UTF-16 with half a character at the end")
        return _split(data, codecs.BOM_UTF16_LE, "utf-16-le", "surrogatepass")
    if b"\0" in data:
        raise WslConfigError("utf-16", "it looks like UTF-16 without a byte order mark: save it as UTF-8")
    mark = codecs.BOM_UTF8 if data.startswith(codecs.BOM_UTF8) else b""
    return _split(data, mark, "utf-8", "surrogateescape")


def _split(data: bytes, mark: bytes, codec: str, errors: str) -> Decoded:
    text = data[len(mark) :].decode(codec, errors)
    before, end, after = text.partition(_END_OF_TEXT)
    return Decoded(text=before, rest=end + after, mark=mark, codec=codec, errors=errors)
