"""Settings of the site (Sphinx, MyST-NB, the book theme). Built by `course.py build`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "Hands-on AI in Medical Imaging"
author = "the course's contributors"
copyright = "the course's contributors, text CC BY 4.0, code MIT"
extensions = ["myst_nb", "mathml"]
html_theme = "sphinx_book_theme"
html_title = project
html_math_renderer = "mathml"
html_static_path = ["_static"]
html_css_files = ["course.css"]
html_theme_options = {
    "use_download_button": True,
    "show_navbar_depth": 2,
    "navbar_persistent": [],  # the side bar has the search field
}
html_show_sourcelink = False
nb_execution_mode = "off"  # lessons are stored executed
nb_ipywidgets_js: dict = {}  # stored lessons show widgets as pictures
nb_mime_priority_overrides = [("html", "image/png", 5)]
myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 3
suppress_warnings = ["myst.header", "mystnb.unknown_mime_type"]
