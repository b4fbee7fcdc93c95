"""scripts/windows-contract.ps1: PowerShell by its grammar, reads only, its page explains every question."""

from __future__ import annotations

import re
from pathlib import Path

from tests.powershell import broken, commands

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts/windows-contract.ps1"
PAGE = ROOT / "docs/windows-contract.md"
OWN = {"Add-Answer", "Invoke-Program", "Protect-Text"}
READING = {"ConvertTo", "Export", "ForEach", "Get", "Group", "Join", "Select", "Sort", "Test", "Write"}
HARMLESS = {"New-Object", "Set-StrictMode", "Invoke-Command"}
ONLY_IN_7 = re.compile(rb"\?\?|\?\.[A-Za-z]|&&|\|\||\s\?\s|-AsByteStream|-AsHashtable|-Parallel")
WSL_LOOKS = ("--version", "--status", "--list", "-d wslnet-there-is-none -e true", "-e ")


def asked() -> set[str]:
    text = SCRIPT.read_text(encoding="ascii")
    plain = set(re.findall(r"Add-Answer '([^']+)' \{", text))
    (names,) = re.findall(r"foreach \(\$name in @\(((?:'[^']+'(?:, )?)+)\)\)", text)
    return plain | {f"parameters.{name}" for name in re.findall(r"'([^']+)'", names)}


def test_it_is_powershell_that_5_1_reads_without_a_byte_order_mark() -> None:
    source = SCRIPT.read_bytes()
    assert source.isascii()
    assert broken(source) == []
    assert broken(source[: source.rindex(b"}")]), "the grammar would notice"
    assert not ONLY_IN_7.search(source)


def test_it_only_reads() -> None:
    said = {name for name in commands(SCRIPT.read_bytes()) if not name.startswith("$")}
    changing = {name for name in said - OWN - HARMLESS if name.partition("-")[0] not in READING}
    assert changing == set()
    text = SCRIPT.read_text(encoding="ascii")
    assert re.findall(r"WriteAll\w+\(\$(\w+)", text) == ["Output"]
    netsh = re.findall(r"'netsh.exe' '([^']+)'", text)
    assert netsh
    assert all(" show " in one for one in netsh)
    looks = re.findall(r"Invoke-Program \$wsl '([^']+)'", text)
    assert looks
    assert all(one.startswith(WSL_LOOKS) for one in looks)


def test_a_stopped_wsl_is_asked_nothing_inside_unless_told() -> None:
    text = SCRIPT.read_text(encoding="ascii")
    guard = text.index("if ($running -or $StartWsl) {")
    inside = [found.start() for found in re.finditer(r"Invoke-Program \$wsl '-e ", text)]
    assert inside
    assert all(place > guard for place in inside)


def test_every_question_is_explained_and_no_other() -> None:
    rows = re.findall(r"^\| `([a-zA-Z0-9.-]+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(rows) == len(set(rows))
    assert set(rows) == asked()
