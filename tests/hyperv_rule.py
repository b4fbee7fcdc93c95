"""A rule of the Hyper-V firewall as `hyperv_rule.create` takes it: tcp/8080 from the LAN into WSL."""

from __future__ import annotations

RULE: dict[str, object] = {
    "name": "wslnet-allow-tcp-8080",
    "display_name": "wslnet: tcp/8080 into WSL",
    "direction": "Inbound",
    "action": "Allow",
    "protocol": "TCP",
    "local_ports": ["8080"],
    "remote_addresses": ["172.24.21.0/24"],
    "profiles": ["Domain", "Private"],
}
