"""A model on a target: analyze it, run inputs, compare with an oracle, profile. What the commands do."""
