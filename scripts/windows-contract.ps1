# Checks on a real Windows what wslnet assumes about it. Reads only; all it writes is one JSON file.
# Runs in Windows PowerShell 5.1 and in PowerShell 7; docs/windows-contract.md says what each answer is for.
#
#   powershell -NoProfile -ExecutionPolicy Bypass -File windows-contract.ps1 [-Output FILE] [-StartWsl]
#
# Without -StartWsl a stopped WSL stays stopped, and what only a running one can tell is left out.

[CmdletBinding()]
param(
    [string] $Output = (Join-Path ([Environment]::GetFolderPath('Desktop')) 'wslnet-contract.json'),
    [switch] $StartWsl
)

Set-StrictMode -Version 2
$ErrorActionPreference = 'Stop'
$env:WSL_UTF8 = '1'
$script:Answers = New-Object System.Collections.ArrayList
$WslCreator = '{40E0AC32-46A5-438A-A0B2-2B479E8F2E90}'

function Protect-Text {
    # Names of the user, of the computer and of its domain never leave it.
    param([string] $Text)
    foreach ($name in @($env:USERNAME, $env:COMPUTERNAME, $env:USERDOMAIN)) {
        if ($name -and $name.Length -gt 2) {
            $Text = $Text -replace [regex]::Escape($name), '(redacted)'
        }
    }
    return $Text
}

function Add-Answer {
    # One question: its answer, or the error's stable id; and how long it took, in milliseconds.
    param([string] $Id, [scriptblock] $Ask)
    $watch = [Diagnostics.Stopwatch]::StartNew()
    $entry = [ordered] @{ id = $Id; answer = $null; error = $null; ms = 0 }
    try {
        $entry.answer = & $Ask
    }
    catch {
        $entry.error = [ordered] @{
            id = $_.FullyQualifiedErrorId
            category = [string] $_.CategoryInfo.Category
            message = Protect-Text ([string] $_.Exception.Message)
        }
    }
    $entry.ms = [int] $watch.ElapsedMilliseconds
    [void] $script:Answers.Add($entry)
    Write-Host ('  ' + $Id)
}

function Invoke-Program {
    # A program with its exit code and what it says, with a time limit; nothing is passed through a shell.
    param([string] $Path, [string] $Arguments, [int] $Seconds = 30)
    $start = New-Object Diagnostics.ProcessStartInfo
    $start.FileName = $Path
    $start.Arguments = $Arguments
    $start.UseShellExecute = $false
    $start.CreateNoWindow = $true
    $start.RedirectStandardOutput = $true
    $start.RedirectStandardError = $true
    $start.StandardOutputEncoding = [Text.Encoding]::UTF8
    $start.StandardErrorEncoding = [Text.Encoding]::UTF8
    $process = [Diagnostics.Process]::Start($start)
    $said = $process.StandardOutput.ReadToEndAsync()
    $warned = $process.StandardError.ReadToEndAsync()
    if (-not $process.WaitForExit($Seconds * 1000)) {
        $process.Kill()
        throw "no answer in $Seconds s"
    }
    return [ordered] @{
        exit = $process.ExitCode
        out = Protect-Text $said.Result
        err = Protect-Text $warned.Result
    }
}

function Get-Value {
    # The named values of a registry key; what is not there is left out.
    param([string] $Key, [string[]] $Names)
    $found = [ordered] @{}
    if (Test-Path -LiteralPath $Key) {
        $item = Get-Item -LiteralPath $Key
        foreach ($name in $Names) {
            if ($item.GetValueNames() -contains $name) {
                $found[$name] = $item.GetValue($name)
            }
        }
    }
    return $found
}

function Get-ParameterNames {
    # Parameters of a command that is there, without the common ones.
    param([string] $Name)
    $command = Get-Command -Name $Name
    return @($command.Parameters.Keys | Sort-Object)
}

function Select-Plain {
    # Rows as plain texts and numbers, so that both PowerShells write the same JSON.
    param($Rows, [string[]] $Names)
    $plain = New-Object System.Collections.ArrayList
    foreach ($row in @($Rows)) {
        $entry = [ordered] @{}
        foreach ($name in $Names) {
            $value = $null
            if ($row.PSObject.Properties[$name]) { $value = $row.$name }
            if ($null -eq $value) { $entry[$name] = $null }
            else { $entry[$name] = Protect-Text (($value | ForEach-Object { [string] $_ }) -join ', ') }
        }
        [void] $plain.Add($entry)
    }
    return , $plain.ToArray()
}

Write-Host 'wslnet: reading what it assumes about Windows (nothing is changed)'

# --- this Windows
Add-Answer 'windows.version' {
    Get-Value 'HKLM:\SOFTWARE\Microsoft\Windows NT\CurrentVersion' @('CurrentBuildNumber', 'UBR', 'EditionID', 'DisplayVersion')
}
Add-Answer 'windows.languages' {
    [ordered] @{
        ui = [Globalization.CultureInfo]::CurrentUICulture.Name
        system = [Globalization.CultureInfo]::InstalledUICulture.Name
        oem = [Globalization.CultureInfo]::CurrentCulture.TextInfo.OEMCodePage
        console = [Console]::OutputEncoding.CodePage
    }
}
Add-Answer 'powershell' {
    [ordered] @{ version = [string] $PSVersionTable.PSVersion; language = [string] $ExecutionContext.SessionState.LanguageMode }
}
Add-Answer 'session' {
    $identity = [Security.Principal.WindowsIdentity]::GetCurrent()
    $principal = New-Object Security.Principal.WindowsPrincipal $identity
    [ordered] @{
        elevated = $principal.IsInRole([Security.Principal.WindowsBuiltInRole]::Administrator)
        system = $identity.IsSystem
        microsoftAccount = (@($identity.Groups | ForEach-Object { $_.Value }) -contains 'S-1-5-64-36')
        session = [Diagnostics.Process]::GetCurrentProcess().SessionId
    }
}

# --- the Hyper-V firewall (wsl-facts 2.3 and 8, windows-facts 12)
Add-Answer 'hyperv.creator' {
    Select-Plain (Get-NetFirewallHyperVVMCreator) @('VMCreatorId', 'FriendlyName')
}
Add-Answer 'hyperv.setting.active' {
    Select-Plain (Get-NetFirewallHyperVVMSetting -PolicyStore ActiveStore -Name $WslCreator) @('Name', 'Enabled', 'DefaultInboundAction', 'DefaultOutboundAction', 'LoopbackEnabled', 'AllowHostPolicyMerge')
}
Add-Answer 'hyperv.setting.stored' {
    Select-Plain (Get-NetFirewallHyperVVMSetting -Name $WslCreator) @('Name', 'Enabled', 'DefaultInboundAction', 'DefaultOutboundAction', 'LoopbackEnabled', 'AllowHostPolicyMerge')
}
Add-Answer 'hyperv.rules' {
    Select-Plain (Get-NetFirewallHyperVRule -PolicyStore ActiveStore) @('InstanceID', 'Direction', 'Action', 'Enabled', 'Protocol', 'LocalPorts', 'RemoteAddresses', 'Profiles', 'VMCreatorId')
}
Add-Answer 'hyperv.ports' {
    @(Get-NetFirewallHyperVPort).Count
}
foreach ($name in @('New-NetFirewallHyperVRule', 'Set-NetFirewallHyperVRule', 'Set-NetFirewallHyperVVMSetting', 'New-NetFirewallHyperVVMSetting', 'Set-NetFirewallHyperVProfile', 'Set-NetIPInterface', 'New-NetFirewallRule', 'Register-ScheduledTask')) {
    Add-Answer ('parameters.' + $name) { Get-ParameterNames $name }
}
# Which error an absent thing gives; the id is the same in every language, the text is not.
Add-Answer 'error.absent-hyperv-rule' { Get-NetFirewallHyperVRule -Name 'wslnet-there-is-none' }
Add-Answer 'error.absent-hyperv-setting' { Get-NetFirewallHyperVVMSetting -Name '{00000000-0000-0000-0000-00000000beef}' }
Add-Answer 'error.absent-firewall-rule' { Get-NetFirewallRule -Name 'wslnet-there-is-none' }
Add-Answer 'error.absent-task' { Get-ScheduledTask -TaskName 'wslnet-there-is-none' -TaskPath '\wslnet\' }
Add-Answer 'error.absent-interface' { Get-NetIPInterface -InterfaceIndex 4294967294 -AddressFamily IPv4 }

# --- adapters, forwarding, ports (wsl-facts 2.1, 4 and 9)
Add-Answer 'adapters' {
    Select-Plain (Get-NetAdapter -IncludeHidden) @('ifIndex', 'Name', 'InterfaceDescription', 'Status', 'Virtual', 'Hidden', 'InterfaceGuid')
}
Add-Answer 'interfaces' {
    Select-Plain (Get-NetIPInterface) @('ifIndex', 'InterfaceAlias', 'AddressFamily', 'Forwarding', 'ConnectionState', 'NlMtu', 'InterfaceMetric')
}
Add-Answer 'profiles' {
    Select-Plain (Get-NetConnectionProfile) @('InterfaceIndex', 'NetworkCategory', 'IPv4Connectivity')
}
Add-Answer 'firewall.profiles' {
    Select-Plain (Get-NetFirewallProfile -PolicyStore ActiveStore) @('Name', 'Enabled', 'DefaultInboundAction', 'AllowInboundRules', 'AllowLocalFirewallRules')
}
Add-Answer 'dynamic-ports' { Invoke-Program 'netsh.exe' 'interface ipv4 show dynamicport tcp' }
Add-Answer 'excluded-ports' { Invoke-Program 'netsh.exe' 'interface ipv4 show excludedportrange tcp' }
Add-Answer 'portproxy.stored' {
    # In which form a rule without a listen address is kept.
    $found = [ordered] @{}
    foreach ($kind in @('v4tov4', 'v4tov6', 'v6tov4', 'v6tov6')) {
        $key = 'HKLM:\SYSTEM\CurrentControlSet\Services\PortProxy\' + $kind + '\tcp'
        if (Test-Path -LiteralPath $key) { $found[$kind] = @((Get-Item -LiteralPath $key).GetValueNames()) }
    }
    $found
}
Add-Answer 'registry.mirrored' {
    [ordered] @{
        ipv6 = Get-Value 'HKLM:\SYSTEM\CurrentControlSet\Services\Tcpip6\Parameters' @('DisabledComponents')
        firewall = Get-Value 'HKLM:\SYSTEM\CurrentControlSet\Services\MpsSvc\Parameters' @('HyperVFirewallDisable')
        tracker = Get-Value 'HKLM:\SYSTEM\CurrentControlSet\Services\Tcpip\Parameters' @('PortTrackerEnabledMode')
        policies = Get-Value 'HKLM:\SOFTWARE\Policies\WSL' @('AllowWSL', 'DefaultNetworkingMode', 'AllowNetworkingModeUserSetting', 'AllowFirewallUserSetting', 'AllowNestedVirtualization', 'AllowKernelUserSetting', 'AllowKernelCommandLineUserSetting')
        nat = Get-Value 'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Lxss' @('NatNetwork', 'NatGatewayIpAddress', 'ExternalInterfaceConstraint')
        fastStartup = Get-Value 'HKLM:\SYSTEM\CurrentControlSet\Control\Session Manager\Power' @('HiberbootEnabled')
    }
}
Add-Answer 'services' {
    Select-Plain (Get-Service -Name @('WslService', 'LxssManager', 'hns', 'vmcompute', 'SharedAccess', 'iphlpsvc', 'MpsSvc', 'FSE', 'WinRM', 'sshd', 'Schedule', 'GlobalSecureAccessTunnelingService') -ErrorAction SilentlyContinue) @('Name', 'Status', 'StartType')
}
Add-Answer 'services.absent-plain' {
    # Asked by plain names, a service that is not there is an error, and takes none of the others along.
    $errors = @()
    $found = Get-Service -Name @('MpsSvc', 'wslnet-there-is-none') -ErrorAction SilentlyContinue -ErrorVariable errors
    [ordered] @{ found = @($found).Count; errors = @($errors | ForEach-Object { $_.FullyQualifiedErrorId }) }
}
Add-Answer 'services.absent-pattern' {
    # Asked by a pattern that fits one name only, it is none; the pattern finds a service that is there.
    $errors = @()
    $found = Get-Service -Name @('[M]psSvc', '[w]slnet-there-is-none') -ErrorAction SilentlyContinue -ErrorVariable errors
    [ordered] @{ found = @($found).Count; errors = @($errors | ForEach-Object { $_.FullyQualifiedErrorId }) }
}
Add-Answer 'services.vpn' {
    # The names by which VPN agents are known, and what else is called like one.
    $names = @('CloudflareWARP', 'csc_vpnagent', 'FA_Scheduler', 'GlobalSecureAccessTunnelingService', 'OpenVPNServiceInteractive', 'PanGPS', 'PulseSecureService', 'stAgentSvc', 'Tailscale', 'TracSrvWrapper', 'vpnagent', 'WireGuardManager', 'ZSAService', '*vpn*', '*ZScaler*', '*Netskope*', '*GlobalProtect*')
    Select-Plain (Get-Service -Name $names -ErrorAction SilentlyContinue | Sort-Object Name -Unique) @('Name', 'DisplayName', 'Status', 'StartType')
}
Add-Answer 'export.ComputeNetwork' {
    # Mirrored mode asks this library for its functions (wsl-facts 2.1, 4): its version tells which it has.
    $file = Join-Path $env:SystemRoot 'System32\ComputeNetwork.dll'
    (Get-Item -LiteralPath $file).VersionInfo.FileVersion
}

# --- what guards this Windows beside its own firewall
Add-Answer 'guards.firewalls' {
    Select-Plain (Get-CimInstance -Namespace 'root/SecurityCenter2' -ClassName 'FirewallProduct') @('displayName', 'productState')
}
Add-Answer 'guards.code-integrity' {
    Select-Plain (Get-CimInstance -Namespace 'root/Microsoft/Windows/DeviceGuard' -ClassName 'Win32_DeviceGuard') @('CodeIntegrityPolicyEnforcementStatus', 'UsermodeCodeIntegrityPolicyEnforcementStatus')
}
Add-Answer 'guards.applocker' {
    $found = [ordered] @{}
    foreach ($kind in @('Exe', 'Script')) {
        $found[$kind] = Get-Value ('HKLM:\SOFTWARE\Policies\Microsoft\Windows\SrpV2\' + $kind) @('EnforcementMode')
    }
    $found
}
Add-Answer 'guards.ntlm' {
    Get-Value 'HKLM:\SYSTEM\CurrentControlSet\Control\Lsa\MSV1_0' @('RestrictReceivingNTLMTraffic', 'RestrictSendingNTLMTraffic')
}

# --- WSL itself (wsl-facts 2.4, 3 and 8)
$wsl = Join-Path $env:ProgramFiles 'WSL\wsl.exe'
$running = $false
Add-Answer 'wsl.installed' {
    [ordered] @{ path = (Test-Path -LiteralPath $wsl); msi = (Get-Value 'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Lxss\MSI' @('Version')) }
}
if (Test-Path -LiteralPath $wsl) {
    Add-Answer 'wsl.version' { Invoke-Program $wsl '--version' }
    Add-Answer 'wsl.status' { Invoke-Program $wsl '--status' }
    Add-Answer 'wsl.list' {
        $list = Invoke-Program $wsl '--list --verbose'
        $script:running = ($list.out -match 'Running')
        $list
    }
    Add-Answer 'wsl.list-utf16' {
        # Without WSL_UTF8: the first bytes tell the encoding and whether it has a mark.
        $env:WSL_UTF8 = ''
        $start = New-Object Diagnostics.ProcessStartInfo
        $start.FileName = $wsl
        $start.Arguments = '--list --quiet'
        $start.UseShellExecute = $false
        $start.CreateNoWindow = $true
        $start.RedirectStandardOutput = $true
        $process = [Diagnostics.Process]::Start($start)
        $bytes = New-Object byte[] 8
        $count = $process.StandardOutput.BaseStream.Read($bytes, 0, 8)
        [void] $process.WaitForExit(30000)
        $env:WSL_UTF8 = '1'
        ($bytes[0..([Math]::Max($count, 1) - 1)] | ForEach-Object { '{0:x2}' -f $_ }) -join ' '
    }
    Add-Answer 'wsl.absent-distro' { Invoke-Program $wsl '-d wslnet-there-is-none -e true' }
    if ($running -or $StartWsl) {
        Add-Answer 'wsl.start' { Invoke-Program $wsl '-e true' 120 }
        Add-Answer 'wsl.mode' { Invoke-Program $wsl '-e wslinfo --networking-mode -n' }
        Add-Answer 'wsl.rules' { Invoke-Program $wsl '-e ip rule show' }
        Add-Answer 'wsl.tables' { Invoke-Program $wsl '-e ip route show table all' }
        Add-Answer 'wsl.links' { Invoke-Program $wsl '-e ip -d link show' }
        Add-Answer 'wsl.port-range' { Invoke-Program $wsl '-e cat /proc/sys/net/ipv4/ip_local_port_range' }
        Add-Answer 'wsl.resolv' { Invoke-Program $wsl '-e readlink /etc/resolv.conf' }
        Add-Answer 'wsl.parents' { Invoke-Program $wsl '-e ps -eo pid,ppid,comm' }
        Add-Answer 'wsl.forwarding-after' {
            Select-Plain (Get-NetIPInterface -AddressFamily IPv4) @('ifIndex', 'InterfaceAlias', 'Forwarding')
        }
    }
}
Add-Answer 'wslconfig.bytes' {
    # Encoding and line ends only; the content stays here.
    $file = Join-Path $env:USERPROFILE '.wslconfig'
    if (-not (Test-Path -LiteralPath $file)) { return $null }
    $bytes = [IO.File]::ReadAllBytes($file)
    $text = [Text.Encoding]::UTF8.GetString($bytes)
    $item = Get-Item -LiteralPath $file -Force
    [ordered] @{
        length = $bytes.Length
        head = (@($bytes | Select-Object -First 3) | ForEach-Object { '{0:x2}' -f $_ }) -join ' '
        crlf = [regex]::Matches($text, "`r`n").Count
        lf = [regex]::Matches($text, "(?<!`r)`n").Count
        link = [bool] ($item.Attributes -band [IO.FileAttributes]::ReparsePoint)
    }
}
Add-Answer 'events.wsl' {
    $since = (Get-Date).AddDays(-30)
    Select-Plain (Get-WinEvent -FilterHashtable @{ LogName = 'Application'; ProviderName = 'WSL'; StartTime = $since } -MaxEvents 20) @('TimeCreated', 'Id', 'LevelDisplayName', 'Message')
}
Add-Answer 'events.vmswitch' {
    # Which ids a new virtual card logs: the boot task's trigger (windows-facts 10).
    $since = (Get-Date).AddDays(-30)
    $found = Get-WinEvent -FilterHashtable @{ LogName = 'System'; ProviderName = 'Microsoft-Windows-Hyper-V-VmSwitch'; StartTime = $since } -MaxEvents 400
    Select-Plain ($found | Group-Object Id | Sort-Object Count -Descending) @('Name', 'Count')
}

# --- remoting and tasks (windows-facts 10 and 11)
Add-Answer 'winrm.listener' {
    # Asked while the service is down, the WSMan drive offers to start it.
    if ([string] (Get-Service -Name WinRM).Status -ne 'Running') { return 'WinRM does not run' }
    Select-Plain (Get-ChildItem -LiteralPath 'WSMan:\localhost\Listener') @('Name', 'Keys')
}
Add-Answer 'winrm.loopback' {
    # Whether this very session may open a pool on its own computer: reported blocked without elevation.
    Invoke-Command -ComputerName localhost -ScriptBlock { $PSVersionTable.PSVersion.ToString() } -ErrorAction Stop
}
Add-Answer 'winrm.wsl-by-network-logon' {
    # Whether wsl.exe answers a network logon: the token that a remote controller has.
    Invoke-Command -ComputerName localhost -ScriptBlock {
        $path = Join-Path $env:ProgramFiles 'WSL\wsl.exe'
        $env:WSL_UTF8 = '1'
        $said = & $path '--list' '--quiet' 2>&1
        '{0}: {1} lines' -f $LASTEXITCODE, @($said).Count
    } -ErrorAction Stop
}
Add-Answer 'tasks.schema' {
    # The newest version of the task schema that this Windows writes itself.
    $versions = foreach ($task in Get-ScheduledTask -TaskPath '\Microsoft\Windows\*') {
        $xml = [xml] (Export-ScheduledTask -TaskName $task.TaskName -TaskPath $task.TaskPath)
        $xml.Task.version
    }
    Select-Plain ($versions | Group-Object | Sort-Object Name) @('Name', 'Count')
}

$document = [ordered] @{
    schema_version = 1
    script = 'windows-contract'
    taken = (Get-Date).ToUniversalTime().ToString('o')
    answers = $script:Answers.ToArray()
}
$text = $document | ConvertTo-Json -Depth 8
[IO.File]::WriteAllText($Output, $text, (New-Object Text.UTF8Encoding $false))
Write-Host ''
Write-Host ('Written: ' + $Output)
Write-Host 'Please look through it, and attach it to a new issue with the title "windows contract".'
