"""Files of WSL's configuration as editors and people leave them: a second generator, apart from the first.

It draws whole pieces that went wrong (broken headers, look-alike signs, merge marks, a backslash at the end,
any code page, odd surrogates, bytes cut off) where `config_files` draws the grammar.
"""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING

from wslnet_win_agent.wslconfig import WSL_CONF, WSLCONFIG, WslConfigError
from wslnet_win_agent.wslconfig.encoding import decode

from .config_files import Drawn, draw_key

if TYPE_CHECKING:
    from random import Random

_SECTIONS = ("wsl2", "experimental", "boot", "network", "automount", "user", "interop", "general", "other")
_HEADERS = (
    *("[{0}]", "[{0}]", "[{0}]", "[{0}", "{0}]", "[[{0}]]", "[ {0} ]", "[{0}]]", "\t[{0}]\t# c", "[{0}] ;c"),
    *("[{0}]\u00a0", "\u00a0[{0}]", "\uff3b{0}\uff3d", "[{0}] \\", "[{0}\\\n]", "\ufeff[{0}]"),
)
_ENTRIES = (
    *("{0}={1}", "{0} = {1}", "{0}\t=\t{1}", "{0}={1}", "{0}:{1}", "{0} {1}", "{0}\u00a0={1}"),
    *("{0}=\u3000{1}", "{0}\uff1d{1}", '"{0}"={1}', "{0}\\\n={1}", "\ufeff{0}={1}", "#{0}={1}", ";{0}={1}"),
    *("//{0}={1}", "wsl2.{0}={1}", "{0}={1}#{1}", "{0}=={1}", "{0}+={1}", "{0}", "={1}", "{0}=", "a {0}={1}"),
)
_VALUES = (
    *("true", "8GB", "mirrored", "", '"', '""', '"a', 'a"b"c', '"a" "b"', "\\", "\\\\", '\\"', "a\\", "a\\ "),
    *("C:\\x", "C:\\\\x", "\\t\\n", "a # b", "a#b", '"a # b"', '"a\\', '"two\nlines"', "a\\\n  b", "\\\n"),
    *("\u201cq\u201d", "a;b", "\U0001f600", "%PATH%", "a=b", "  out  ", "\x7f", "\0", '"\\n#"#c', "\\x41"),
)
_STRAY = (
    *("", "   ", "\x0c", "\x0b", "\u2028", "\x85", "\0\0", "<<<<<<< HEAD", "{", "- a", "# \\", "\x1arest"),
    *("\ud800", "\udc80\ud800", "a" * 3000 + "=1", "# " + "x" * 5000, "\U0001f600=1"),
)
_ENDS = (
    *(("\n",), ("\n",), ("\r\n",), ("\r\n",), ("\n", "\r\n"), ("\r",), ("\r\r\n",)),
    ("\n", "\r\n", "\r", "\n\r", "\u2028", "\x85", "\\\n", "\\\r\n"),
)
_ENCODINGS = (
    *((b"", "utf-8"),) * 5,
    *((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF8 * 2, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le")),
    *((codecs.BOM_UTF16_LE * 2, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"), (b"", "utf-16-le")),
    *((codecs.BOM_UTF32_LE, "utf-32-le"), (b"", "cp1252"), (b"", "gbk"), (b"", "cp932")),
)


def draw_edited(random: Random) -> Drawn:
    """One such file."""
    schema = random.choice((WSLCONFIG, WSLCONFIG, WSL_CONF))
    ends = random.choice(_ENDS)
    pieces = (_piece(random, draw_key(random, schema)) for _ in range(random.randrange(14)))
    text = "".join(piece + random.choice(ends) for piece in pieces)
    if random.random() < 0.3:
        text = text.rstrip("\r\n")
    if random.random() < 0.1:
        text = text[: random.randrange(len(text) + 1)] + "\\"
    mark, codec = random.choice(_ENCODINGS)
    data = mark + text.encode(codec, "surrogatepass" if codec.startswith("utf") else "replace")
    if random.random() < 0.05:
        data = data[: random.randrange(len(data) + 1)]
    return Drawn(data, schema, _is_readable(data))


def _piece(random: Random, name: str) -> str:
    section, _, key = name.rpartition(".")
    kind = random.random()
    if kind < 0.25:
        word = random.choice((section, section, random.choice(_SECTIONS)))
        return random.choice(_HEADERS).format(random.choice((word, word, word.upper(), word.swapcase())))
    if kind < 0.4:
        return random.choice(_STRAY)
    return random.choice(_ENTRIES).format(random.choice((key, key, key.upper())), random.choice(_VALUES))


def _is_readable(data: bytes) -> bool:
    try:
        decode(data)
    except WslConfigError:
        return False
    return True
