"""Measures probes with real packets: one request per source, all at once, failing ones again.

A probe whose source cannot be used is not measured and says why; it never counts as a failure of the network.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

from wslnet.errors import WslnetError
from wslnet.model.change import Op
from wslnet.model.probe import Measured, Probe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wslnet.engine.fleet import Fleet

PROBE_TIMEOUT_S = 2.0
_ANSWER_MARGIN_S = 20.0
_GREETING = "wslnet"


def measure(
    fleet: Fleet,
    probes: Sequence[Probe],
    *,
    attempts: int = 1,
    pause_s: float = 1.0,
    timeout_s: float = PROBE_TIMEOUT_S,
    serving: Fleet | None = None,
) -> tuple[Measured, ...]:
    """Measures all probes, in the order given; `timeout_s` is each one's.

    `serving`: the fleet of the targets, where they are another PC's; None: they are of `fleet` too.

    Probes that contradict their expectation are tried again, `attempts` times in all with `pause_s` between:
    a network that has just been changed needs a moment (nmstate verifies so, linux-facts B1).
    """
    far = serving or fleet
    listeners = _listen(far, probes)
    try:
        results = dict(zip(probes, _round(fleet, probes, timeout_s), strict=True))
        for _ in range(attempts - 1):
            again = [probe for probe, measured in results.items() if measured.contradicts]
            if not again:
                break
            time.sleep(pause_s)
            results.update(zip(again, _round(fleet, again, timeout_s), strict=True))
        ours = {(target, op.args["proto"], op.args["port"]) for target, op in listeners}
        return tuple(_judged(results[probe], ours) for probe in probes)
    finally:
        _unlisten(far, listeners)


def _judged(found: Measured, ours: set[tuple[str, object, object]]) -> Measured:
    """A program that listens by UDP need not answer a stranger: its silence says nothing about the way."""
    probe = found.probe
    if not probe.listen or (probe.target, probe.proto, probe.serve or probe.port) in ours:
        return found
    if probe.own:
        return replace(found, ok=None, ms=None, detail=f"port {probe.port} of {probe.target} is not free")
    if probe.proto != "udp":
        return found
    return found if found.ok else replace(found, ok=None, detail="what listens there need not answer")


def _round(fleet: Fleet, probes: Sequence[Probe], timeout_s: float) -> list[Measured]:
    sources = list(dict.fromkeys(probe.source for probe in probes))
    with ThreadPoolExecutor(max_workers=max(1, len(sources)), thread_name_prefix="probe") as pool:
        batches = [[probe for probe in probes if probe.source == source] for source in sources]
        found = {
            measured.probe: measured
            for batch in pool.map(lambda one: _from_source(fleet, one, timeout_s), batches)
            for measured in batch
        }
    return [found[probe] for probe in probes]


def _from_source(fleet: Fleet, probes: Sequence[Probe], timeout_s: float) -> list[Measured]:
    source = probes[0].source
    if source not in fleet.inventory.machines:
        return [Measured(probe, None, detail=f"no machine {source!r} to measure from") for probe in probes]
    op = Op("probes", {"probes": [_args(probe, timeout_s) for probe in probes]})
    try:
        (result,) = fleet.execute(source, [op], deadline_s=_ANSWER_MARGIN_S + PROBE_TIMEOUT_S * len(probes))
    except WslnetError as error:
        return [Measured(probe, None, detail=error.message) for probe in probes]
    answers = result.value
    if not result.ok or not isinstance(answers, list) or len(answers) != len(probes):
        return [Measured(probe, None, detail=result.message or "no usable answer") for probe in probes]
    return [_measured(probe, answer) for probe, answer in zip(probes, answers, strict=True)]


def _args(probe: Probe, timeout_s: float) -> dict[str, object]:
    return {
        "proto": probe.proto,
        "dst": probe.address,
        "port": probe.port,
        "timeout_s": timeout_s,
        "expect": _GREETING if probe.proto == "udp" else None,
    }


def _measured(probe: Probe, answer: object) -> Measured:
    if not isinstance(answer, dict) or not isinstance(answer.get("ok"), bool):
        return Measured(probe, None, detail="no usable answer")
    ms = answer.get("ms")
    return Measured(
        probe,
        answer["ok"],
        float(ms) if isinstance(ms, int | float) else None,
        str(answer.get("detail") or ""),
    )


def _listen(fleet: Fleet, probes: Sequence[Probe]) -> list[tuple[str, Op]]:
    """Opens a short-lived listener where a probe asks for one; a port that is taken serves as it is."""
    opened: list[tuple[str, Op]] = []
    wanted = {(probe.target, probe.proto, probe.serve or probe.port) for probe in probes if probe.listen}
    for target, proto, port in sorted(wanted, key=str):
        where: dict[str, object] = {"proto": proto, "address": "0.0.0.0", "port": port}  # noqa: S104 - as the service will
        try:
            (result,) = fleet.execute(target, [Op("listen", {**where, "text": _GREETING})], deadline_s=10.0)
        except WslnetError:
            continue  # the probe itself will say what is wrong
        if result.ok:
            opened.append((target, Op("unlisten", {"proto": proto, "port": port})))
    return opened


def _unlisten(fleet: Fleet, listeners: Sequence[tuple[str, Op]]) -> None:
    for target, op in listeners:
        try:
            fleet.execute(target, [op], deadline_s=10.0)
        except WslnetError:
            continue  # the listener ends with the agent's connection
