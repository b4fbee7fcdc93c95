"""Verbs `guard.*` on Windows: orders for the guards in the two boot tasks, which are started on demand.

Nothing is registered: an order is a file, and a guard that has read it says so in its report. A change may
be made only after that. A guard that does not answer is started; it then takes back what its predecessor
left, because a guard that ended without a word was not confirmed.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from wslnet_win_agent.boot.guard_files import ARMED, FIRED, FIRING, HALVES, RELEASE, WATCH, Order
from wslnet_win_agent.errors import WindowsAgentError

from .guard_post import Post, posts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wslnet_win_agent.boot.guard_files import Report
    from wslnet_win_agent.host import Host

    from .arguments import Arguments

_ANSWER_S = 8.0
_START_S = 30.0
_POLL_S = 0.2


def arm(host: Host, arguments: Arguments) -> dict[str, object]:
    """Have the halves that `undo` needs watch over it; more `undo` comes to the same guard.

    Raises:
        WindowsAgentError: `exists` beside another run's guard, or when this run's has fired; `failed` when a
            task does not run or its guard does not answer: nothing may be changed then.
    """
    run, token = arguments.text("run"), arguments.text("token")
    undo = [dict(one.given) for one in arguments.mappings("undo")]
    needed = {_half_of(op) for op in undo}
    captured = arguments.mapping("captured") if arguments.given.get("captured") is not None else None
    vms = tuple(dict(one.given) for one in arguments.mappings("vms"))
    found = posts(host)
    for post in found:
        _refuse_foreign(host, post, run, token)
    standing = {post.half for post in found if post.is_of(run, token)}
    halves = tuple(sorted(standing | needed))
    orders = []
    for post in found:
        if post.half not in halves:
            continue
        old = post.order if post.order is not None and post.is_of(run, token) else None
        more = tuple(op for op in undo if HALVES[str(op["verb"])] == post.half)
        orders.append(
            (
                post,
                Order(
                    run=run,
                    token=token,
                    number=1 if old is None else old.number + 1,
                    word=WATCH,
                    deadline_s=arguments.seconds("deadline_s", 0),
                    undo=(*(old.undo if old is not None else ()), *more),
                    halves=halves,
                    vms=vms,
                    mode=arguments.optional_text("mode"),
                    captured=dict(captured.given) if captured is not None else _captured(old),
                ),
            )
        )
    try:
        reports = _give(host, orders, new=needed - standing)
    except WindowsAgentError:
        _withdraw(host, orders)
        raise
    if any(report.state != ARMED for report in reports):
        raise WindowsAgentError("exists", "the guard of this run has fired")
    return _told(reports)


def extend(host: Host, arguments: Arguments) -> dict[str, object]:
    """Move the deadline of all halves; the answer says whether one has fired, and waits until it is done."""
    seconds = arguments.seconds("deadline_s", 0)
    own = _own(host, arguments)
    orders = [(post, replace(order, number=order.number + 1, deadline_s=seconds)) for post, order in own]
    return _told(_give(host, orders))


def disarm(host: Host, arguments: Arguments) -> dict[str, object]:
    """Let the changes stand and forget the guard; the answer says how it stood, `armed` or `fired`."""
    own = _own(host, arguments)
    orders = [(post, replace(order, number=order.number + 1, word=RELEASE)) for post, order in own]
    reports = _give(host, orders)
    for post, _ in own:
        post.forget(host)
    return _told(reports)


def status(host: Host, _arguments: Arguments) -> dict[str, object]:
    """Whose guard is here and how it stands; changes nothing."""
    reports = [post.report for post in posts(host) if post.report is not None]
    return _told(reports) if reports else {"state": "none"}


def _withdraw(host: Host, orders: Iterable[tuple[Post, Order]]) -> None:
    """Let go what nobody has reported on: a process that comes late must not take back what stands then."""
    for post, order in orders:
        if order.number == 1:
            with suppress(WindowsAgentError):
                post.write(host, replace(order, number=2, word=RELEASE))


def _captured(old: Order | None) -> dict[str, object] | None:
    return None if old is None else old.captured


def _half_of(op: dict[str, object]) -> str:
    half = HALVES.get(str(op.get("verb")))
    if half is None:
        raise WindowsAgentError("bad-op", f"no guard of Windows can take back {op.get('verb')!r}")
    return half


def _own(host: Host, arguments: Arguments) -> list[tuple[Post, Order]]:
    """Give the halves of this run with their orders.

    Raises:
        WindowsAgentError: `not-found`, `not-permitted` for another run's or another token's.
    """
    run, token = arguments.text("run"), arguments.text("token")
    found = posts(host)
    own = [(post, post.order) for post in found if post.order is not None and post.is_of(run, token)]
    if not own:
        other = next((post.order.run for post in found if post.order is not None), None)
        if other is None:
            raise WindowsAgentError("not-found", "no guard is here")
        raise WindowsAgentError("not-permitted", f"the guard here is of run {other}")
    if missing := set(own[0][1].halves) - {post.half for post, _ in own}:
        raise WindowsAgentError("not-found", f"the guard of the {', '.join(sorted(missing))} half is gone")
    return own


def _refuse_foreign(host: Host, post: Post, run: str, token: str) -> None:
    report = post.report
    if report is None or report.order.is_of(run, token) or report.is_settled:
        return
    found = _settled(host, post, report)
    word = "was undone" if found.report is not None and found.report.state == FIRED else "was settled"
    raise WindowsAgentError("exists", f"run {report.order.run} had lost its guard and {word} just now")


def settle_others(host: Host, run: str) -> None:
    """See that no guard of another run is at work; one that was lost takes back what it watched over.

    Raises:
        WindowsAgentError: `exists`: one waits here for its confirmation, or is not through yet.
    """
    for post in posts(host):
        report = post.report
        if report is not None and report.order.run != run and not report.is_settled:
            _settled(host, post, report)


def _settled(host: Host, post: Post, report: Report) -> Post:
    if report.state == ARMED and post.runs(host):
        raise WindowsAgentError("exists", f"run {report.order.run} waits here for its confirmation")
    post.start(host)
    until = time.monotonic() + _START_S
    while not (found := post.again(host)).is_settled:
        if time.monotonic() > until:
            raise WindowsAgentError("exists", f"run {report.order.run} lost its guard and is not undone yet")
        time.sleep(_POLL_S)
    return found


def _give(host: Host, orders: Iterable[tuple[Post, Order]], *, new: Iterable[str] = ()) -> list[Report]:
    """Write the orders, start what is not there yet, and wait until each was read."""
    given = list(orders)
    for post, order in given:
        post.write(host, order)
        if post.half in new:
            post.start(host)
    return [_answer(host, post, order, is_new=post.half in new) for post, order in given]


def _answer(host: Host, post: Post, order: Order, *, is_new: bool) -> Report:
    """Wait for the report on an order; one that has begun to take back is awaited to its end.

    Raises:
        WindowsAgentError: `failed` when no guard answers, `timed-out` when the request's time is over.
    """
    started = is_new
    until = time.monotonic() + (_START_S if is_new else _ANSWER_S)
    while True:
        report = post.again(host).report
        if report is not None and report.order.is_of(order.run, order.token):
            if report.state == FIRED or (report.state != FIRING and report.order.number >= order.number):
                return report
            if report.state == FIRING:
                until = time.monotonic() + _START_S
        if time.monotonic() > until:
            if started:
                raise WindowsAgentError("failed", f"the guard in the task {post.half} does not answer")
            started, until = True, time.monotonic() + _START_S
            # The dead cannot say why; what starts now takes back, and that is the answer.
            with suppress(WindowsAgentError):
                post.start(host)
        time.sleep(min(_POLL_S, host.deadline_s))


def _told(reports: Iterable[Report]) -> dict[str, object]:
    given = list(reports)
    fired = any(report.state in {FIRED, FIRING} for report in given)
    done = [one for report in given for one in report.done]
    return {"run": given[0].order.run, "state": FIRED if fired else ARMED, "done": done}
