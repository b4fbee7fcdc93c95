"""What is sent to a machine: its size, its language level, what it loads there, and when it is built anew."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

from wslnet_linux_agent import bundle, wire

HARD_LIMIT = 15_000
SOURCES = bundle.sent_sources()
# Each costs start-up time on every machine, or is missing in a small Python.
NEVER = {"typing", "dataclasses", "asyncio", "argparse", "logging", "ctypes", "pathlib", "tempfile"}
LATER = {"subprocess", "threading", "socket", "selectors", "signal"}


def test_the_bundle_is_small(capsys: pytest.CaptureFixture[str]) -> None:
    size = len(bundle.bundle())
    with capsys.disabled():
        print(f"\nagent bundle: {size} bytes, first stage: {len(bundle.FIRST_STAGE)} bytes")  # noqa: T201 - a tracked number
    assert size <= HARD_LIMIT


def test_sources_and_what_is_sent_are_python_3_5(tmp_path: Path) -> None:
    sent = []
    for source in SOURCES:
        (tmp_path / source.name).write_text(bundle.minify(source.read_text(encoding="utf-8")))
        sent.append(tmp_path / source.name)
    (tmp_path / "first_stage.py").write_text(bundle.FIRST_STAGE)
    files = [str(path) for path in (*SOURCES, *sent, tmp_path / "first_stage.py")]
    checked = subprocess.run(
        [str(Path(sys.executable).with_name("vermin")), "--no-tips", "--violations", "-t=3.5-", *files],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stdout


def test_only_the_standard_library_is_imported() -> None:
    for source in SOURCES:
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                top = name.partition(".")[0]
                assert top in sys.stdlib_module_names or top == "wslnet_linux_agent", f"{source.name}: {name}"


@pytest.mark.row("S3-38")
def test_no_program_of_windows_is_run_from_wsl() -> None:
    texts = [
        node.value
        for source in SOURCES
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    assert "virsh" in texts, "the tools that it runs are among them"
    assert not [text for text in texts if ".exe" in text.lower() or text.startswith("/mnt/c")]


def test_minifying_keeps_the_program_and_drops_the_prose() -> None:
    source = '''"""Doc."""
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any
LIMIT = 3
"""What it is."""

class Empty(Exception):
    """Only words."""

def double(value: "Any", *more: "int", name: "str" = "a  b") -> "Any":
    """Give it twice."""
    # why
    if value:
        return [value, value, name]
    return """two
    lines"""
'''
    text = bundle.minify(source)
    for gone in ("Doc", "TYPE_CHECKING", "typing", "What it is", "Only words", "Give it", "why", "Any"):
        assert gone not in text
    space: dict[str, object] = {}
    exec(compile(text, "text", "exec"), space)  # noqa: S102 - what is minified must still run
    assert space["double"](1) == [1, 1, "a  b"]  # type: ignore[operator]
    assert space["double"](0) == "two\n    lines"  # type: ignore[operator]
    assert issubclass(space["Empty"], Exception)  # type: ignore[arg-type]


def test_text_over_several_lines_keeps_its_spaces() -> None:
    source = 'def f():\n    if 1:\n        return """a\n        b"""\n'
    space: dict[str, object] = {}
    exec(compile(bundle.minify(source), "text", "exec"), space)  # noqa: S102 - as above
    assert space["f"]() == "a\n        b"  # type: ignore[operator]


def test_the_built_bundle_is_kept_until_a_source_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "wslnet_linux_agent"
    shutil.copytree(bundle._FOLDER, folder, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(bundle, "_FOLDER", folder)
    builds: list[int] = []
    build = bundle.build
    monkeypatch.setattr(bundle, "build", lambda sources: builds.append(1) or build(sources))

    def fresh() -> bytes:
        bundle.bundle.cache_clear()
        return bundle.bundle()

    try:
        first = fresh()
        assert fresh() == first
        assert len(builds) == 1
        (folder / "wire.py").write_text((folder / "wire.py").read_text() + "\nNEW = 1\n")
        assert b"NEW=1" in zlib.decompress(fresh().partition(b"\n")[2]).replace(b" ", b"")
        assert len(builds) == 2
        bundle._cache_file().write_bytes(b"damaged")
        assert b"NEW" in zlib.decompress(fresh().partition(b"\n")[2])
    finally:
        bundle.bundle.cache_clear()


@pytest.mark.skipif(sys.platform != "linux", reason="the agent runs on Linux")
def test_a_first_answer_loads_little() -> None:
    request = wire.encode(
        {"id": 1, "ops": [{"verb": "facts", "args": {"needs": ["links", "routes", "identity"]}}]}
    )
    argv = [sys.executable, "-X", "importtime", *bundle.PYTHON[1:], bundle.FIRST_STAGE]
    done = subprocess.run(argv, input=bundle.bundle() + request, capture_output=True, timeout=30, check=True)
    decoder = wire.Decoder()
    decoder.feed(done.stdout.partition(bundle.HELLO)[2])
    reply = decoder.take()
    assert reply is not None
    assert reply["results"][0]["ok"]
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.decode().splitlines() if "|" in line}
    assert "wslnet_linux_agent.facts_network" in loaded
    assert not loaded & (NEVER | LATER)
    assert not {
        name for name in loaded if name.startswith(("wslnet_linux_agent.probe", "wslnet_linux_agent.ops_"))
    }


@pytest.mark.skipif(sys.platform != "linux", reason="the agent runs on Linux")
def test_a_broken_frame_ends_the_agent_and_says_so() -> None:
    argv = [sys.executable, *bundle.PYTHON[1:], bundle.FIRST_STAGE]
    done = subprocess.run(
        argv, input=bundle.bundle() + b"\xff\xff\xff\xff", capture_output=True, timeout=30, check=False
    )
    assert done.returncode == 1
    assert done.stdout == bundle.HELLO
    assert done.stderr == b"wslnet agent: a frame announces 4294967295 bytes\n"
