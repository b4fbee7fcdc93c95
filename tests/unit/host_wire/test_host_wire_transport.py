"""HTTP, logon, sealing and envelopes at their edges, by bare sockets and requests."""

from __future__ import annotations

import base64
import json
import socket
import stat
import threading
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
import requests

from wslnet_lab.host.contract import Identity
from wslnet_lab.host.log import JsonLinesLog
from wslnet_lab.host.wire import sealing, soap
from wslnet_lab.host.wire.accounts import Account, Accounts
from wslnet_lab.host.wire.outbox import Chunk, Outbox

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Host

IDENTIFY = (
    f'<s:Envelope xmlns:s="{soap.SOAP}"><s:Header/><s:Body><i:Identify xmlns:i="{soap.IDENTITY}"/></s:Body>'
    "</s:Envelope>"
)


def exchange(host: Host, data: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", host.server.port), 5) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while part := connection.recv(65536):
            answer += part
    return answer


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"GET /wsman HTTP/1.1\r\n\r\n", b"405"),
        (b"POST /other HTTP/1.1\r\nContent-Length: 0\r\n\r\n", b"404"),
        (b"POST /wsman HTTP/1.1\r\nContent-Length: 0\r\n\r\n", b"401"),
        (b"POST /WSMAN HTTP/1.1\r\nContent-Length: 2\r\n\r\nxx", b"401"),
        (b"rubbish\r\n\r\n", b"400"),
        (b"POST /wsman HTTP/1.1\r\nno colon\r\n\r\n", b"400"),
        (b"POST /wsman HTTP/1.1\r\nContent-Length: x\r\n\r\n", b"400"),
        (b"POST /wsman HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n", b"400"),
        (b"POST /wsman HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", b"400"),
        (b"POST /wsman HTTP/1.1\r\nX: " + b"y" * 70_000, b"400"),
        (b"POST /wsman HTTP/1.1\r\nContent-Length: 5\r\n\r\nabc", b""),
        (b"", b""),
    ],
)
def test_requests_at_the_edge_of_http(host: Host, data: bytes, status: bytes) -> None:
    assert exchange(host, data).partition(b" ")[2].partition(b" ")[0] == status


@pytest.mark.parametrize(
    "header",
    [
        "Negotiate",
        "Negotiate %%%",
        "Negotiate AAAA",
        "NTLM " + base64.b64encode(b"NTLMSSP\0\1").decode(),
        "Basic x",
        "Other y",
    ],
)
def test_bad_tokens_are_answered_401(host: Host, header: str) -> None:
    answer = requests.post(
        f"http://127.0.0.1:{host.server.port}/wsman", headers={"Authorization": header}, timeout=5
    )
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].split()[0] in ("Negotiate", "NTLM")


def post(host: Host, body: str) -> requests.Response:
    return requests.post(
        f"http://127.0.0.1:{host.server.port}/wsman",
        data=body.encode(),
        headers={"Content-Type": "application/soap+xml;charset=UTF-8"},
        auth=("owner", "correct horse"),
        timeout=5,
    )


def test_identify_names_the_build(host: Host) -> None:
    host.set(allow_basic=True, allow_unencrypted=True)
    assert "OS: 10.0.22631 SP: 0.0 Stack: 3.0" in post(host, IDENTIFY).text


@pytest.mark.parametrize("body", ["rubbish", "<a/>", '<s:Envelope xmlns:s="http://other"/>'])
def test_what_is_no_envelope_is_a_bad_request(host: Host, body: str) -> None:
    host.set(allow_basic=True, allow_unencrypted=True)
    assert post(host, body).status_code == 400


@pytest.mark.parametrize("action", ["Enumerate", "Disconnect", "Reconnect", "Nonsense"])
def test_actions_that_are_not_served_are_faults(host: Host, action: str) -> None:
    host.set(allow_basic=True, allow_unencrypted=True)
    envelope = IDENTIFY.replace(
        "<s:Header/>", f'<s:Header><a:Action xmlns:a="{soap.ADDRESSING}">x/{action}</a:Action></s:Header>'
    )
    answer = post(host, envelope.replace("Identify", "Other"))
    assert answer.status_code == 500
    assert "ActionNotSupported" in answer.text


@pytest.mark.parametrize("action", ["Create", "Receive", "Signal"])
def test_requests_without_their_body_are_faults(host: Host, action: str) -> None:
    host.set(allow_basic=True, allow_unencrypted=True)
    envelope = IDENTIFY.replace(
        "<s:Header/>", f'<s:Header><a:Action xmlns:a="{soap.ADDRESSING}">x/{action}</a:Action></s:Header>'
    )
    assert post(host, envelope.replace("Identify", "Other")).status_code == 500


class Plain:
    """A security context that seals nothing, to test the parts around it."""

    def unwrap_winrm(self, header: bytes, data: bytes) -> bytes:
        assert header == b"sig"
        return data


def sealed(length: int, data: bytes) -> bytes:
    return (
        b"--Encrypted Boundary\r\n\tContent-Type: application/HTTP-SPNEGO-session-encrypted\r\n"
        b"\tOriginalContent: type=application/soap+xml;charset=UTF-8;Length=%d\r\n--Encrypted Boundary\r\n"
        b"\tContent-Type: application/octet-stream\r\n\x03\0\0\0sig%s--Encrypted Boundary--\r\n"
        % (length, data)
    )


def test_a_sealed_body_opens() -> None:
    assert sealing.unseal(sealed(5, b"hello"), Plain()) == b"hello"


@pytest.mark.parametrize(
    "body", [b"", sealed(4, b"hello"), sealed(5, b"hello")[:-4], b"--Encrypted Boundary--\r\n"]
)
def test_a_sealed_body_that_was_changed_does_not(body: bytes) -> None:
    with pytest.raises(sealing.SealError):
        sealing.unseal(body, Plain())


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("PT20S", 20),
        ("PT7200.000S", 7200),
        ("P0DT0H1M0S", 60),
        ("P1D", 86400),
        ("", 9),
        ("PT", 9),
        ("rubbish", 9),
    ],
)
def test_durations(text: str, value: float) -> None:
    assert soap.seconds(text, default=9) == value


def test_a_reply_relates_to_its_request() -> None:
    request = soap.parse(IDENTIFY.encode(), "127.0.0.1")
    root = ET.fromstring(soap.reply(request, "<rsp:SendResponse/>"))  # noqa: S314 - our own text
    assert root.find(f"{{{soap.SOAP}}}Body/{{{soap.SHELL}}}SendResponse") is not None


def test_credentials_are_kept_from_others(tmp_path: Path) -> None:
    accounts = Accounts([Account(Identity("me", "S-1"), "pw")], "PC", tmp_path / "c")
    assert stat.S_IMODE((tmp_path / "c").stat().st_mode) == 0o600
    assert accounts.find("PC\\ME") == accounts.check("me", "pw") == Identity("me", "S-1")
    assert accounts.check("me", "no") is accounts.find("you") is None


@pytest.mark.parametrize("password", ["a:b", "a\nb"])
def test_passwords_that_cannot_be_stored_are_refused(tmp_path: Path, password: str) -> None:
    with pytest.raises(ValueError, match="account me"):
        Accounts([Account(Identity("me", "S-1"), password)], "PC", tmp_path / "c")


def test_an_outbox_waits_for_what_comes() -> None:
    outbox = Outbox()
    assert outbox.take(limit=10, timeout_s=0) is None
    threading.Timer(0.05, outbox.finish, ([Chunk("stdout", b"x")],)).start()
    delivery = outbox.take(limit=10, timeout_s=5)
    assert delivery is not None
    assert (delivery.chunks, delivery.done) == ((Chunk("stdout", b"x"),), True)


def test_an_outbox_keeps_to_its_limit_and_to_what_stands_apart() -> None:
    outbox = Outbox()
    chunks = [Chunk("s", b"aa"), Chunk("s", b"bb"), Chunk("s", b"cc"), Chunk("s", b"d", apart=True)]
    outbox.put(chunks)
    taken = [outbox.take(limit=4, timeout_s=0) for _ in range(3)]
    assert [each.chunks for each in taken if each] == [tuple(chunks[:2]), (chunks[2],), (chunks[3],)]


def test_the_log_is_appended_by_many_at_once(tmp_path: Path) -> None:
    log = JsonLinesLog(tmp_path / "log" / "calls.jsonl")
    threads = [threading.Thread(target=log.write, args=({"kind": str(n)},)) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    entries = [json.loads(line) for line in (tmp_path / "log" / "calls.jsonl").read_text().splitlines()]
    assert {entry["kind"] for entry in entries} == {str(n) for n in range(20)}
    assert all(entry["at"].endswith("+00:00") for entry in entries)
