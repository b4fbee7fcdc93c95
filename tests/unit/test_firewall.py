"""Grants in rules, what a policy forbids, expiry, the LAN of now, and what an audit calls exposed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from wslnet.engine.exposure import admitted, exposures_of_wsl
from wslnet.errors import InputError, PlanRefused, Unsupported
from wslnet.model.allow import Allow
from wslnet.model.grant import Grant, end_after, end_at, own_rule
from wslnet.model.linux_facts import LinuxFacts
from wslnet.model.linux_network import Listener
from wslnet.model.machine import Inventory, Kind, Machine, Wish
from wslnet.model.snapshot import Snapshot
from wslnet.model.windows_facts import (
    HyperVFirewall,
    HyperVProfile,
    HyperVRule,
    HyperVSetting,
    NetworkProfile,
    WindowsAddress,
    WindowsFacts,
    WindowsListener,
    WindowsRoute,
)
from wslnet.model.windows_wsl import WslService
from wslnet.profiles.firewall import (
    allow_rule,
    expiries,
    managed,
    over_rules,
    refuse_managed,
    renewed_rules,
    revoked_rules,
)
from wslnet.resources.hyperv_rule import WSL_CREATOR

NOW = datetime(2026, 11, 21, 18, 0, tzinfo=UTC)
LAN = "172.24.21.0/24"
CLOSED = HyperVSetting(enabled="True", default_inbound="Block")


def rule(port: int, scope: str = "@lan", until: str = "", **more: Any) -> HyperVRule:
    fields = {
        "name": f"wslnet-allow-tcp-{port}",
        "display_name": f"wslnet: tcp/{port}{scope} into WSL" + (f" until {until}" if until else ""),
        "direction": "Inbound",
        "action": "Allow",
        "protocol": "TCP",
        "local_ports": (str(port),),
        "remote_addresses": (LAN,) if scope else (),
        "profiles": ("Private", "Domain") if scope else (),
        "creator": WSL_CREATOR,
        "source": "Local",
    }
    return HyperVRule(**{**fields, **more})


def snapshot(
    *rules: HyperVRule,
    category: str = "Private",
    prefix: str = "172.24.21.109",
    listeners: tuple[Listener, ...] = (),
    on_windows: tuple[WindowsListener, ...] = (),
    mode: str = "mirrored",
    **firewall: Any,
) -> Snapshot:
    windows = Machine("windows", Kind.WINDOWS)
    wsl = Machine("wsl", Kind.WSL, parent="windows")
    inventory = Inventory(Path("i"), Path("s"), {"windows": windows, "wsl": wsl}, Wish())
    found = {"supported": True, "setting": CLOSED, "stored_setting": None, **firewall}
    facts = WindowsFacts(
        addresses=(WindowsAddress(12, "以太网", 4, prefix, 24),),
        routes=(WindowsRoute(12, "以太网", 4, "0.0.0.0/0", "172.24.21.254", 25),),
        profiles=(NetworkProfile(12, "以太网", "office", category),),
        hyperv_firewall=HyperVFirewall(rules=rules, **found),
        listeners=on_windows,
        wsl=WslService(installed=True, running=True, mode=mode),
    )
    return Snapshot(inventory, {"windows": facts, "wsl": LinuxFacts(listeners=listeners)})


def firewall_of(seen: Snapshot) -> HyperVFirewall:
    assert seen.windows is not None
    assert seen.windows.hyperv_firewall is not None
    return seen.windows.hyperv_firewall


@pytest.mark.parametrize("until", [None, "2026-11-21T20:00:00Z"])
@pytest.mark.parametrize("text", [("tcp", 8080, "lan"), ("udp", 53, None)])
def test_a_rule_says_of_itself_what_it_grants(text: tuple[str, int, str | None], until: str | None) -> None:
    grant = Grant(Allow(*text), until)
    made = allow_rule(snapshot(), "windows", grant)
    args = made.diff(WindowsFacts(hyperv_firewall=HyperVFirewall(supported=True)))[0].do.args
    read = own_rule(HyperVRule(str(args["name"]), str(args["display_name"])))
    assert read is not None
    assert (read.grant, read.purpose) == (grant, "allow")


@pytest.mark.parametrize(
    "changed",
    [
        {"display_name": "by hand"},
        {"display_name": "wslnet: tcp/9@lan into WSL"},
        {"display_name": "wslnet: tcp/8080@lan into WSL until 2026-99-99T20:00:00Z"},
        {"name": "somebody-allow-tcp-8080"},
        {"display_name": None},
    ],
)
def test_what_does_not_say_it_is_ours_is_not(changed: dict[str, Any]) -> None:
    assert own_rule(replace(rule(8080), **changed)) is None


def test_times() -> None:
    assert end_after("1d12h", NOW) == "2026-11-23T06:00:00Z"
    assert end_after("90m", NOW) == "2026-11-21T19:30:00Z"
    assert end_at("2026-11-21T20:00+01:00", NOW) == "2026-11-21T19:00:00Z"
    assert end_at("2026-11-22", NOW) == "2026-11-22T00:00:00Z"
    for wrong in ("", "2", "0m", "h", "-1h", "9999d9999h99999m9"):
        with pytest.raises(InputError, match="--for"):
            end_after(wrong, NOW)
    for wrong in ("soon", "2026-11-21T17:00"):
        with pytest.raises(InputError, match="--until"):
            end_at(wrong, NOW)


def test_what_is_over_goes_and_what_is_not_stays() -> None:
    seen = snapshot(rule(1), rule(2, until="2026-11-21T17:59:59Z"), rule(3, "", "2026-11-21T18:00:01Z"))
    gone = over_rules(seen, "windows", NOW)
    assert [one.rule_name for one in gone] == ["wslnet-allow-tcp-2"]
    assert [change.do.verb for change in gone[0].diff(seen.facts["windows"])] == ["hyperv_rule.remove"]
    assert expiries(seen, NOW) == ("2026-11-21T18:00:01Z",)
    assert expiries(seen, NOW + timedelta(seconds=1)) == ()


@pytest.mark.row("S3-09")
def test_the_rules_of_the_lan_follow_it_and_keep_their_end() -> None:
    end = "2026-11-21T20:00:00Z"
    seen = snapshot(
        rule(1, until=end),
        rule(2, ""),
        rule(3, name="wslnet-publish-tcp-3"),
        prefix="10.1.2.3",
    )
    changed = {
        one.name: [change.after for change in one.diff(seen.facts["windows"])]
        for one in renewed_rules(seen, "windows", NOW)
    }
    assert changed == {
        "hyperv-rule wslnet-allow-tcp-1": [
            "gone",
            f"Allow tcp 1 from 10.1.2.0/24 (Private, Domain) until {end}",
        ],
        "hyperv-rule wslnet-publish-tcp-3": ["gone", "Allow tcp 3 from 10.1.2.0/24 (Private, Domain)"],
    }


def test_on_a_public_network_the_rules_of_the_lan_stay_as_they_are() -> None:
    seen = snapshot(rule(1), category="Public", prefix="10.1.2.3")
    assert list(renewed_rules(seen, "windows", NOW)) == []
    with pytest.raises(PlanRefused, match="Set-NetConnectionProfile"):
        allow_rule(seen, "windows", Grant(Allow("tcp", 2, "lan")))


def test_only_our_own_rule_of_that_port_is_revoked() -> None:
    seen = snapshot(rule(1), rule(1, name="{by-hand}"), rule(2), rule(1, name="wslnet-publish-tcp-1"))
    (found,) = revoked_rules(seen, "windows", {("tcp", 1), ("udp", 2)})
    assert [change.do.args for change in found.diff(seen.facts["windows"])] == [
        {"name": "wslnet-allow-tcp-1"}
    ]


def test_a_policy_is_named_and_not_fought() -> None:
    off = HyperVProfile("Private", "True", "NotConfigured", "False")
    seen = snapshot(profiles=(off,), stored_setting=HyperVSetting(default_inbound="Allow"))
    with pytest.raises(Unsupported, match="AllowLocalFirewallRules"):
        refuse_managed(seen)
    words = managed(firewall_of(seen))
    assert any("policy makes it Block" in one for one in words)
    refuse_managed(snapshot(profiles=(replace(off, name="Public"),)))
    with pytest.raises(Unsupported, match="--open-all"):
        refuse_managed(snapshot(stored_setting=HyperVSetting(default_inbound="Allow")), open_all=True)
    pushed = rule(22, "", name="{mdm}", source="MDM", action="Block")
    assert managed(firewall_of(snapshot(pushed))) == ("rule {mdm} (Block TCP) comes from MDM",)


def let_in(*rules: HyperVRule, port: int = 8080, category: str = "Private", **more: Any) -> Any:
    return admitted(firewall_of(snapshot(*rules, **more)), Allow("tcp", port), category, (LAN,))


def test_who_may_come_and_by_what() -> None:
    assert let_in() is None
    assert let_in(rule(8080)) == ((LAN,), "rule wslnet-allow-tcp-8080")
    assert let_in(rule(8080), category="Public") is None
    assert let_in(rule(8080, remote_addresses=("172.28.0.0/16",))) is None
    assert let_in(rule(8080, remote_addresses=("172.24.21.7-172.24.21.9",))) is not None
    assert let_in(rule(8080), rule(8080, "", name="{block}", action="Block")) is None
    opened = {"setting": HyperVSetting(enabled="True", default_inbound="Allow")}
    assert let_in(port=9, **opened) == (("any source",), "DefaultInboundAction = Allow")
    assert let_in(port=9, setting=HyperVSetting(enabled="False")) is not None
    closed = HyperVProfile("Private", "True", "Block")
    assert let_in(port=9, profiles=(closed,), **opened) is None


def test_a_port_is_exposed_where_somebody_listens_for_the_lan() -> None:
    listeners = (
        Listener("tcp", 4, "0.0.0.0", 8080, "nginx"),
        Listener("tcp", 4, "127.0.0.1", 8081, "psql"),
        Listener("tcp", 6, "::", 8082, "node"),
    )
    seen = snapshot(rule(8080), rule(8081), rule(8082), listeners=listeners)
    assert [(one.port, one.process) for one in exposures_of_wsl(seen, firewall_of(seen))] == [
        (8080, "nginx"),
        (8082, "node"),
    ]
    taken = (
        WindowsListener("tcp", "0.0.0.0", 8080, 7, "iis"),
        WindowsListener("tcp", "0.0.0.0", 8082, 8, "wslrelay"),
    )
    seen = snapshot(rule(8080), rule(8082), listeners=listeners, on_windows=taken)
    assert [one.port for one in exposures_of_wsl(seen, firewall_of(seen))] == [8082]
    behind = snapshot(rule(8080), listeners=listeners, mode="nat")
    assert list(exposures_of_wsl(behind, firewall_of(behind))) == []
