"""The bridge over real WSMan, NTLM and encryption, against the lab's server with scripted commands."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING

import pytest

from wslnet.errors import AuthenticationFailed, DeadlineExceeded, Unreachable
from wslnet.transport import winrm as bridge_module
from wslnet.transport.winrm import WinrmBridge
from wslnet.transport.winrm_endpoint import WinrmEndpoint
from wslnet_win_agent.calls import files, firewall, network
from wslnet_win_agent.errors import CallRefused, DeliveryUnknown
from wslnet_win_agent.values import name_of

if TYPE_CHECKING:
    from .conftest import Windows

DEADLINE = 10.0


def test_rows_arrive_with_raw_numbers_and_friendly_text(bridge: WinrmBridge) -> None:
    reply = bridge.run([network.interfaces()], deadline_s=DEADLINE)
    assert reply.ok
    first, second = reply.rows("MSFT_NetIPInterface")
    assert (first.raw["Forwarding"], first.raw["NlMtu"]) == (1, 4294967295)
    assert first.raw["InterfaceAlias"] == "vEthernet (默认开关)"
    # The friendly text of the stub is wrong on purpose: the raw value counts.
    assert (name_of(first, "Forwarding"), name_of(second, "Forwarding")) == ("Enabled", "Disabled")
    assert name_of(second, "AddressFamily") == "IPv6"


def test_bytes_files_and_several_statements_in_one_pipeline(windows: Windows, bridge: WinrmBridge) -> None:
    path = "C:\\Users\\wujing\\.wslconfig"
    reply = bridge.run([files.file_item(path), files.file_bytes(path)], deadline_s=DEADLINE)
    item, content = reply.outputs
    assert item.type_names[0] == "System.IO.FileInfo"
    assert item.get("Target") == ["C:\\dot"]
    assert content.value == b"[wsl2]\r\n\xff"
    assert windows.engine.names() == [["Get-Item", "Get-Content"]]


def test_non_terminating_error_is_no_success_though_completed(bridge: WinrmBridge) -> None:
    reply = bridge.run([firewall.setting()], deadline_s=DEADLINE)
    assert (reply.state, reply.ok) == ("Completed", False)
    (record,) = reply.errors
    assert (record.id, record.category) == ("CmdletizationQuery_NotFound_Name", "ObjectNotFound")
    assert record.is_not_found


def test_terminating_error_comes_from_the_state(bridge: WinrmBridge) -> None:
    reply = bridge.run([network.set_forwarding(7, 4, enabled=True)], deadline_s=DEADLINE)
    assert reply.state == "Failed"
    assert reply.errors[0].is_denied
    missing = bridge.run([firewall.creators()], deadline_s=DEADLINE)
    assert missing.errors[0].is_unknown_command


def test_a_write_reaches_windows_alone_with_stop_and_confirm(windows: Windows, bridge: WinrmBridge) -> None:
    bridge.run([network.set_forwarding(7, 6, enabled=False)], deadline_s=DEADLINE)
    ((statement,),) = windows.engine.seen
    sent = {argument.name: argument.value for argument in statement[0].arguments}
    assert sent == {
        "InterfaceIndex": [7],
        "AddressFamily": ["IPv6"],
        "Forwarding": "Disabled",
        "ErrorAction": "Stop",
        "Confirm": False,
    }
    assert not any(command["script"] for entry in windows.log() for command in entry["commands"])


def test_a_refused_call_opens_no_connection(windows: Windows, bridge: WinrmBridge) -> None:
    calls = [network.interfaces(), firewall.remove_rule("wslnet-x")]
    with pytest.raises(CallRefused, match="alone"):
        bridge.run(calls, deadline_s=DEADLINE)
    assert windows.engine.seen == []
    assert not windows.log_path.exists()


def test_wrong_password_is_one_line_that_names_machine_and_user(windows: Windows) -> None:
    bridge = WinrmBridge(windows.endpoint(password="wrong"))
    with pytest.raises(AuthenticationFailed) as refused:
        bridge.run([network.interfaces()], deadline_s=DEADLINE)
    assert refused.value.message == (
        f"win: WinRM on 127.0.0.1:{windows.server.port} refuses owner (401): wrong user or password"
    )


def test_401_in_mid_run_signs_in_anew_and_then_gives_up(windows: Windows, bridge: WinrmBridge) -> None:
    bridge.run([network.interfaces()], deadline_s=DEADLINE)
    windows.set(unauthorized=True)
    with pytest.raises(AuthenticationFailed):
        bridge.run([network.set_forwarding(7, 4, enabled=True)], deadline_s=DEADLINE)
    assert len(windows.engine.seen) == 1
    windows.set(unauthorized=False)
    assert bridge.run([network.interfaces()], deadline_s=DEADLINE).ok


def test_nobody_listening_is_said_so() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    bridge = WinrmBridge(bridge_endpoint(port))
    with pytest.raises(
        Unreachable, match=rf"nothing answers as WinRM on 127\.0\.0\.1:{port}: Connection refused"
    ):
        bridge.run([network.interfaces()], deadline_s=DEADLINE)


def test_a_proxy_that_is_not_there_is_named() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        proxy = f"socks5h://127.0.0.1:{probe.getsockname()[1]}"
    bridge = WinrmBridge(bridge_endpoint(5985, proxy=proxy))
    with pytest.raises(Unreachable, match=r"through socks5h://127\.0\.0\.1"):
        bridge.run([network.interfaces()], deadline_s=DEADLINE)


def test_a_silent_host_ends_at_the_deadline() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        bridge = WinrmBridge(bridge_endpoint(silent.getsockname()[1]))
        started = time.monotonic()
        with pytest.raises(DeadlineExceeded):
            bridge.run([network.interfaces()], deadline_s=1.0)
        assert time.monotonic() - started < 6.0


def test_a_long_read_is_stopped_at_its_deadline(windows: Windows, bridge: WinrmBridge) -> None:
    started = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        bridge.run([network.ping("10.0.0.1")], deadline_s=1.0)
    assert time.monotonic() - started < 4.0
    assert bridge.run([network.interfaces()], deadline_s=DEADLINE).ok
    assert len(windows.engine.seen) == 2


def test_operation_timeouts_are_waited_through(windows: Windows, bridge: WinrmBridge) -> None:
    windows.set(operation_timeout_s=0.2)
    windows.engine.before_answer = lambda: time.sleep(1.0)
    assert bridge.run([network.interfaces()], deadline_s=DEADLINE).ok


def test_split_fragments_are_put_together(windows: Windows, bridge: WinrmBridge) -> None:
    windows.set(fragment_size=256, one_fragment_per_receive=True)
    assert len(bridge.run([network.interfaces()], deadline_s=DEADLINE).outputs) == 2


def test_idle_connection_is_made_anew_on_the_same_shell(
    windows: Windows, bridge: WinrmBridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    windows.set(idle_close_s=0.3)
    monkeypatch.setattr(bridge_module, "FRESH_FOR_S", 0.5)
    bridge.run([network.interfaces()], deadline_s=DEADLINE)
    pool = bridge._pool
    time.sleep(0.8)
    assert bridge.run([network.interfaces()], deadline_s=DEADLINE).ok
    assert bridge._pool is pool


def test_connection_dropped_by_the_host_before_that_is_survived_by_a_read(
    windows: Windows, bridge: WinrmBridge
) -> None:
    windows.set(idle_close_s=0.2)
    bridge.run([network.interfaces()], deadline_s=DEADLINE)
    time.sleep(0.6)
    assert bridge.run([network.interfaces()], deadline_s=DEADLINE).ok


def test_lost_shell_is_opened_anew(windows: Windows, bridge: WinrmBridge) -> None:
    bridge.run([network.interfaces()], deadline_s=DEADLINE)
    windows.set(shells_gone=True)
    windows.engine.before_answer = lambda: None
    with pytest.raises(Unreachable, match="shell"):
        bridge.run([network.interfaces()], deadline_s=DEADLINE)
    windows.set(shells_gone=False)
    assert bridge.run([network.interfaces()], deadline_s=DEADLINE).ok


def test_a_write_whose_answer_is_lost_is_not_sent_again(windows: Windows, bridge: WinrmBridge) -> None:
    bridge.run([network.interfaces()], deadline_s=DEADLINE)
    windows.set(operation_timeout_s=0.2)
    windows.engine.before_answer = windows.drop_answers
    with pytest.raises(DeliveryUnknown):
        bridge.run([network.set_forwarding(7, 4, enabled=True)], deadline_s=DEADLINE)
    windows.engine.before_answer = lambda: None
    windows.set(drop_receives=False)
    assert windows.engine.names() == [["Get-NetIPInterface"], ["Set-NetIPInterface"]]
    assert bridge.run([network.interfaces()], deadline_s=DEADLINE).ok


def test_a_read_whose_answer_is_lost_is_asked_again(
    windows: Windows, bridge: WinrmBridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    bridge.run([network.interfaces()], deadline_s=DEADLINE)
    windows.set(operation_timeout_s=0.2)
    windows.engine.before_answer = windows.drop_answers
    drop = bridge._drop

    def healed(**arguments: bool) -> None:
        windows.engine.before_answer = lambda: None
        windows.set(drop_receives=False)
        drop(**arguments)

    monkeypatch.setattr(bridge, "_drop", healed)
    assert bridge.run([network.interfaces()], deadline_s=DEADLINE).ok
    assert len(windows.engine.seen) == 3


def test_probes_run_side_by_side(windows: Windows, bridge: WinrmBridge) -> None:
    windows.engine.before_answer = lambda: time.sleep(0.6)
    windows.engine.release.set()
    calls = [network.ping(f"10.0.0.{number}") for number in range(4)]
    bridge.run([network.ping("10.0.0.9")], deadline_s=DEADLINE)
    started = time.monotonic()
    replies = bridge.run_each(calls, deadline_s=DEADLINE)
    assert [reply.outputs[0].get("PingSucceeded") for reply in replies] == [True] * 4
    assert time.monotonic() - started < 1.8


def test_environment_proxies_are_not_used(
    windows: Windows, bridge: WinrmBridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert bridge.run([network.interfaces()], deadline_s=DEADLINE).ok
    assert windows.engine.names() == [["Get-NetIPInterface"]]


def test_close_deletes_the_shell_and_may_be_called_twice(windows: Windows) -> None:
    bridge = WinrmBridge(windows.endpoint())
    bridge.run([network.interfaces()], deadline_s=DEADLINE)
    bridge.close()
    bridge.close()
    windows.set(max_shells_per_user=1)
    other = WinrmBridge(windows.endpoint())
    assert other.run([network.interfaces()], deadline_s=DEADLINE).ok
    with pytest.raises(Unreachable, match="quota"):
        WinrmBridge(windows.endpoint()).run([network.interfaces()], deadline_s=DEADLINE)
    other.close()


def bridge_endpoint(port: int, proxy: str | None = None) -> WinrmEndpoint:
    return WinrmEndpoint("win", "127.0.0.1", "owner", "x", port=port, proxy=proxy)
