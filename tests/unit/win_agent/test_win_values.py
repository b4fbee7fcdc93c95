"""One value from number, name or digits; and the catalogue against the oracle."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from wslnet_win_agent import values
from wslnet_win_agent.bridge import ErrorRecord, Reply, WindowsObject, demand
from wslnet_win_agent.catalogue import cmdlet, enum_names
from wslnet_win_agent.errors import CallRefused, WindowsAgentError

ROOT = Path(__file__).parents[3]
SHARED = Path(os.environ.get("WSLNET_SHARED", ROOT.parent / "shared"))
RULE = "MSFT_NetFirewallHyperVRule"
SETTING = "MSFT_NetFirewallHyperVVMSetting"


def row(class_name: str, raw: dict[str, object], text: dict[str, object] | None = None) -> WindowsObject:
    name = f"Microsoft.Management.Infrastructure.CimInstance#ROOT/StandardCimv2/{class_name}"
    return WindowsObject((name,), raw, text or {})


@pytest.mark.parametrize(
    ("class_name", "prop", "value", "name"),
    [
        ("MSFT_NetIPInterface", "Forwarding", 0, "Disabled"),
        ("MSFT_NetIPInterface", "Forwarding", 1, "Enabled"),
        ("MSFT_NetIPInterface", "Forwarding", "enabled", "Enabled"),
        ("MSFT_NetIPInterface", "Forwarding", "1", "Enabled"),
        ("MSFT_NetIPInterface", "AddressFamily", 23, "IPv6"),
        (RULE, "Enabled", 1, "True"),
        (RULE, "Enabled", 2, "False"),
        (RULE, "Enabled", "Disabled", "False"),
        (RULE, "Action", 4, "Block"),
        (SETTING, "Enabled", 0, "False"),
        (SETTING, "Enabled", 2, "NotConfigured"),
        (SETTING, "DefaultInboundAction", 0, "NotConfigured"),
        (SETTING, "DefaultInboundAction", "block", "Block"),
        ("MSFT_NetConnectionProfile", "NetworkCategory", 0, "Public"),
        ("MSFT_NetRoute", "Protocol", 77, "77"),
        ("MSFT_NetRoute", "Protocol", None, None),
    ],
)
def test_names_from_every_encoding(class_name: str, prop: str, value: object, name: str | None) -> None:
    assert values.name_of(row(class_name, {prop: value}), prop) == name


def test_raw_wins_over_friendly_and_friendly_helps_out() -> None:
    both = row("MSFT_NetIPInterface", {"Forwarding": 1}, {"Forwarding": "Disabled"})
    assert values.name_of(both, "Forwarding") == "Enabled"
    assert (
        values.name_of(row("MSFT_NetIPInterface", {}, {"Forwarding": "Disabled"}), "Forwarding") == "Disabled"
    )


@pytest.mark.parametrize(
    ("value", "names"),
    [
        (0, ("Any",)),
        (2, ("Private",)),
        (3, ("Domain", "Private")),
        (7, ("Domain", "Private", "Public")),
        ("Domain, Private", ("Domain", "Private")),
        ("6", ("Private", "Public")),
        (None, ()),
    ],
)
def test_flags(value: object, names: tuple[str, ...]) -> None:
    assert values.flag_names(value, values.enum_names(RULE, "Profiles")) == names


@pytest.mark.parametrize(
    ("value", "number"),
    [(5, 5), (" 5 ", 5), (True, None), ("x", None), (None, None), (1.5, None), ("²", None)],
)
def test_integers(value: object, number: int | None) -> None:
    assert values.integer(value) == number


@pytest.mark.parametrize(
    ("value", "truth"), [(True, True), ("False", False), (1, None), (2, None), ("yes", None), (None, None)]
)
def test_booleans_are_never_numbers(value: object, truth: object) -> None:
    assert values.boolean(value) is truth


def test_class_of_a_row() -> None:
    assert row("MSFT_NetRoute", {}).cim_class == "MSFT_NetRoute"
    assert (
        WindowsObject(("Microsoft.Management.Infrastructure.CimInstance#MSFT_NetRoute",)).cim_class
        == "MSFT_NetRoute"
    )
    assert WindowsObject(("System.IO.FileInfo",)).cim_class is None
    assert WindowsObject(value=b"x").cim_class is None


@pytest.mark.parametrize(
    ("fqid", "category", "code"),
    [
        ("Windows System Error 5,Set-NetIPInterface", "PermissionDenied", "not-permitted"),
        ("Windows System Error 5,Set-NetIPInterface", "NotSpecified", "not-permitted"),
        ("HRESULT 0x80070005,X", "PermissionDenied", "not-permitted"),
        ("CommandNotFoundException", "ObjectNotFound", "tool-missing"),
        ("NamedParameterNotFound,Set-X", "InvalidArgument", "tool-missing"),
        ("CmdletizationQuery_NotFound_InstanceID,Get-X", "ObjectNotFound", "not-found"),
        ("CmdletizationQuery_NotFound,Get-X", "ObjectNotFound", "not-found"),
        ("HRESULT 0x800700b7,Register-X", "ResourceExists", "exists"),
        ("HostException", "NotSpecified", "failed"),
        ("CimJob_BrokenCimSession,X", "ResourceUnavailable", "failed"),
    ],
)
def test_errors_go_by_id_and_category(fqid: str, category: str, code: str) -> None:
    reply = Reply((), (ErrorRecord(fqid, category, "拒绝\r\n访问。"),), "Completed")
    with pytest.raises(WindowsAgentError) as error:
        demand(reply, "x")
    assert error.value.code == code
    assert "\n" not in error.value.message


def test_a_pipeline_that_stopped_without_a_word_is_no_success() -> None:
    with pytest.raises(WindowsAgentError, match="Stopped"):
        demand(Reply(state="Stopped"), "x")
    assert demand(Reply(), "x").ok


def test_ids_lose_the_tail_of_a_restricted_session() -> None:
    record = ErrorRecord("HostException,Set-X_0123456789abcdef0123456789abcdef", "NotSpecified", "")
    assert record.id == "HostException"


def test_signatures_and_classes() -> None:
    forwarding = cmdlet("Set-NetIPInterface").parameters["Forwarding"]
    assert (forwarding.values, forwarding.is_list) == (("Disabled", "Enabled"), False)
    assert cmdlet("Remove-NetFirewallHyperVRule").confirms
    assert enum_names("MSFT_NetRoute", "Protocol")[3] == "NetMgmt"
    assert enum_names("MSFT_NetRoute", "NextHop") == enum_names("MSFT_Unheard", "Protocol") == {}
    with pytest.raises(CallRefused):
        cmdlet("Get-Unheard")


@pytest.mark.corpus
@pytest.mark.skipif(not (SHARED / "facts").exists(), reason="the facts are not here")
def test_the_catalogue_is_the_trimmed_oracle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    trim_cmdlets = __import__("trim_cmdlets")
    oracle = json.loads((SHARED / "facts/cmdlets.json").read_text(encoding="utf-8"))
    copy = (ROOT / "win_agent/wslnet_win_agent/cmdlets.json").read_text(encoding="utf-8")
    assert copy == trim_cmdlets.render(trim_cmdlets.trim(oracle))
    sys.modules.pop("trim_cmdlets", None)
