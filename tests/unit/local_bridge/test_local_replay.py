"""Recorded sessions played back to the local bridge, whole and in every kind of pieces.

The lab's own recordings always, those of a real engine where ../shared is there. The child watches the
order of the lines; here is judged what the bridge makes of what comes.
"""

from __future__ import annotations

import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from wslnet.errors import Unreachable
from wslnet.transport.child_pipe import ChildPipe
from wslnet.transport.local_bridge import LocalBridge
from wslnet.transport.local_session import LocalSession, Patience
from wslnet.transport.pipe import after
from wslnet_win_agent.calls import network
from wslnet_win_agent.errors import DeliveryUnknown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wslnet_win_agent.bridge import Reply
    from wslnet_win_agent.call import Call

FAKE = Path(__file__).with_name("fake_child.py")
OWN = Path(__file__).parents[2] / "cases/psrp"
SHARED = Path(os.environ.get("WSLNET_SHARED", Path(__file__).parents[4] / "shared")) / "corpus/psrp"
READ = network.adapters()
WRITE = network.set_forwarding(7, 4, enabled=True)
GENEROUS = Patience(open_s=30.0, acknowledge_s=30.0, stop_s=10.0)
IMPATIENT = Patience(open_s=1.0, acknowledge_s=1.0, stop_s=0.2)
SHORT_AT_THE_END = Patience(open_s=30.0, acknowledge_s=5.0, stop_s=0.3)
AT_ONCE = {"close": 6, "die": 6, "silent": 24}


@dataclass(frozen=True)
class Recording:
    """One recorded session and where its turning points are (numbers of rows, from 1)."""

    path: Path
    head: dict[str, Any]
    rows: list[dict[str, str]]

    @property
    def opened(self) -> int:
        return next(at for at, row in enumerate(self.rows, 1) if row["line"].startswith("<DataAck"))

    @property
    def handed_over(self) -> int:
        """The row with the commands."""
        data = [
            at
            for at, row in enumerate(self.rows, 1)
            if row["dir"] == "c2s" and row["line"].startswith("<Data S")
        ]
        return data[1]

    @property
    def ended(self) -> int:
        """The row with the final state: the last one before the pipeline's `Close`."""
        return next(at for at, row in enumerate(self.rows) if row["line"].startswith("<Close P"))


def recordings() -> Iterable[Any]:
    for path in sorted(OWN.glob("*.raw.jsonl")):
        yield pytest.param(path, id=f"own-{path.name.partition('.')[0]}")
    for path in sorted(SHARED.glob("*.raw.jsonl")):
        if "open_close" not in path.name:
            yield pytest.param(path, id=path.name.partition(".")[0], marks=pytest.mark.corpus)


def read(path: Path) -> Recording:
    head, *rows = (json.loads(line) for line in path.read_text("utf-8").splitlines())
    return Recording(path, head, rows)


def cuts() -> Iterable[Any]:
    """Recordings to cut, and what the child does then; a few own ones are enough."""
    for each in recordings():
        own = str(each.id).startswith("own")
        if each.id in ("own-fragments", "own-refused_write") or not own:
            for then in ("close", "silent", "die")[: 3 if own else 2]:
                yield pytest.param(each.values[0], then, id=f"{each.id}-{then}", marks=each.marks)


@pytest.fixture(params=recordings())
def recording(request: pytest.FixtureRequest) -> Recording:
    return read(request.param)


@pytest.fixture
def report(tmp_path: Path) -> Path:
    return tmp_path / "breaches"


def program(path: Path, report: Path, **options: object) -> tuple[str, ...]:
    said = json.dumps({"report": str(report), **options})
    return (sys.executable, "-S", "-E", str(FAKE), str(path), said)


def replay(recording: Recording, report: Path, *, patience: Patience = GENEROUS, **options: object) -> Reply:
    """One call against the played-back session, and its end; fails for a breach that the child saw."""
    bridge = LocalBridge("windows", program(recording.path, report, **options), patience)
    try:
        reply = bridge.run([READ], deadline_s=30)
    finally:
        bridge.close()
    assert not report.exists(), report.read_text()
    return reply


def assert_as_recorded(recording: Recording, reply: Reply) -> None:
    (result,) = recording.head["result"]
    errors = [*result["errors"], *([result["reason"]] if result.get("reason") else [])]
    assert reply.state == result["state"]
    assert len(reply.outputs) == result["output"]
    assert [[each.fqid, each.category] for each in reply.errors] == errors
    assert all(each.message for each in reply.errors)


WAYS: list[dict[str, object]] = [
    {},
    {"piece": 1},
    {"piece": 7},
    {"piece": 4096},
    {"crlf": True},
    {"before": True},
    {"glued": True},
    {"glued": True, "before": True, "crlf": True, "piece": 4096},
    {"complaint": "something about a profile\n"},
]


def in_words(options: dict[str, object]) -> str:
    return "-".join(f"{name}{value}" for name, value in options.items()) or "plain"


@pytest.mark.parametrize("options", WAYS, ids=in_words)
def test_the_outcome_is_the_recorded_one(
    recording: Recording, report: Path, options: dict[str, object]
) -> None:
    if options.get("piece") == 1 and sum(len(row["line"]) for row in recording.rows) > 100_000:
        options = {"piece": 7}  # byte by byte in the full run
    assert_as_recorded(recording, replay(recording, report, **options))


@pytest.mark.full
@pytest.mark.timeout(900)
def test_a_long_session_byte_by_byte(recording: Recording, report: Path) -> None:
    patience = replace(GENEROUS, open_s=300.0, acknowledge_s=300.0)
    bridge = LocalBridge("windows", program(recording.path, report, piece=1), patience)
    try:
        reply = bridge.run([READ], deadline_s=800)
    finally:
        bridge.close()
    assert not report.exists(), report.read_text()
    assert_as_recorded(recording, reply)


@pytest.mark.parametrize(
    "folder", [OWN, pytest.param(SHARED, marks=pytest.mark.corpus)], ids=["own", "corpus"]
)
def test_nothing_is_sent_while_an_acknowledgement_is_held_back(folder: Path, tmp_path: Path) -> None:
    found = [read(path) for path in sorted(folder.glob("*.raw.jsonl")) if "open_close" not in path.name]
    if not found:
        pytest.skip("no ../shared")

    def held_back(recording: Recording) -> float:
        begun = time.monotonic()
        assert_as_recorded(recording, replay(recording, tmp_path / recording.path.stem, hold_s=1.0))
        return time.monotonic() - begun

    with ThreadPoolExecutor(len(found)) as threads:
        seconds = list(threads.map(held_back, found))
    assert min(seconds) > 4.0  # open, command, data, close: each was waited for


def test_output_arrives_whole(report: Path) -> None:
    path = SHARED / "big_output.raw.jsonl"
    if not path.exists():
        pytest.skip("no ../shared")
    (output,) = replay(read(path), report, piece=4096).outputs
    assert isinstance(output.value, str)
    assert len(output.value) == 200_000


def patience_for(recording: Recording, row: int, then: str) -> Patience:
    """Short only where silence must be noticed: a busy machine is slow to start a child."""
    if then != "silent":
        return GENEROUS
    if row >= recording.ended:
        return SHORT_AT_THE_END
    return replace(IMPATIENT, open_s=30.0) if row >= recording.opened else IMPATIENT


def errors_of(recording: Recording, row: int, call: Call) -> tuple[type[Exception], ...]:
    """What a cut after this row has to be: a write is in doubt once its commands were handed over."""
    if call is READ or row < recording.handed_over - 1:
        return (Unreachable,)
    # In front of the commands the child may go before or after it takes them.
    return (DeliveryUnknown,) if row >= recording.handed_over else (Unreachable, DeliveryUnknown)


@pytest.mark.parametrize(("path", "then"), list(cuts()))
def test_a_session_that_is_cut_anywhere_is_one_clear_error(path: Path, then: str, tmp_path: Path) -> None:
    """After every row: either the whole outcome, or one error in time; never an outcome with holes in it."""
    recording = read(path)
    calls = (READ, WRITE) if path.parent == OWN else (WRITE,)

    def cut(row: int) -> list[tuple[int, Call, Any]]:
        report = tmp_path / f"{row}.breaches"
        patience = patience_for(recording, row, then)
        options = {"stop_after": row, "then": then}
        outcomes: list[tuple[int, Call, Any]] = []
        for call in calls:
            bridge = LocalBridge("windows", program(recording.path, report, **options), patience)
            try:
                if row >= recording.opened:
                    bridge._opened(after(30))  # starting a child takes the time it takes
                deadline_s = 1.0 if patience.stop_s == IMPATIENT.stop_s else 30.0
                outcomes.append((row, call, bridge.run([call], deadline_s=deadline_s)))
            except (Unreachable, DeliveryUnknown) as error:
                outcomes.append((row, call, error))
            finally:
                bridge.close()
            assert not report.exists(), report.read_text()
        return outcomes

    begun = time.monotonic()
    with ThreadPoolExecutor(AT_ONCE[then]) as threads:
        results = list(threads.map(cut, range(1, len(recording.rows) + 1)))
    assert time.monotonic() - begun < 60
    for row, call, outcome in (each for several in results for each in several):
        if row >= recording.ended:
            assert_as_recorded(recording, outcome)
            continue
        assert isinstance(outcome, errors_of(recording, row, call)), (row, outcome)
        if then == "die":
            assert "(exit code 160): the last words" in outcome.message, (row, outcome)


@pytest.fixture
def empty_pool() -> Recording:
    path = SHARED / "open_close.raw.jsonl"
    if not path.exists():
        pytest.skip("no ../shared")
    return read(path)


@pytest.mark.corpus
@pytest.mark.parametrize("options", [*WAYS, {"hold_s": 1.0}], ids=in_words)
def test_a_pool_opens_and_closes_without_a_pipeline(
    empty_pool: Recording, report: Path, options: dict[str, object]
) -> None:
    child = ChildPipe(program(empty_pool.path, report, **options), "windows")
    session = LocalSession("windows", child, GENEROUS)
    session.open(after(30))
    assert session.alive
    session.close()
    assert not session.alive
    assert not report.exists()


@pytest.mark.corpus
@pytest.mark.parametrize("then", ["close", "silent"])
def test_a_pool_that_is_cut_while_it_opens_or_closes_is_no_hang(
    empty_pool: Recording, tmp_path: Path, then: str
) -> None:
    for row in range(1, len(empty_pool.rows) + 1):
        report = tmp_path / f"{row}.breaches"
        options = {"stop_after": row, "then": then}
        child = ChildPipe(program(empty_pool.path, report, **options), "windows")
        session = LocalSession("windows", child, patience_for_pool(empty_pool, row, then))
        try:
            if row < empty_pool.opened:
                with pytest.raises(Unreachable):
                    session.open(after(30))
            else:
                session.open(after(30))
        finally:
            session.close()
        assert not session.alive
        assert not report.exists(), report.read_text()


def patience_for_pool(recording: Recording, row: int, then: str) -> Patience:
    """Short where silence must be noticed: while the pool opens, or when it closes."""
    if then != "silent":
        return GENEROUS
    return replace(GENEROUS, stop_s=0.3) if row >= recording.opened else IMPATIENT
