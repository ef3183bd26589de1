"""Measurements against named peers, side by side in one run. See README.md."""
