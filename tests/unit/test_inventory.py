"""The inventory file: what it gives, and one clear line for everything that is wrong with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from wslnet.app.inventory_file import load_inventory
from wslnet.errors import InputError
from wslnet.model.machine import Kind

if TYPE_CHECKING:
    from pathlib import Path

GOOD = """
schema_version = 1
state = "state"

[machines.windows]
kind = "windows"
address = "127.0.0.1"
user = "me"
secret = { env = "PASSWORD" }
proxy = "socks5h://127.0.0.1:1080"

[machines.wsl]
kind = "wsl"
parent = "windows"
distro = "Debian"
key = "keys/id"

[machines.vm1]
kind = "vm"
parent = "wsl"
address = "192.168.122.191"

[machines.vm2]
kind = "vm"
parent = "vm1"
address = "192.168.124.91"

[wish]
mode = "mirrored"
reach = [["wsl", "vm2"]]
allow = ["tcp/8080@lan"]
"""


def write(folder: Path, text: str) -> Path:
    file = folder / "wslnet.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_reads_the_tree_and_resolves_paths_beside_the_file(tmp_path: Path) -> None:
    inventory = load_inventory(write(tmp_path, GOOD))
    assert inventory.state == tmp_path / "state"
    assert inventory["wsl"].key == tmp_path / "keys/id"
    assert inventory["windows"].secret is not None
    assert inventory["windows"].secret.env == "PASSWORD"
    assert [machine.name for machine in inventory.ancestors("vm2")] == ["vm1", "wsl", "windows"]
    assert [machine.name for machine in inventory.descendants("wsl")] == ["vm1", "vm2"]
    assert inventory.branch("wsl", "vm2").name == "vm1"
    assert inventory.wsl is not None
    assert inventory.wsl.kind is Kind.WSL
    assert str(inventory.wish.allow[0]) == "tcp/8080@lan"


def test_a_byte_order_mark_as_windows_editors_write_it_is_no_error(tmp_path: Path) -> None:
    file = tmp_path / "wslnet.toml"
    file.write_bytes(b"\xef\xbb\xbf" + GOOD.encode())
    assert load_inventory(file).wish.mode == "mirrored"


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("schema_version = 1", "schema_version = 7", "schema_version 7"),
        ('kind = "windows"', 'kind = "mac"', "'mac'"),
        ('distro = "Debian"', 'distribution = "Debian"', "distribution"),
        ('parent = "vm1"', 'parent = "vm9"', "unknown parent 'vm9'"),
        ('parent = "windows"', 'parent = "vm1"', "cycle"),
        ('address = "192.168.124.91"', "", "needs an address"),
        ('[["wsl", "vm2"]]', '[["wsl", "vm3"]]', "unknown machine 'vm3'"),
        ('"tcp/8080@lan"', '"tcp/99999"', "99999"),
        ('mode = "mirrored"', 'mode = "mirored"', "'mirored'"),
        ('{ env = "PASSWORD" }', '{ env = "A", keyring = "B" }', "exactly one"),
        ('key = "keys/id"', "key = 7", "`int`"),
        ("[wish]", "[forwarding]\nmatch = '('\n[wish]", "no regular expression"),
        ('address = "192.168.124.91"', 'address = "vm2.local"', "no IP address"),
        ("[wish]", "[wish", "TOML"),
        ("[machines.vm2]", '[machines."vm/2"]', "vm/2"),
    ],
)
def test_what_is_wrong_is_named_in_one_line_with_the_file(
    tmp_path: Path, old: str, new: str, named: str
) -> None:
    file = write(tmp_path, GOOD.replace(old, new, 1))
    with pytest.raises(InputError) as caught:
        load_inventory(file)
    message = caught.value.message
    assert str(file) in message
    assert "\n" not in message
    assert named in message or named == "vm/2"
    assert caught.value.exit_code == 2


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere\.toml"):
        load_inventory(tmp_path / "nowhere.toml")
