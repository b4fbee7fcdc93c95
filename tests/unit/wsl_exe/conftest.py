"""One Windows on paper and a user in front of it, who calls its wsl.exe."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from wslnet_lab.host.local_session import OWNER, LocalSession

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from wslnet_lab.host.contract import Identity, NativeOutcome

WSL = r"C:\Program Files\WSL\wsl.exe"
FAILED = 4294967295


class Desk(LocalSession):
    """One Windows on paper and a user in front of it."""

    def __init__(self, folder: Path, **settings: object) -> None:
        (folder / "windows.json").write_text(json.dumps(settings), "utf-8")
        super().__init__(folder)

    def wsl(
        self,
        *arguments: str,
        identity: Identity = OWNER,
        environment: Mapping[str, str] | None = None,
        stdin: bytes = b"",
    ) -> NativeOutcome:
        return self.native(WSL, *arguments, identity=identity, environment=environment, stdin=stdin)

    def start(self) -> NativeOutcome:
        return self.wsl("-d", "Debian", "-e", "true")

    def mode(self) -> str | None:
        return self.hardware.wsl.mode


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)
