"""WSL as Windows has it: `.wslconfig`, networking modes, the life of its machine, wsl.exe."""
