"""Every parameter of every function of our endpoint, attacked: refused by the engine's own ids."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from wslnet_lab.host.contract import Argument, Invocation, PlainObject
from wslnet_win_agent.endpoint.offer import FUNCTIONS

pytestmark = pytest.mark.timeout(300)

ID = "0123456789abcdef0123456789abcdef"
GOOD: dict[str, dict[str, Any]] = {
    "Copy-WslnetConfig": {"To": "backup"},
    "Get-WslnetConfigContent": {"Kind": "file"},
    "Get-WslnetConfigItem": {"Kind": "draft"},
    "Get-WslnetFileContent": {"Kind": "answer", "Id": ID},
    "Get-WslnetFileItem": {"Kind": "lock", "Id": ID},
    "Get-WslnetRegistry": {"Key": ["windows", "v4tov4"]},
    "Get-WslnetUserProfile": {},
    "Move-WslnetFile": {"From": "lock", "To": "lock-dead", "Id": ID},
    "New-WslnetFile": {"Kind": "lock", "Id": ID, "Text": '{"run": "r-1", "holder": "anna@laptop"}'},
    "New-WslnetHyperVRule": {
        "Name": "wslnet-allow-tcp-22",
        "DisplayName": "wslnet: TCP 22 into WSL",
        "Direction": "Inbound",
        "Action": "Allow",
        "Protocol": "TCP",
        "LocalPorts": ["22", "8000-8010"],
        "RemoteAddresses": ["192.168.1.0/24", "LocalSubnet"],
        "Profiles": "Domain,Private",
        "Enabled": "True",
    },
    "New-WslnetHyperVSetting": {"DefaultInboundAction": "Block"},
    "Publish-WslnetConfig": {"From": "draft"},
    "Remove-WslnetConfig": {"Kind": "draft"},
    "Remove-WslnetFile": {"Kind": "answer", "Id": ID},
    "Remove-WslnetHyperVRule": {"Name": "wslnet-allow-tcp-22"},
    "Set-WslnetConfigDraft": {"Content": "W3dzbDJdCg=="},
    "Set-WslnetFile": {"Kind": "request", "Id": ID, "Content": "e30="},
    "Set-WslnetForwarding": {"InterfaceIndex": 12, "AddressFamily": "IPv4", "Forwarding": "Enabled"},
    "Set-WslnetHyperVSetting": {"DefaultInboundAction": "Allow"},
    "Start-WslnetTask": {"Name": "programs"},
}
OPTIONAL = {("New-WslnetHyperVRule", "LocalPorts")}
NUMBERS = {("Set-WslnetForwarding", "InterfaceIndex")}
CASED = {"Id", "Name", "DisplayName", "Protocol", "RemoteAddresses", "Profiles", "Content", "LocalPorts"}
"""Those with a pattern that minds case; the rest are sets, which do not (jea-facts D)."""

VALIDATION = "ParameterArgumentValidationError"
TRANSFORMATION = "ParameterArgumentTransformationError"
ALIKE = str.maketrans(
    {"e": "\u0435", "o": "\u043e", "a": "\u0430", "i": "\u0456", "T": "\u0422", "r": "\u0433"}
)
PAIRS = [(name, parameter) for name in FUNCTIONS for parameter in GOOD[name]]


def _bad_values(function: str, parameter: str) -> Iterator[tuple[str, object, str]]:
    """Values that must be refused, with the id that says so."""
    good = GOOD[function][parameter]
    number = (function, parameter) in NUMBERS
    text = str(good[0] if isinstance(good, list) else good)
    wrong = TRANSFORMATION if number else VALIDATION
    whole = isinstance(good, list)
    yield "null", None, VALIDATION
    yield "empty", "", VALIDATION
    yield "empty list", [], TRANSFORMATION if number else VALIDATION
    yield "list with null", [None], wrong
    yield "list of two", [good, "*"] if not whole else [*good, "*"], wrong
    yield "table", {"a": 1}, wrong
    yield "object", PlainObject(("Evil.Type", "System.Object"), {}, {"x": 1}, "$(x)"), wrong
    yield "wildcard", "*", wrong
    yield "wildcard in it", text[:-1] + "[a-z]", wrong
    yield "quotes", f"{text}'; Remove-Item x; '", wrong
    yield "expression", "$(Get-Process)", wrong
    yield "variable", "$env:PATH", wrong
    yield "zero", 0, VALIDATION
    yield "negative", -1, VALIDATION
    if not number:
        yield "new line", text + "\n", VALIDATION
        yield "carriage return", text + "\r\n", VALIDATION
        yield "nul", text + "\0", VALIDATION
        yield (
            "look-alike",
            text.translate(ALIKE) if text.translate(ALIKE) != text else text + "\u0435",
            VALIDATION,
        )
        yield "kelvin", text + "\u212a", VALIDATION
    else:
        yield "beyond", 2**31, TRANSFORMATION


def _call(function: str, values: dict[str, Any], **more: object) -> Invocation:
    arguments = tuple(Argument(name, value) for name, value in {**values, **more}.items())
    return Invocation(function, arguments)


@pytest.fixture(scope="module")
def endpoint(open_endpoint: Callable[[], Any]) -> Any:
    return open_endpoint()


def test_only_what_is_listed_is_public(endpoint: Any) -> None:
    beyond = [name for name in endpoint.visible if not name.startswith("Get-") or "Wslnet" in name]

    assert set(FUNCTIONS) <= set(endpoint.visible)
    assert set(beyond) - set(FUNCTIONS) == {
        *(
            "Clear-Host",
            "Exit-PSSession",
            "Export-ScheduledTask",
            "Measure-Object",
            "Out-Default",
            "Select-Object",
        )
    }


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_good_call_does_one_thing(function: str, endpoint: Any) -> None:
    outcome, sink = endpoint.run((_call(function, GOOD[function]),))

    assert (outcome.state, outcome.reason, sink.errors) == ("Completed", None, [])
    assert len(endpoint.machine.writes) == (not function.startswith("Get-"))
    assert all("Confirm" not in values or values["Confirm"] is False for _, values in endpoint.machine.writes)


@pytest.mark.parametrize(("function", "parameter"), PAIRS)
def test_bad_values_are_refused_and_nothing_acts(function: str, parameter: str, endpoint: Any) -> None:
    for what, value, error_id in _bad_values(function, parameter):
        outcome, _ = endpoint.run((_call(function, GOOD[function], **{parameter: value}),))

        reason = outcome.reason
        assert reason is not None, (what, endpoint.machine.calls)
        assert reason.fqid.partition(",")[0].startswith(error_id), (what, reason.fqid)
        assert reason.fqid.partition(",")[2] == function, what
        assert endpoint.machine.calls == [], what


@pytest.mark.parametrize(("function", "parameter"), PAIRS)
def test_without_its_selector_nothing_acts(function: str, parameter: str, endpoint: Any) -> None:
    others = {name: value for name, value in GOOD[function].items() if name != parameter}
    piped = PlainObject(
        ("System.Management.Automation.PSCustomObject",), {}, {parameter: GOOD[function][parameter]}
    )
    by_pipe = Invocation(function, _call(function, others).arguments, pipeline_input=(piped,))
    plain, _ = endpoint.run((_call(function, others),))
    acted = list(endpoint.machine.calls)
    fed, sink = endpoint.run((by_pipe,))

    if (function, parameter) in OPTIONAL:
        assert plain.state == "Completed"
        assert [error.fqid for error in sink.errors] == [f"InputObjectNotBound,{function}"]
        return
    assert acted == endpoint.machine.calls == []
    missing = f"MissingMandatoryParameter,{function}"
    assert [plain.reason.fqid, fed.reason.fqid] == [missing, missing]


@pytest.mark.parametrize(("function", "parameter"), PAIRS)
def test_names_and_positions(function: str, parameter: str, endpoint: Any) -> None:
    good = GOOD[function]
    others = {name: value for name, value in good.items() if name != parameter}
    endpoint.run((_call(function, good),))
    wanted = endpoint.machine.calls[-1].parameters

    for spelled in (parameter.upper(), f"-{parameter}"):
        endpoint.run((_call(function, others, **{spelled: good[parameter]}),))
        assert endpoint.machine.calls[-1].parameters == wanted

    twice = (*_call(function, good).arguments, Argument(parameter, good[parameter]))
    positional = (*_call(function, others).arguments, Argument(None, good[parameter]))
    for arguments, error_id in (
        (twice, "ParameterAlreadyBound"),
        (positional, "PositionalParameterNotFound"),
        ((*_call(function, good).arguments, Argument("InterfaceAlias", "x")), "NamedParameterNotFound"),
        ((*_call(function, good).arguments, Argument("CimSession", "x")), "NamedParameterNotFound"),
        ((*_call(function, good).arguments, Argument("WhatIf", value=True)), "NamedParameterNotFound"),
        ((*_call(function, good).arguments, Argument("PolicyStore", "x")), "NamedParameterNotFound"),
    ):
        outcome, _ = endpoint.run((Invocation(function, arguments),))
        assert outcome.reason.fqid == f"{error_id},{function}"
        assert endpoint.machine.calls == []


@pytest.mark.parametrize(("function", "parameter"), PAIRS)
def test_an_abbreviation_leads_to_the_same_checks(function: str, parameter: str, endpoint: Any) -> None:
    others = {name: value for name, value in GOOD[function].items() if name != parameter}
    mine = {name.lower() for name in GOOD[function]}
    for length in range(1, len(parameter)):
        short = parameter[:length]
        bound = [name for name in mine if name.startswith(short.lower())]
        outcome, _ = endpoint.run((_call(function, others, **{short: "*"}),))

        # What is also the beginning of a common parameter loses against our own (jea-facts D).
        wrong = TRANSFORMATION if (function, parameter) in NUMBERS else VALIDATION
        expected = wrong if len(bound) == 1 else "AmbiguousParameter"
        assert outcome.reason.fqid == f"{expected},{function}", short
        assert endpoint.machine.calls == []


@pytest.mark.parametrize(("function", "parameter"), PAIRS)
@pytest.mark.parametrize("alias", ["ifIndex", "ifAlias", "ID", "InstanceID", "PSPath", "LP", "Session"])
def test_an_alias_of_windows_own_cmdlets_is_none_here(
    function: str, parameter: str, alias: str, endpoint: Any
) -> None:
    others = {name: value for name, value in GOOD[function].items() if name != parameter}
    if alias.lower() in {name.lower()[: len(alias)] for name in GOOD[function]}:
        return  # it is one of our own names, or the beginning of one
    outcome, _ = endpoint.run((_call(function, others, **{alias: GOOD[function][parameter]}),))

    assert outcome.reason.fqid == f"NamedParameterNotFound,{function}"
    assert endpoint.machine.calls == []


@pytest.mark.parametrize(("function", "parameter"), PAIRS)
def test_case_of_values(function: str, parameter: str, endpoint: Any) -> None:
    good = GOOD[function][parameter]
    swapped = [each.swapcase() for each in good] if isinstance(good, list) else str(good).swapcase()
    outcome, _ = endpoint.run((_call(function, GOOD[function], **{parameter: swapped}),))

    # A set takes any case and means the same; a pattern of ours does not, unless it has no letters.
    minds = parameter in CASED and swapped != good and function != "Start-WslnetTask"
    if parameter == "Content":
        assert outcome.state == "Completed"
    elif minds:
        assert outcome.reason.fqid == f"{VALIDATION},{function}"
        assert endpoint.machine.calls == []
    else:
        assert outcome.state == "Completed"


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize(
    "common", ["OutVariable", "ErrorVariable", "WarningVariable", "InformationVariable", "PipelineVariable"]
)
def test_common_parameters_write_no_variables(function: str, common: str, endpoint: Any) -> None:
    refused = {"x": "VariableReferenceNotSupportedInDataSection", "global:ErrorActionPreference": None}
    refused["+x"] = refused["global:ErrorActionPreference"] = refused["x"]
    refused |= dict.fromkeys(("env:PATH", "function:Get-Evil", "alias:x"), f"{VALIDATION},{function}")
    for value, error_id in refused.items():
        outcome, _ = endpoint.run((_call(function, GOOD[function], **{common: value}),))

        assert outcome.reason.fqid == error_id
        assert endpoint.machine.calls == []


@pytest.mark.parametrize(
    "name",
    [
        *("Get-WslnetOwnPath", "Assert-WslnetPlainFile", "WslnetEndpoint\\Get-WslnetOwnPath"),
        *("Set-NetIPInterface", "NetTCPIP\\Set-NetIPInterface", "Register-ScheduledTask", "Set-Content"),
        *("NetSecurity\\Remove-NetFirewallHyperVRule", "Invoke-Expression", "ForEach-Object", "Set-Variable"),
        *(
            "& Set-WslnetForwarding",
            "Set-Wslnet*",
            "C:\\Windows\\System32\\cmd.exe",
            "Get-Item",
            "Get-Content",
        ),
    ],
)
def test_hidden_commands_are_not_there(name: str, endpoint: Any) -> None:
    outcome, _ = endpoint.run((Invocation(name),))

    assert outcome.reason.fqid == "CommandNotFoundException"
    assert endpoint.machine.calls == []


def test_script_text_is_refused_wherever_it_stands(endpoint: Any) -> None:
    script = Invocation("Set-WslnetForwarding -InterfaceIndex 1", is_script=True)
    alone, _ = endpoint.run((script,))
    behind, _ = endpoint.run((_call("Get-WslnetUserProfile", {}), script))
    second, _ = endpoint.run((_call("Get-WslnetUserProfile", {}),), (script,))

    assert {each.reason.fqid for each in (alone, behind, second)} == {"ScriptsNotAllowed"}


CONTENT = [name for name in FUNCTIONS if "Config" in name or "File" in name]


@pytest.mark.parametrize(
    "function", [name for name in CONTENT if not name.startswith("New-") and "Item" not in name]
)
def test_a_link_is_never_followed(function: str, open_endpoint: Callable[[], Any]) -> None:
    endpoint = open_endpoint()
    suffixes = ("", ".wslnet-tmp", ".wslnet-bak")
    endpoint.machine.links = {f"C:\\Users\\anna\\.wslconfig{suffix}" for suffix in suffixes}
    endpoint.machine.links |= {"C:\\Users\\anna\\AppData\\Local\\wslnet", "C:\\ProgramData\\wslnet.lock"}
    outcome, sink = endpoint.run((_call(function, GOOD[function]),))

    assert outcome.reason.fqid == "WslnetRefusedLink"
    assert (endpoint.machine.writes, sink.outputs) == ([], [])


def test_the_path_comes_from_who_is_connected(endpoint: Any) -> None:
    endpoint.run((_call("Publish-WslnetConfig", GOOD["Publish-WslnetConfig"]),))
    [(name, values)] = endpoint.machine.writes

    assert name == "Move-Item"
    assert values["LiteralPath"] == ["C:\\Users\\anna\\.wslconfig.wslnet-tmp"]
    assert values["Destination"] == "C:\\Users\\anna\\.wslconfig"
