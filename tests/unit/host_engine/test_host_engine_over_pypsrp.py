"""Every fifth call of corpus/binder by unmodified pypsrp to the host: the same states, sets and ids."""

import json
import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from pypsrp.complex_objects import PSInvocationState
from pypsrp.powershell import PowerShell, RunspacePool
from pypsrp.serializer import TaggedValue
from pypsrp.wsman import WSMan

from wslnet_lab.host.contract import BoundCall, Identity, NativeOutcome, Sink
from wslnet_lab.host.engine import EngineSettings, Registry, build_engine
from wslnet_lab.host.engine.signatures import load_oracle
from wslnet_lab.host.log import JsonLinesLog
from wslnet_lab.host.server import WinRmServer
from wslnet_lab.host.wire.accounts import Account
from wslnet_lab.host.wire.settings import Settings

SHARED = Path(os.environ.get("WSLNET_SHARED", Path(__file__).parents[4] / "shared"))
CORPUS = SHARED / "corpus" / "binder" / "binder.jsonl"
DEVIATIONS = Path(__file__).parents[2] / "cases" / "binder" / "corpus" / "deviations.json"
EVERY = 5

pytestmark = [
    pytest.mark.corpus,
    pytest.mark.skipif(not CORPUS.is_file(), reason="../shared/corpus is not there"),
]


def _echo(call: BoundCall, _sink: Sink) -> Iterator[object]:
    yield json.dumps([call.parameter_set, sorted(call.parameters)])


class NoPrograms:
    """The host of this test runs no native programs."""

    def run(self, argv: tuple[str, ...], **_options: object) -> NativeOutcome:
        raise AssertionError(argv)


@pytest.fixture
def pool(tmp_path: Path) -> Iterator[RunspacePool]:
    registry = Registry()
    for signature in load_oracle("all").commands.values():
        registry.add(signature.name, _echo)
    server = WinRmServer(
        engine=build_engine(registry, EngineSettings(reading="all")),
        programs=NoPrograms(),
        log=JsonLinesLog(tmp_path / "calls.jsonl"),
        accounts=[Account(Identity("owner", "S-1-5-21-1-2-3-1001"), "a word")],
        credential_file=tmp_path / "credentials",
        settings=Settings,
        port=0,
        address="127.0.0.1",
    )
    server.start()
    client = WSMan(
        "127.0.0.1",
        port=server.port,
        username="owner",
        password="a word",
        ssl=False,
        auth="negotiate",
        no_proxy=True,
    )
    with closing(client), RunspacePool(client) as opened:
        yield opened
    server.close()


def _sent(value: dict[str, Any] | None) -> object:
    """As pypsrp sends it; a name without value is the switch form, which pypsrp sends as null."""
    if value is None:
        return True
    [(kind, content)] = value.items()
    match kind:
        case "n":
            return None
        case "l":
            return TaggedValue("I64", str(content))
        case "a":
            return [_sent(item) for item in content]
        case "h":
            return {key: _sent(item) for key, item in content.items()}
    return content


def _outcome(pool: RunspacePool, row: dict[str, Any]) -> tuple[object, ...]:
    shell = PowerShell(pool)
    statements = row.get("st") or [[{"c": row["c"], "p": row["p"]}]]
    for index, statement in enumerate(statements):
        if index:
            shell.add_statement()
        for command in statement:
            shell.add_cmdlet(command["c"])
            for name, value in command["p"]:
                if name is None:
                    shell.add_argument(_sent(value))
                else:
                    shell.add_parameter(name, _sent(value))
    results = [json.loads(text) for text in shell.invoke()]
    errors = [(str(record.fq_error).partition(",")[0], record.category) for record in shell.streams.error]
    state = {PSInvocationState.COMPLETED: "Completed", PSInvocationState.FAILED: "Failed"}[shell.state]
    return state, results, sorted(errors)


def _expected(row: dict[str, Any]) -> tuple[object, ...]:
    results = [[result["set"], sorted(result["b"])] for result in row.get("r", [])]
    errors = [(error["q"].partition(",")[0], _CATEGORIES[error["cat"]]) for error in row.get("e", [])]
    return row["s"], results, sorted(errors)


_CATEGORIES = {
    "InvalidArgument": 5,
    "InvalidData": 6,
    "ObjectNotFound": 13,
    "WriteError": 23,
}


@pytest.mark.timeout(900)  # a loaded machine
def test_every_fifth_call(pool: RunspacePool) -> None:
    rows = [json.loads(line) for line in CORPUS.read_text("utf-8").splitlines()][::EVERY]
    deviations = json.loads(DEVIATIONS.read_text("utf-8"))
    groups = deviations["binder.jsonl"]
    different = {row["id"]: row["k"] for row in rows if _outcome(pool, row) != _expected(row)}
    same = len(rows) - len(different)
    print(f"corpus/binder over pypsrp: {same} of {len(rows)} the same; {different}")  # noqa: T201 - the report
    assert set(different) <= {key for group in groups for key in group["ids"]}
