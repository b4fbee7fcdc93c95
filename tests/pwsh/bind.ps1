# Binds calls to stand-in functions and says how: a JSON list of {state, id, set, bound}.
# -Stubs: a file of functions and enums. -Cases: a JSON list of {command, arguments: [[name, value, given]]}.
param([Parameter(Mandatory)][string] $Stubs, [Parameter(Mandatory)][string] $Cases)
Set-StrictMode -Version 3.0
$ErrorActionPreference = 'Stop'
$runspace = [System.Management.Automation.Runspaces.RunspaceFactory]::CreateRunspace()
$runspace.Open()
$definer = [System.Management.Automation.PowerShell]::Create()
$definer.Runspace = $runspace
$null = $definer.AddScript([System.IO.File]::ReadAllText($Stubs)).Invoke()
if ($definer.HadErrors) { throw $definer.Streams.Error[0] }
$text = [System.IO.File]::ReadAllText($Cases)
$results = foreach ($case in (ConvertFrom-Json -InputObject $text -AsHashtable -NoEnumerate)) {
    $shell = [System.Management.Automation.PowerShell]::Create()
    $shell.Runspace = $runspace
    $null = $shell.AddCommand($case['command'])
    foreach ($argument in $case['arguments']) {
        $value = $argument[1]
        # As PSRP delivers a list (binder-facts 4).
        if ($value -is [object[]]) { $value = [System.Collections.ArrayList] $value }
        if ($value -is [long] -and [math]::Abs($value) -lt 2147483648) { $value = [int] $value }
        if ($null -eq $argument[0]) { $null = $shell.AddArgument($value) }
        elseif ($argument[2]) { $null = $shell.AddParameter($argument[0], $value) }
        else { $null = $shell.AddParameter($argument[0]) }
    }
    $id = ''
    $shown = $null
    try {
        $shown = $shell.Invoke() | Select-Object -First 1
        if ($shell.Streams.Error.Count) { $id = $shell.Streams.Error[0].FullyQualifiedErrorId }
    }
    catch {
        $failure = $_.Exception
        while ($failure -isnot [System.Management.Automation.RuntimeException] -or
            $failure -is [System.Management.Automation.MethodInvocationException]) {
            if ($null -eq $failure.InnerException) { throw }
            $failure = $failure.InnerException
        }
        $id = $failure.ErrorRecord.FullyQualifiedErrorId
    }
    @{
        state = $shell.InvocationStateInfo.State.ToString()
        id    = $id
        set   = if ($null -eq $shown) { '' } else { $shown.Set }
        bound = @(if ($null -ne $shown) { $shown.Bound })
    }
    $shell.Dispose()
}
$runspace.Dispose()
ConvertTo-Json -InputObject @($results) -Depth 4 -Compress
