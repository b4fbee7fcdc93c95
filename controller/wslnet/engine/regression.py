"""The regression guard of a run: who reaches whom right before its changes, and what of that must work after.

One request a machine, all machines at once. A pair that could not be measured before guards nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.engine.probes import measure
from wslnet.model.reach import allow_probes, forward_probes, localhost_probes, wished_probes
from wslnet.model.regression import Baseline, candidates, key_of, worked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wslnet.engine.fleet import Fleet
    from wslnet.model.consent import Consent
    from wslnet.model.probe import Measured, Probe
    from wslnet.model.snapshot import Snapshot
    from wslnet.profiles.modes import SetupOptions

_BEFORE_TIMEOUT_S = 1.0
"""Pairs that work answer in milliseconds here; the others must not hold the run up."""


def measure_baseline(fleet: Fleet, snapshot: Snapshot, options: SetupOptions, consent: Consent) -> Baseline:
    """Measures every pair once, as it is now."""
    probes = candidates(snapshot, snapshot.inventory.wish.allow, options.lan_peer)
    found = worked(measure(fleet, probes, timeout_s=_BEFORE_TIMEOUT_S))
    return Baseline(snapshot.mode, found, tuple(sorted(consent.regressions)))


def verify(
    fleet: Fleet,
    after: Snapshot,
    baseline: Baseline | None,
    *,
    peer: str | None = None,
    wished: bool = True,
    attempts: int,
) -> tuple[Measured, ...]:
    """Measures what is wished for (unless not `wished`) and what worked before, all at once.

    `peer` names who measures the LAN's side, else the first of the inventory.
    """
    allows = after.inventory.wish.allow
    probes: list[Probe] = []
    if wished:
        probes += wished_probes(after)
        probes += allow_probes(after, after.inventory.wish.allow, peer)
        probes += forward_probes(after, peer)
        probes += localhost_probes(after)
    known = {key_of(probe) for probe in probes}
    if baseline is not None:
        probes += [probe for probe in baseline.probes(after, allows, peer) if key_of(probe) not in known]
    return measure(fleet, probes, attempts=attempts)


def contradictions(measured: Sequence[Measured]) -> str | None:
    """What is not as it must be, in one line; None when all is."""
    wrong = [one for one in measured if one.contradicts]
    wished = "; ".join(_words(one) for one in wrong if not one.probe.kept)
    kept = "; ".join(_words(one) for one in wrong if one.probe.kept)
    said = [f"probes are not as wished: {wished}"] if wished else []
    said += [f"worked before and does not now (--allow-regression FROM->TO lets it): {kept}"] if kept else []
    return "; ".join(said) or None


def _words(one: Measured) -> str:
    probe = one.probe
    port = f"/{probe.port}" if probe.port else ""
    return f"{probe.source} -> {probe.target} {probe.proto}{port}: {one.detail or 'no answer'}"
