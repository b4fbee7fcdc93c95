"""`wslnet config` on the two files of note 003, key by key: read, checked, set, and no other byte touched."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from wslnet.cli.main import run

if TYPE_CHECKING:
    from pathlib import Path

NOTE = """\
# 推荐的一些配置项如下
[wsl2]                      # 核心配置
autoProxy=false             # 是否强制WSL使用 Windows 代理设置(按需启用)
dnsTunneling=true
firewall=true
guiApplications=true        # 启用 WSLg
ipv6=true
localhostForwarding=true
memory=4GB                  # 限制WSL的最大内存占用
nestedVirtualization=true
networkingMode=mirrored     # 启用镜像网络特性支持
#pageReporting=true         # 启用WSL页面文件通报
processors=8


[experimental]                  # 实验性功能
autoMemoryReclaim=gradual       # 启用空闲内存自动缓慢回收
hostAddressLoopback=true
sparseVhd=true                  # 启用WSL虚拟硬盘空间自动回收
"""
CONF = """\
# 自动挂载
[automount]
enabled = true
mountFsTab = true
root = /mnt/
options = "metadata,umask=22,fmask=11"

[filesystem]
umask = 0022

[interop]
enabled = true
appendWindowsPath = false   # PATH 污染
"""


@dataclass(frozen=True, slots=True)
class Key:
    """One key: the line of the note, another value that WSL takes, one that it does not and what is said."""

    file: str
    name: str
    line: str
    new: str
    bad: str
    said: str

    @property
    def old(self) -> str:
        """What the note sets it to."""
        return self.line.partition("=")[2].strip()

    @property
    def line_after(self) -> str:
        """The line with the new value."""
        return self.line.removesuffix(self.old) + self.new


WSLCONFIG, WSL_CONF = ".wslconfig", "wsl.conf"
KEYS = [
    pytest.param(
        Key(WSLCONFIG, "wsl2.autoProxy", "autoProxy=false", "true", "on", "write true"),
        marks=pytest.mark.row("S3-22"),
    ),
    pytest.param(
        Key(WSLCONFIG, "wsl2.dnsTunneling", "dnsTunneling=true", "false", "no", "write false"),
        marks=pytest.mark.row("S3-23"),
    ),
    pytest.param(
        Key(WSLCONFIG, "wsl2.firewall", "firewall=true", "false", "off", "write false"),
        marks=pytest.mark.row("S3-24"),
    ),
    pytest.param(
        Key(WSLCONFIG, "wsl2.guiApplications", "guiApplications=true", "false", "f", "write false"),
        marks=pytest.mark.row("S3-25"),
    ),
    pytest.param(
        Key(WSLCONFIG, "wsl2.ipv6", "ipv6=true", "false", "n", "write false"),
        marks=pytest.mark.row("S3-26"),
    ),
    pytest.param(
        Key(
            WSLCONFIG,
            "experimental.autoMemoryReclaim",
            "autoMemoryReclaim=gradual",
            "dropCache",
            "gradualy",
            "write gradual",
        ),
        marks=pytest.mark.row("S3-31"),
    ),
    pytest.param(
        Key(WSLCONFIG, "experimental.sparseVhd", "sparseVhd=true", "false", "yes", "write true"),
        marks=pytest.mark.row("S3-32"),
    ),
    pytest.param(
        Key(WSL_CONF, "automount.enabled", "[automount]\nenabled = true", "false", "off", "write false"),
        marks=pytest.mark.row("S3-36"),
    ),
    pytest.param(
        Key(WSL_CONF, "automount.mountFsTab", "mountFsTab = true", "false", "no", "write false"),
        marks=pytest.mark.row("S3-36"),
    ),
    pytest.param(
        Key(WSL_CONF, "filesystem.umask", "\numask = 0022", "0077", "u=rwx", "filesystem.umask"),
        marks=pytest.mark.row("S3-37"),
    ),
    pytest.param(
        Key(WSL_CONF, "interop.enabled", "[interop]\nenabled = true", "false", "no", "write false"),
        marks=pytest.mark.row("S3-38"),
    ),
    pytest.param(
        Key(WSL_CONF, "interop.appendWindowsPath", "appendWindowsPath = false", "true", "yes", "write true"),
        marks=pytest.mark.row("S3-38"),
    ),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / ".wslconfig").write_bytes(NOTE.replace("\n", "\r\n").encode())
    (tmp_path / "wsl.conf").write_bytes(CONF.encode())
    return tmp_path


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    capsys.readouterr()
    assert run(["config", *arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("key", KEYS)
def test_a_key_is_read_checked_and_set(folder: Path, capsys: pytest.CaptureFixture[str], key: Key) -> None:
    path = folder / key.file
    before = path.read_bytes()
    assert told(capsys, "get", key.name, "--file", str(path))["effective"][key.name]["value"] == key.old
    assert run(["config", "set", key.name, key.bad, "--file", str(path)]) == 2
    assert key.said in capsys.readouterr().err
    assert path.read_bytes() == before
    after = told(capsys, "set", key.name, key.new, "--file", str(path))
    assert after["effective"][key.name]["value"] == key.new
    assert before.count(key.line.encode()) == 1
    assert path.read_bytes() == before.replace(key.line.encode(), key.line_after.encode())


@pytest.mark.row("S3-36")
def test_where_drives_are_mounted(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = folder / "wsl.conf"
    for key, value in (("root", "/mnt/"), ("options", "metadata,umask=22,fmask=11")):
        name = f"automount.{key}"
        assert told(capsys, "get", name, "--file", str(path))["effective"][name]["value"] == value
    assert told(capsys, "lint", "--file", str(path))["findings"] == []


@pytest.mark.row("S0-08", "S3-30")
def test_comments_stay_and_a_key_in_one_is_none(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = folder / ".wslconfig"
    before = path.read_bytes()
    codes = [(one["code"], one["key"]) for one in told(capsys, "lint", "--file", str(path))["findings"]]
    assert codes == [("dead-key", "wsl2.ipv6"), ("dead-key", "wsl2.localhostForwarding")]
    told(capsys, "set", "wsl2.networkingMode", "nat", "--file", str(path))
    assert path.read_bytes() == before.replace(b"networkingMode=mirrored", b"networkingMode=nat")
    path.write_bytes(before.replace(b"#pageReporting", b"pageReporting"))
    found = told(capsys, "lint", "--file", str(path))["findings"]
    assert [one["message"] for one in found if one["code"] == "unknown-key"] == ["WSL does not know this key"]
