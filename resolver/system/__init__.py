"""This host: files, child processes, the log, time zones and the calendar."""
