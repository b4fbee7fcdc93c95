"""The tasks that put things back after a start of Windows, and who may touch what they run and read."""
