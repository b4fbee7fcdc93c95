"""`.wslconfig`: read as WSL reads it, edited so that only the bytes asked for change."""

from .editor import set_value, unset_value
from .encoding import WslConfigError
from .reader import Finding, Setting, WslConfig, read

__all__ = ["Finding", "Setting", "WslConfig", "WslConfigError", "read", "set_value", "unset_value"]
