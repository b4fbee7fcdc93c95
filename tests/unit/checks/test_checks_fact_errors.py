"""What an agent could not read is told by doctor, with the agent's own words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from wslnet.engine.doctor import examine
from wslnet.engine.gather import decode
from wslnet.engine.planner import fingerprint
from wslnet.errors import AgentError
from wslnet.model.finding import Status
from wslnet.model.machine import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from wslnet.model.finding import Finding
    from wslnet.model.snapshot import Snapshot

    Make = Callable[..., Snapshot]

DENIED = {"code": "not-permitted", "message": "virsh: permission denied"}


def seen(snapshot: Snapshot, machine: str) -> Finding:
    (one,) = (each for each in examine(snapshot, only=["machine.reachable"]) if each.machine == machine)
    return one


@pytest.mark.parametrize(("machine", "reading"), [("wsl", "domains"), ("windows", "hyperv_firewall")])
def test_a_reading_that_failed_is_a_warning_with_its_reason(
    snapshot: Make, machine: str, reading: str
) -> None:
    patch = {"facts": {machine: {reading: None, "errors": {reading: DENIED}}}}
    finding = seen(snapshot("done", patch), machine)
    assert (finding.status, finding.title) == (Status.WARN, f"{machine} was seen without its {reading}")
    told = f"{machine}: {reading} could not be read: virsh: permission denied (not-permitted)"
    assert told in finding.evidence


def test_a_part_that_failed_is_evidence_and_no_warning(snapshot: Make) -> None:
    patch = {"facts": {"vm1": {"errors": {"firewall/ip6tables-nft": DENIED}}}}
    finding = seen(snapshot("done", patch), "vm1")
    assert finding.status is Status.OK
    assert any("firewall/ip6tables-nft could not be read" in line for line in finding.evidence)


def test_the_words_of_a_failure_do_not_make_a_plan_stale() -> None:
    one, other = (
        decode(Kind.VM, "vm1", {"links": [], "errors": {"domains": {"code": "failed", "message": text}}})
        for text in ("now", "then")
    )
    assert one != other
    assert fingerprint(one) == fingerprint(other)


@pytest.mark.parametrize("errors", [[], {"links": "no"}, {"links": {"code": 7, "message": "x"}}])
def test_errors_of_the_wrong_shape_are_refused(errors: object) -> None:
    with pytest.raises(AgentError, match=r"vm1: the agent's facts are malformed"):
        decode(Kind.VM, "vm1", {"errors": errors})
