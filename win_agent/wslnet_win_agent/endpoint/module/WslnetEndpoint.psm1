# The only things that a session of wslnet's endpoint may change. Each function names exactly one object, takes
# nothing but checked scalars and short lists, and calls Windows' commands by their modules' names. Clients may
# read this text: there is nothing secret in it.

function Get-WslnetOwnPath {
    param([string]$Kind)
    $sid = $PSSenderInfo.UserInfo.WindowsIdentity.User.Value
    $list = 'HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList'
    $folder = [Microsoft.Win32.Registry]::GetValue("$list\$sid", 'ProfileImagePath', $null)
    if (-not $folder) {
        throw 'WslnetNoProfile'
    }
    $suffix = ''
    if ($Kind -ceq 'draft') { $suffix = '.wslnet-tmp' }
    if ($Kind -ceq 'backup') { $suffix = '.wslnet-bak' }
    if ($Kind -ceq 'folder') { return $folder }
    return "$folder\.wslconfig$suffix"
}

function Assert-WslnetPlainFile {
    param([string]$Path)
    $found = Microsoft.PowerShell.Management\Get-Item -LiteralPath $Path -Force -ErrorAction SilentlyContinue
    # Whoever owns the folder could point a link anywhere; this session runs with more rights than he has.
    if ($found -and $found.LinkType) {
        throw 'WslnetRefusedLink'
    }
}

function Get-WslnetOwnFile {
    param([string]$Kind, [string]$Id)
    $common = 'C:\ProgramData'
    if ($Kind -eq 'lock') { return "$common\wslnet.lock" }
    if ($Kind -eq 'lock-mine') { return "$common\wslnet.lock.$Id" }
    if ($Kind -eq 'lock-dead') { return "$common\wslnet.lock.$Id-dead" }
    if ($Kind -eq 'guard-network') { return "$common\wslnet\guard-network.json" }
    if ($Kind -eq 'guard-network-order') { return "$common\wslnet\guard-network.order.json" }
    $folder = Get-WslnetOwnPath 'folder'
    $own = "$folder\AppData\Local\wslnet"
    Assert-WslnetPlainFile $own
    if ($Kind -eq 'guard-wsl') { return "$own\guard-wsl.json" }
    if ($Kind -eq 'guard-wsl-order') { return "$own\guard-wsl.order.json" }
    if ($Kind -eq 'request') { return "$own\call-$Id.json" }
    if ($Kind -eq 'answer') { return "$own\call-$Id.answer.json" }
    throw 'WslnetNoSuchFile'
}

function Get-WslnetUserProfile {
    [CmdletBinding(PositionalBinding = $false)]
    param()
    $ErrorActionPreference = 'Stop'; $WhatIfPreference = $false; $ConfirmPreference = 'None'
    [pscustomobject]@{ Name = 'USERPROFILE'; Value = (Get-WslnetOwnPath 'folder') }
}

function Get-WslnetConfigItem {
    [CmdletBinding(PositionalBinding = $false)]
    param([Parameter(Mandatory)][ValidateSet('file', 'draft', 'backup')][string]$Kind)
    $ErrorActionPreference = 'Continue'; $WhatIfPreference = $false; $ConfirmPreference = 'None'
    $place = Get-WslnetOwnPath $Kind
    Microsoft.PowerShell.Management\Get-Item -LiteralPath $place -Force
}

function Get-WslnetConfigContent {
    [CmdletBinding(PositionalBinding = $false)]
    param([Parameter(Mandatory)][ValidateSet('file', 'draft', 'backup')][string]$Kind)
    $ErrorActionPreference = 'Continue'; $WhatIfPreference = $false; $ConfirmPreference = 'None'
    $place = Get-WslnetOwnPath $Kind
    Assert-WslnetPlainFile $place
    Microsoft.PowerShell.Management\Get-Content -LiteralPath $place -ReadCount 0 -Encoding Byte
}

function Set-WslnetConfigDraft {
    [CmdletBinding(PositionalBinding = $false)]
    param([Parameter(Mandatory)][ValidateLength(4, 262144)][ValidatePattern('\A[A-Za-z0-9+/]+={0,2}\z', Options = 'None')][string]$Content)
    $ErrorActionPreference = 'Stop'; $WhatIfPreference = $false; $ConfirmPreference = 'None'
    $place = Get-WslnetOwnPath 'draft'
    Assert-WslnetPlainFile $place
    $bytes = [System.Convert]::FromBase64String($Content)
    Microsoft.PowerShell.Management\Set-Content -LiteralPath $place -Value $bytes -Encoding Byte -Force -Confirm:$false
}

function Copy-WslnetConfig {
    [CmdletBinding(PositionalBinding = $false)]
    param([Parameter(Mandatory)][ValidateSet('backup')][string]$To)
    $ErrorActionPreference = 'Stop'; $WhatIfPreference = $false; $ConfirmPreference = 'None'
    $place = Get-WslnetOwnPath 'file'
    $target = Get-WslnetOwnPath $To
    Assert-WslnetPlainFile $place
    Assert-WslnetPlainFile $target
    Microsoft.PowerShell.Management\Copy-Item -LiteralPath $place -Destination $target -Force -Confirm:$false
}

function Publish-WslnetConfig {
    [CmdletBinding(PositionalBinding = $false)]
    param([Parameter(Mandatory)][ValidateSet('draft')][string]$From)
    $ErrorActionPreference = 'Stop'; $WhatIfPreference = $false; $ConfirmPreference = 'None'
    $place = Get-WslnetOwnPath $From
    $target = Get-WslnetOwnPath 'file'
    Assert-WslnetPlainFile $place
    Assert-WslnetPlainFile $target
    Microsoft.PowerShell.Management\Move-Item -LiteralPath $place -Destination $target -Force -Confirm:$false
}

function Remove-WslnetConfig {
    [CmdletBinding(PositionalBinding = $false)]
    param([Parameter(Mandatory)][ValidateSet('file', 'draft')][string]$Kind)
    $ErrorActionPreference = 'Stop'; $WhatIfPreference = $false; $ConfirmPreference = 'None'
    $place = Get-WslnetOwnPath $Kind
    Assert-WslnetPlainFile $place
    Microsoft.PowerShell.Management\Remove-Item -LiteralPath $place -Force -Confirm:$false
}

function Get-WslnetRegistry {
    [CmdletBinding(PositionalBinding = $false)]
    param([Parameter(Mandatory)][ValidateCount(1, 16)][ValidateSet('windows', 'ipv6', 'firewall', 'host-rules', 'host-rules-policy', 'wsl-policies', 'wsl-program', 'wsl-user', 'administrators', 'v4tov4', 'v4tov6', 'v6tov4', 'v6tov6')][string[]]$Key)
    $ErrorActionPreference = 'Continue'; $WhatIfPreference = $false; $ConfirmPreference = 'None'
    foreach ($each in $Key) {
        $place = switch ($each) {
            'windows' { 'HKLM:\SOFTWARE\Microsoft\Windows NT\CurrentVersion' }
            'ipv6' { 'HKLM:\SYSTEM\CurrentControlSet\Services\Tcpip6\Parameters' }
            'firewall' { 'HKLM:\SYSTEM\CurrentControlSet\Services\MpsSvc\Parameters' }
            'host-rules' { 'HKLM:\SYSTEM\CurrentControlSet\Services\SharedAccess\Parameters\FirewallPolicy\FirewallRules' }
            'host-rules-policy' { 'HKLM:\SOFTWARE\Policies\Microsoft\WindowsFirewall\FirewallRules' }
            'wsl-policies' { 'HKLM:\SOFTWARE\Policies\WSL' }
            'wsl-program' { 'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Lxss\MSI' }
            'wsl-user' {
                $sid = $PSSenderInfo.UserInfo.WindowsIdentity.User.Value
                "Registry::HKEY_USERS\$sid\SOFTWARE\Microsoft\Windows\CurrentVersion\Lxss"
            }
            'administrators' { 'Registry::HKEY_USERS\S-1-5-19\Environment' }
            default { "HKLM:\SYSTEM\CurrentControlSet\Services\PortProxy\$each\tcp" }
        }
        Microsoft.PowerShell.Management\Get-ItemProperty -LiteralPath $place
    }
}

function Set-WslnetForwarding {
    [CmdletBinding(PositionalBinding = $false)]
    param(
        [Parameter(Mandatory)][ValidateRange(1, 2147483647)][int]$InterfaceIndex,
        [Parameter(Mandatory)][ValidateSet('IPv4', 'IPv6')][string]$AddressFamily,
        [Parameter(Mandatory)][ValidateSet('Enabled', 'Disabled')][string]$Forwarding)
    $ErrorActionPreference = 'Stop'; $WhatIfPreference = $false; $ConfirmPreference = 'None'
    NetTCPIP\Set-NetIPInterface -InterfaceIndex $InterfaceIndex -AddressFamily $AddressFamily -Forwarding $Forwarding -Confirm:$false
}

function New-WslnetHyperVRule {
    [CmdletBinding(PositionalBinding = $false)]
    param(
        [Parameter(Mandatory)][ValidatePattern('\Awslnet-[a-z0-9-]{1,80}\z', Options = 'None')][string]$Name,
        [Parameter(Mandatory)][ValidatePattern('\Awslnet[A-Za-z0-9 ,.:/()@_-]{0,110}\z', Options = 'None')][string]$DisplayName,
        [Parameter(Mandatory)][ValidateSet('Inbound', 'Outbound')][string]$Direction,
        [Parameter(Mandatory)][ValidateSet('Allow', 'Block')][string]$Action,
        [Parameter(Mandatory)][ValidatePattern('\A(TCP|UDP|ICMPv4|ICMPv6|Any|[1-9][0-9]{0,2})\z', Options = 'None')][string]$Protocol,
        [ValidateCount(1, 64)][ValidatePattern('\A[1-9][0-9]{0,4}(-[1-9][0-9]{0,4})?\z', Options = 'None')][string[]]$LocalPorts,
        [Parameter(Mandatory)][ValidateCount(1, 64)][ValidatePattern('\A(Any|LocalSubnet|[0-9a-fA-F.:]{2,39}(/[0-9]{1,3})?(-[0-9a-fA-F.:]{2,39})?)\z', Options = 'None')][string[]]$RemoteAddresses,
        [Parameter(Mandatory)][ValidatePattern('\A(Any|(Domain|Private|Public)(,(Domain|Private|Public)){0,2})\z', Options = 'None')][string]$Profiles,
        [Parameter(Mandatory)][ValidateSet('True', 'False')][string]$Enabled)
    $ErrorActionPreference = 'Stop'; $WhatIfPreference = $false; $ConfirmPreference = 'None'
    $terms = @{
        Name = $Name; DisplayName = $DisplayName; Direction = $Direction; Action = $Action; Protocol = $Protocol
        RemoteAddresses = $RemoteAddresses; Profiles = $Profiles; Enabled = $Enabled
        VMCreatorId = '{40E0AC32-46A5-438A-A0B2-2B479E8F2E90}'
    }
    if ($LocalPorts) { $terms['LocalPorts'] = $LocalPorts }
    NetSecurity\New-NetFirewallHyperVRule @terms -Confirm:$false
}

function Remove-WslnetHyperVRule {
    [CmdletBinding(PositionalBinding = $false)]
    param([Parameter(Mandatory)][ValidatePattern('\Awslnet-[a-z0-9-]{1,80}\z', Options = 'None')][string]$Name)
    $ErrorActionPreference = 'Stop'; $WhatIfPreference = $false; $ConfirmPreference = 'None'
    NetSecurity\Remove-NetFirewallHyperVRule -Name $Name -Confirm:$false
}

function New-WslnetHyperVSetting {
    [CmdletBinding(PositionalBinding = $false)]
    param([Parameter(Mandatory)][ValidateSet('Allow', 'Block', 'NotConfigured')][string]$DefaultInboundAction)
    $ErrorActionPreference = 'Stop'; $WhatIfPreference = $false; $ConfirmPreference = 'None'
    NetSecurity\New-NetFirewallHyperVVMSetting -Name '{40E0AC32-46A5-438A-A0B2-2B479E8F2E90}' -DefaultInboundAction $DefaultInboundAction -Confirm:$false
}

function Set-WslnetHyperVSetting {
    [CmdletBinding(PositionalBinding = $false)]
    param([Parameter(Mandatory)][ValidateSet('Allow', 'Block', 'NotConfigured')][string]$DefaultInboundAction)
    $ErrorActionPreference = 'Stop'; $WhatIfPreference = $false; $ConfirmPreference = 'None'
    NetSecurity\Set-NetFirewallHyperVVMSetting -Name '{40E0AC32-46A5-438A-A0B2-2B479E8F2E90}' -DefaultInboundAction $DefaultInboundAction -Confirm:$false
}

function Get-WslnetFileItem {
    [CmdletBinding(PositionalBinding = $false)]
    param(
        [Parameter(Mandatory)][ValidateSet('lock', 'lock-mine', 'lock-dead', 'guard-network', 'guard-network-order', 'guard-wsl', 'guard-wsl-order', 'request', 'answer')][string]$Kind,
        [Parameter(Mandatory)][ValidatePattern('\A[0-9a-f]{32}\z', Options = 'None')][string]$Id)
    $ErrorActionPreference = 'Continue'; $WhatIfPreference = $false; $ConfirmPreference = 'None'
    $place = Get-WslnetOwnFile $Kind $Id
    Microsoft.PowerShell.Management\Get-Item -LiteralPath $place -Force
}

function Get-WslnetFileContent {
    [CmdletBinding(PositionalBinding = $false)]
    param(
        [Parameter(Mandatory)][ValidateSet('lock', 'lock-mine', 'lock-dead', 'guard-network', 'guard-network-order', 'guard-wsl', 'guard-wsl-order', 'request', 'answer')][string]$Kind,
        [Parameter(Mandatory)][ValidatePattern('\A[0-9a-f]{32}\z', Options = 'None')][string]$Id)
    $ErrorActionPreference = 'Continue'; $WhatIfPreference = $false; $ConfirmPreference = 'None'
    $place = Get-WslnetOwnFile $Kind $Id
    Assert-WslnetPlainFile $place
    Microsoft.PowerShell.Management\Get-Content -LiteralPath $place -ReadCount 0 -Encoding Byte
}

function New-WslnetFile {
    [CmdletBinding(PositionalBinding = $false)]
    param(
        [Parameter(Mandatory)][ValidateSet('lock', 'lock-mine')][string]$Kind,
        [Parameter(Mandatory)][ValidatePattern('\A[0-9a-f]{32}\z', Options = 'None')][string]$Id,
        [Parameter(Mandatory)][ValidatePattern('\A\{[ -~]{2,2000}\}\z', Options = 'None')][string]$Text)
    $ErrorActionPreference = 'Stop'; $WhatIfPreference = $false; $ConfirmPreference = 'None'
    $place = Get-WslnetOwnFile $Kind $Id
    # Without -Force a file that is there, link or not, is an error: whoever comes second has not got it.
    Microsoft.PowerShell.Management\New-Item -Path $place -ItemType File -Value $Text -Confirm:$false
}

function Set-WslnetFile {
    [CmdletBinding(PositionalBinding = $false)]
    param(
        [Parameter(Mandatory)][ValidateSet('lock', 'request')][string]$Kind,
        [Parameter(Mandatory)][ValidatePattern('\A[0-9a-f]{32}\z', Options = 'None')][string]$Id,
        [Parameter(Mandatory)][ValidateLength(4, 262144)][ValidatePattern('\A[A-Za-z0-9+/]+={0,2}\z', Options = 'None')][string]$Content)
    $ErrorActionPreference = 'Stop'; $WhatIfPreference = $false; $ConfirmPreference = 'None'
    $place = Get-WslnetOwnFile $Kind $Id
    Assert-WslnetPlainFile $place
    $bytes = [System.Convert]::FromBase64String($Content)
    Microsoft.PowerShell.Management\Set-Content -LiteralPath $place -Value $bytes -Encoding Byte -Force -Confirm:$false
}

function Move-WslnetFile {
    [CmdletBinding(PositionalBinding = $false)]
    param(
        [Parameter(Mandatory)][ValidateSet('lock', 'lock-mine', 'lock-dead')][string]$From,
        [Parameter(Mandatory)][ValidateSet('lock', 'lock-dead')][string]$To,
        [Parameter(Mandatory)][ValidatePattern('\A[0-9a-f]{32}\z', Options = 'None')][string]$Id)
    $ErrorActionPreference = 'Stop'; $WhatIfPreference = $false; $ConfirmPreference = 'None'
    $place = Get-WslnetOwnFile $From $Id
    $target = Get-WslnetOwnFile $To $Id
    Assert-WslnetPlainFile $place
    # Without -Force: of several that move one name away only one succeeds.
    Microsoft.PowerShell.Management\Move-Item -LiteralPath $place -Destination $target -Confirm:$false
}

function Remove-WslnetFile {
    [CmdletBinding(PositionalBinding = $false)]
    param(
        [Parameter(Mandatory)][ValidateSet('lock', 'lock-mine', 'lock-dead', 'request', 'answer')][string]$Kind,
        [Parameter(Mandatory)][ValidatePattern('\A[0-9a-f]{32}\z', Options = 'None')][string]$Id)
    $ErrorActionPreference = 'Stop'; $WhatIfPreference = $false; $ConfirmPreference = 'None'
    $place = Get-WslnetOwnFile $Kind $Id
    Assert-WslnetPlainFile $place
    Microsoft.PowerShell.Management\Remove-Item -LiteralPath $place -Force -Confirm:$false
}

function Start-WslnetTask {
    [CmdletBinding(PositionalBinding = $false)]
    param([Parameter(Mandatory)][ValidateSet('network', 'wsl', 'programs')][string]$Name)
    $ErrorActionPreference = 'Stop'; $WhatIfPreference = $false; $ConfirmPreference = 'None'
    ScheduledTasks\Start-ScheduledTask -TaskName $Name -TaskPath '\wslnet\'
}

Export-ModuleMember -Function @(
    'Get-WslnetUserProfile'
    'Get-WslnetConfigItem'
    'Get-WslnetConfigContent'
    'Set-WslnetConfigDraft'
    'Copy-WslnetConfig'
    'Publish-WslnetConfig'
    'Remove-WslnetConfig'
    'Get-WslnetRegistry'
    'Set-WslnetForwarding'
    'New-WslnetHyperVRule'
    'Remove-WslnetHyperVRule'
    'New-WslnetHyperVSetting'
    'Set-WslnetHyperVSetting'
    'Get-WslnetFileContent'
    'Get-WslnetFileItem'
    'Move-WslnetFile'
    'New-WslnetFile'
    'Remove-WslnetFile'
    'Set-WslnetFile'
    'Start-WslnetTask'
)
