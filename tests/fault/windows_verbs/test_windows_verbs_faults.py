"""Every verb of the Windows agent under every fault, over both bridges: in time, and with the right end.

A write is done, or was not begun, or is `OutcomeUnknown`; no write is ever sent twice; a read comes through
whatever happens once. The ordinary run puts each fault at one command, the long one at every command.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from wslnet.errors import OutcomeUnknown, WslnetError
from wslnet.model.change import Op, OpResult
from wslnet_win_agent.ops import table

from .stage import Windows
from .verbs import CASES, Case

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from wslnet.transport.windows_session import WindowsSession

DEADLINE_S = 3.0
LONG_DEADLINE_S = 30.0
GRACE_S = 6.0
"""The last request of each bridge may take 2 s longer than the deadline (WinRM's own time-out must come
first); the rest is for a loaded box."""

WINRM = {
    "fragment lost": ("psrp-lost-fragment", "lost_fragment_after"),
    "disconnect": ("winrm-drop-receive", "drop_receive_after"),
    "silence": ("winrm-silent", "silent_after"),
    "401": ("winrm-401-later", "unauthorized_after"),
    "shell gone": ("winrm-shell-gone", "shells_gone_after"),
}
CHILD = {"fragment lost": "lost", "disconnect": "cut", "silence": "silent", "shell gone": "ends"}
ENGINE_ID = "Windows System Error 1450"
FOR_GOOD = frozenset({"silence", "401"})
NO_CREDENTIALS = frozenset({"authentication-failed", "outcome-unknown"})


def test_every_verb_has_a_case() -> None:
    assert set(CASES) == set(table._READS) | set(table._WRITES)


# ---- one act


def prepared(folder: Path, case: Case) -> Windows:
    windows = Windows(folder)
    for verb, args in case.before:
        windows.without_faults(verb, args(windows))
    return windows


def act(session: WindowsSession, op: Op, deadline_s: float) -> tuple[OpResult | WslnetError, float]:
    """What came of an op, and after how many seconds."""
    began = time.monotonic()
    try:
        (ended,) = session.execute([op], deadline_s=deadline_s)
    except WslnetError as error:
        return error, time.monotonic() - began
    return ended, time.monotonic() - began


def sent_twice(entries: Iterable[dict[str, Any]]) -> list[str]:
    """Writes that came to Windows more than once, to the letter."""
    told = Counter()
    for entry in entries:
        names = [command["name"] for command in entry["commands"]]
        argv = entry["argv"] or []
        if any(name.partition("-")[0] not in {"Get", "Test", "Export"} for name in names):
            told[json.dumps(entry["commands"], sort_keys=True)] += 1
        elif "--shutdown" in argv or argv[-1:] == ["true"]:
            told[" ".join(argv)] += 1
    return [text for text, count in told.items() if count > 1]


def judge(verb: str, case: Case, fault: str, windows: Windows, ended: OpResult | WslnetError) -> None:
    """The end state, as Windows itself has it."""
    assert not sent_twice(windows.entries()), (verb, fault)
    where = (verb, fault, ended)
    if isinstance(ended, WslnetError):
        assert "\n" not in ended.message, where
        if fault == "401":
            assert ended.code in NO_CREDENTIALS, where
    if case.holds is None:
        assert not isinstance(ended, OutcomeUnknown), where
        # What happens once is borne by asking again.
        if fault not in FOR_GOOD and verb in table._READS:
            assert isinstance(ended, OpResult), where
            assert ended.ok, where
            assert "errors" not in (ended.value if isinstance(ended.value, dict) else {}), where
        return
    if isinstance(ended, OutcomeUnknown):
        return
    done = isinstance(ended, OpResult) and ended.ok
    assert case.holds(windows) is done, where


def over_winrm(folder: Path, verb: str, fault: str, after: int) -> None:
    case = CASES[verb]
    windows = prepared(folder, case)
    trap, setting = WINRM[fault]
    windows.set_faults({trap: {setting: after, "silence_s": DEADLINE_S + 2}})
    deadline_s = DEADLINE_S if fault == "silence" else LONG_DEADLINE_S
    with windows.over_winrm() as session:
        ended, took = act(session, Op(verb, case.args(windows)), deadline_s)
    assert took < deadline_s + GRACE_S, (verb, fault, after, took)
    judge(verb, case, fault, windows, ended)


def over_child(folder: Path, verb: str, fault: str, after: int) -> None:
    case = CASES[verb]
    windows = prepared(folder, case)
    deadline_s = DEADLINE_S if fault == "silence" else LONG_DEADLINE_S
    if fault == "fragment lost":
        windows.set_faults({"psrp-split-fragments": {"one_fragment_per_receive": False}})
    with windows.over_child(CHILD[fault], after) as session:
        ended, took = act(session, Op(verb, case.args(windows)), deadline_s)
    assert took < deadline_s + GRACE_S, (verb, fault, after, took)
    judge(verb, case, fault, windows, ended)


def commands_of(folder: Path, verb: str) -> int:
    """How many commands the verb sends over a good line."""
    case = CASES[verb]
    windows = prepared(folder, case)
    before = len(windows.entries())
    windows.without_faults(verb, case.args(windows))
    if case.holds is not None:
        assert case.holds(windows)
    return len(windows.entries()) - before


def campaign(tmp_path: Path, jobs: list[tuple[Any, str, str, int]]) -> None:
    """Runs jobs side by side, since most of their time is waiting."""
    with ThreadPoolExecutor(max_workers=6) as pool:
        futures = [
            pool.submit(run, tmp_path / f"{number}", verb, fault, after)
            for number, (run, verb, fault, after) in enumerate(jobs)
        ]
        wrong = [error for future in futures if (error := future.exception()) is not None]
    assert not wrong, f"{len(wrong)} of {len(jobs)}: {wrong[:5]}"


# ---- the campaigns

WAYS: tuple[tuple[Any, str], ...] = (
    *((over_winrm, fault) for fault in WINRM),
    *((over_child, fault) for fault in CHILD),
)
ROUND = 3
"""How many of the ways the ordinary run takes for a verb; the verbs share all of them out."""


@pytest.mark.timeout(300)
@pytest.mark.parametrize("verb", CASES)
def test_a_verb_under_some_faults(verb: str, tmp_path: Path) -> None:
    count = commands_of(tmp_path / "good", verb)
    # The write of an op is in its middle: something is read before it and something after it.
    after = max(1, (count + 1) // 2)
    first = sorted(CASES).index(verb) * ROUND
    chosen = [WAYS[(first + step) % len(WAYS)] for step in range(ROUND)]
    campaign(tmp_path, [(run, verb, fault, after) for run, fault in chosen])
    print(f"windows verbs x faults: {verb}: {len(chosen)} passed")  # noqa: T201 - the campaign's count


@pytest.mark.full
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("verb", CASES)
def test_a_verb_under_every_fault_at_every_command(verb: str, tmp_path: Path) -> None:
    count = commands_of(tmp_path / "good", verb)
    jobs = [(run, verb, fault, after) for run, fault in WAYS for after in range(1, count + 1)]
    campaign(tmp_path, jobs)
    print(f"windows verbs x faults: {verb}: {len(jobs)} passed")  # noqa: T201 - the campaign's count


def with_error(folder: Path, verb: str, cmdlet: str, way: str) -> None:
    """A cmdlet that writes an error and ends nothing; the op must not take that for success."""
    case = CASES[verb]
    windows = prepared(folder, case)
    windows.set_faults({"psrp-error-non-terminating": {"failing": {cmdlet: "continue"}}})
    before = len(windows.entries())
    with windows.over_winrm() if way == "winrm" else windows.over_child() as session:
        ended, took = act(session, Op(verb, case.args(windows)), LONG_DEADLINE_S)
    assert took < LONG_DEADLINE_S + GRACE_S
    entries = windows.entries()[before:]
    if not any(command["name"] == cmdlet for entry in entries for command in entry["commands"]):
        # This Windows needed another cmdlet for it.
        assert isinstance(ended, OpResult), ended
        assert ended.ok, ended
        return
    assert isinstance(ended, OpResult), ended
    assert ended.code == "failed", ended
    assert ENGINE_ID in ended.message, ended
    assert case.holds is not None
    assert not case.holds(windows)
    # A move that failed is finished after a look at what is there; nothing else is begun again.
    assert cmdlet == "Move-Item" or not sent_twice(entries)


WRITING = [(verb, cmdlet) for verb, case in CASES.items() for cmdlet in case.writes]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("way", ["winrm", "child"])
def test_a_write_with_an_error_that_ends_nothing_has_failed(way: str, tmp_path: Path) -> None:
    with ThreadPoolExecutor(max_workers=4) as pool:
        futures = {
            pool.submit(with_error, tmp_path / f"{number}", verb, cmdlet, way): (verb, cmdlet)
            for number, (verb, cmdlet) in enumerate(WRITING)
        }
        wrong = {each: error for job, each in futures.items() if (error := job.exception()) is not None}
    assert not wrong
    print(f"windows writes x errors: {way}: {len(WRITING)} passed")  # noqa: T201 - as above
