"""Statements, pipes, preferences, stop: how a pipeline ends and what runs (binder-facts 7)."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from wslnet_lab.host.contract import (
    Argument,
    BoundCall,
    Category,
    CommandError,
    ErrorDetails,
    Identity,
    Invocation,
    Notice,
    Outcome,
    PlainObject,
    Session,
    Sink,
)
from wslnet_lab.host.engine import EngineSettings, Registry, build_engine

SESSION = Session(Identity("DESKTOP\\owner", "S-1-5-21-1-2-3-1001"))
NOT_THERE = ErrorDetails(
    fqid="PathNotFound,Microsoft.PowerShell.Commands.GetItemCommand",
    category=Category.OBJECT_NOT_FOUND,
    message="not there",
    exception_types=("System.Management.Automation.ItemNotFoundException",),
)


class Commands:
    """Bodies of a few commands, and a trace of what ran."""

    def __init__(self) -> None:
        self.ran: list[str] = []

    def get_item(self, call: BoundCall, sink: Sink) -> Iterator[object]:
        paths = call.parameters.get("Path")
        for path in paths if isinstance(paths, list) else []:
            self.ran.append(f"get {path}")
            if path == "gone":
                sink.error(NOT_THERE)
            elif path == "broken":
                raise CommandError(NOT_THERE)
            else:
                yield PlainObject(("System.IO.FileInfo",), {"FullName": path, "PSPath": path})

    def remove_item(self, call: BoundCall, _sink: Sink) -> Iterator[object]:
        self.ran.append(f"remove {call.parameters.get('Path') or call.parameters.get('LiteralPath')}")
        yield from ()

    def stop_service(self, call: BoundCall, _sink: Sink) -> Iterator[object]:
        self.ran.append(f"stop {call.parameter_set} {call.pipeline_input}")
        yield from ()

    def write(self, call: BoundCall, sink: Sink) -> Iterator[object]:
        self.ran.append("write")
        sink.warning("mind the gap")
        yield call.parameters["Value"]


class Host:
    """An engine over these commands and a sink that keeps what comes."""

    def __init__(self) -> None:
        self.commands = Commands()
        registry = Registry()
        registry.add("Get-Item", self.commands.get_item)
        registry.add("Remove-Item", self.commands.remove_item)
        registry.add("Stop-Service", self.commands.stop_service)
        registry.add("Set-Content", self.commands.write)
        self._engine = build_engine(registry, EngineSettings(reading="all"))
        self.outputs: list[object] = []
        self.errors: list[ErrorDetails] = []
        self.warnings: list[str] = []
        self.stop_after: int | None = None

    def run(self, *statements: Any) -> Outcome:
        self.outputs, self.errors, self.warnings = [], [], []
        return self._engine.run(tuple(statements), SESSION, self)

    def output(self, value: object) -> None:
        self.outputs.append(value)

    def error(self, details: ErrorDetails) -> None:
        self.errors.append(details)

    def warning(self, text: str) -> None:
        self.warnings.append(text)

    def notice(self, record: Notice) -> None:
        raise AssertionError(record)

    def stopping(self) -> bool:
        return self.stop_after is not None and len(self.outputs) >= self.stop_after


@pytest.fixture
def host() -> Host:
    return Host()


def call(name: str, **arguments: object) -> Invocation:
    return Invocation(name, tuple(Argument(key, value) for key, value in arguments.items()))


GOOD = (call("Get-Item", Path="a"),)
UNKNOWN = (call("Get-Nothing"),)
BAD_PARAMETER = (call("Get-Item", Path="a", Bogus=1),)
GONE = (call("Get-Item", Path="gone"),)
BROKEN = (call("Get-Item", Path="broken"),)
GONE_STOP = (call("Get-Item", Path="gone", ErrorAction="Stop"),)
WRITE = (call("Set-Content", Path="f", Value="x"),)


def ids(host: Host) -> list[str]:
    return [details.fqid.partition(",")[0] for details in host.errors]


@pytest.mark.parametrize(
    ("bad", "error_id"),
    [(UNKNOWN, "CommandNotFoundException"), (BAD_PARAMETER, "NamedParameterNotFound")],
)
def test_first_of_several_fails(host: Host, bad: Any, error_id: str) -> None:
    outcome = host.run(bad, WRITE)
    assert (outcome, ids(host), host.commands.ran) == (Outcome("Completed"), [error_id], ["write"])
    assert host.errors[0].reason == "ParentContainsErrorRecordException"
    assert host.errors[0].exception_types[0].endswith(".ParentContainsErrorRecordException")


def test_a_thrown_record_keeps_its_exception(host: Host) -> None:
    host.run(BROKEN, WRITE)
    assert host.errors == [NOT_THERE]


@pytest.mark.parametrize("bad", [UNKNOWN, BAD_PARAMETER, BROKEN])
def test_a_later_one_fails_and_the_rest_runs_unseen(host: Host, bad: Any) -> None:
    outcome = host.run(GOOD, bad, WRITE)
    assert outcome.state == "Failed"
    assert outcome.reason is not None
    assert (len(host.outputs), host.errors, host.warnings) == (1, [], [])
    assert host.commands.ran[-1] == "write"


def test_two_fail(host: Host) -> None:
    outcome = host.run(UNKNOWN, BAD_PARAMETER)
    assert outcome.reason is not None
    assert outcome.reason.fqid.startswith("NamedParameterNotFound,")
    assert ids(host) == ["CommandNotFoundException"]


def test_single_failure(host: Host) -> None:
    outcome = host.run(BAD_PARAMETER)
    assert outcome.reason is not None
    assert (outcome.state, ids(host), host.commands.ran) == ("Failed", [], [])
    assert outcome.reason.reason == "ParameterBindingException"


@pytest.mark.parametrize("before", [(), (GOOD,)])
def test_own_stop_keeps_later_statements_from_running(host: Host, before: Any) -> None:
    outcome = host.run(*before, GONE_STOP, WRITE)
    assert outcome.reason is not None
    assert (outcome.state, outcome.reason.fqid) == ("Failed", NOT_THERE.fqid)
    assert "write" not in host.commands.ran


def test_a_binding_error_with_stop_does_not(host: Host) -> None:
    host.run((call("Get-Item", Path="a", Bogus=1, ErrorAction="Stop"),), WRITE)
    assert host.commands.ran == ["write"]


@pytest.mark.parametrize(
    ("action", "state", "count"),
    [("Continue", "Completed", 1), ("SilentlyContinue", "Completed", 0), ("Ignore", "Completed", 0)],
)
def test_error_action(host: Host, action: str, state: str, count: int) -> None:
    outcome = host.run((call("Get-Item", Path=["gone", "a"], ErrorAction=action),))
    assert (outcome.state, len(host.errors), len(host.outputs)) == (state, count, 1)


def test_error_action_inquire_cannot_ask(host: Host) -> None:
    outcome = host.run((call("Get-Item", Path="gone", ErrorAction="Inquire"),))
    assert outcome.reason is not None
    assert outcome.reason.fqid.startswith("HostFunctionNotImplemented,")
    assert outcome.reason.category is Category.NOT_IMPLEMENTED


def test_silence_does_not_soften_a_terminating_error(host: Host) -> None:
    outcome = host.run((call("Get-Item", Path="broken", ErrorAction="SilentlyContinue"),))
    assert (outcome.state, outcome.reason) == ("Failed", NOT_THERE)


def test_error_gets_its_activity(host: Host) -> None:
    host.run(GONE)
    assert host.errors[0].activity == "Get-Item"


@pytest.mark.parametrize(("action", "shown"), [("Continue", 1), ("SilentlyContinue", 0), ("Ignore", 0)])
def test_warning_action(host: Host, action: str, shown: int) -> None:
    outcome = host.run((call("Set-Content", Path="f", Value="x", WarningAction=action),))
    assert (outcome.state, len(host.warnings), len(host.outputs)) == ("Completed", shown, 1)


def test_warning_action_stop(host: Host) -> None:
    outcome = host.run((call("Set-Content", Path="f", Value="x", WarningAction="Stop"),))
    assert outcome.reason is not None
    assert outcome.reason.fqid.startswith("ActionPreferenceStop,")
    assert (len(host.warnings), host.outputs) == (1, [])


def test_pipe_binds_by_property_name_once_per_object(host: Host) -> None:
    outcome = host.run((call("Get-Item", Path=["a", "b"]), call("Remove-Item")))
    assert outcome.state == "Completed"
    assert host.commands.ran == ["get a", "get b", "remove ['a']", "remove ['b']"]


def test_commands_with_input_object_get_all_at_once(host: Host) -> None:
    outcome = host.run((Invocation("Stop-Service", pipeline_input=("a", "b")),))
    assert (outcome.state, host.commands.ran) == ("Completed", ["stop InputObject ('a', 'b')"])


def test_they_are_not_called_for_nothing(host: Host) -> None:
    host.run((call("Get-Item", Path="gone", ErrorAction="Ignore"), call("Stop-Service")))
    assert host.commands.ran == ["get gone"]


def test_object_that_fits_nowhere(host: Host) -> None:
    outcome = host.run((call("Get-Item", Path="a"), call("Get-Command", Name="x")))
    assert (outcome.state, ids(host)) == ("Completed", ["InputObjectNotBound"])
    assert host.errors[0].category is Category.INVALID_ARGUMENT


@pytest.mark.parametrize("second", [call("Remove-Item", Bogus=1), call("Get-Nothing")])
def test_binding_error_in_a_pipe_stops_before_anything_runs(host: Host, second: Invocation) -> None:
    outcome = host.run((call("Get-Item", Path="a"), second))
    assert (outcome.state, host.commands.ran) == ("Failed", [])


def test_objects_that_the_client_pipes_in(host: Host) -> None:
    host.run((Invocation("Remove-Item", pipeline_input=("a", "b")),))
    assert host.commands.ran == ["remove ['a']", "remove ['b']"]


def test_own_errors_of_a_command_stay_in_the_stream_whatever_a_body_may_do(host: Host) -> None:
    """Clients such as pypsrp never set RedirectShellErrorOutputPipe (windows-facts 13)."""
    command = replace(call("Get-Item", Path=["gone", "b"]), errors_end_it=True)
    outcome = host.run((command,))
    assert (outcome.state, len(host.errors), len(host.outputs)) == ("Completed", 1, 1)


def test_script_text_is_not_run(host: Host) -> None:
    outcome = host.run((Invocation("1+1", is_script=True),))
    assert outcome.reason is not None
    assert (outcome.reason.fqid, outcome.reason.category) == ("ScriptsNotAllowed", Category.PARSER_ERROR)


def test_command_without_a_model_says_so(host: Host) -> None:
    outcome = host.run((call("Get-WinEvent", LogName="System"),))
    assert outcome.reason is not None
    assert outcome.reason.fqid == "NotModelledByLab,Microsoft.PowerShell.Commands.GetWinEventCommand"
    assert outcome.reason.category is Category.NOT_IMPLEMENTED


def test_it_binds_before_it_says_so(host: Host) -> None:
    outcome = host.run((call("Get-WinEvent", Bogus=1),))
    assert outcome.reason is not None
    assert outcome.reason.fqid.startswith("NamedParameterNotFound,")


def test_module_of_a_command_must_be_right(host: Host) -> None:
    outcome = host.run((call("Nowhere\\Get-Item", Path="a"),))
    assert outcome.reason is not None
    assert outcome.reason.fqid == "CouldNotAutoLoadModule"


def test_stop_between_objects(host: Host) -> None:
    host.stop_after = 1
    outcome = host.run((call("Get-Item", Path=["a", "b", "c"]),), WRITE)
    assert outcome.reason is not None
    assert (outcome.state, outcome.reason.fqid) == ("Stopped", "PipelineStopped")
    assert (len(host.outputs), "write" in host.commands.ran) == (1, False)


def test_unknown_name_in_the_registry() -> None:
    registry = Registry()
    registry.add("Get-Nothing", Commands().get_item)
    with pytest.raises(ValueError, match="no command of the oracle"):
        build_engine(registry)


def test_name_registered_twice() -> None:
    registry = Registry()
    registry.add("Get-Item", Commands().get_item)
    with pytest.raises(ValueError, match="twice"):
        registry.add("get-item", Commands().get_item)
