"""The Windows host of the lab: real protocols outside, a strict model of cmdlets and wsl.exe inside."""
