"""The system below us: processes, signals, files, keys, clocks. The only room that starts, signals and waits."""
