"""What a hostile Windows may make the libraries take: bytes, seconds, XML; and what reaches the terminal."""

from __future__ import annotations

import json
import logging
import socket
import threading
import time
from typing import TYPE_CHECKING

import pytest
import requests

from wslnet.cli.output import print_json
from wslnet.transport.http_limits import limit
from wslnet.transport.library_logs import mute
from wslnet.transport.psrp_limits import LimitError, demand_plain_xml

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n"


def serve(listener: socket.socket, portion: bytes, pause_s: float) -> None:
    peer, _ = listener.accept()
    with peer:
        peer.recv(4096)
        peer.sendall(HEAD)
        until = time.monotonic() + 20
        try:
            while time.monotonic() < until:
                peer.sendall(portion)
                time.sleep(pause_s)
        except OSError:
            return  # the client had enough


@pytest.fixture
def server() -> Iterator[Callable[[bytes, float], str]]:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def start(portion: bytes, pause_s: float) -> str:
            threading.Thread(target=serve, args=(listener, portion, pause_s), daemon=True).start()
            return f"http://127.0.0.1:{listener.getsockname()[1]}/"

        yield start


@pytest.mark.parametrize(
    ("portion", "pause_s", "expected"),
    [(bytes(65536), 0.0, requests.ConnectionError), (b"x", 0.05, requests.ReadTimeout)],
    ids=["without end", "drips"],
)
def test_an_answer_has_its_bytes_and_its_time(
    server: Callable[[bytes, float], str], portion: bytes, pause_s: float, expected: type[Exception]
) -> None:
    began = time.monotonic()
    with requests.Session() as session:
        session.trust_env = False
        limit(session)
        with pytest.raises(expected):
            session.get(server(portion, pause_s), timeout=0.5)
    assert time.monotonic() - began < 10


@pytest.mark.parametrize(
    "text",
    [
        '<!DOCTYPE x [<!ENTITY a "lol"><!ENTITY b "&a;&a;">]><x>&b;</x>',
        '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>',
        '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE x><x/>'.encode("utf-16"),
        "<a>" * 200 + "</a>" * 200,
    ],
)
def test_document_types_and_depth_are_refused(text: str | bytes) -> None:
    with pytest.raises(LimitError):
        demand_plain_xml(text)


def test_what_windows_sends_passes_and_rubbish_is_left_to_the_reader() -> None:
    for text in ('<Obj RefId="0"><MS><S N="Name">&lt;!DOCTYPE</S></MS></Obj>', "<x>", "", b"\xff"):
        demand_plain_xml(text)


def test_json_holds_no_terminal_code_and_means_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    document: dict[str, object] = {"name \x9b": "\x1b]0;x\x07\x9b31m\x7f\u202e\u2028\ud800 以太网"}
    print_json(document)
    shown = capsys.readouterr().out
    assert all(one.isprintable() or one == "\n" for one in shown)
    assert "以太网" in shown
    assert json.loads(shown) == document


def test_what_libraries_log_stays_off_the_terminal() -> None:
    mute("wslnet-test-library")
    log = logging.getLogger("wslnet-test-library")
    assert [type(one) for one in log.handlers] == [logging.NullHandler]
    mute("wslnet-test-library")
    assert len(log.handlers) == 1
