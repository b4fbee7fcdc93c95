"""Mutated PSRP payloads from a hostile Windows, over both bridges: one clear error or a harmless answer.

No hang, memory bounded, no terminal code anywhere in what is printed, and nothing reaches Windows that the
request did not hold. The whole way is walked: bridge, Windows half, session, typed facts, output.
"""

from __future__ import annotations

import random
import resource
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from wslnet.cli.output import print_error, print_json, print_line
from wslnet.engine.gather import decode
from wslnet.errors import WslnetError
from wslnet.model.change import Op
from wslnet.model.machine import Kind
from wslnet_lab.host.engine.build import EngineSettings, build_engine
from wslnet_lab.host.local_session import LocalSession
from wslnet_win_agent.errors import WindowsAgentError

from .hosts import ChildBridge, Sent, WinrmHost, session_over
from .mutate import Mutator

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from wslnet_lab.host.contract import Engine

DEADLINE_S = 0.4
IN_TIME_S = 15.0
"""Of one op; honest ones take a tenth of a second, and a loaded box forty times that."""

MEMORY_KB = 200_000
SIDE_BY_SIDE = 6
READS = Op("facts", {"needs": ["interfaces", "os", "routes"]})
WRITE = Op("forwarding.set", {"interface_index": 25, "family": 4, "enabled": True})
MAY_BE_SENT = {
    "Get-NetIPInterface", "Get-ItemProperty", "Get-NetRoute", "Set-NetIPInterface",
}  # fmt: skip


def campaign(folder: Path, way: str, rounds: int, seed: int, printed: Callable[[], str]) -> Counter[str]:
    """Sessions of their own, some at a time, until so many payloads were damaged."""
    windows = LocalSession(folder)
    engine = build_engine(windows.windows.registry, EngineSettings("win11"))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    outcomes: Counter[str] = Counter()
    damage: Counter[str] = Counter()
    number = 0
    with ThreadPoolExecutor(max_workers=SIDE_BY_SIDE) as pool:
        while damage.total() < rounds:
            seeds = range(seed + number, seed + number + SIDE_BY_SIDE)
            for outcome, counts in pool.map(lambda one: one_session(engine, way, one), seeds):
                outcomes[outcome] += 1
                damage += Counter(counts)
            number += SIDE_BY_SIDE
            demand_harmless(printed())
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < MEMORY_KB, f"{grown} kB"
    print_line(
        f"mutated PSRP payloads: {way}: {damage.total()} in {number} sessions, {dict(outcomes)}, "
        f"{grown} kB more memory, {dict(damage)}"
    )
    return outcomes


def one_session(engine: Engine, way: str, seed: int) -> tuple[str, dict[str, int]]:
    """One op over a session with damaged answers; the seed alone decides what happens."""
    chance = random.Random(seed)  # noqa: S311 - a campaign must be repeatable
    sent, mutator = Sent(engine), Mutator(chance)
    mutator.begin()
    op = WRITE if not chance.randrange(4) else READS
    bridge: Any = WinrmHost(sent, mutator) if way == "winrm" else ChildBridge(sent, mutator)
    began = time.monotonic()
    outcome = act(session_over(bridge), op)
    took = time.monotonic() - began
    bridge.close()
    if way == "winrm":
        bridge.end()
    assert took < IN_TIME_S, (seed, took, mutator.counts)
    assert set(sent.names) <= MAY_BE_SENT, (seed, sent.names)
    assert sent.names.count("Set-NetIPInterface") <= (op is WRITE), (seed, sent.names)
    return outcome, mutator.counts


def act(session: Any, op: Op) -> str:
    """One op through everything, what comes of it printed; gives how it ended."""
    try:
        (result,) = session.execute([op], deadline_s=DEADLINE_S)
        if not result.ok:
            print_line(result.message)
            print_json({"code": result.code, "message": result.message})
            return "failed"
        if op is READS:
            facts = decode(Kind.WINDOWS, "windows", result.value)
            print_line(str(facts.interfaces)[:2000])
            print_json({"facts": msgspec.to_builtins(facts.errors), "raw": str(result.value)[:2000]})
    except WslnetError as error:
        demand_one_line(error.message)
        for as_json in (True, False):
            print_error(error, as_json=as_json)
        return "refused"
    except WindowsAgentError as error:
        raise AssertionError("an error of the Windows half got out") from error
    return "answered"


def demand_one_line(message: str) -> None:
    assert len(message) < 1000
    assert "\n" not in message


def demand_harmless(text: str) -> None:
    wrong = {one for one in text if not one.isprintable() and one != "\n"}
    assert not wrong, wrong


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str]) -> Callable[[], str]:
    def read() -> str:
        captured = capsys.readouterr()
        return captured.out + captured.err

    return read


@pytest.mark.parametrize("way", ["winrm", "child"])
def test_some_mutated_payloads(way: str, tmp_path: Path, printed: Callable[[], str]) -> None:
    counts = campaign(tmp_path, way, 250, 11, printed)
    assert counts["refused"] > 10
    assert counts["answered"] > 0


@pytest.mark.full
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("way", ["winrm", "child"])
def test_ten_thousand_mutated_payloads(way: str, tmp_path: Path, printed: Callable[[], str]) -> None:
    counts = campaign(tmp_path, way, 5_000, time.time_ns(), printed)
    assert counts["refused"] > 200
