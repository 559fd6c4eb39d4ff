"""Programs that stand in for a device: each module builds one kind of simulator and starts it."""
