"""A child that plays back a recorded session instead of PowerShell: `fake_child.py SESSION OPTIONS …`.

It holds the client to the rules: the element that the recording has next, and nothing before the
acknowledgement of the last one. A breach is written, with its row, to the file that the options name.

Options (JSON): `report` (path), `piece` (bytes a write), `crlf`, `before` (a foreign line before each
element), `glued` (foreign text in front of each), `hold_s` (each acknowledgement so late), `stop_after`
(number of rows), `then` (`close`, `silent` or `die`), `complaint` (said on stderr first).
"""

from __future__ import annotations

import base64
import json
import os
import re
import select
import sys
import time
import uuid
from pathlib import Path

GUID = re.compile(r"PSGuid='([^']*)'")
ZERO = "00000000-0000-0000-0000-000000000000"
POOL_AT, PIPELINE_AT, ID_SIZE = 29, 45, 16
DIED = 4000 & 0xFF


class Breach(Exception):
    """The client broke a rule."""


class Client:
    """The client's lines, and whether one came early."""

    def __init__(self) -> None:
        self.rest = b""

    def line(self) -> str:
        while b"\n" not in self.rest:
            data = os.read(0, 1 << 16)
            if not data:
                raise EOFError
            self.rest += data
        line, _, self.rest = self.rest.partition(b"\n")
        return line.decode("ascii")

    def hold(self, seconds: float) -> None:
        """Waits, and sees to it that nothing comes meanwhile."""
        if self.rest:
            raise Breach("a line came with the last one")
        if select.select([0], [], [], seconds)[0] and (data := os.read(0, 1 << 16)):
            raise Breach(f"a line came before the acknowledgement: {data[:60]!r}")


class Ids:
    """Recorded ids as the live client has them."""

    def __init__(self) -> None:
        self.known = {ZERO: ZERO}

    def learn(self, recorded: str, live: str) -> None:
        if name_of(live) != name_of(recorded):
            raise Breach(f"{live[:60]!r} where the recording has {recorded[:60]!r}")
        self.known[guid(recorded)] = guid(live)
        if recorded.startswith("<Data") and guid(recorded) == ZERO:
            self.known[pool_of(recorded)] = pool_of(live)

    def translated(self, line: str) -> str:
        found = GUID.search(line)
        if found is None:
            return line
        line = line.replace(found[1], self.known[found[1]])
        if not line.startswith("<Data S"):
            return line
        data = bytearray(payload(line))
        if data[16] & 1:
            for at in (POOL_AT, PIPELINE_AT):
                recorded = str(uuid.UUID(bytes_le=bytes(data[at : at + ID_SIZE])))
                live = self.known.get(recorded, recorded)
                data[at : at + ID_SIZE] = uuid.UUID(live).bytes_le
        return re.sub(r">[^<]*<", lambda _: f">{base64.b64encode(data).decode()}<", line, count=1)


def guid(line: str) -> str:
    found = GUID.search(line)
    return found[1] if found else ""


def payload(line: str) -> bytes:
    return base64.b64decode(line.partition(">")[2].partition("<")[0])


def pool_of(line: str) -> str:
    return str(uuid.UUID(bytes_le=payload(line)[POOL_AT : POOL_AT + ID_SIZE]))


def name_of(line: str) -> str:
    return line[1:].partition(" ")[0] if line.startswith("<") else ""


def write(text: str, piece: int | None) -> None:
    data = text.encode()
    for at in range(0, len(data), piece or len(data)):
        os.write(1, data[at : at + (piece or len(data))])


def play(rows: list[dict[str, str]], options: dict[str, object]) -> None:
    client, ids = Client(), Ids()
    end = "\r\n" if options.get("crlf") else "\n"
    piece = options.get("piece")
    for number, row in enumerate(rows, start=1):
        recorded = row["line"]
        try:
            if row["dir"] == "c2s":
                live = client.line()
                ids.learn(recorded, live)
            else:
                if name_of(recorded).endswith("Ack"):
                    client.hold(float(str(options.get("hold_s", 0))))
                foreign = f"a program wrote this{end}" if options.get("before") else ""
                foreign += "no line end" if options.get("glued") else ""
                write(foreign + ids.translated(recorded).rstrip("\r\n") + end, piece)  # type: ignore[arg-type]
        except Breach as error:
            raise Breach(f"row {number}: {error}") from error
        if number == options.get("stop_after"):
            stop(str(options["then"]))
    client.line()
    raise Breach("a line after the end of the recording")


def stop(how: str) -> None:
    if how == "silent":
        time.sleep(60)
    if how == "die":
        os.write(2, b"some first words\nthe last words\n")
        os._exit(DIED)
    os._exit(0)


def main() -> int:
    rows = [json.loads(line) for line in Path(sys.argv[1]).read_text("utf-8").splitlines()][1:]
    options = json.loads(sys.argv[2])
    os.write(2, options.get("complaint", "").encode())
    try:
        play(rows, options)
    except Breach as error:
        Path(options["report"]).write_text(f"{error}\n", encoding="utf-8")
        return 1
    except EOFError:
        return DIED
    return 0


if __name__ == "__main__":
    sys.exit(main())
