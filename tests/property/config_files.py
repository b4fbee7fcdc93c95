"""Files of WSL's configuration drawn at random: the grammar of wsl-facts 1.1, right, wrong and worse.

Encodings, line ends, sections, keys, values, comments, continuations and junk are drawn each for itself.
Left out is only what the facts do not settle: see `ALONE`.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet_win_agent.wslconfig import WSL_CONF, WSLCONFIG

if TYPE_CHECKING:
    from random import Random

    from wslnet_win_agent.wslconfig import Schema

ALONE = "\r"
"""A carriage return without line feed: whether it ends a line is not known, so two readers may differ."""

_ENCODINGS = (
    *((b"", "utf-8"),) * 6,
    *((codecs.BOM_UTF8, "utf-8"),) * 2,
    *((codecs.BOM_UTF16_LE, "utf-16-le"),) * 3,
)
_UNREADABLE = ((codecs.BOM_UTF16_BE, "utf-16-be"), (b"", "utf-16-le"))
_LINE_ENDS = (("\n",), ("\r\n",), ("\n", "\r\n"), ("\r\n", "\r\n", "\r\n", "\n"))
_BAD_SECTIONS = ("[ wsl2]", "[a-b]", "[wsl2] junk", "[boot] ; no", "[1a]", "[]", "[x", "[experimental.x]")
_JUNK = (
    *(
        "; old comment",
        "= value",
        "no equals",
        "1key=2",
        "key-with=dash",
        "_x=1",
        "%",
        "\x00",
        "\x0b",
        "\x1ax=1",
    ),
    *("ключ=1", "开=关", "\ufeff[wsl2]", "a" * 300, "\x7f", "kernel=C:\\temp\\x", 'x="open', "memory 8GB"),
)
_COMMENTS = ("# a comment", "  # [wsl2]", "#memory=1GB", "# 镜像网络", "#", '# "quote \\', "# =")
_BLANKS = ("", "", "", " ", "\t", "  ")
_VALUES = (
    *("true", "false", "True", "1", "0", "yes", "on", "8GB", "8gb", "8 GB", "1.5GB", "0x1F", "010", "-1"),
    *("mirrored", "NAT", "Consomme", "mirored", "none", "", "a,b", "10.0.0.1", "aa:bb:cc:dd:ee:ff"),
    *("C:\\\\Users\\\\me", '"a # b"', '"  outer  "', 'half"way"', 'say \\"x\\"', "tab\\there", "é", "内核"),
    *("one\\\ntwo", "one\\\r\ntwo", "x=y=z", "trailing   ", "[wsl2]"),
)
_OTHERS = ("nonsense", "netwrokingMode", "useWindowsDnsCache", "pageReporting", "a1", "Z")


@dataclass(frozen=True, slots=True)
class Drawn:
    """One file, of which kind it is, and whether WSL can decode it at all."""

    data: bytes
    schema: Schema
    readable: bool


def draw(random: Random) -> Drawn:
    """One file."""
    schema = random.choice((WSLCONFIG, WSLCONFIG, WSL_CONF))
    if random.random() < 0.02:
        return Drawn(random.randbytes(random.randrange(120)), schema, readable=False)
    ends = random.choice(_LINE_ENDS)
    lines = [_line(random, schema) for _ in range(random.randrange(22))]
    text = "".join(line + random.choice(ends) for line in lines)
    if random.random() < 0.3:
        text = text.rstrip("\r\n")
    if random.random() < 0.03:
        place = random.randrange(len(text) + 1)
        text = text[:place] + ALONE + text[place:]
    readable = random.random() > 0.02
    mark, codec = random.choice(_ENCODINGS if readable else _UNREADABLE)
    data = mark + text.encode(codec)
    if codec == "utf-8" and random.random() < 0.05:
        # A word in a code page among UTF-8, as old editors left it.
        data = data.replace(b"#", "# größe 内".encode("gbk", "replace") + b"\n#", 1)
    return Drawn(data, schema, readable and (b"\0" not in data or codec != "utf-8"))


def draw_key(random: Random, schema: Schema) -> str:
    """A key that WSL knows, `section.key` in its own spelling."""
    return random.choice(tuple(schema.known))


def draw_value(random: Random) -> str:
    """What somebody may want to set: in ASCII, since WSL narrows everything else."""
    return random.choice(
        ("mirrored", "true", "false", "8GB", "C:\\Users\\me", 'say "x"', " outer ", "a#b", "tab\there", "0")
    )


def _line(random: Random, schema: Schema) -> str:
    kind = random.random()
    indent, behind = random.choice(_BLANKS), random.choice(_BLANKS)
    if kind < 0.22:
        section = random.choice(tuple({name.partition(".")[0] for name in sorted(schema.known)} | {"other"}))
        word = random.choice((section, section, section.upper(), section.title()))
        return f"{indent}[{word}]{behind}{random.choice(('', '', '# c'))}"
    if kind < 0.25:
        return random.choice(_BAD_SECTIONS)
    if kind < 0.35:
        return random.choice(_COMMENTS)
    if kind < 0.42:
        return behind
    if kind < 0.47:
        return random.choice(_JUNK)
    name = random.choice((*schema.known, *WSLCONFIG.known, *_OTHERS)).rpartition(".")[2]
    key = random.choice((name, name, name.lower(), name.upper()))
    comment = random.choice(("", "", "", "# why", "#", '# "'))
    return f"{indent}{key}{behind}={random.choice(_BLANKS)}{random.choice(_VALUES)}{behind}{comment}"
