"""A viewer in the notebook: scroll, window, measure.

from course_lib.teaching.viewer.viewer import view

Python prepares a volume once (`volume`, `planes`); the browser draws and measures it (`*.js`).
"""
