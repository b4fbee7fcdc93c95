"""The generated behaviour of CDXML commands over a provider of our own, and corpus/cim played through it."""

import json
import os
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from wslnet_lab.host.contract import (
    Argument,
    Category,
    CimInstance,
    CimValue,
    ErrorDetails,
    Identity,
    Invocation,
    Outcome,
    PlainObject,
    Session,
    Statement,
)
from wslnet_lab.host.engine import (
    Act,
    CdxmlCommand,
    Context,
    EngineSettings,
    MethodResult,
    ProviderError,
    Query,
    Registry,
    build_engine,
    hresult_error,
    mi_error,
    win32_error,
)

SHARED = Path(os.environ.get("WSLNET_SHARED", Path(__file__).parents[3] / "shared"))
RECORDINGS = SHARED / "corpus" / "cim"
SESSION = Session(Identity("DESKTOP\\owner", "S-1-5-21-1-2-3-1001"))
VM_CREATOR = "{40E0AC32-46A5-438A-A0B2-2B479E8F2E90}"
MI_NAMES = {
    "1": "Failed",
    "2": "AccessDenied",
    "3": "InvalidNamespace",
    "5": "InvalidClass",
    "6": "NotFound",
    "13": "TypeMismatch",
}


def a_row(class_name: str, key: str, **values: object) -> CimInstance:
    properties = {name: CimValue("string", value) for name, value in {"InstanceID": key, **values}.items()}
    return CimInstance("ROOT/StandardCimv2", class_name, properties, ("InstanceID",))


def key_of(row: CimInstance) -> str:
    return str(row.properties["InstanceID"].value)


def refusal(text: str) -> ProviderError | None:
    """The error that a name such as `err:win32:5` asks the provider for."""
    kind, _, rest = text.partition(":")
    if kind in {"fatal", "err", "nonterm-err"}:
        found = refusal(rest)
        if found is not None and kind == "fatal":
            found.severity = 7
        return found
    code = rest.partition(":")[0]
    match kind:
        case "win32":
            return win32_error(int(code), text)
        case "hr":
            return hresult_error(int(code, 16), text)
        case "mi":
            return mi_error(MI_NAMES[code], text)
        case "id":
            return ProviderError(code, text, category=Category.NOT_SPECIFIED)
    return None


class Store:
    """A provider over rows in memory that keeps what was done to it."""

    def __init__(self, rows: Iterable[CimInstance]) -> None:
        self.rows = list(rows)
        self.done: list[str] = []
        self.contexts: list[Context] = []

    def query(self, query: Query, context: Context) -> Iterator[CimInstance]:
        self.contexts.append(context)
        for values in query.filters.values():
            for value in values:
                error = refusal(str(value))
                if error is not None:
                    raise error
        return iter([row for row in self.rows if row.class_name == query.class_name])

    def create(self, class_name: str, values: Mapping[str, object], context: Context) -> CimInstance:
        self.contexts.append(context)
        error = refusal(str(values.get("DisplayName")))
        key = str(values.get("InstanceID", "new100"))
        if error is None and any(key_of(row) == key for row in self.rows):
            error = win32_error(87, "exists")
        if error is not None:
            raise error
        made = a_row(
            class_name, key, **{name: value for name, value in values.items() if name != "InstanceID"}
        )
        self.rows.append(made)
        self.done.append(f"create {key}")
        return made

    def modify(self, row: CimInstance, values: Mapping[str, object], context: Context) -> CimInstance:
        self.contexts.append(context)
        changed = {name: CimValue("string", value) for name, value in values.items()}
        after = replace(row, properties={**row.properties, **changed})
        self.rows = [after if key_of(held) == key_of(row) else held for held in self.rows]
        self.done.append(f"modify {key_of(row)} {dict(values)}")
        return after

    def delete(self, row: CimInstance, context: Context) -> None:
        self.contexts.append(context)
        if key_of(row) == "a2":
            raise win32_error(5, "denied")
        self.rows = [held for held in self.rows if key_of(held) != key_of(row)]
        self.done.append(f"delete {key_of(row)}")

    def invoke(
        self, target: CimInstance | None, method: str, arguments: Mapping[str, object], context: Context
    ) -> MethodResult:
        self.contexts.append(context)
        if target is None:
            if arguments["TaskName"] == "wslnet-repair" and "Force" not in arguments:
                raise hresult_error(0x800700B7, "exists")
            self.done.append(f"{method} {arguments['TaskName']}")
            return MethodResult(0, (a_row("MSFT_ScheduledTask", str(arguments["TaskName"])),))
        if key_of(target) == "rr":
            return MethodResult(5)
        self.done.append(f"{method} {key_of(target)}")
        return MethodResult()


def usual_rows() -> list[CimInstance]:
    return [
        a_row("MSFT_NetRoute", "r1", DestinationPrefix="0.0.0.0/0", NextHop="172.20.0.1", RouteMetric=0),
        a_row("MSFT_NetRoute", "r2", DestinationPrefix="10.9.0.0/16", NextHop="172.20.0.2", RouteMetric=256),
        *(
            a_row(
                "MSFT_NetIPInterface",
                f"ifx-7-{family}",
                InterfaceAlias="vEthernet (WSL (Hyper-V firewall))",
                AddressFamily=family,
                InterfaceIndex=7,
                Forwarding=0,
            )
            for family in (2, 23)
        ),
        a_row("MSFT_NetFirewallHyperVRule", "wslnet-ssh", DisplayName="wslnet ssh", Enabled=1),
        a_row("MSFT_NetFirewallHyperVRule", "other", DisplayName="other", Enabled=1),
        a_row("MSFT_NetFirewallHyperVVMSetting", "s1", Name=VM_CREATOR, Enabled=2),
        a_row("MSFT_ScheduledTask", "wslnet-repair", TaskName="wslnet-repair", TaskPath="\\wslnet\\"),
    ]


def registry_over(store: Store) -> Registry:
    rule, route, interface = "MSFT_NetFirewallHyperVRule", "MSFT_NetRoute", "MSFT_NetIPInterface"
    setting, task = "MSFT_NetFirewallHyperVVMSetting", "MSFT_ScheduledTask"
    named = {"Name": "InstanceID"}
    registry = Registry()
    registry.add_cdxml(
        CdxmlCommand("Get-NetRoute", route, Act.GET, store),
        CdxmlCommand("New-NetRoute", route, Act.CREATE, store),
        CdxmlCommand("Set-NetRoute", route, Act.MODIFY, store),
        CdxmlCommand("Remove-NetRoute", route, Act.DELETE, store, prompts=True),
        CdxmlCommand("Get-NetIPInterface", interface, Act.GET, store),
        CdxmlCommand("Set-NetIPInterface", interface, Act.MODIFY, store, values={"NlMtuBytes": "NlMtu"}),
        CdxmlCommand("Get-NetFirewallHyperVRule", rule, Act.GET, store, query=named),
        CdxmlCommand("New-NetFirewallHyperVRule", rule, Act.CREATE, store, values=named),
        CdxmlCommand("Set-NetFirewallHyperVRule", rule, Act.MODIFY, store, query=named),
        CdxmlCommand("Remove-NetFirewallHyperVRule", rule, Act.DELETE, store, query=named),
        CdxmlCommand("Enable-NetFirewallHyperVRule", rule, Act.INVOKE, store, query=named, method="Enable"),
        CdxmlCommand(
            "Disable-NetFirewallHyperVRule",
            rule,
            Act.INVOKE,
            store,
            query=named,
            method="Disable",
            prompts=True,
        ),
        CdxmlCommand("Get-NetFirewallHyperVVMSetting", setting, Act.GET, store),
        CdxmlCommand("Set-NetFirewallHyperVVMSetting", setting, Act.MODIFY, store),
        CdxmlCommand("Get-ScheduledTask", task, Act.GET, store),
        CdxmlCommand("Register-ScheduledTask", task, Act.STATIC, store, method="RegisterByXml"),
    )
    return registry


class Recorder:
    """A sink that keeps everything."""

    def __init__(self) -> None:
        self.outputs: list[object] = []
        self.errors: list[ErrorDetails] = []
        self.progressed = 0

    def output(self, value: object) -> None:
        self.outputs.append(value)

    def error(self, details: ErrorDetails) -> None:
        self.errors.append(details)

    def warning(self, text: str) -> None:
        raise AssertionError(text)

    def progress(self, activity: str, status: str, *, completed: bool) -> None:
        assert activity
        assert status
        assert completed
        self.progressed += 1

    def stopping(self) -> bool:
        return False


class Machine:
    """A store, an engine over it, and the last run."""

    def __init__(self, rows: Iterable[CimInstance]) -> None:
        self.store = Store(rows)
        self._engine = build_engine(registry_over(self.store), EngineSettings(computer_name="box2"))
        self.seen = Recorder()

    def run(self, *statements: Statement) -> Outcome:
        self.seen = Recorder()
        return self._engine.run(statements, SESSION, self.seen)

    def call(self, name: str, **arguments: object) -> Outcome:
        return self.run((a_call(name, **arguments),))

    @property
    def ids(self) -> list[str]:
        return [details.fqid for details in self.seen.errors]


def a_call(name: str, **arguments: object) -> Invocation:
    return Invocation(name, tuple(Argument(key, value) for key, value in arguments.items()))


@pytest.fixture
def machine() -> Machine:
    return Machine(usual_rows())


def reason_of(outcome: Outcome) -> str | None:
    return outcome.reason.fqid if outcome.reason else None


# ---- selecting


def test_no_selector_means_every_object(machine: Machine) -> None:
    machine.call("Remove-NetRoute", Confirm=False)
    assert machine.store.done == ["delete r1", "delete r2"]


def test_empty_list_matches_nothing_silently(machine: Machine) -> None:
    outcome = machine.call("Remove-NetRoute", DestinationPrefix=[], Confirm=False)
    assert (outcome.state, machine.ids, machine.store.done) == ("Completed", [], [])


def test_missing_values_are_reported_each_by_property_beside_the_rows(machine: Machine) -> None:
    machine.call("Get-NetFirewallHyperVRule", Name=["gone", "WSLNET-SSH", "away", "other*"])
    assert machine.ids == ["CmdletizationQuery_NotFound_InstanceID,Get-NetFirewallHyperVRule"] * 2
    assert [details.target_name for details in machine.seen.errors] == ["gone", "away"]
    assert len(machine.seen.outputs) == 2


def test_not_found_record(machine: Machine) -> None:
    machine.call("Get-NetIPInterface", ifIndex=[7, 99])
    [details] = machine.seen.errors
    assert details.category is Category.OBJECT_NOT_FOUND
    assert (details.target_name, details.target_type, details.target_object) == ("99", "UInt32", 99)
    assert (details.activity, details.reason) == ("Get-NetIPInterface", "CimJobException")
    assert details.remoting


def test_two_filters_report_once_and_only_without_rows(machine: Machine) -> None:
    machine.call("Get-NetRoute", DestinationPrefix=["0.0.0.0/0", "10.0.0.0/8"], NextHop="172.20.0.1")
    assert (len(machine.seen.outputs), machine.ids) == (1, [])
    machine.call("Get-NetRoute", DestinationPrefix="0.0.0.0/0", NextHop="172.20.0.2")
    assert machine.ids == ["CmdletizationQuery_NotFound,Get-NetRoute"]
    machine.call("Get-NetRoute", DestinationPrefix="9*", NextHop="8?")
    assert machine.ids == []


def test_enum_filters_compare_numbers_and_report(machine: Machine) -> None:
    machine.call("Get-NetIPInterface", AddressFamily="IPv6")
    assert [key_of(row) for row in machine.seen.outputs if isinstance(row, CimInstance)] == ["ifx-7-23"]
    machine.call("Get-NetFirewallHyperVRule", Enabled="False")
    assert machine.ids == ["CmdletizationQuery_NotFound_Enabled,Get-NetFirewallHyperVRule"]


def test_names_are_wildcards_unless_escaped() -> None:
    machine = Machine(
        a_row("MSFT_NetFirewallHyperVRule", name, DisplayName=name) for name in ("r [1]", "r 1")
    )
    for asked, found in {"r [1]": "r 1", "r `[1`]": "r [1]", "R ?": "r 1"}.items():
        machine.call("Get-NetFirewallHyperVRule", DisplayName=asked)
        assert [key_of(row) for row in machine.seen.outputs if isinstance(row, CimInstance)] == [found]


def test_query_options_reach_the_provider_and_filter_nothing(machine: Machine) -> None:
    machine.call("Get-NetRoute", PolicyStore="ActiveStore", IncludeAllCompartments=True)
    assert machine.store.contexts[-1].options == {
        "PolicyStore": "ActiveStore",
        "IncludeAllCompartments": True,
    }
    assert len(machine.seen.outputs) == 2


# ---- writing


def test_new_outputs_what_was_made_and_writes_numbers(machine: Machine) -> None:
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


def test_set_outputs_only_with_pass_thru(machine: Machine) -> None:
    machine.call("Set-NetIPInterface", AddressFamily="IPv4", Forwarding="Enabled", NlMtuBytes=1280)
    assert machine.seen.outputs == []
    machine.call("Set-NetIPInterface", AddressFamily="IPv4", Forwarding="Enabled", PassThru=True)
    [row] = machine.seen.outputs
    assert isinstance(row, CimInstance)
    assert (row.properties["Forwarding"].value, row.properties["NlMtu"].value) == (1, 1280)


def test_live_objects_bind(machine: Machine) -> None:
    outcome = machine.run(
        (a_call("Get-NetIPInterface"), a_call("Set-NetIPInterface", Forwarding="Enabled", PassThru=True))
    )
    assert (outcome.state, len(machine.seen.outputs)) == ("Completed", 2)


def test_objects_of_another_class_do_not_bind(machine: Machine) -> None:
    outcome = machine.run((a_call("Get-NetIPInterface"), a_call("Remove-NetRoute", Confirm=False)))
    # It binds all the same: Remove-NetRoute takes InterfaceIndex and InterfaceAlias by property name.
    assert outcome.state == "Completed"
    machine.run((a_call("Get-ScheduledTask"), a_call("Remove-NetFirewallHyperVRule")))
    assert machine.ids == ["InputObjectNotBound,Remove-NetFirewallHyperVRule"]
    assert machine.store.done == []


def test_method_code_is_an_error(machine: Machine) -> None:
    machine.store.rows.append(a_row("MSFT_NetFirewallHyperVRule", "rr", DisplayName="ret:5"))
    machine.call("Enable-NetFirewallHyperVRule", DisplayName="ret:5")
    [details] = machine.seen.errors
    assert details.fqid == "CimJob_Enable_5,Enable-NetFirewallHyperVRule"
    assert details.category is Category.INVALID_RESULT
    assert details.target_name == 'MSFT_NetFirewallHyperVRule (InstanceID = "rr")'


def three_rules() -> Machine:
    return Machine(
        a_row("MSFT_NetFirewallHyperVRule", key, DisplayName=f"del {key}") for key in ("a1", "a2", "a3")
    )


def test_writes_go_on_past_an_error() -> None:
    machine = three_rules()
    outcome = machine.call("Remove-NetFirewallHyperVRule", DisplayName="del*", PassThru=True)
    assert outcome.state == "Completed"
    assert machine.ids == ["Windows System Error 5,Remove-NetFirewallHyperVRule"]
    assert machine.store.done == ["delete a1", "delete a3"]
    assert len(machine.seen.outputs) == 2


def test_with_stop_writes_under_way_still_happen() -> None:
    machine = three_rules()
    outcome = machine.call("Remove-NetFirewallHyperVRule", DisplayName="del*", ErrorAction="Stop")
    assert (outcome.state, machine.ids) == ("Failed", [])
    assert machine.store.done == ["delete a1", "delete a3"]


def test_with_stop_and_throttle_limit_1_they_do_not() -> None:
    machine = three_rules()
    outcome = machine.call(
        "Remove-NetFirewallHyperVRule", DisplayName="del*", ErrorAction="Stop", ThrottleLimit=1
    )
    assert outcome.state == "Failed"
    assert machine.store.done == ["delete a1"]


def test_severity_7_terminates_even_when_silent(machine: Machine) -> None:
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
def test_prompt_that_cannot_be_asked_fails_the_whole(machine: Machine, action: str) -> None:
    outcome = machine.call("Remove-NetRoute", ErrorAction=action)
    assert outcome.reason is not None
    assert (outcome.state, outcome.reason.fqid, outcome.reason.activity) == ("Failed", "HostException", "")
    assert outcome.reason.reason == "MethodInvocationException"
    assert (machine.store.done, machine.seen.progressed) == ([], 0)


def test_prompt_under_silence_does_nothing_and_says_nothing(machine: Machine) -> None:
    outcome = machine.call("Remove-NetRoute", ErrorAction="SilentlyContinue")
    assert (outcome.state, machine.ids, machine.store.done) == ("Completed", [], [])


def test_confirm_true_asks_where_nothing_asks(machine: Machine) -> None:
    assert (
        reason_of(machine.call("New-NetFirewallHyperVRule", DisplayName="d", Confirm=True)) == "HostException"
    )
    assert machine.store.done == []


def test_nothing_to_ask_about(machine: Machine) -> None:
    outcome = machine.call("Remove-NetRoute", DestinationPrefix="10.77.0.0/16")
    assert outcome.state == "Completed"
    assert machine.ids == ["CmdletizationQuery_NotFound_DestinationPrefix,Remove-NetRoute"]


def test_what_if_leaves_no_trace(machine: Machine) -> None:
    for confirm in ({}, {"Confirm": False}, {"Confirm": True}):
        outcome = machine.call("Remove-NetRoute", WhatIf=True, **confirm)
        assert (outcome.state, machine.ids, machine.store.done) == ("Completed", [], [])
    machine.call("New-NetRoute", DestinationPrefix="10.1.0.0/16", InterfaceAlias="x", WhatIf=True)
    assert machine.store.done == []


def test_as_job_acts_unasked(machine: Machine) -> None:
    outcome = machine.call("Remove-NetRoute", DestinationPrefix="10.9.0.0/16", AsJob=True)
    [job] = machine.seen.outputs
    assert isinstance(job, PlainObject)
    assert job.type_names[0] == "System.Management.Automation.ThrottlingJob"
    assert (outcome.state, machine.store.done) == ("Completed", ["delete r2"])


def test_prompt_in_a_pipe_stops_the_statement_but_not_the_next(machine: Machine) -> None:
    outcome = machine.run(
        (a_call("Get-NetRoute"), a_call("Remove-NetRoute")),
        (a_call("New-NetFirewallHyperVRule", Name="n2", DisplayName="good"),),
    )
    assert (outcome.state, machine.ids) == ("Completed", ["HostException"])
    assert machine.seen.errors[0].reason == "ParentContainsErrorRecordException"
    assert machine.store.done == ["create n2"]


# ---- sessions


def test_rows_carry_the_session_they_came_by(machine: Machine) -> None:
    machine.call("Get-NetRoute", CimSession="BOX2")
    assert {row.computer_name for row in machine.seen.outputs if isinstance(row, CimInstance)} == {"BOX2"}


def test_only_session_lost(machine: Machine) -> None:
    outcome = machine.call("Get-NetRoute", CimSession=["away"])
    assert reason_of(outcome) == "CimJob_BrokenCimSession,Get-NetRoute"


# ---- the recordings

# Recordings that cannot be expressed here, each with its reason.
LEFT_OUT = {
    "back_keys_only": "what came back is rebuilt by the wire",
    "back_only_second": "what came back is rebuilt by the wire",
    "back_param_noclass": "what came back is rebuilt by the wire",
    "back_param_set": "what came back is rebuilt by the wire",
    "back_piped": "what came back is rebuilt by the wire",
    "err_class_missing": "a command of the recording's own module",
    "err_crash": "a fault inside a provider is a fault of the lab and is shown as such",
}
MORE_ROWS = {
    "err_one_of_three": [
        a_row("MSFT_NetFirewallHyperVRule", key, DisplayName=f"del {key}") for key in ("a1", "a2", "a3")
    ],
    "err_method_code": [a_row("MSFT_NetFirewallHyperVRule", "rr", DisplayName="ret:5")],
    "obj_unknown_enum": [a_row("MSFT_NetIPInterface", "ifx-9-2", InterfaceIndex=9, Forwarding=7)],
    **{
        name: [
            a_row("MSFT_NetFirewallHyperVRule", key, DisplayName=key)
            for key in ("rule [1]", "rule 1", "it's 100%_ok")
        ]
        for name in ("wild_brackets", "wild_brackets_escaped", "wild_quote_percent")
    },
}


def _names() -> list[str]:
    if not RECORDINGS.is_dir():
        return []
    left_out = {"binding-matrix", "binder-verdicts", *LEFT_OUT}
    return sorted(path.stem for path in RECORDINGS.glob("*.jsonl") if path.stem not in left_out)


def _value(node: ET.Element) -> object:
    match node.tag:
        case "S":
            return (node.text or "").replace("{{guid1}}", "{00000000-0000-0000-0000-00000000000A}")
        case "B":
            return node.text == "true"
        case "I32":
            return int(node.text or "")
        case "Nil":
            return None
    return [_value(item) for item in node.iterfind("LST/*")]


def _call(node: ET.Element) -> Invocation:
    arguments = []
    for entry in node.iterfind("MS/Obj[@N='Args']/LST/Obj/MS"):
        name, value = entry.find("*[@N='N']"), entry.find("*[@N='V']")
        assert name is not None
        assert value is not None
        arguments.append(Argument(name.text, _value(value)))
    return Invocation(node.findtext("MS/S[@N='Cmd']") or "", tuple(arguments))


def _statements(body: str) -> tuple[Statement, ...]:
    root = ET.fromstring(body)  # noqa: S314 - a recording of ours
    shell = root.find("MS/Obj[@N='PowerShell']/MS")
    assert shell is not None
    lists = shell.findall("Obj[@N='ExtraCmds']/LST/Obj/MS/Obj[@N='Cmds']/LST")
    lists = lists or shell.findall("Obj[@N='Cmds']/LST")
    return tuple(tuple(_call(node) for node in commands) for commands in lists)


def _done(log: list[str]) -> list[str]:
    """What the recorded server finished: the verbs of its `done` lines."""
    return [line.removeprefix("done ").strip() for line in log if line.startswith("done ")]


@pytest.mark.corpus
@pytest.mark.skipif(not RECORDINGS.is_dir(), reason="../shared/corpus is not there")
@pytest.mark.parametrize("name", _names())
def test_recording(name: str) -> None:
    head, *rows = [
        json.loads(line) for line in (RECORDINGS / f"{name}.jsonl").read_text("utf-8").splitlines()
    ]
    sent = [
        _statements(message["body"])
        for row in rows
        for message in row.get("msgs", [])
        if message["type"] == "CreatePipeline"
    ]
    machine = Machine([*usual_rows(), *MORE_ROWS.get(name, [])])
    assert len(sent) == len(head["result"]) > 0
    for statements, expected, texts in zip(sent, head["result"], head["error_texts"], strict=True):
        outcome = machine.run(*statements)
        shown = [(details.fqid, _category(details)) for details in machine.seen.errors]
        assert outcome.state == expected["state"]
        assert len(machine.seen.outputs) == expected["output"]
        assert shown == [tuple(error) for error in expected["errors"]]
        records = [*machine.seen.errors]
        if outcome.reason is not None:
            assert [outcome.reason.fqid, _category(outcome.reason)] == expected["reason"]
            records.append(outcome.reason)
        for details, text in zip(records, texts, strict=True):
            assert (details.activity, details.reason) == (text["activity"], text["reason"])
            if not text["target_name"].startswith("LAB_"):
                assert (details.target_name, details.target_type) == (
                    text["target_name"],
                    text["target_type"],
                )
            assert details.exception_types[0] == text["types"][0].removeprefix("Deserialized.")
    verbs = [line.partition(" ")[0].replace("Enable", "invoke") for line in machine.store.done]
    assert sorted(verb for verb in verbs if not verb.startswith("Register")) == sorted(
        _done(head["server_log"])
    )


def _category(details: ErrorDetails) -> str:
    return details.category.name.title().replace("_", "")
