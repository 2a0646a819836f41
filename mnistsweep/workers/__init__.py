"""Worker processes: the worker, the supervisor that starts it, the watchdog inside it, signals."""
