"""The generated behaviour of CDXML commands, shown over a provider of our own (cdxml-facts 1 to 5)."""

from typing import Any

import pytest

from wslnet_lab.host.contract import Category, CimInstance, Outcome, PlainObject

RULE = "MSFT_NetFirewallHyperVRule"


def reason_of(outcome: Outcome) -> str | None:
    return outcome.reason.fqid if outcome.reason else None


# ---- selecting


def test_no_selector_means_every_object(machine: Any) -> None:
    machine.call("Remove-NetRoute", Confirm=False)
    assert machine.store.done == ["delete r1", "delete r2"]


def test_empty_list_matches_nothing_silently(machine: Any) -> None:
    outcome = machine.call("Remove-NetRoute", DestinationPrefix=[], Confirm=False)
    assert (outcome.state, machine.ids, machine.store.done) == ("Completed", [], [])


def test_missing_values_are_reported_each_by_property_beside_the_rows(machine: Any) -> None:
    machine.call("Get-NetFirewallHyperVRule", Name=["gone", "WSLNET-SSH", "away", "other*"])
    assert machine.ids == ["CmdletizationQuery_NotFound_InstanceID,Get-NetFirewallHyperVRule"] * 2
    assert [details.target_name for details in machine.seen.errors] == ["gone", "away"]
    assert len(machine.seen.outputs) == 2


def test_not_found_record(machine: Any) -> None:
    machine.call("Get-NetIPInterface", ifIndex=[7, 99])
    [details] = machine.seen.errors
    assert details.category is Category.OBJECT_NOT_FOUND
    assert (details.target_name, details.target_type, details.target_object) == ("99", "UInt32", 99)
    assert (details.activity, details.reason) == ("Get-NetIPInterface", "CimJobException")
    assert details.remoting


def test_two_filters_report_once_and_only_without_rows(machine: Any) -> None:
    machine.call("Get-NetRoute", DestinationPrefix=["0.0.0.0/0", "10.0.0.0/8"], NextHop="172.20.0.1")
    assert (len(machine.seen.outputs), machine.ids) == (1, [])
    machine.call("Get-NetRoute", DestinationPrefix="0.0.0.0/0", NextHop="172.20.0.2")
    assert machine.ids == ["CmdletizationQuery_NotFound,Get-NetRoute"]
    machine.call("Get-NetRoute", DestinationPrefix="9*", NextHop="8?")
    assert machine.ids == []


def test_enum_filters_compare_numbers_and_report(machine: Any) -> None:
    machine.call("Get-NetIPInterface", AddressFamily="IPv6")
    assert machine.keys == ["ifx-7-23"]
    machine.call("Get-NetFirewallHyperVRule", Enabled="False")
    assert machine.ids == ["CmdletizationQuery_NotFound_Enabled,Get-NetFirewallHyperVRule"]


def test_names_are_wildcards_unless_escaped(bare_machine: Any) -> None:
    machine = bare_machine
    for name in ("r [1]", "r 1"):
        machine.add(RULE, name, DisplayName=name)
    for asked, found in {"r [1]": "r 1", "r `[1`]": "r [1]", "R ?": "r 1"}.items():
        machine.call("Get-NetFirewallHyperVRule", DisplayName=asked)
        assert machine.keys == [found]


def test_query_options_reach_the_provider_and_filter_nothing(machine: Any) -> None:
    machine.call("Get-NetRoute", PolicyStore="ActiveStore", IncludeAllCompartments=True)
    assert machine.store.contexts[-1].options == {
        "PolicyStore": "ActiveStore",
        "IncludeAllCompartments": True,
    }
    assert len(machine.seen.outputs) == 2


def test_filter_objects_of_piped_rules(bare_machine: Any) -> None:
    machine = bare_machine
    for key, port in (("r1", "80"), ("r2", "443")):
        machine.add("MSFT_NetFirewallRule", key, DisplayName=key)
        machine.add("MSFT_NetProtocolPortFilter", key, LocalPort=port)
    machine.pipe(("Get-NetFirewallRule", {"Name": "r2"}), ("Get-NetFirewallPortFilter", {}))
    [found] = machine.seen.outputs
    assert (found.class_name, found.properties["LocalPort"].value) == ("MSFT_NetProtocolPortFilter", "443")


# ---- writing


def test_new_outputs_what_was_made_and_writes_numbers(machine: Any) -> None:
    machine.call(
        "New-NetRoute",
        DestinationPrefix="10.1.0.0/16",
        InterfaceAlias="vEthernet",
        Publish="Yes",
        PolicyStore="ActiveStore",
    )
    [made] = machine.seen.outputs
    assert isinstance(made, CimInstance)
    assert made.properties["Publish"].value == 2
    assert "PolicyStore" not in made.properties
    assert machine.store.contexts[-1].options == {"PolicyStore": "ActiveStore"}


def test_set_outputs_only_with_pass_thru(machine: Any) -> None:
    machine.call("Set-NetIPInterface", AddressFamily="IPv4", Forwarding="Enabled", NlMtuBytes=1280)
    assert machine.seen.outputs == []
    machine.call("Set-NetIPInterface", AddressFamily="IPv4", Forwarding="Enabled", PassThru=True)
    [row] = machine.seen.outputs
    assert isinstance(row, CimInstance)
    assert (row.properties["Forwarding"].value, row.properties["NlMtu"].value) == (1, 1280)


def test_live_objects_bind(machine: Any) -> None:
    outcome = machine.pipe(
        ("Get-NetIPInterface", {}), ("Set-NetIPInterface", {"Forwarding": "Enabled", "PassThru": True})
    )
    assert (outcome.state, len(machine.seen.outputs)) == ("Completed", 2)


def test_objects_of_another_class_do_not_bind(machine: Any) -> None:
    outcome = machine.pipe(("Get-NetIPInterface", {}), ("Remove-NetRoute", {"Confirm": False}))
    # It binds all the same: Remove-NetRoute takes InterfaceIndex and InterfaceAlias by property name.
    assert outcome.state == "Completed"
    machine.pipe(("Get-ScheduledTask", {}), ("Remove-NetFirewallHyperVRule", {}))
    assert machine.ids == ["InputObjectNotBound,Remove-NetFirewallHyperVRule"]
    assert machine.store.done == []


def test_a_row_that_comes_back_binds(machine: Any) -> None:
    machine.call("Get-NetRoute", NextHop="172.20.0.2")
    [row] = machine.seen.outputs
    outcome = machine.call("Remove-NetRoute", InputObject=row, Confirm=False)
    assert (outcome.state, machine.store.done) == ("Completed", ["delete r2"])


@pytest.mark.parametrize(
    ("sent", "error_id"),
    [
        (
            PlainObject(
                ("Microsoft.Management.Infrastructure.CimInstance#ROOT/StandardCimv2/MSFT_NetRoute",), {}
            ),
            "ParameterArgumentTransformationError",
        ),
        (CimInstance("ROOT/StandardCimv2", RULE, {}), "MismatchedPSTypeName"),
    ],
)
def test_what_cannot_come_back(machine: Any, sent: object, error_id: str) -> None:
    outcome = machine.call("Remove-NetRoute", InputObject=sent, Confirm=False)
    assert reason_of(outcome) == f"{error_id},Remove-NetRoute"
    assert machine.store.done == []


def test_method_code_is_an_error(machine: Any) -> None:
    machine.add(RULE, "rr", DisplayName="ret:5")
    machine.call("Enable-NetFirewallHyperVRule", DisplayName="ret:5")
    [details] = machine.seen.errors
    assert details.fqid == "CimJob_Enable_5,Enable-NetFirewallHyperVRule"
    assert details.category is Category.INVALID_RESULT
    assert details.target_name == 'MSFT_NetFirewallHyperVRule (InstanceID = "rr")'


@pytest.fixture
def three_rules(bare_machine: Any) -> Any:
    """Three rules to delete; the second is refused."""
    for key in ("a1", "a2", "a3"):
        bare_machine.add(RULE, key, DisplayName=f"del {key}")
    return bare_machine


def test_writes_go_on_past_an_error(three_rules: Any) -> None:
    machine = three_rules
    outcome = machine.call("Remove-NetFirewallHyperVRule", DisplayName="del*", PassThru=True)
    assert outcome.state == "Completed"
    assert machine.ids == ["Windows System Error 5,Remove-NetFirewallHyperVRule"]
    assert machine.store.done == ["delete a1", "delete a3"]
    assert len(machine.seen.outputs) == 2


def test_with_stop_writes_under_way_still_happen(three_rules: Any) -> None:
    machine = three_rules
    outcome = machine.call("Remove-NetFirewallHyperVRule", DisplayName="del*", ErrorAction="Stop")
    assert (outcome.state, machine.ids) == ("Failed", [])
    assert machine.store.done == ["delete a1", "delete a3"]


def test_with_stop_and_throttle_limit_1_they_do_not(three_rules: Any) -> None:
    machine = three_rules
    outcome = machine.call(
        "Remove-NetFirewallHyperVRule", DisplayName="del*", ErrorAction="Stop", ThrottleLimit=1
    )
    assert outcome.state == "Failed"
    assert machine.store.done == ["delete a1"]


def test_severity_7_terminates_even_when_silent(machine: Any) -> None:
    outcome = machine.call(
        "New-NetFirewallHyperVRule", DisplayName="err:fatal:win32:5", ErrorAction="SilentlyContinue"
    )
    assert (outcome.state, reason_of(outcome)) == (
        "Failed",
        "Windows System Error 5,New-NetFirewallHyperVRule",
    )
    assert outcome.reason is not None
    assert not outcome.reason.remoting


# ---- asking


@pytest.mark.parametrize("action", ["Continue", "Stop"])
def test_prompt_that_cannot_be_asked_fails_the_whole(machine: Any, action: str) -> None:
    outcome = machine.call("Remove-NetRoute", ErrorAction=action)
    assert outcome.reason is not None
    assert (outcome.state, outcome.reason.fqid, outcome.reason.activity) == ("Failed", "HostException", "")
    assert outcome.reason.reason == "MethodInvocationException"
    assert (machine.store.done, machine.seen.progressed) == ([], 0)


def test_prompt_under_silence_does_nothing_and_says_nothing(machine: Any) -> None:
    outcome = machine.call("Remove-NetRoute", ErrorAction="SilentlyContinue")
    assert (outcome.state, machine.ids, machine.store.done) == ("Completed", [], [])


def test_confirm_true_asks_where_nothing_asks(machine: Any) -> None:
    assert (
        reason_of(machine.call("New-NetFirewallHyperVRule", DisplayName="d", Confirm=True)) == "HostException"
    )
    assert machine.store.done == []


def test_nothing_to_ask_about(machine: Any) -> None:
    outcome = machine.call("Remove-NetRoute", DestinationPrefix="10.77.0.0/16")
    assert outcome.state == "Completed"
    assert machine.ids == ["CmdletizationQuery_NotFound_DestinationPrefix,Remove-NetRoute"]


def test_what_if_leaves_no_trace(machine: Any) -> None:
    for confirm in ({}, {"Confirm": False}, {"Confirm": True}):
        outcome = machine.call("Remove-NetRoute", WhatIf=True, **confirm)
        assert (outcome.state, machine.ids, machine.store.done) == ("Completed", [], [])
    machine.call("New-NetRoute", DestinationPrefix="10.1.0.0/16", InterfaceAlias="x", WhatIf=True)
    assert machine.store.done == []


def test_verbose_tells_what_is_done_and_to_what(machine: Any) -> None:
    machine.call("Remove-NetRoute", DestinationPrefix="10.9.0.0/16", Confirm=False, Verbose=True)
    assert machine.store.done == ["delete r2"]
    ((kind, text),) = machine.seen.remarks
    assert kind == "verbose"
    assert text.startswith('Performing the operation "cim:DeleteInstance" on target "MSFT_NetRoute (')
    machine.call("New-NetRoute", DestinationPrefix="10.1.0.0/16", InterfaceAlias="x", Verbose=True)
    text = 'Performing the operation "cim:CreateInstance" on target "MSFT_NetRoute".'
    assert machine.seen.remarks == [("verbose", text)]
    machine.call("Remove-NetRoute", DestinationPrefix="10.1.0.0/16", Verbose=True, WhatIf=True)
    assert machine.seen.remarks == []
    machine.call("Get-NetRoute", Verbose=True)
    assert machine.seen.remarks == []


def test_as_job_acts_unasked(machine: Any) -> None:
    outcome = machine.call("Remove-NetRoute", DestinationPrefix="10.9.0.0/16", AsJob=True)
    [job] = machine.seen.outputs
    assert isinstance(job, PlainObject)
    assert job.type_names[0] == "System.Management.Automation.ThrottlingJob"
    assert (outcome.state, machine.store.done) == ("Completed", ["delete r2"])


def test_prompt_in_a_pipe_stops_the_statement_but_not_the_next(machine: Any) -> None:
    outcome = machine.run(
        machine.statement(("Get-NetRoute", {}), ("Remove-NetRoute", {})),
        machine.statement(("New-NetFirewallHyperVRule", {"Name": "n2", "DisplayName": "good"})),
    )
    assert (outcome.state, machine.ids) == ("Completed", ["HostException"])
    assert machine.seen.errors[0].reason == "ParentContainsErrorRecordException"
    assert machine.store.done == ["create n2"]


# ---- sessions


def test_rows_carry_the_session_they_came_by(machine: Any) -> None:
    machine.call("Get-NetRoute", CimSession="BOX2")
    assert {row.computer_name for row in machine.seen.outputs if isinstance(row, CimInstance)} == {"BOX2"}


def test_only_session_lost(machine: Any) -> None:
    outcome = machine.call("Get-NetRoute", CimSession=["away"])
    assert reason_of(outcome) == "CimJob_BrokenCimSession,Get-NetRoute"
