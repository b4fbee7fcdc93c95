"""What guards a Windows beside its own firewall: as it is told, as it is not, and through the endpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from wslnet_win_agent import registry
from wslnet_win_agent.bridge import ErrorRecord, Reply
from wslnet_win_agent.errors import CallRefused
from wslnet_win_agent.facts import gather

from .conftest import cim

if TYPE_CHECKING:
    from wslnet_win_agent.host import Host

    from .conftest import FakeWindows

NOTHING = {
    "firewalls": [],
    "code_integrity": None,
    "applocker": [],
    "ntlm_incoming": None,
    "ntlm_outgoing": None,
}


def test_products_are_told_with_their_state(host: Host, windows: FakeWindows) -> None:
    windows.rows["ciminstance"] = [
        cim("FirewallProduct", displayName="A", productState=0x41000),
        cim("FirewallProduct", displayName="B", productState=0x40000),
        cim("FirewallProduct", displayName="C"),
        cim("Win32_DeviceGuard", UsermodeCodeIntegrityPolicyEnforcementStatus=2),
    ]
    windows.registry[registry.APPLOCKER["Exe"]] = {"EnforcementMode": 1}
    windows.registry[registry.APPLOCKER["Script"]] = {"EnforcementMode": 0}
    windows.registry[registry.NTLM] = {"RestrictSendingNTLMTraffic": 2}
    told = gather(host, ["security"])["security"]
    assert isinstance(told, dict)
    # This Windows gives all its rows to either question.
    assert told.pop("firewalls")[:3] == [
        {"name": "A", "on": True},
        {"name": "B", "on": False},
        {"name": "C", "on": None},
    ]
    assert told == {
        "code_integrity": 2,
        "applocker": ["Exe"],
        "ntlm_incoming": None,
        "ntlm_outgoing": 2,
    }


@pytest.mark.parametrize("code", ["HRESULT 0x8004100e", "HRESULT 0x80041010"])
def test_a_server_has_no_such_namespace(
    host: Host, windows: FakeWindows, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    error = ErrorRecord(f"{code},GetCimInstanceCommand", "MetadataError", "无效的命名空间")
    monkeypatch.setattr(windows, "deliver", lambda *_a, **_k: Reply((), (error,), "Completed"))
    assert gather(host, ["security"]) == {"security": NOTHING}


def test_the_endpoint_has_nothing_for_it_and_the_rest_is_read_as_before(
    host: Host, windows: FakeWindows, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver = windows.deliver

    def constrained(batch: object, *, deadline_s: float) -> Reply:
        if any(one.cmdlet == "Get-CimInstance" for one in batch.statements):  # type: ignore[attr-defined]
            raise CallRefused("the constrained endpoint has nothing for Get-CimInstance")
        return deliver(batch, deadline_s=deadline_s)  # type: ignore[arg-type]

    monkeypatch.setattr(windows, "deliver", constrained)
    windows.registry[registry.IPV6_PARAMETERS] = {"DisabledComponents": 32}
    facts = gather(host, ["boot_time", "registry", "routes", "security"])
    known = facts.pop("registry")
    assert isinstance(known, dict)
    assert known["ipv6_disabled_components"] == 32
    assert facts == {"boot_time": None, "routes": [], "security": None}
    assert len(windows.batches) == 1
