# Calls functions in the restricted runspace of a session configuration, value by value as a client would send them.
# -Cases: a JSON list of {function, arguments: [[name, value]]}; prints a list of {state, id}.
param([Parameter(Mandatory)][string] $Configuration, [Parameter(Mandatory)][string] $Cases)
Set-StrictMode -Version 3.0
$ErrorActionPreference = 'Stop'
$sessions = [System.Management.Automation.Runspaces.InitialSessionState]
$state = $sessions::CreateFromSessionConfigurationFile($Configuration)
if ($state.LanguageMode -ne 'NoLanguage') { throw 'this session is not restricted' }
$runspace = [System.Management.Automation.Runspaces.RunspaceFactory]::CreateRunspace($state)
$runspace.Open()
$text = [System.IO.File]::ReadAllText($Cases)
$results = foreach ($case in (ConvertFrom-Json -InputObject $text -AsHashtable -NoEnumerate)) {
    $shell = [System.Management.Automation.PowerShell]::Create()
    $shell.Runspace = $runspace
    $null = $shell.AddCommand($case['function'])
    foreach ($argument in $case['arguments']) {
        if ($null -eq $argument[0]) {
            $null = $shell.AddArgument($argument[1])
        }
        else {
            $null = $shell.AddParameter($argument[0], $argument[1])
        }
    }
    $id = ''
    try {
        $null = $shell.Invoke()
    }
    catch [System.Management.Automation.RuntimeException] {
        $id = $_.Exception.ErrorRecord.FullyQualifiedErrorId
    }
    catch {
        $inner = $_.Exception.InnerException
        if ($inner -isnot [System.Management.Automation.RuntimeException]) { throw }
        $id = $inner.ErrorRecord.FullyQualifiedErrorId
    }
    @{ state = $shell.InvocationStateInfo.State.ToString(); id = $id }
    $shell.Dispose()
}
$runspace.Dispose()
ConvertTo-Json -InputObject @($results) -Depth 4 -Compress
