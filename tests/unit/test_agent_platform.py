"""The agent's fact `platform`: kernel options packed or plain, the CPU's flag, and what this machine says."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from wslnet.model.linux_facts import Platform
from wslnet_linux_agent import facts_platform

if TYPE_CHECKING:
    from collections.abc import Callable

CONFIG = '# CONFIG_VETH is not set\nCONFIG_BRIDGE=y\nCONFIG_TUN=m\nCONFIG_LOCALVERSION="-x"\nCONFIG_HZ=250\n'
CPUINFO = "processor\t: 0\nflags\t\t: fpu vme {flag} sse\nvmx flags\t: vnmi\n"


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, bytes], None]:
    """Puts a file in the place of one that the kernel or the distribution has; all others are missing."""
    names = {"_PACKED_CONFIG": "config.gz", "_CONFIG": "config", "_CPUINFO": "cpuinfo"}
    for constant, name in names.items():
        monkeypatch.setattr(facts_platform, constant, str(tmp_path / name))
    (tmp_path / "cpuinfo").write_text(CPUINFO.format(flag="nx"), encoding="ascii")

    def put(name: str, content: bytes) -> None:
        (tmp_path / name).write_bytes(content)

    return put


def read() -> Platform:
    return msgspec.convert(facts_platform.platform(), Platform)


@pytest.mark.row("S0-06")
@pytest.mark.parametrize(
    ("name", "content"), [("config.gz", gzip.compress(CONFIG.encode())), ("config", CONFIG.encode())]
)
def test_options_are_read_packed_or_plain(
    kernel: Callable[[str, bytes], None], name: str, content: bytes
) -> None:
    kernel(name, content)
    assert read().options == {"BRIDGE": "y", "TUN": "m"}


@pytest.mark.usefixtures("kernel")
def test_a_kernel_that_does_not_tell_is_not_one_without_anything() -> None:
    assert read().options is None


@pytest.mark.parametrize(("flag", "told"), [("vmx", "vmx"), ("svm", "svm"), ("nx", None)])
def test_the_cpu_tells_its_flag(kernel: Callable[[str, bytes], None], flag: str, told: str | None) -> None:
    kernel("cpuinfo", CPUINFO.format(flag=flag).encode())
    assert read().cpu == told


def test_this_machine() -> None:
    found = read()
    assert found.kvm == Path("/dev/kvm").exists()
    assert found.init == Path("/proc/1/comm").read_text(encoding="utf-8").strip()
