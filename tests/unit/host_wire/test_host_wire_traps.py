"""The server traps of windows-facts 8, one at a time, as unmodified clients meet them."""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING

import pytest
import requests
from pypsrp.exceptions import AuthenticationError, WinRMError, WSManFaultError
from pypsrp.powershell import RunspacePool

from wslnet_lab.host.wire.settings import FAULTS, Settings, SettingsError, load_settings

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Call, Host


def test_401_in_mid_run(host: Host, call: Call) -> None:
    with host.wsman() as client:
        pool = RunspacePool(client)
        pool.open()
        host.set(unauthorized=True)
        with pytest.raises(AuthenticationError):
            call(pool, "Echo", T="x").invoke()
        host.set(unauthorized=False)
        assert host.engine.seen == []


def test_operation_timeouts_loop_until_the_command_ends(host: Host, call: Call) -> None:
    host.set(operation_timeout_s=0.1)
    with host.pool() as pool:
        pipeline = call(pool, "Wait")
        pipeline.begin_invoke()
        with pytest.raises(WSManFaultError) as caught:
            pool.shell.receive("stdout", command_id=pipeline._command_id)
        assert caught.value.code == 2150858793
        host.engine.release.set()
        assert pipeline.end_invoke() == ["waited"]


def test_an_idle_connection_is_closed_and_the_shell_lives_on(host: Host, call: Call) -> None:
    host.set(idle_close_s=1.0)
    with host.wsman() as client:
        pool = RunspacePool(client)
        pool.open()
        time.sleep(1.5)
        with pytest.raises((WinRMError, requests.ConnectionError)):
            call(pool, "Echo", T="x").invoke()  # ciphertext of the old context on a new connection
        host.set(idle_close_s=30)
        client.transport.encryption = None
        client.transport.session.close()
        client.transport.session = None
        assert call(pool, "Echo", T="y").invoke() == ["y"]
        pool.close()
    assert [each[0][0][0].arguments[0].value for each in host.engine.seen] == ["y"]


def test_a_logon_refused_some_commands_later(host: Host, call: Call) -> None:
    host.set(unauthorized_after=1)
    with host.wsman() as client:
        pool = RunspacePool(client)
        pool.open()
        with pytest.raises(AuthenticationError):
            call(pool, "Echo", T="x").invoke()  # it was started, its answer is refused
        with pytest.raises(AuthenticationError):
            call(pool, "Echo", T="y").invoke()


def test_shells_are_gone_once(host: Host, call: Call) -> None:
    host.set(shells_gone_after=1)
    with host.wsman() as client:
        pool = RunspacePool(client)
        pool.open()
        with pytest.raises(WSManFaultError) as caught:
            call(pool, "Echo", T="x").invoke()
        assert caught.value.code == 0x8033805B
        with RunspacePool(client) as fresh:
            assert call(fresh, "Echo", T="y").invoke() == ["y"]


def test_a_trap_is_armed_again_after_it_was_taken_away(host: Host, call: Call) -> None:
    with host.wsman() as client:
        for _ in range(2):
            pool = RunspacePool(client)
            pool.open()
            assert call(pool, "Echo", T="x").invoke() == ["x"]
            host.set(shells_gone_after=0)
            with pytest.raises(WSManFaultError) as caught:
                call(pool, "Echo", T="y").invoke()
            assert caught.value.code == 0x8033805B
            host.set(shells_gone_after=None)
    assert len(host.engine.seen) == 2


@pytest.mark.parametrize("persistent", ["shells_gone", "drop_receives"])
def test_traps_that_act_on_every_request(host: Host, call: Call, persistent: str) -> None:
    with host.wsman() as client:
        pool = RunspacePool(client)
        pool.open()
        host.set(**{persistent: True})
        with pytest.raises((WSManFaultError, requests.ConnectionError)):
            call(pool, "Echo", T="x").invoke()
        client.transport.encryption = None
        client.transport.session.close()
        client.transport.session = None
        with pytest.raises((WSManFaultError, requests.ConnectionError)):
            RunspacePool(client).open()


def test_a_shell_that_goes_while_a_client_waits(host: Host, call: Call) -> None:
    with host.wsman() as client, host.wsman() as other:
        pool = RunspacePool(client)
        pool.open()
        pipeline = call(pool, "Wait")
        pipeline.begin_invoke()
        gone = {"selector_set": pool.shell._selector_set}
        threading.Timer(0.2, other.delete, (pool.shell.resource_uri,), gone).start()
        with pytest.raises(WSManFaultError) as caught:
            pipeline.end_invoke()
        assert caught.value.code == 0x8033805B


def test_a_shell_ends_when_its_idle_time_is_up(host: Host, call: Call) -> None:
    with host.wsman() as client:
        pool = RunspacePool(client, idle_timeout=2)
        pool.open()
        assert call(pool, "Echo", T="x").invoke() == ["x"]
        time.sleep(2.3)
        with pytest.raises(WSManFaultError) as caught:
            call(pool, "Echo", T="y").invoke()
        assert caught.value.code == 0x8033805B


def test_fragments_split_across_receives(host: Host, call: Call) -> None:
    host.set(fragment_size=100, one_fragment_per_receive=True)
    with host.pool() as pool:
        assert len(call(pool, "Get-Row").invoke()) == 2
        assert call(pool, "Report", Name="gone").invoke() == []


def test_small_envelopes_hold_less_in_each_answer(host: Host, call: Call) -> None:
    host.set(max_envelope_kb=150)
    text = "x" * 300_000
    with host.pool() as pool:
        client = pool.connection
        sizes: list[int] = []
        original = client.transport._send_request

        def watched(*args: object, **kwargs: object) -> bytes:
            answer: bytes = original(*args, **kwargs)
            sizes.append(len(answer))
            return answer

        client.transport._send_request = watched
        assert call(pool, "Echo", T=text).invoke() == [text]
    assert max(sizes) <= 153600
    assert sum(size > 60_000 for size in sizes) >= 3


def test_a_receive_that_is_dropped(host: Host, call: Call) -> None:
    with host.wsman() as client:
        pool = RunspacePool(client)
        pool.open()
        host.set(drop_receive_after=1)
        with pytest.raises(requests.ConnectionError):
            call(pool, "Echo", T="x").invoke()
    deadline = time.monotonic() + 5
    while not host.engine.seen and time.monotonic() < deadline:
        time.sleep(0.01)
    assert len(host.engine.seen) == 1  # it ran: a blind retry would run it twice


def test_a_slow_first_call(host: Host, call: Call) -> None:
    host.set(first_call_delay_s=0.5)
    with host.pool() as pool:
        first = call(pool, "Echo", T="x")
        started = time.monotonic()
        first.invoke()
        assert time.monotonic() - started >= 0.5
        assert len(first.streams.progress) == 2
        second = call(pool, "Echo", T="x")
        second.invoke()
        assert second.streams.progress == []


def test_enums_as_objects_or_raw_numbers(host: Host, call: Call) -> None:
    with host.pool() as pool:
        host.set(friendly="objects")
        row = call(pool, "Get-Row").invoke()[0]
        forwarding = row.extended_properties["Forwarding"]
        assert forwarding.to_string == "Enabled"
        assert forwarding.types[0].endswith("GeneratedTypes.NetIPInterface.Forwarding")
        host.set(friendly="none")
        row = call(pool, "Get-Row").invoke()[0]
        assert row.extended_properties.keys() == {"__ClassMetadata"}
        assert row.adapted_properties["Forwarding"] == 1


def test_the_quota_of_shells(host: Host) -> None:
    host.set(max_shells_per_user=1)
    with host.pool(), host.wsman() as client:
        with pytest.raises(WSManFaultError) as caught:
            RunspacePool(client).open()
        assert caught.value.code == 2150859173
        assert "maximum number of 1 concurrent shells" in caught.value.reason
    with host.pool() as pool:
        assert pool.is_alive()


def test_the_quota_of_operations(host: Host) -> None:
    host.set(max_operations_per_user=0)
    with host.wsman() as client, pytest.raises(WSManFaultError) as caught:
        RunspacePool(client).open()
    assert caught.value.code == 2150859174


def test_every_trap_sets_something_that_exists(tmp_path: Path) -> None:
    for name, changes in FAULTS.items():
        (tmp_path / "faults.json").write_text(json.dumps({"faults": [name]}))
        loaded = load_settings(tmp_path)
        assert {key: getattr(loaded, key) for key in changes} == changes
        assert loaded != Settings()


def test_settings_come_from_both_files_and_may_be_given_values(tmp_path: Path) -> None:
    windows = {
        "computer": "PC1",
        "build": 26100,
        "revision": 1,
        "culture": "zh-CN",
        "distros": [],
        "wire": {"max_envelope_kb": 150},
    }
    (tmp_path / "windows.json").write_text(json.dumps(windows))
    (tmp_path / "faults.json").write_text(
        json.dumps({"faults": {"winrm-idle-close": {"idle_close_s": 9}, "wsl-other": {}}})
    )
    loaded = load_settings(tmp_path)
    assert (loaded.host_name, loaded.build, loaded.culture) == ("PC1", "26100.1", "zh-CN")
    assert (loaded.max_envelope_kb, loaded.idle_close_s) == (150, 9)


def test_a_list_of_faults_and_no_files_at_all(tmp_path: Path) -> None:
    assert load_settings(tmp_path) == Settings()
    (tmp_path / "faults.json").write_text('{"faults": ["winrm-401", "vm-off:vm1"]}')
    assert load_settings(tmp_path).unauthorized


@pytest.mark.parametrize("text", ["{", "5", '{"wire": {"no_such": 1}}'])
def test_bad_settings_name_the_file(tmp_path: Path, text: str) -> None:
    (tmp_path / "windows.json").write_text(text)
    with pytest.raises(SettingsError, match=r"windows\.json"):
        load_settings(tmp_path)
