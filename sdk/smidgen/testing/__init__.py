"""Hardware in the loop with pytest: `plugin` is loaded by pytest itself (docs/testing.md)."""
