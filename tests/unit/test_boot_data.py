"""What the boot tasks read: the same data back, nothing of the way in, and a clear word for a broken file."""

from __future__ import annotations

from pathlib import Path

import pytest

from wslnet.errors import InputError
from wslnet.model.allow import Allow
from wslnet.model.boot_data import BootData, Domain, as_seen_from_windows, read_boot_data
from wslnet.model.machine import Inventory, Kind, Machine, Secret, Wish

PATH = Path("boot.json")
PASSWORD = Secret(command=("cat", "/the/password"))
INVENTORY = Inventory(
    Path("wslnet.toml"),
    Path("state"),
    {
        "windows": Machine(
            "windows",
            Kind.WINDOWS,
            address="127.0.0.1",
            port=5985,
            user="owner",
            proxy="socks5h://127.0.0.1:1",
            secret=PASSWORD,
            configuration="wslnet",
            certificate=Path("/k/windows.pem"),
        ),
        "wsl": Machine("wsl", Kind.WSL, parent="windows", distro="Debian", user="root", key=Path("/k/id")),
        "vm": Machine("vm", Kind.VM, parent="wsl", address="192.168.122.2", secret=Secret(env="VM_SUDO")),
        "lan": Machine("lan", Kind.PEER, address="172.24.21.50", proxy="socks5h://127.0.0.1:1"),
    },
    Wish("mirrored", (("wsl", "vm"),), (Allow("tcp", 8080, "lan"),)),
)


def test_it_reads_back_as_written() -> None:
    local = as_seen_from_windows(INVENTORY)
    data = BootData(
        local, "mirrored", {"allow": ["tcp/8080@lan"]}, (Domain("wsl", "vm"),), ("vEthernet (x)",)
    )
    back = read_boot_data(PATH, data.to_bytes())
    assert (back.mode, back.options, back.domains, back.switches) == (
        "mirrored",
        {"allow": ["tcp/8080@lan"]},
        (Domain("wsl", "vm"),),
        ("vEthernet (x)",),
    )
    assert dict(back.inventory.machines) == dict(local.machines)
    assert (back.inventory.wish, back.inventory.state) == (INVENTORY.wish, INVENTORY.state)
    assert back.to_bytes() == data.to_bytes()


def test_on_windows_itself_there_is_no_way_in_and_no_password_for_it() -> None:
    local = as_seen_from_windows(INVENTORY)
    assert local["windows"] == Machine("windows", Kind.WINDOWS)
    assert local["lan"].proxy is None
    content = BootData(local, "nat", {}).to_bytes()
    assert b"password" not in content
    assert b"socks" not in content


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"{}", b'{"schema_version": 9}', b'{"schema_version": 1, "machines": {"a": {"kind": "b"}}}'],
)
def test_a_broken_file_is_one_line(content: bytes) -> None:
    with pytest.raises(InputError, match=r"^boot\.json: "):
        read_boot_data(PATH, content)
