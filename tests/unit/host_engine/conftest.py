"""A provider over rows in memory, an engine over it, and a sink that keeps what comes."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import pytest
from tests.quiet_sink import QuietSink

from wslnet_lab.host.contract import (
    Argument,
    Category,
    CimInstance,
    CimValue,
    Identity,
    Invocation,
    Notice,
    Outcome,
    Progress,
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

SESSION = Session(Identity("DESKTOP\\owner", "S-1-5-21-1-2-3-1001"))
VM_CREATOR = "{40E0AC32-46A5-438A-A0B2-2B479E8F2E90}"
MI_NAMES = {
    "1": "Failed",
    "2": "AccessDenied",
    "3": "InvalidNamespace",
    "4": "InvalidParameter",
    "5": "InvalidClass",
    "6": "NotFound",
    "7": "NotSupported",
    "11": "AlreadyExists",
    "13": "TypeMismatch",
    "15": "InvalidQuery",
    "16": "MethodNotAvailable",
    "17": "MethodNotFound",
    "22": "InvalidOperationTimeout",
    "27": "ServerLimitsExceeded",
    "28": "ServerIsShuttingDown",
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
        if query.associated is not None:
            # A filter object has its rule's InstanceID (windows-facts 1.1).
            key = key_of(query.associated[1])
            return iter(
                [row for row in self.rows if (row.class_name, key_of(row)) == (query.class_name, key)]
            )
        return iter([row for row in self.rows if row.class_name == query.class_name])

    def _of(self, class_name: str) -> list[CimInstance]:
        return [row for row in self.rows if row.class_name == class_name]

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
        CdxmlCommand("Get-NetFirewallRule", "MSFT_NetFirewallRule", Act.GET, store, query=named),
        CdxmlCommand("Get-NetFirewallPortFilter", "MSFT_NetProtocolPortFilter", Act.GET, store),
        CdxmlCommand("Get-ScheduledTask", task, Act.GET, store),
        CdxmlCommand("Register-ScheduledTask", task, Act.STATIC, store, method="RegisterByXml"),
    )
    return registry


@dataclass
class Recorder(QuietSink):
    """Keeps remarks, too, and counts progress that ends."""

    remarks: list[tuple[str, str]] = field(default_factory=list)
    progressed: int = 0

    def remark(self, kind: str, text: str) -> None:
        self.remarks.append((kind, text))

    def notice(self, record: Notice) -> None:
        assert isinstance(record, Progress)
        assert record.completed
        self.progressed += 1


class Machine:
    """A store, an engine over it, and the last run."""

    def __init__(self, rows: Iterable[CimInstance]) -> None:
        self.store = Store(rows)
        self._engine = build_engine(registry_over(self.store), EngineSettings(computer_name="box2"))
        self.seen = Recorder()

    def add(self, class_name: str, key: str, **values: object) -> None:
        """Adds a row."""
        self.store.rows.append(a_row(class_name, key, **values))

    def run(self, *statements: Statement) -> Outcome:
        """Runs statements."""
        self.seen = Recorder()
        return self._engine.run(statements, SESSION, self.seen)

    def call(self, name: str, **arguments: object) -> Outcome:
        """Runs one command."""
        return self.pipe((name, arguments))

    def pipe(self, *commands: tuple[str, Mapping[str, object]]) -> Outcome:
        """Runs one statement."""
        return self.run(self.statement(*commands))

    @property
    def keys(self) -> list[str]:
        """The keys of the rows put out."""
        return [key_of(row) for row in self.seen.outputs if isinstance(row, CimInstance)]

    @staticmethod
    def statement(*commands: tuple[str, Mapping[str, object]]) -> Statement:
        """Commands joined by the pipe."""
        return tuple(
            Invocation(name, tuple(Argument(key, value) for key, value in arguments.items()))
            for name, arguments in commands
        )

    @property
    def ids(self) -> list[str]:
        return [details.fqid for details in self.seen.errors]


@pytest.fixture
def machine() -> Machine:
    """A machine with the usual rows."""
    return Machine(usual_rows())


@pytest.fixture
def bare_machine() -> Machine:
    """A machine without rows."""
    return Machine([])
