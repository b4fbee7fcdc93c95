"""The keys that WSL knows in its two files: name, kind of the value, and what holds without the key.

From facts/wslconfig-keys.json and wsl-facts 1.3 and 1.4. A new key of WSL's is one line here.
"""

from __future__ import annotations

from .schema import Schema


def _schema(
    name: str,
    table: str,
    aliases: tuple[str, ...] = (),
    *,
    stops: bool = False,
    line_end: str = "\r\n",
    retired: dict[str, str] | None = None,
) -> Schema:
    known, defaults, section = {}, {}, ""
    for line in table.splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        else:
            key, kind, default = line.split(maxsplit=2)
            known[f"{section}.{key}"], defaults[f"{section}.{key}"] = kind, default
    named = {f"experimental.{key.casefold()}": f"wsl2.{key}" for key in aliases}
    return Schema(name, known, defaults, named, stops, line_end, retired or {})


WSLCONFIG = _schema(
    ".wslconfig",
    """\
[wsl2]
networkingMode              mode    nat
firewall                    bool    true
dnsTunneling                bool    true
autoProxy                   bool    true
localhostForwarding         bool    true
dnsProxy                    bool    true
vmSwitch                    text    (none)
macAddress                  mac     (random)
dhcp                        bool    true
dhcpTimeout                 int     5000
ipv6                        bool    false
kernel                      text    (bundled)
kernelModules               text    (bundled)
kernelCommandLine           text    (none)
loadDefaultKernelModules    bool    true
loadKernelModules           text    (none)
memory                      size    (half of the PC's)
processors                  int     (all)
swap                        size    (a quarter of memory)
swapFile                    text    %Temp%\\swap.vhdx
nestedVirtualization        bool    (true on x64 Windows 11)
vmIdleTimeout               int     60000
safeMode                    bool    false
guiApplications             bool    true
debugConsole                bool    false
debugConsoleLogFile         text    (none)
earlyBootLogging            bool    (as debugConsole)
kernelDebugPort             int     0
kernelBootTimeout           int     30000
distributionStartTimeout    int     60000
mountDeviceTimeout          int     5000
hostFileSystemAccess        bool    true
hardwarePerformanceCounters bool    (true on x64)
virtio                      bool    (true on x64 or Windows 11)
virtio9p                    bool    false
virtiofs                    bool    false
gpuSupport                  bool    true
systemDistro                text    (bundled)
telemetry                   bool    (true in official builds)
defaultVhdSize              size    1TB
crashDumpFolder             text    %TEMP%\\wsl-crashes
maxCrashDumpCount           int     10
isolateDistroCgroup         bool    true
[experimental]
hostAddressLoopback         bool    false
ignoredPorts                ports   (none)
dnsTunnelingIpAddress       ipv4    10.255.255.254
bestEffortDnsParsing        bool    false
initialAutoProxyTimeout     int     1000
autoMemoryReclaim           reclaim dropcache
sparseVhd                   bool    false
swiotlb                     size    0
virtioFsAggregateShares     bool    true
setVersionDebug             bool    false
ephemeralPortRangeSize      int     4096
[general]
instanceIdleTimeout         int     15000
distributionInstallPath     text    %LOCALAPPDATA%\\wsl
""",
    aliases=("networkingMode", "firewall", "dnsTunneling", "autoProxy"),
    retired={
        "experimental.usewindowsdnscache": "WSL does not know this key any more; it went with dnsTunneling",
    },
)
"""`%UserProfile%\\.wslconfig`: the virtual machine, read when it starts."""

WSL_CONF = _schema(
    "wsl.conf",
    """\
[network]
generateHosts               bool    true
generateResolvConf          bool    true
hostname                    text    (the PC's name)
[boot]
systemd                     bool    false
command                     text    (none)
initTimeout                 int     10000
protectBinfmt               bool    true
[interop]
enabled                     bool    true
appendWindowsPath           bool    true
[user]
default                     text    (as the distro was installed)
[automount]
enabled                     bool    true
mountFsTab                  bool    true
root                        text    /mnt
options                     text    (none)
ldconfig                    bool    true
cgroups                     cgroups v2
[filesystem]
umask                       int     0022
[fileServer]
enabled                     bool    true
logFile                     text    (none)
logLevel                    int     4
logTruncate                 bool    true
[gpu]
enabled                     bool    true
appendLibPath               bool    true
[time]
useWindowsTimezone          bool    true
[general]
guiApplications             bool    false
""",
    stops=True,
    line_end="\n",
)
"""`/etc/wsl.conf`: one distro, read when it starts."""

SCHEMAS = (WSLCONFIG, WSL_CONF)
