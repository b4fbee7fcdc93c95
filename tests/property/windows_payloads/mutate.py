"""Damages what a Windows sends, on each level of it: envelope or line, fragment, message."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

HEADER = 21
MESSAGE = 40
_ANSWERS = 14
LOL = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
BOMB = f'<!DOCTYPE x [<!ENTITY l0 "lol">{LOL}]><Obj RefId="0"><MS><S N="Name">&l9;</S></MS></Obj>'.encode()
OUTSIDE = b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><Obj RefId="0"><S>&e;</S></Obj>'
DEEP = b'<Obj RefId="0"><LST>' * 5_000 + b"</LST></Obj>" * 5_000
CYCLE = b'<Obj RefId="0"><LST><Ref RefId="0" /></LST></Obj>'
HUGE = b"<S>" + b"A" * 300_000 + b"</S>"
MANY = b'<Obj RefId="0"><MS>' + b'<S N="x">y</S>' * 20_000 + b"</MS></Obj>"
NASTY = (
    "_x001B_]0;owned_x0007_",
    "\x9b31mred",
    "\u202eevil\u2066",
    "_x001B_[2Jgone_x000D__x000A_ok     all: fine",
    "\u2028\u2029\ufeff",
    "_xD800_",
)
_TEXT = re.compile(rb">([^<>]{2,})<")
_TAG = re.compile(rb"<(/?)(I32|S|B|U16|U32|U64|By|I64)([ >])")
_STREAM = re.compile(rb"(<rsp:Stream [^>]*>)([A-Za-z0-9+/=]+)(</rsp:Stream>)")
_DATA = re.compile(rb"(<Data [^>]*>)([A-Za-z0-9+/=]+)(</Data>)")


@dataclass
class Mutator:
    """Damages one to three answers of a session, in ways chosen by chance; `counts` says how often which."""

    chance: random.Random
    answers: int = 0
    chosen: frozenset[int] = frozenset()
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def damaged(self) -> int:
        """How many payloads were damaged so far."""
        return sum(self.counts.values())

    def begin(self) -> None:
        """A new session: the opening is damaged seldom, what comes of the commands often."""
        self.answers = 0
        places = self.chance.randrange(3, _ANSWERS) if self.chance.randrange(6) else self.chance.randrange(3)
        self.chosen = frozenset({places, *(self.chance.randrange(3, _ANSWERS) for _ in range(2))})

    def envelope(self, text: bytes) -> bytes:
        """A SOAP answer of WinRM, maybe damaged."""
        return self._outer(text, _STREAM)

    def line(self, text: bytes) -> bytes:
        """A line of a child PowerShell, maybe damaged."""
        return self._outer(text, _DATA)

    def _outer(self, text: bytes, payload: re.Pattern[bytes]) -> bytes:
        self.answers += 1
        if self.answers not in self.chosen:
            return text
        found = payload.search(text)
        if found is None and self.chance.randrange(4):
            self.chosen |= {self.answers + 1}
            return text
        if found is None or not self.chance.randrange(10):
            return self._done("outside", self._bytes(text))
        fragments = self._fragments(base64.b64decode(found[2]))
        return text[: found.start(2)] + base64.b64encode(fragments) + text[found.end(2) :]

    def _fragments(self, data: bytes) -> bytes:
        ways: tuple[tuple[str, Callable[[bytes], bytes]], ...] = (
            ("message", self._message),
            ("message", self._message),
            ("message", self._message),
            ("fragment cut", lambda one: one[: self.chance.randrange(len(one))]),
            ("fragment doubled", lambda one: one + one),
            ("fragment length", self._length),
            ("fragment number", self._number),
            ("fragment split", self._split),
            ("fragment bits", self._bytes),
        )
        name, way = self.chance.choice(ways)
        return way(data) if name == "message" else self._done(name, way(data))

    def _length(self, data: bytes) -> bytes:
        return (
            data[:17]
            + self.chance.choice((b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", bytes(4)))
            + data[HEADER:]
        )

    def _number(self, data: bytes) -> bytes:
        at = self.chance.choice((0, 8))
        return data[:at] + self.chance.randrange(2**64).to_bytes(8, "big") + data[at + 8 :]

    def _split(self, data: bytes) -> bytes:
        """Two fragments of the first one, in the wrong order or as they should be."""
        size = int.from_bytes(data[17:HEADER], "big")
        body, rest = data[HEADER : HEADER + size], data[HEADER + size :]
        half = len(body) // 2
        one = data[:16] + b"\x01" + half.to_bytes(4, "big") + body[:half]
        two = (
            data[:8] + (1).to_bytes(8, "big") + b"\x02" + (len(body) - half).to_bytes(4, "big") + body[half:]
        )
        return (one + two if self.chance.randrange(2) else two + one) + rest

    def _message(self, data: bytes) -> bytes:
        """The first fragment's message with another text; its length is put right."""
        size = int.from_bytes(data[17:HEADER], "big")
        body, rest = data[HEADER : HEADER + size], data[HEADER + size :]
        if len(body) <= MESSAGE:
            return self._done("fragment bits", self._bytes(data))
        changed = body[:MESSAGE] + self._text(body[MESSAGE:])
        return data[:17] + len(changed).to_bytes(4, "big") + changed + rest

    def _text(self, text: bytes) -> bytes:
        whole = {
            "bomb": BOMB,
            "outside entity": OUTSIDE,
            "deep": DEEP,
            "cycle": CYCLE,
            "huge": HUGE,
            "many": MANY,
        }
        name = self.chance.choice(
            (*whole, "nasty", "nasty", "nasty", "type", "type", "bits", "bits", "entity")
        )
        self.counts[name] = self.counts.get(name, 0) + 1
        if name in whole:
            return whole[name]
        if name == "nasty":
            word = self.chance.choice(NASTY).encode()
            return _TEXT.sub(b">" + word + b"<", text)
        if name == "type":
            kind = self.chance.choice((b"I32", b"S", b"B", b"U64", b"DT", b"BA", b"G", b"SS", b"C", b"TS"))
            return _TAG.sub(rb"<\1" + kind + rb"\3", text)
        if name == "entity":
            return text.replace(b"</", b"&#x1b;[31m</", 3)
        return self._bytes(text)

    def _bytes(self, text: bytes) -> bytes:
        data = bytearray(text)
        for _ in range(self.chance.randint(1, 4)):
            at = self.chance.randrange(len(data)) if data else 0
            how = self.chance.randrange(4)
            if how == 0 and data:
                data[at] ^= 1 << self.chance.randrange(8)
            elif how == 1:
                del data[at : at + self.chance.randint(1, 30)]
            elif how == 2:
                data[at:at] = self.chance.randbytes(self.chance.randint(1, 20))
            else:
                del data[at:]
        return bytes(data)

    def _done(self, name: str, text: bytes) -> bytes:
        self.counts[name] = self.counts.get(name, 0) + 1
        return text
