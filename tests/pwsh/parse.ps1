# Reads files with the engine's own parser; prints a JSON table of path and messages.
param([Parameter(Mandatory)][string[]] $Path)
Set-StrictMode -Version 3.0
$ErrorActionPreference = 'Stop'
$found = [ordered]@{}
foreach ($one in $Path) {
    $tokens = $null
    $errors = $null
    $null = [System.Management.Automation.Language.Parser]::ParseFile($one, [ref] $tokens, [ref] $errors)
    $found[$one] = @($errors | ForEach-Object { "$($_.Extent.StartLineNumber): $($_.Message)" })
}
ConvertTo-Json -InputObject $found -Depth 4 -Compress
