"""Services as Windows sends them: enums as names or as numbers, a start type that is not told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from wslnet_win_agent.bridge import WindowsObject
from wslnet_win_agent.facts import gather

if TYPE_CHECKING:
    from wslnet_win_agent.host import Host

    from .conftest import FakeWindows

TYPES = ("System.ServiceProcess.ServiceController", "System.ComponentModel.Component")


@pytest.mark.parametrize(("state", "start"), [(4, 3), ("Running", "Manual"), ("4", "3")])
def test_enums_in_every_form(host: Host, windows: FakeWindows, state: object, start: object) -> None:
    raw = {"ServiceName": "hns", "Status": state, "StartType": start}
    windows.rows["service"] = [WindowsObject(TYPES, raw)]
    assert gather(host, ["services"])["services"] == [{"name": "hns", "state": "Running", "start": "Manual"}]


def test_an_untold_start_type_is_null_and_other_objects_are_no_services(
    host: Host, windows: FakeWindows
) -> None:
    process = WindowsObject(("System.Diagnostics.Process",), {"Id": 4})
    raw = {"ServiceName": "iphlpsvc", "Status": 1}
    windows.rows["service"] = [process, WindowsObject(TYPES, raw)]
    assert gather(host, ["services"])["services"] == [{"name": "iphlpsvc", "state": "Stopped", "start": None}]
    assert windows.sent() == ["Get-Service"]
