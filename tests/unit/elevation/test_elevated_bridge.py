"""The elevated bridge: what the child takes for one shown plan, and who does what on both sides of it."""

import contextlib
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from wslnet.app.elevated import serve
from wslnet.app.elevation import obtain_rights
from wslnet.engine.elevation import lacking_rights
from wslnet.engine.planner import RESTART_VERB
from wslnet.errors import NeedsElevation, OutcomeUnknown, Unreachable
from wslnet.model.change import Action, Change, Op, OpResult, change_to_json
from wslnet.model.machine import Inventory, Kind, Machine
from wslnet.model.plan import plan_id
from wslnet.model.snapshot import Snapshot
from wslnet.model.warrant import PRIVILEGED, NotWarranted, warrant_of
from wslnet.model.windows_facts import WindowsFacts
from wslnet.transport.elevated_session import HELLO, ElevatedSession
from wslnet.transport.own_streams import Handles
from wslnet.transport.pipe import after
from wslnet_linux_agent.wire import Decoder, encode

RULE = Op("hyperv_rule.create", {"name": "wslnet-allow-tcp-22", "local_ports": ["22"]})
BACK = Op("hyperv_rule.remove", {"name": "wslnet-allow-tcp-22"})
LATER = Op("forwarding.set", {"interface_index": 7, "family": 4, "enabled": True})


def _change(machine: str, stage: int, do: Op, undo: Op | None = None) -> Change:
    return Change(machine, f"thing {stage}", Action.ADD, None, "there", "why", do=do, undo=undo, stage=stage)


CHANGES = (
    _change("windows", 1, RULE, BACK),
    _change("windows", 2, LATER, LATER),
    _change("wsl", 1, Op("portproxy.set", {"listen_port": 80})),
)
PLAN: dict[str, object] = {
    "stages": [{"number": 1}, {"number": 2, "forecast": True}],
    "changes": [change_to_json(change) for change in CHANGES],
}
ID = plan_id(PLAN)


@dataclass
class Sessions:
    """A `WindowsSession` that notes its ops; `results` gives what it answers, `error` what it raises."""

    done: list[Op] = field(default_factory=list)
    results: dict[str, OpResult] = field(default_factory=dict)
    error: Exception | None = None
    closed: bool = False

    def execute(self, ops: Sequence[Op], *, deadline_s: float) -> tuple[OpResult, ...]:
        assert deadline_s > 0
        if self.error is not None:
            raise self.error
        self.done += ops
        return tuple(self.results.get(op.verb, OpResult(value={"did": op.verb})) for op in ops)

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def pipes() -> Iterator[tuple[Handles, Handles]]:
    """Two ends that speak to each other."""
    (one_in, two_out), (two_in, one_out) = os.pipe(), os.pipe()
    ends = []
    for name, source, target in (("one", one_in, one_out), ("two", two_in, two_out)):
        ends.append(
            Handles(
                name,
                lambda source=source: os.read(source, 65536),  # type: ignore[misc]  # bound now
                lambda data, target=target: os.write(target, data),  # type: ignore[misc]  # bound now
                lambda target=target: os.close(target),  # type: ignore[misc]  # bound now
            )
        )
    yield ends[0], ends[1]
    for number in (one_in, two_in):
        os.close(number)


@pytest.fixture
def bridge(pipes: tuple[Handles, Handles]) -> Iterator[Callable[..., tuple[Any, Sessions, Sessions]]]:
    """Starts the child and gives the session over it, its own session, and that of the child."""
    threads = []
    open_now = []

    def start(plan: str = ID) -> tuple[Any, Sessions, Sessions]:
        own, high = Sessions(), Sessions()
        thread = threading.Thread(target=serve, args=(pipes[1], high, plan), kwargs={"idle_s": 20.0})
        thread.start()
        threads.append(thread)
        session = ElevatedSession("windows", own, pipes[0])  # type: ignore[arg-type]  # a stand-in
        open_now.append(session)
        return session, own, high

    yield start
    for session in open_now:
        session.close()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()


def test_a_warrant_is_the_plan_and_nothing_beside_it() -> None:
    warrant = warrant_of(PLAN, "windows", ID)
    for op in (RULE, BACK, LATER, Op("forwarding.set", {"interface_index": 9})):
        warrant.demand(op.to_json())
    others = [
        Op("hyperv_rule.create", {**RULE.args, "name": "wslnet-x"}),
        Op("portproxy.set", {"listen_port": 80}),
        Op("task.register", {"name": "evil"}),
        Op("facts", {"needs": ["os"]}),
        Op("wslconfig.write", {"path": "C:\\x"}),
    ]
    for op in others:
        with pytest.raises(NotWarranted):
            warrant.demand(op.to_json())


@pytest.mark.parametrize(("wanted", "allowed"), [("pre", [True]), ("stable", [False]), (None, [])])
def test_an_update_of_wsl_is_warranted_by_the_restart_that_has_it(
    wanted: str | None, allowed: list[bool]
) -> None:
    update = {} if wanted is None else {"update": wanted}
    restart = _change("windows", 1, Op(RESTART_VERB, {"mode": "mirrored", **update}))
    plan: dict[str, object] = {"stages": [{"number": 1}], "changes": [change_to_json(restart)]}
    warrant = warrant_of(plan, "windows", plan_id(plan))
    for pre in (True, False):
        with contextlib.nullcontext() if pre in allowed else pytest.raises(NotWarranted):
            warrant.demand(Op("wsl.update", {"pre": pre}).to_json())


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (PLAN, "0" * 16),
        ({**PLAN, "changes": []}, ID),
        ({"stages": [], "changes": "x"}, plan_id({"stages": [], "changes": "x"})),
        ({"stages": [1], "changes": []}, plan_id({"stages": [1], "changes": []})),
    ],
)
def test_another_document_is_no_warrant(document: dict[str, object], expected: str) -> None:
    with pytest.raises(NotWarranted):
        warrant_of(document, "windows", expected)


@pytest.mark.row("S3-10")
def test_only_what_needs_rights_goes_to_the_elevated_part(bridge: Callable[..., Any]) -> None:
    session, own, high = bridge()
    session.open(PLAN, 20.0)
    ops = [Op("facts", {"needs": ["os"]}), RULE, BACK, Op("wslconfig.write", {}), LATER]
    results = session.execute(ops, deadline_s=20.0)

    assert [result.ok for result in results] == [True] * 5
    assert [op.verb for op in own.done] == ["facts", "wslconfig.write"]
    assert high.done == [RULE, BACK, LATER]


def test_what_was_not_shown_is_refused_by_the_child(bridge: Callable[..., Any]) -> None:
    session, own, high = bridge()
    session.open(PLAN, 20.0)
    other = Op("hyperv_rule.create", {"name": "wslnet-allow-tcp-23"})
    results = session.execute([other, Op("wsl.shutdown")], deadline_s=20.0)

    assert [result.code for result in results] == ["not-permitted", "not-run"]
    assert (own.done, high.done) == ([], [])


@pytest.mark.parametrize("plan", ["0" * 16, "x"])
def test_a_child_that_was_let_pass_for_another_plan_refuses(bridge: Callable[..., Any], plan: str) -> None:
    session, _, high = bridge(plan)
    with pytest.raises(NeedsElevation, match="refuses"):
        session.open(PLAN, 20.0)
    assert high.done == []


def test_nothing_is_done_before_a_plan_was_shown(pipes: tuple[Handles, Handles]) -> None:
    high = Sessions()
    thread = threading.Thread(target=serve, args=(pipes[1], high, ID), kwargs={"idle_s": 20.0})
    thread.start()
    for request in ({"ops": [RULE.to_json()], "deadline_s": 5}, {"plan": PLAN}):
        pipes[0].send(encode(request), after(20.0))
        decoder = Decoder()
        decoder.feed(pipes[0].recv(after(20.0)))
        assert "ready" not in (decoder.take() or {"ready": 1})
    pipes[0].send(b"no frame at all, but a length of its own", after(20.0))
    thread.join(30)
    pipes[0].close()

    assert not thread.is_alive()
    assert high.done == []


def test_errors_of_the_elevated_part(bridge: Callable[..., Any]) -> None:
    session, _, high = bridge()
    session.open(PLAN, 20.0)
    high.results["hyperv_rule.create"] = OpResult(code="failed", message="no")
    failed = session.execute([RULE, Op("facts")], deadline_s=20.0)
    high.error = OutcomeUnknown("nobody knows")
    with pytest.raises(OutcomeUnknown, match="nobody knows"):
        session.execute([RULE], deadline_s=20.0)
    high.error = Unreachable("powershell.exe is gone")
    gone = session.execute([RULE], deadline_s=20.0)

    assert (failed[0].code, failed[0].message) == ("failed", "no")
    assert failed[1].code == "not-run"
    assert gone[0].message == "powershell.exe is gone"


def test_a_child_that_dies_in_the_middle_leaves_the_outcome_open(pipes: tuple[Handles, Handles]) -> None:
    session = ElevatedSession("windows", Sessions(), pipes[0])  # type: ignore[arg-type]  # a stand-in
    pipes[1].send(encode({"ready": HELLO}), after(20.0))
    session.open(PLAN, 5.0)
    pipes[1].close()
    with pytest.raises(OutcomeUnknown, match="may or may not"):
        session.execute([RULE], deadline_s=5.0)
    session.close()


def test_a_declined_prompt_is_needs_elevation(pipes: tuple[Handles, Handles]) -> None:
    session = ElevatedSession("windows", Sessions(), pipes[0])  # type: ignore[arg-type]  # a stand-in
    pipes[1].close()
    with pytest.raises(NeedsElevation, match="not granted"):
        session.open(PLAN, 5.0)
    session.close()


@pytest.mark.row("S3-10")
@pytest.mark.parametrize("address", [None, "192.0.2.7"])
def test_unattended_there_is_no_prompt(address: str | None, tmp_path: Any) -> None:
    windows = Machine("windows", Kind.WINDOWS, address=address, user="anna")
    inventory = Inventory(tmp_path / "wslnet.toml", tmp_path, {"windows": windows})
    snapshot = Snapshot(inventory, {"windows": WindowsFacts(elevated=False)})
    with pytest.raises(NeedsElevation, match="nothing was changed") as caught:
        obtain_rights(None, snapshot, CHANGES, PLAN, attended=address is not None)  # type: ignore[arg-type]  # unused

    assert caught.value.exit_code == 13
    assert [one.do.verb for one in lacking_rights(snapshot, CHANGES)] == [RULE.verb, LATER.verb]
    assert RULE.verb in PRIVILEGED
