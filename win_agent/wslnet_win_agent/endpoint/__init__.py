"""The constrained PowerShell endpoint: its files, and how a typed call is spelled on it."""
