"""Parse and write is the identity, and an edit changes one value and no other byte: 0 lost.

The edit is judged by the lab's reader, which was written from WSL's rules apart from the product's: all
entries, known and unknown, must be what they were, in their order, except for the one that was asked for.
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import pytest

from wslnet_lab.host.wsl import ini
from wslnet_lab.host.wsl.config_keys import find_key
from wslnet_win_agent.wslconfig import WSL_CONF, WSLCONFIG, WslConfigError, read, set_value, unset_value
from wslnet_win_agent.wslconfig.encoding import decode
from wslnet_win_agent.wslconfig.lint import lint
from wslnet_win_agent.wslconfig.syntax import parse

from .config_files import ALONE, Drawn, draw, draw_key, draw_value
from .edited_files import draw_edited

if TYPE_CHECKING:
    from collections.abc import Callable

    from wslnet_win_agent.wslconfig import Schema

SHARED = Path(os.environ.get("WSLNET_SHARED", Path(__file__).parents[3] / "shared"))
CORPUS = [
    *((path, WSLCONFIG) for path in sorted((SHARED / "corpus/wslconfig").glob("*.wslconfig"))),
    *((path, WSL_CONF) for path in sorted((SHARED / "corpus/wslconf").glob("*.conf"))),
]
REFUSALS = {"utf-16", "truncated", "stopped", "unsafe", "not-encodable"}
NEWEST = (99,)
Entries = list[tuple[str, str]]


def independent(data: bytes, schema: Schema) -> Entries:
    """Slot and value of every entry that the other reader sees, in order, duplicates included."""
    entries, complaints = ini.read(ini.decode(data))
    last = min((one.line for one in complaints), default=None) if schema.stops else None
    return [(slot(one.name, schema), one.value) for one in entries if last is None or one.line < last]


def slot(name: str, schema: Schema) -> str:
    key = find_key(name, NEWEST) if schema is WSLCONFIG else None
    return key.names[0].casefold() if key is not None else name.casefold()


def expected(before: Entries, name: str, value: str | None) -> Entries:
    """What the entries must be after the edit; a new one is appended, its place is not judged."""
    if value is None:
        return [one for one in before if one[0] != name]
    at = next((at for at, one in enumerate(before) if one[0] == name), None)
    if at is None:
        return [*before, (name, value)]
    return [*before[:at], (name, value), *before[at + 1 :]]


def changed_part(before: bytes, after: bytes) -> tuple[int, int]:
    """Length of what both begin with, and of what both end with behind that."""
    least = min(len(before), len(after))
    start = next((at for at in range(least) if before[at] != after[at]), least)
    end = next((at for at in range(least - start) if before[-1 - at] != after[-1 - at]), least - start)
    return start, end


def is_subsequence(part: bytes, whole: bytes) -> bool:
    rest = iter(whole)
    return all(byte in rest for byte in part)


def tried(data: bytes, schema: Schema, name: str, value: str | None) -> bytes | str:
    """The edited file, or the code of a refusal."""
    section, _, key = name.partition(".")
    try:
        if value is None:
            return unset_value(data, section, key, schema)
        return set_value(data, section, key, value, schema)
    except WslConfigError as error:
        return error.code


def judge_edit(data: bytes, schema: Schema, name: str, value: str | None) -> str:
    """`edited`, `kept` (it was so already), or the code of a refusal; fails if anything is lost."""
    edited = tried(data, schema, name, value)
    if isinstance(edited, str):
        assert edited in REFUSALS
        return edited
    before, folded = independent(data, schema), slot(name, schema)
    had = dict(reversed(before)).get(folded)
    if edited == data:
        assert had == value or value is None
        return "kept"
    after = independent(edited, schema)
    wanted = expected(before, folded, value)
    assert sorted(after) == sorted(wanted), (data, name, value, edited)
    same = [one for one in after if one[0] != folded]
    assert same == [one for one in before if one[0] != folded], (data, name, value, edited)
    assert dict(reversed(after)).get(folded) == value, (data, name, value, edited)
    if value is None:
        assert is_subsequence(edited, data), (data, name)
        return "edited"
    start, end = changed_part(data, edited)
    gone = data[start : len(data) - end]
    # Where the key stood, only bytes of its value go; where it did not, none at all.
    width = len(decode(data).encode("x")) - len(decode(data).encode(""))
    assert len(gone) <= (0 if had is None else width * 400), (data, name, value, edited)
    assert had is not None or not gone, (data, name, value, edited)
    plain = gone.replace(b"\0", b"").replace(b"\\\r\n", b"").replace(b"\\\n", b"")
    assert b"\n" not in plain, (data, name, value, edited)
    assert tried(edited, schema, name, value) == edited
    return "edited"


def judge(drawn: Drawn, random: Random) -> str:
    """Whether a file survives; the word says how far it could be judged."""
    data = drawn.data
    name = draw_key(random, drawn.schema)
    try:
        decoded = decode(data)
    except WslConfigError as error:
        code = error.code
    else:
        code = ""
    if code:
        assert not drawn.readable
        assert code in {"utf-16", "truncated"}
        assert [one.code for one in read(data, drawn.schema).findings] == [code]
        return judge_edit(data, drawn.schema, name, draw_value(random))
    assert decoded.encode("".join(decoded.text[one.start : one.end] for one in parse(decoded.text))) == data
    if ALONE in decoded.text.replace("\r\n", ""):
        return "identity only"
    return judge_edit(data, drawn.schema, name, draw_value(random) if random.random() < 0.75 else None)


@pytest.mark.timeout(7200)
@pytest.mark.parametrize("files", [1000, pytest.param(100_000, marks=pytest.mark.full)])
@pytest.mark.row("S0-08", "S0-05")
def test_nothing_is_lost_in_generated_files(files: int, campaign: Callable[..., None]) -> None:
    outcomes: Counter[str] = Counter()
    for seed in range(files):
        random = Random(f"wslnet {files} {seed}")  # noqa: S311 - cases, not secrets
        outcomes[judge(draw(random), random)] += 1
    assert sum(outcomes.values()) == files
    assert outcomes["edited"] > files // 3
    assert {"kept", "utf-16", "stopped", "identity only"} <= set(outcomes)
    for outcome, count in sorted(outcomes.items()):
        campaign("config files", count, outcome)
    campaign("config files", 0, "lost")


@pytest.mark.timeout(7200)
@pytest.mark.parametrize("files", [2000, pytest.param(100_000, marks=pytest.mark.full)])
def test_nothing_is_lost_in_files_that_people_left(files: int, campaign: Callable[..., None]) -> None:
    """Edits too, and what a key is said to have is what WSL uses of it; lint says something or nothing."""
    outcomes: Counter[str] = Counter()
    for seed in range(files):
        random = Random(f"wslnet editors {files} {seed}")  # noqa: S311 - cases, not secrets
        drawn = draw_edited(random)
        outcomes[judge(drawn, random)] += 1
        config = read(drawn.data, drawn.schema)
        assert all(one.code and one.message for one in lint(config, drawn.schema))
        if drawn.readable and ALONE not in decode(drawn.data).text.replace("\r\n", ""):
            used = dict(reversed(independent(drawn.data, drawn.schema)))
            for name in drawn.schema.known:
                told = config.effective.get(name)
                # What WSL makes of other than ASCII is inferred only (wsl-facts 1.1); lint warns of it.
                if told is None or told.value.isascii():
                    assert (told and told.value) == used.get(name.casefold()), (drawn.data, name)
    assert sum(outcomes.values()) == files
    assert outcomes["edited"] > files // 8
    assert {"kept", "utf-16", "stopped", "identity only", "unsafe"} <= set(outcomes)
    for outcome, count in sorted(outcomes.items()):
        campaign("config files that people left", count, outcome)


@pytest.mark.corpus
@pytest.mark.timeout(600)
@pytest.mark.skipif(not CORPUS, reason="needs ../shared")
@pytest.mark.row("S0-05", "S0-08")
def test_nothing_is_lost_in_any_real_file(campaign: Callable[..., None]) -> None:
    random = Random("wslnet corpus")  # noqa: S311 - cases, not secrets
    outcomes: Counter[str] = Counter()
    for path, schema in CORPUS:
        data = path.read_bytes()
        decoded = decode(data)
        whole = "".join(decoded.text[one.start : one.end] for one in parse(decoded.text))
        assert decoded.encode(whole) == data, path
        present = list(read(data, schema).effective)
        for name in dict.fromkeys((*present, *(draw_key(random, schema) for _ in range(6)))):
            for value in (draw_value(random), None):
                outcomes[judge_edit(data, schema, name, value)] += 1
    assert outcomes["edited"] > len(CORPUS)
    for outcome, count in sorted(outcomes.items()):
        campaign("config edits of real files", count, outcome)


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data.replace(b"# why\n", b""),
        lambda data: data.replace(b"swap=1GB", b"swap=2GB"),
        lambda data: data + b"\n",
        lambda data: data.replace(b"\r\n", b"\n"),
    ],
)
def test_the_judge_notices_a_loss(monkeypatch: pytest.MonkeyPatch, damage: Callable[[bytes], bytes]) -> None:
    careful = set_value

    def careless(data: bytes, section: str, key: str, value: str, schema: Schema) -> bytes:
        return damage(careful(data, section, key, value, schema))

    monkeypatch.setitem(globals(), "set_value", careless)
    data = b"[wsl2]\r\n# why\nmemory=4GB\r\nswap=1GB\n"
    with pytest.raises(AssertionError):
        judge_edit(data, WSLCONFIG, "wsl2.memory", "8GB")


@pytest.mark.parametrize("end", ["", "\r\n[wsl2]\r\nx=\\"])
def test_a_backslash_at_the_end_of_the_file_is_not_made_a_continuation(end: str) -> None:
    """WSL drops such a line; the line end put behind it would make an entry of it."""
    data = f"[other]\r\nunknown = 8GB\\{end}".encode()
    with pytest.raises(WslConfigError) as refused:
        set_value(data, "wsl2", "memory", "4GB")
    assert refused.value.code == "unsafe"
    assert set_value(data.removesuffix(b"\\"), "wsl2", "memory", "4GB").startswith(data.removesuffix(b"\\"))
