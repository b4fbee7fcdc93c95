<#
.SYNOPSIS
Installs wslnet for the current user.

.DESCRIPTION
Installs wslnet with uv, which brings a Python of its own where none is there. Nothing is changed on the
network; that is what `wslnet setup` does, later and visibly. Works in Windows PowerShell 5.1 and PowerShell 7.

.PARAMETER Source
What uv installs: the published package, or a wheel or folder of your own.

.PARAMETER Boot
Also registers the two scheduled tasks that put everything back after a reboot; needs an elevated terminal.

.EXAMPLE
powershell -ExecutionPolicy Bypass -File install.ps1 -Boot
#>
[CmdletBinding()]
param(
    [ValidateNotNullOrEmpty()]
    [string] $Source = 'wslnet',

    [switch] $Boot
)

Set-StrictMode -Version 3.0
$ErrorActionPreference = 'Stop'

$uv = Get-Command -Name 'uv.exe' -CommandType Application -ErrorAction Ignore | Select-Object -First 1
if ($null -eq $uv) {
    Write-Error -ErrorAction Continue -Message (
        'uv is missing. Install it, open a new terminal and run this again: ' +
        'winget install --id astral-sh.uv --exact'
    )
    exit 1
}

& $uv.Source tool install --upgrade $Source
if ($LASTEXITCODE -ne 0) {
    exit $LASTEXITCODE
}

# A terminal that is open already does not see the folder until it is opened anew.
& $uv.Source tool update-shell
$folder = & $uv.Source tool dir --bin
$wslnet = Join-Path -Path $folder -ChildPath 'wslnet.exe'

if ($Boot) {
    # What SYSTEM runs must lie where only administrators write: the program, what it needs and an interpreter
    # of its own, all below Program Files. The owner's copy above stays the one that a terminal finds.
    $program = Join-Path -Path $env:ProgramFiles -ChildPath 'wslnet'
    $env:UV_TOOL_BIN_DIR = $program
    $env:UV_TOOL_DIR = Join-Path -Path $program -ChildPath 'tools'
    $env:UV_PYTHON_INSTALL_DIR = Join-Path -Path $program -ChildPath 'python'
    & $uv.Source tool install --upgrade --managed-python --link-mode copy $Source
    if ($LASTEXITCODE -ne 0) {
        exit $LASTEXITCODE
    }
    & $wslnet boot install
    exit $LASTEXITCODE
}
Write-Output 'wslnet is installed. Open a new terminal, then: wslnet'
Write-Output 'To have everything put back after a reboot: wslnet boot install'
exit 0
