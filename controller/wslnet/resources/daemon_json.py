"""Values in Docker's `/etc/docker/daemon.json`; everything else in it stays as it is, byte for byte.

Docker reads it when it starts: the file alone changes nothing that runs, so it may be restarted with it.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping  # noqa: TC003 - the field's type
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet.errors import PlanRefused
from wslnet.model.change import Action, Change, Op
from wslnet.model.daemon_json import with_values
from wslnet.model.linux_facts import LinuxFacts

if TYPE_CHECKING:
    from wslnet.model.snapshot import MachineFacts

DOCKER = "docker"


@dataclass(frozen=True, slots=True)
class DaemonJson:
    """The keys and values that the file shall have; `restart`: and that docker has been started with them."""

    machine: str
    values: Mapping[str, object]
    why: str
    rows: tuple[str, ...] = ("S3-47", "S3-49")
    needs: frozenset[str] = frozenset({"engines"})
    volatile: bool = False
    restart: bool = False

    @property
    def name(self) -> str:
        """Its identity: the file and the keys."""
        return f"daemon.json {', '.join(sorted(self.values))}"

    def diff(self, facts: MachineFacts) -> tuple[Change, ...]:
        """The file to write, with the bytes of before as its undo; nothing without Docker.

        Raises:
            PlanRefused: the file is no valid JSON, or no UTF-8.
        """
        engines = (facts.engines if isinstance(facts, LinuxFacts) else None) or ()
        docker = next((one for one in engines if one.engine == DOCKER), None)
        if docker is None:
            return ()
        have = None if docker.settings is None else base64.b64decode(docker.settings)
        try:
            text = None if have is None else have.decode()
        except UnicodeDecodeError as error:
            raise PlanRefused(f"{self.machine}: daemon.json is no UTF-8 text; it was not touched") from error
        wanted = with_values(text, self.values).encode()
        if wanted == have and not (self.restart and docker.outdated):
            return ()
        values = ", ".join(f"{key} = {value}" for key, value in sorted(self.values.items()))
        change = Change(
            machine=self.machine,
            resource=self.name,
            action=Action.ADD if have is None else Action.CHANGE,
            before=None if have is None else f"{len(have)} bytes",
            after=f"{values}, and docker restarted" if self.restart else values,
            why=self.why,
            do=self._write(wanted, have),
            undo=self._write(have, wanted),
            rows=self.rows,
        )
        return (change,)

    def _write(self, content: bytes | None, over: bytes | None) -> Op:
        return Op(
            "daemon_json.write",
            {
                "content": None if content is None else base64.b64encode(content).decode(),
                "expect_sha256": None if over is None else hashlib.sha256(over).hexdigest(),
                **({"restart": True} if self.restart else {}),
            },
        )
