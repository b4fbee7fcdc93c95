"""Unmodified pypsrp against the Windows host's wire, with stub commands behind it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from psrpcore.types import PSInvocationState, PSRPMessageType
from pypsrp.complex_objects import ObjectMeta
from pypsrp.complex_objects import PSInvocationState as State
from pypsrp.exceptions import AuthenticationError, WSManFaultError
from pypsrp.powershell import PowerShell, RunspacePool
from pypsrp.shell import CommandState

from wslnet_lab.host.contract import Argument, CimInstance
from wslnet_lab.host.wire.fragments import MessageType
from wslnet_lab.host.wire.records import STATES

if TYPE_CHECKING:
    from conftest import Call, Host


def test_the_pool_tells_what_windows_it_is(host: Host) -> None:
    with host.pool() as pool:
        assert pool.protocol_version == "2.3"
        table = pool.application_private_data.data["PSVersionTable"]
        assert table["PSVersion"] == "5.1.22631.4317"
        assert table["PSEdition"] == "Desktop"


def test_the_pool_opens_in_two_receives(host: Host) -> None:
    with host.wsman() as client:
        pool = RunspacePool(client)
        sizes: list[list[int]] = []
        original = pool._parse_responses

        def watched(responses: bytes, pipeline: PowerShell | None = None) -> list[tuple[int, object]]:
            parsed: list[tuple[int, object]] = original(responses, pipeline)
            sizes.append([kind for kind, _ in parsed])
            return parsed

        pool._parse_responses = watched
        pool.open()
        pool.close()
    capability, private, state = (
        MessageType.SESSION_CAPABILITY,
        MessageType.APPLICATION_PRIVATE_DATA,
        MessageType.RUNSPACE_POOL_STATE,
    )
    assert sizes == [[capability, private], [state]]


def test_the_command_is_done_with_the_final_state(host: Host, call: Call) -> None:
    with host.pool() as pool:
        pipeline = call(pool, "Echo", T="x")
        pipeline.begin_invoke()
        state = None
        while state != CommandState.DONE:
            assert pipeline.state == State.RUNNING
            state, code, streams = pool.shell.receive("stdout", command_id=pipeline._command_id)
            pool._parse_responses(streams["stdout"], pipeline)
        assert (pipeline.state, code) == (State.COMPLETED, 0)


def test_cim_rows_have_raw_values_in_props_and_friendly_text_beside(host: Host, call: Call) -> None:
    with host.pool() as pool:
        first, second = call(pool, "Get-Row").invoke()
    assert first.types[0].endswith("CimInstance#ROOT/StandardCimv2/MSFT_NetIPInterface")
    assert first.to_string == 'MSFT_NetIPInterface (InstanceID = "if-2")'
    assert list(first.adapted_properties) == [
        "InstanceID", "Caption", "InterfaceIndex", "AddressFamily", "Forwarding", "PSComputerName",
    ]  # fmt: skip
    assert first.adapted_properties["AddressFamily"] == 2
    assert first.extended_properties["AddressFamily"] == "IPv4"
    assert second.extended_properties["AddressFamily"] == "IPv6"


def test_the_class_is_declared_once_in_each_pipeline(host: Host, call: Call) -> None:
    with host.pool() as pool:
        for _ in range(2):
            rows = call(pool, "Get-Row").invoke()
            metadata = [row.extended_properties["__ClassMetadata"][0].extended_properties for row in rows]
            assert ["MiXml" in each for each in metadata] == [True, False]


def test_a_row_sent_back_is_a_cim_instance_again_only_with_its_class(host: Host, call: Call) -> None:
    with host.pool() as pool:
        rows = call(pool, "Get-Row").invoke()
        for row in rows:
            call(pool, "Echo", InputObject=row).invoke()
    sent = [statements[0][0].arguments[0].value for statements, _ in host.engine.seen[1:]]
    assert isinstance(sent[0], CimInstance)
    assert sent[0].class_name == "MSFT_NetIPInterface"
    assert sent[0].keys == ("InstanceID",)
    assert sent[0].properties["AddressFamily"].cim_type == "uint16"
    assert not isinstance(sent[1], CimInstance)


def test_a_non_terminating_error_leaves_the_pipeline_completed(host: Host, call: Call) -> None:
    with host.pool() as pool:
        pipeline = call(pool, "Report", Name="gone")
        assert pipeline.invoke() == []
        assert (pipeline.state, pipeline.had_errors) == (State.COMPLETED, False)
        (error,) = pipeline.streams.error
    assert error.fq_error == "CmdletizationQuery_NotFound_Name,Get-Thing"
    assert error.category == 13
    assert (error.activity, error.reason) == ("Get-Thing", "CimJobException")
    assert (error.target_name, error.target_type) == ("gone", "String")
    assert error.exception.adapted_properties["HResult"] == -2146233087


def test_a_terminating_error_is_in_the_state_only(host: Host, call: Call) -> None:
    with host.pool() as pool:
        pipeline = call(pool, "Fail")
        pipeline.invoke()
        assert (pipeline.state, pipeline.had_errors) == (State.FAILED, True)
        (error,) = pipeline.streams.error  # pypsrp copies it there from the state
    assert error.fq_error == "CmdletizationQuery_NotFound_Name,Get-Thing"


def test_statements_run_in_order_and_their_output_comes_flat(host: Host) -> None:
    with host.pool() as pool:
        pipeline = PowerShell(pool)
        pipeline.add_cmdlet("Echo").add_argument("a").add_statement()
        pipeline.add_cmdlet("Echo").add_argument("b").add_statement()
        pipeline.add_cmdlet("Report").add_parameter("Name", "c")
        assert pipeline.invoke() == ["a", "b"]
        assert len(pipeline.streams.error) == 1
    assert [len(statement) for statement in host.engine.seen[0][0]] == [1, 1, 1]


def test_commands_joined_by_the_pipe_are_one_statement(host: Host) -> None:
    with host.pool() as pool:
        PowerShell(pool).add_cmdlet("Get-Row").add_cmdlet("Out-Null").invoke()
    ((statement,), _) = host.engine.seen[0]
    assert [invocation.name for invocation in statement] == ["Get-Row", "Out-Null"]


def test_values_arrive_as_plain_python(host: Host, call: Call) -> None:
    given = {
        "I": 5,
        "T": "text",
        "B": True,
        "N": None,
        "L": ["a", 1],
        "F": 1.5,
        "Y": b"\x01\x02",
        "D": {"k": "v"},
    }
    with host.pool() as pool:
        call(pool, "Echo", **given).invoke()
    arguments = host.engine.seen[0][0][0][0].arguments
    assert arguments == tuple(Argument(name, value) for name, value in given.items())


def test_a_switch_without_value_is_true_and_arguments_have_no_name(host: Host) -> None:
    with host.pool() as pool:
        PowerShell(pool).add_cmdlet("Echo").add_parameter("Force").add_argument("x").invoke()
    force, positional = host.engine.seen[0][0][0][0].arguments
    assert force.name == "Force"
    assert positional == Argument(None, "x")


def test_input_objects_reach_the_first_command(host: Host) -> None:
    with host.pool() as pool:
        pipeline = PowerShell(pool).add_cmdlet("Echo")
        assert pipeline.invoke(input=["one", 2]) == ["one", 2]


def test_null_output_is_an_output(host: Host) -> None:
    with host.pool() as pool:
        pipeline = PowerShell(pool).add_cmdlet("Echo").add_argument(None).add_argument(5)
        assert pipeline.invoke() == ["", 5]  # pypsrp shows an empty body as empty text


def test_warnings_and_progress(host: Host, call: Call) -> None:
    with host.pool() as pool:
        pipeline = call(pool, "Warn")
        pipeline.invoke()
        assert [record.message for record in pipeline.streams.warning] == ["careful"]
        (record,) = pipeline.streams.progress
        assert (record.activity, record.description) == ("Preparing", "1/1")
        (told,) = pipeline.streams.information
        assert (told.message_data, told.source, told.tags) == ("told", "Write-Information", ["a", "b"])
        assert (told.user, told.computer) == ("owner", "DESKTOP-WUJING")


def test_stop_ends_a_running_pipeline_and_the_pool_lives_on(host: Host, call: Call) -> None:
    with host.pool() as pool:
        pipeline = call(pool, "Wait")
        pipeline.begin_invoke()
        started = time.monotonic()
        pipeline.stop()
        assert time.monotonic() - started < 2
        assert call(pool, "Echo", Text="after").invoke() == ["after"]
    stopped = host.log()[0]
    assert (stopped["state"], stopped["error_id"]) == ("Stopped", "PipelineStopped")


def test_a_pool_of_one_runs_pipelines_one_after_the_other(host: Host, call: Call) -> None:
    with host.pool() as pool:
        first, second = call(pool, "Wait", Name="first"), call(pool, "Wait", Name="second")
        first.begin_invoke()
        second.begin_invoke()
        assert pool.get_available_runspaces() == 0
        assert host.engine.started == ["first"]
        host.engine.release.set()
        assert first.end_invoke() == second.end_invoke() == ["waited"]
        assert host.engine.started == ["first", "second"]


def test_a_queued_pipeline_stops_without_having_run(host: Host, call: Call) -> None:
    with host.pool() as pool:
        first, second = call(pool, "Wait", Name="first"), call(pool, "Wait", Name="second")
        first.begin_invoke()
        second.begin_invoke()
        second.stop()
        host.engine.release.set()
        assert first.end_invoke() == ["waited"]
        assert call(pool, "Echo", Text="next").invoke() == ["next"]
        assert host.engine.started == ["first"]


def test_a_wider_pool_runs_pipelines_at_once(host: Host, call: Call) -> None:
    with host.pool(max_runspaces=2) as pool:
        both = [call(pool, "Wait", Name=name) for name in ("first", "second")]
        for pipeline in both:
            pipeline.begin_invoke()
        deadline = time.monotonic() + 5
        while len(host.engine.started) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert sorted(host.engine.started) == ["first", "second"]
        host.engine.release.set()
        assert [pipeline.end_invoke() for pipeline in both] == [["waited"], ["waited"]]


def test_two_pools_do_not_hear_of_each_other(host: Host, call: Call) -> None:
    with host.pool() as one, host.pool() as two:
        assert call(one, "Echo", T="1").invoke() == ["1"]
        assert call(two, "Echo", T="2").invoke() == ["2"]
        one.close()
        assert two.is_alive()


def test_key_exchange_lets_a_secret_through_and_the_log_does_not_show_it(host: Host, call: Call) -> None:
    with host.pool() as pool:
        pool.exchange_keys()
        secret = pool.serialize("s3cret", ObjectMeta("SS"))
        call(pool, "Echo", Password=secret).invoke()
    assert host.engine.seen[0][0][0][0].arguments == (Argument("Password", "s3cret"),)
    assert host.log()[0]["commands"][0]["parameters"]["Password"]["value"] is None


def test_a_bug_in_a_command_fails_its_pipeline_and_nothing_else(
    host: Host, call: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    with host.pool() as pool:
        pipeline = call(pool, "Crash")
        pipeline.invoke()
        assert pipeline.streams.error[0].fq_error == "LabInternalError.RuntimeError"
        assert call(pool, "Echo", T="x").invoke() == ["x"]
    assert "a bug in a model" in capsys.readouterr().err


def test_a_message_that_cannot_be_read_is_a_fault_and_the_pool_lives_on(host: Host, call: Call) -> None:
    with host.pool() as pool:
        with pytest.raises(WSManFaultError):
            call(pool, "Echo", N=2**40).invoke()  # pypsrp writes it as an Int32
        assert call(pool, "Echo", N=1).invoke() == [1]
    assert len(host.engine.seen) == 1


def test_long_output_crosses_in_many_fragments(host: Host, call: Call) -> None:
    text = "0123456789" * 50_000
    with host.pool() as pool:
        assert call(pool, "Echo", T=text).invoke() == [text]


def test_sessions_know_their_configuration_and_user(host: Host, call: Call) -> None:
    with host.wsman(user="guest") as blocked, pytest.raises(WSManFaultError) as caught:
        RunspacePool(blocked, configuration_name="WSLNET").open()
    # Over loopback others than administrators are blocked unless this Windows was set up otherwise.
    assert caught.value.code == 5
    host.set(loopback_for_others=True)
    with host.pool(configuration_name="WSLNET", wsman={"user": "guest"}) as pool:
        call(pool, "Echo", T="x").invoke()
    session = host.engine.seen[0][1]
    assert (session.configuration, session.no_language, session.identity.user) == ("wslnet", True, "guest")
    assert host.log()[0]["configuration"] == "wslnet"


def test_an_unknown_configuration_is_refused(host: Host) -> None:
    with host.wsman() as client, pytest.raises(WSManFaultError) as caught:
        RunspacePool(client, configuration_name="nope").open()
    assert caught.value.code == 2150858779


@pytest.mark.parametrize("auth", ["negotiate", "ntlm"])
@pytest.mark.parametrize("user", ["owner", "OWNER", ".\\owner", "DESKTOP-WUJING\\owner"])
def test_logon_names(host: Host, auth: str, user: str) -> None:
    with host.pool(wsman={"user": user, "auth": auth}) as pool:
        assert pool.is_alive()


@pytest.mark.parametrize(("user", "password"), [("owner", "wrong"), ("nobody", "wrong"), ("owner", "")])
def test_a_wrong_logon_is_refused(host: Host, user: str, password: str) -> None:
    with host.wsman(user=user, password=password) as client, pytest.raises(AuthenticationError):
        RunspacePool(client).open()


def test_basic_and_plain_messages_are_refused_unless_allowed(host: Host, call: Call) -> None:
    plain = {"auth": "basic", "encryption": "never"}
    with host.wsman(**plain) as client, pytest.raises(AuthenticationError):
        RunspacePool(client).open()
    host.set(allow_basic=True, allow_unencrypted=True)
    with host.pool(wsman=plain) as pool:
        assert call(pool, "Echo", T="x").invoke() == ["x"]


def test_ntlm_without_encryption_is_refused(host: Host) -> None:
    with host.wsman(encryption="never") as client, pytest.raises(AuthenticationError):
        RunspacePool(client).open()


def test_the_service_tells_its_envelope_size(host: Host) -> None:
    host.set(max_envelope_kb=150)
    with host.wsman() as client:
        client.update_max_payload_size()
        assert client.max_envelope_size == 150 * 1024


def test_another_users_shell_is_out_of_reach(host: Host) -> None:
    with host.pool() as pool, host.wsman(user="guest") as stranger:
        pool.shell.wsman, own = stranger, pool.shell.wsman
        with pytest.raises(WSManFaultError) as caught:
            pool.shell._get_shell()
        pool.shell.wsman = own
    assert caught.value.code == 5


def test_numbers_are_those_of_psrpcore() -> None:
    assert {name: int(PSInvocationState[name]) for name in STATES} == STATES
    theirs = {kind.name.lower(): kind.value for kind in PSRPMessageType}
    assert {kind.name.replace("_", "").lower(): kind.value for kind in MessageType}.items() <= theirs.items()
