"""Where the boot tasks find their program and their data: folders that administrators alone can write."""

PROGRAM = r"C:\Program Files\wslnet\wslnet.exe"
PROGRAM_FOLDER = r"C:\Program Files\wslnet"
DATA_FOLDER = r"C:\ProgramData\wslnet"
DATA_FILE = rf"{DATA_FOLDER}\boot.json"
