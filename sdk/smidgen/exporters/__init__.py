"""From a Graph to a model file."""
