"""What lessons use to teach: exercises, progress, widgets, figures."""
