"""Whatever is sent to the lab's commands, a pipeline ends as pipelines do, never by a fault in Python."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wslnet_lab.host.engine.signatures import NO_SET, load_oracle
from wslnet_lab.host.local_session import LocalSession

if TYPE_CHECKING:
    from collections.abc import Iterator

TEXTS = st.sampled_from(
    [
        *(
            "",
            "*",
            "x",
            "以太网",
            "25",
            "IPv4",
            "Enabled",
            "True",
            "Allow",
            "TCP",
            "80-90",
            "10.0.0.0/8",
            "0.0.0.0/0",
        ),
        *(
            "::/0",
            "fe80::1",
            "ActiveStore",
            "PersistentStore",
            "{40E0AC32-46A5-438A-A0B2-2B479E8F2E90}",
            "[",
            "`",
        ),
        *(
            r"C:\Users\owner\.wslconfig",
            "C:\\",
            r"HKLM:\SOFTWARE",
            "HKLM:",
            "Env:",
            r"Env:\Path",
            r"Q:\x",
            "..",
            "~",
        ),
        *(
            r"\\server\share",
            "win32_operatingsystem",
            r"root\standardcimv2",
            "Byte",
            "UTF8",
            "NaN",
            "\0",
            "\ud800",
        ),
    ]
)
VALUES = st.one_of(
    TEXTS,
    st.integers(-2, 70000),
    st.booleans(),
    st.none(),
    st.binary(max_size=4),
    st.lists(TEXTS, max_size=3),
)


@pytest.fixture(scope="module")
def session() -> Iterator[LocalSession]:
    with tempfile.TemporaryDirectory() as folder:
        yield LocalSession(Path(folder))


def modelled(session: LocalSession) -> list[str]:
    return sorted(set(session.windows.registry.names()) & set(load_oracle("win11").commands))


@settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
@given(data=st.data())
def test_every_call_ends_as_a_pipeline(session: LocalSession, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(modelled(session)))
    signature = load_oracle("win11").commands[name]
    one_set = data.draw(st.sampled_from(signature.sets or (NO_SET,)))
    own = {
        each.name: each.places[one_set].required
        for each in signature.parameters.values()
        if each.own and one_set in each.places
    }
    chosen = data.draw(st.lists(st.sampled_from(sorted(own)), max_size=4, unique=True)) if own else []
    required = [parameter for parameter, needed in own.items() if needed]
    parameters = {parameter: data.draw(VALUES) for parameter in {*chosen, *required}}
    if signature.should_process:
        parameters["Confirm"] = False
    screen = session.run(name, parameters)
    assert screen.end.state in {"Completed", "Failed"}
    assert (screen.end.reason is None) == (screen.end.state == "Completed")
    assert all("," in error.fqid for error in screen.errors)
