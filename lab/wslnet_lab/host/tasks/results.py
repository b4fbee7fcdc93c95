"""What Get-ScheduledTaskInfo's LastTaskResult says beside a program's own exit code.

Source: desktop-src/TaskSchd/task-scheduler-error-and-success-constants.md (windows-facts 1.1).
"""

RUNNING = 0x41301
HAS_NOT_RUN = 0x41303
TERMINATED = 0x41306
FILE_NOT_FOUND = 0x80070002
NOT_LOGGED_ON = 0x800710E0
LOGON_TYPE_NOT_GRANTED = 0x80070569
CANNOT_START = 0x800700C1
