"""Probes: who should reach whom by which protocol, and what was measured with real packets."""

from __future__ import annotations

from dataclasses import dataclass

NOT_MEASURED = "not-measured"


@dataclass(frozen=True, slots=True)
class Probe:
    """One directed probe. `address` is the target as seen from `source`; `expected` None: no opinion.

    `listen` asks for a short-lived listener of ours on the target when nobody listens there, on port `serve`
    if that is another one; `own`: with no listener of ours it says nothing; `kept`: it is expected because it
    worked before.
    """

    source: str
    target: str
    proto: str
    address: str
    port: int | None = None
    expected: bool | None = None
    listen: bool = False
    kept: bool = False
    serve: int | None = None
    own: bool = False


@dataclass(frozen=True, slots=True)
class Measured:
    """What a probe gave. `ok` None: it could not be measured, `detail` says why."""

    probe: Probe
    ok: bool | None
    ms: float | None = None
    detail: str = ""

    @property
    def contradicts(self) -> bool:
        """Whether it was measured and is not as expected."""
        return self.ok is not None and self.probe.expected is not None and self.ok is not self.probe.expected

    def to_pair(self) -> dict[str, object]:
        """The shape of `matrix`."""
        return {
            "from": self.probe.source,
            "to": self.probe.target,
            "proto": self.probe.proto,
            "port": self.probe.port,
            "address": self.probe.address,
            "ok": self.ok,
            "expected": self.probe.expected,
            "ms": self.ms,
            "detail": self.detail,
        }

    def to_verify(self) -> dict[str, object]:
        """The shape of `verify` in results of runs."""
        return {
            "from": self.probe.source,
            "to": self.probe.target,
            "proto": self.probe.proto,
            "port": self.probe.port,
            "expected": self.probe.expected,
            "worked_before": self.probe.kept,
            "measured": NOT_MEASURED if self.ok is None else self.ok,
            "ms": self.ms,
            "detail": self.detail,
        }
