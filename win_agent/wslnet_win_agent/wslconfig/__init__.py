"""`.wslconfig` and `wsl.conf`: read as WSL reads them, edited so that only the bytes asked for change."""

from .editor import set_value, unset_value
from .encoding import WslConfigError
from .reader import Finding, Setting, WslConfig, read
from .schema import Schema
from .tables import WSL_CONF, WSLCONFIG

__all__ = [
    "WSLCONFIG",
    "WSL_CONF",
    "Finding",
    "Schema",
    "Setting",
    "WslConfig",
    "WslConfigError",
    "read",
    "set_value",
    "unset_value",
]
