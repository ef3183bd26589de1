"""A viewer in the notebook: scroll, window, measure."""
