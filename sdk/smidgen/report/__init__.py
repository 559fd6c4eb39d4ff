"""Tables for the terminal, JSON files and self-contained HTML pages."""
