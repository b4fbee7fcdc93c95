"""The installer: a PowerShell grammar accepts it, and it stays as thin as it says."""

from __future__ import annotations

from pathlib import Path

from tests.powershell import broken, commands

SCRIPT = Path(__file__).parents[2] / "installer" / "install.ps1"
COMMANDS = {"Set-StrictMode", "Get-Command", "Select-Object", "Write-Error", "Write-Output", "Join-Path"}


def test_it_is_powershell() -> None:
    assert broken(SCRIPT.read_bytes()) == []


def test_the_grammar_would_notice() -> None:
    source = SCRIPT.read_bytes()
    assert broken(source.replace(b"if ($Boot) {", b"if ($Boot {"))
    assert broken(source[: source.rindex(b"}")])


def test_it_runs_uv_and_wslnet_and_nothing_else() -> None:
    said = commands(SCRIPT.read_bytes())
    assert said - {"$uv.Source", "$wslnet"} <= COMMANDS, said
    assert {"$uv.Source", "$wslnet"} <= said


def test_windows_powershell_reads_it_without_a_byte_order_mark() -> None:
    assert SCRIPT.read_bytes().isascii()
