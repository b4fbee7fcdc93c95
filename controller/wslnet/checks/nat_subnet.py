"""Is WSL's NAT network the one that it remembers and that nobody else uses (wsl-facts 1.3, wsl-facts 6 no. 14)?"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from wslnet.checks.parts.findings import REACHABLE, Findings
from wslnet.checks.parts.windows import on_windows
from wslnet.model.adapter_roles import Role, roles
from wslnet.model.finding import Check, Finding, Fix, Status
from wslnet.model.machine import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.model.snapshot import Snapshot
    from wslnet.model.windows_facts import WindowsFacts

_SAY = Findings("nat.subnet", docs="https://learn.microsoft.com/windows/wsl/networking")
