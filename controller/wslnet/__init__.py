"""wslnet: Windows, WSL2 and the VMs inside it as one reachable network.

Importing this package loads nothing of third parties; each command imports what it needs.
"""

__version__ = "0.1.0"
