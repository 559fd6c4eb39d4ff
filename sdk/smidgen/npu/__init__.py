"""The neural engine as software sees it: its descriptors, and what they do to memory and buffers."""
