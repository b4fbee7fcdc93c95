"""How one signs in over WinRM: what the inventory may say, and that no password crosses in the clear."""

from pathlib import Path
from typing import Any

import pytest

from wslnet.app.inventory_file import load_inventory
from wslnet.errors import InputError
from wslnet.transport.winrm import WinrmBridge
from wslnet.transport.winrm_endpoint import endpoint_of
from wslnet.transport.winrs import WinrsRunner


def _machine(folder: Path, *lines: str) -> Any:
    file = folder / "wslnet.toml"
    head = [
        "schema_version = 1",
        "[machines.win]",
        'kind = "windows"',
        'address = "192.0.2.7"',
        'user = "anna"',
    ]
    file.write_text("\n".join([*head, *lines]) + "\n", encoding="utf-8")
    return load_inventory(file)["win"]


@pytest.mark.parametrize("auth", ["basic", "certificate"])
@pytest.mark.parametrize("port", ["", "port = 5985", "port = 80"])
def test_what_encrypts_nothing_is_refused_without_tls(auth: str, port: str, tmp_path: Path) -> None:
    machine = _machine(tmp_path, f'auth = "{auth}"', port)
    with pytest.raises(InputError, match=r"machines\.win: auth '\w+' goes over https only"):
        endpoint_of(machine, "secret")


@pytest.mark.parametrize(("auth", "winrs"), [("ntlm", "ntlm"), ("kerberos", "kerberos"), ("basic", "ssl")])
def test_https_checks_the_certificate_that_was_pinned(auth: str, winrs: str, tmp_path: Path) -> None:
    machine = _machine(tmp_path, f'auth = "{auth}"', "port = 5986", 'certificate = "win.pem"')
    (tmp_path / "win.pem").write_text("")
    place = endpoint_of(machine, "secret")
    connection = WinrmBridge(place)._new_pool().connection

    assert place.certificate == str(tmp_path / "win.pem")
    assert connection.transport.ssl is True
    assert connection.transport.cert_validation == place.certificate
    assert connection.transport.auth == auth
    protocol = WinrsRunner(place)._new_protocol()
    assert protocol.transport.auth_method == winrs
    assert protocol.transport.server_cert_validation == "validate"
    assert protocol.transport.ca_trust_path == place.certificate


def test_without_a_pin_the_store_of_this_machine_decides(tmp_path: Path) -> None:
    connection = WinrmBridge(endpoint_of(_machine(tmp_path, "port = 5986"), "secret"))._new_pool().connection
    assert connection.transport.cert_validation is True


def test_a_client_certificate_needs_no_password(tmp_path: Path) -> None:
    lines = ('auth = "certificate"', "port = 5986")
    with pytest.raises(InputError, match="client_certificate"):
        endpoint_of(_machine(tmp_path, *lines), None)
    place = endpoint_of(_machine(tmp_path, *lines, 'client_certificate = "anna.pem"'), None)
    assert (place.auth, place.client_certificate) == ("certificate", str(tmp_path / "anna.pem"))


def test_an_unknown_way_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="auth"):
        _machine(tmp_path, 'auth = "credssp"')
