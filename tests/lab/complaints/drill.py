"""Walks through one cause: packets stop, doctor names it alone, mends it; they flow, and doctor is clean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.lab.asking import reboot, run

from .by_hand import starts_vms
from .causes import problems, soon

if TYPE_CHECKING:
    from .causes import Cause

_TIMEOUT_S = 300


def drill(lab: Any, cause: Cause) -> None:
    """One cause, from a lab that works to one that works again."""
    with cause.stage(lab):
        if cause.works_before:
            assert soon(lambda: cause.flows(lab)), "packets must flow before anything is broken"
        before = problems(examined(lab))
        cause.breaking(lab)
        assert soon(lambda: not cause.flows(lab)), "the cause does not stop the packets"
        found = problems(examined(lab))
        new = set(found) - set(before)
        assert new == {cause.named} | cause.also | cause.remains, (new, before, found)
        evidence = found[cause.named]["evidence"]
        assert any(cause.evidence in line for line in evidence), evidence
        mend(lab, cause)
        assert soon(lambda: cause.flows(lab)), "mended, and the packets do not flow"
        left = set(problems(examined(lab))) - set(before)
        assert left <= cause.remains | cause.later, left


def mend(lab: Any, cause: Cause) -> None:
    """`doctor --fix --yes`, with a boot where it takes one; what is the user's to do is done as told."""
    code, done = run(lab, "doctor", "--only", cause.named[0], "--fix", "--yes", timeout_s=_TIMEOUT_S)
    if cause.at_boot:
        assert (code, done["result"]) == (14, "pending"), done
        reboot(lab, "windows")
        code, done = run(lab, "resume", timeout_s=_TIMEOUT_S)
        starts_vms(lab)
    if cause.by_hand is None:
        assert (code, done["result"]) == (0, "committed"), done
        return
    assert (code, done["result"]) == (0, "unchanged"), done
    cause.by_hand(lab)


def examined(lab: Any) -> list[dict[str, Any]]:
    """All findings of doctor; none of them a crash."""
    _, told = run(lab, "doctor", timeout_s=_TIMEOUT_S)
    assert told["summary"]["crash"] == 0, told
    findings: list[dict[str, Any]] = told["findings"]
    return findings
