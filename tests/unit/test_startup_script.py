"""The local Group Policy's two files: our script in and out, everybody else's as it was."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wslnet.model.windows_facts import Boot, BootPlace, BootTask, Os
from wslnet.profiles.boot import network_task, standing_network_task
from wslnet_win_agent.boot.startup_script import (
    EXTENSION,
    StartupScript,
    raised,
    scripts_in,
    with_script,
    without_script,
)
from wslnet_win_agent.boot.task_xml import write_task
from wslnet_win_agent.errors import WindowsAgentError

pytestmark = pytest.mark.row("S3-16")

OURS = StartupScript("C:\\Windows\\System32\\schtasks.exe", "/run /tn \\wslnet\\network")
THEIRS = StartupScript("C:\\corp\\logon.cmd", "-a b")
OTHER = StartupScript("\\\\dc\\map.cmd", "")
WORDS = st.text(st.characters(codec="ascii", exclude_categories=("Cc",)), max_size=12).map(str.strip)
SCRIPTS = st.lists(st.builds(StartupScript, WORDS.filter(bool), WORDS), max_size=4, unique=True)


def file_of(scripts: list[StartupScript], *, utf16: bool = True, end: str = "\r\n", tail: str = "") -> bytes:
    lines = ["", "[Startup]"]
    for number, one in enumerate(scripts):
        lines += [f"{number}CmdLine={one.command}", f"{number}Parameters={one.parameters}"]
    text = end.join(lines) + tail
    return b"\xff\xfe" + text.encode("utf-16-le") if utf16 else text.encode("latin-1")


def test_a_new_file_is_as_windows_own_editor_writes_it() -> None:
    made = with_script(None, OURS)

    assert made.startswith(b"\xff\xfe")
    assert made[2:].decode("utf-16-le").splitlines() == [
        "[Startup]",
        f"0CmdLine={OURS.command}",
        f"0Parameters={OURS.parameters}",
    ]
    assert without_script(made, OURS) is None
    assert without_script(None, OURS) is None


@given(SCRIPTS, st.booleans(), st.sampled_from(["\r\n", "\n"]), st.booleans())
def test_in_and_out_leaves_every_other_byte(
    others: list[StartupScript],
    utf16: bool,  # noqa: FBT001 - pytest passes by name
    end: str,
    shuts: bool,  # noqa: FBT001 - as above
) -> None:
    tail = f"{end}[Shutdown]{end}0CmdLine=bye.cmd{end}0Parameters={end}" if shuts else end
    before = file_of(others, utf16=utf16, end=end, tail=tail)
    there = with_script(before, OURS)

    assert scripts_in(there) == (*scripts_in(before), OURS)
    assert with_script(there, OURS) == there
    if others or shuts:
        assert without_script(there, OURS) == before


def test_those_behind_it_move_up() -> None:
    content = file_of([THEIRS, OURS, OTHER])

    assert scripts_in(without_script(content, OURS)) == (THEIRS, OTHER)
    assert without_script(file_of([THEIRS]), OURS) == file_of([THEIRS])


def test_an_ending_without_a_new_line_and_another_section_only() -> None:
    assert scripts_in(with_script(file_of([THEIRS]), OURS)) == (THEIRS, OURS)
    shuts = b"[Shutdown]\r\n0CmdLine=bye.cmd\r\n0Parameters="
    there = with_script(shuts, OURS)
    assert there.startswith(shuts)
    assert scripts_in(there) == (OURS,)


@pytest.mark.parametrize(
    ("before", "version"),
    [
        (None, 1),
        (b"", 1),
        (b"[General]\r\nVersion=7\r\n", 8),
        (b"[General]\nversion = 131071\n", 0x10001),
        (b"[General]\r\nVersion=65536\r\ndisplayName=x\r\n", 0x10001),
        (b"[General]\r\nVersion=junk\r\n", 1),
    ],
)
def test_the_version_of_the_machine_goes_up_and_never_is_0(before: bytes | None, version: int) -> None:
    rows = raised(before).decode().splitlines()

    assert f"Version={version}" in rows
    [names] = [row for row in rows if row.startswith("gPCMachineExtensionNames=")]
    assert EXTENSION in names
    assert ("displayName=x" in rows) == (before is not None and b"displayName" in before)


def test_names_of_other_extensions_stay_in_order() -> None:
    other = "[{35378EAC-683F-11D2-A89A-00C04FBBCFA2}{D02B1F72-3407-48AE-BA88-E8213C6761F1}]"
    last = "[{827D319E-6EAC-11D2-A4EA-00C04F79F83A}{803E14A0-B4FB-11D0-A0D0-00A0C90F574B}]"
    once = raised(f"[General]\r\ngPCMachineExtensionNames={other}{last}\r\nVersion=2\r\n".encode())
    ours = f"[{EXTENSION}{{40B6664F-4972-11D1-A7CA-0000F87571E3}}]"

    assert f"gPCMachineExtensionNames={other}{ours}{last}\r\n" in once.decode()
    assert raised(once).decode() == once.decode().replace("Version=3", "Version=4")


def test_the_task_keeps_its_back_end_when_it_is_written_again() -> None:
    for at_boot in (True, False):
        task = network_task("S-1-5-21-1-2-3-1001", ("2026-11-22T00:00:00Z",), at_boot=at_boot)
        place = BootPlace("C:\\x", "C:\\")
        row = BootTask("network", "Ready", write_task(task))
        boot = Boot("BOX\\me", "S-1-5-21-1-2-3-1001", (row,), place, place, () if at_boot else (OURS,))
        assert standing_network_task(boot) == task
        assert standing_network_task(boot, ()) == replace(task, triggers=task.triggers[:-1])
        assert any(one.kind == "boot" for one in task.triggers) == at_boot


@pytest.mark.parametrize(
    ("edition", "says"), [("Core", "Core"), ("CoreSingleLanguage", "CoreSingle"), ("Professional", None)]
)
def test_a_home_has_none(edition: str, says: str | None) -> None:
    assert Os(26100, edition=edition).is_home == (says is not None)


def test_a_file_cut_within_a_character_is_refused() -> None:
    whole = file_of([THEIRS, OTHER])
    for end in range(2, len(whole)):
        if end % 2:
            for ask in (scripts_in, raised):
                with pytest.raises(WindowsAgentError, match="within a character"):
                    ask(whole[:end])


@pytest.mark.parametrize(
    "entries",
    [
        ("0CmdLine=a.cmd", "2CmdLine=dead.cmd", "2Parameters="),
        ("0CmdLine=a.cmd", "1Parameters=-x"),
        ("1CmdLine=dead.cmd",),
    ],
)
def test_entries_behind_a_gap_do_not_come_to_life(entries: tuple[str, ...]) -> None:
    """Windows reads up to the first number that is missing: an entry put there would lead on to the rest."""
    content = "\r\n".join(("[Startup]", *entries, "")).encode()
    with pytest.raises(WindowsAgentError, match="correct it first"):
        with_script(content, OURS)


@pytest.mark.parametrize("version", ["", "abc", "\u00b2", "-1", "0x10"])
def test_a_version_that_is_no_number_starts_anew(version: str) -> None:
    assert b"Version=1\r\n" in raised(f"[General]\r\nVersion={version}\r\n".encode("latin-1"))
