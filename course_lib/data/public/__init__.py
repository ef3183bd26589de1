"""Public chest film sets, each in the layout in which its publishers give it out."""
