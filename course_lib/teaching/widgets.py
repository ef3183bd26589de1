"""Things to play with: sliders beside a picture that answers at once.

A stored notebook keeps the picture of the starting values, so it reads well without a kernel.
"""

import asyncio
import base64
import io
import itertools
import os
from collections.abc import Callable

import ipywidgets
import numpy as np
from IPython.display import display
from matplotlib.figure import Figure
from PIL import Image

from course_lib.teaching.figures import compact, png_bytes

PAUSE_S = 0.02  # moves that arrive while a picture is drawn are answered once, by the last


class Explorer:
    """Controls and a picture: `draw(**values)` gives a Figure or a grey image (H, W).

    A control is (min, max, step, start), a list of choices, or True/False.
    """

    def __init__(self, draw: Callable, controls: dict):
        self.draw = draw
        self.controls = {name: _control(name, spec) for name, spec in controls.items()}
        self.picture = ipywidgets.Image(format="png", layout={"max_width": "100%"})
        self.message = ipywidgets.HTML()
        self._waiting = False
        for control in self.controls.values():
            control.observe(self._moved, names="value")
        self.picture.value = self.render()
        box = ipywidgets.VBox([*self.controls.values(), self.message])
        self.widget = ipywidgets.HBox([box, self.picture], layout={"flex_flow": "row wrap"})

    def values(self) -> dict:
        """The controls' present values by name."""
        return {name: control.value for name, control in self.controls.items()}

    def render(self, **values) -> bytes:
        """The picture as PNG for the present values, some replaced by `values`."""
        return to_png(self.draw(**{**self.values(), **values}))

    def try_ends(self) -> int:
        """Draw at every control's ends (or choices) in turn; returns how many pictures."""
        ends = [(name, v) for name, c in self.controls.items() for v in _ends(c)]
        for name, value in ends:
            self.render(**{name: value})
        return len(ends)

    def _moved(self, _change) -> None:
        if self._waiting:
            return
        self._waiting = True
        try:
            asyncio.get_running_loop().call_later(PAUSE_S, self._redraw)
        except RuntimeError:  # no event loop (a plain script or test): answer at once
            self._redraw()

    def _redraw(self) -> None:
        self._waiting = False
        try:
            self.picture.value = self.render()
            self.message.value = ""
        except Exception as error:
            self.message.value = f"<b>{type(error).__name__}</b>: {error}"
            raise


def explore(draw: Callable, alt: str, **controls) -> None:
    """Show controls and the picture `draw(**values)` makes of them; `alt` describes it.

    Example: explore(film_at, alt="a chest film at the chosen kVp", kvp=(40, 150, 5, 120))
    """
    explorer = Explorer(draw, controls)
    if os.environ.get("COURSE_TRY_WIDGETS"):  # the tests draw every end of every slider
        explorer.try_ends()
    show_widget(explorer.widget, explorer.picture.value, alt)


def show_widget(widget: ipywidgets.Widget, picture: bytes, alt: str) -> None:
    """Show `widget`, with `picture` (PNG) for readers that have no running kernel."""
    bundle = widget._repr_mimebundle_()
    bundle["image/png"] = base64.b64encode(compact(picture)).decode()
    bundle["text/plain"] = f"[interactive picture: {alt}]"
    display(bundle, metadata={"image/png": {"alt": alt}}, raw=True)


def to_png(picture: Figure | np.ndarray) -> bytes:
    """PNG of a figure, or of a grey image (H, W): uint8, or float in 0..1."""
    if isinstance(picture, Figure):
        return png_bytes(picture)
    array = np.asarray(picture)
    if array.ndim != 2:
        raise ValueError(f"A picture is a figure or a (H, W) array; this has shape {array.shape}.")
    if array.dtype != np.uint8:
        array = (np.clip(array, 0, 1) * 255).round().astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, format="png", compress_level=1)
    return buffer.getvalue()


def _control(name: str, spec) -> ipywidgets.Widget:
    label = {"description": name.replace("_", " "), "style": {"description_width": "110px"}}
    if isinstance(spec, bool):
        return ipywidgets.Checkbox(value=spec, **label)
    if isinstance(spec, list):
        return ipywidgets.Dropdown(options=spec, **label)
    if not (isinstance(spec, tuple) and len(spec) == 4):
        raise ValueError(f"{name}: give (min, max, step, start), a list of choices, or True/False.")
    low, high, step, start = spec
    whole = all(isinstance(v, int) for v in spec)
    slider = ipywidgets.IntSlider if whole else ipywidgets.FloatSlider
    return slider(min=low, max=high, step=step, value=start, **label)


def _ends(control) -> list:
    if isinstance(control, ipywidgets.Checkbox):
        return [False, True]
    if isinstance(control, ipywidgets.Dropdown):
        return list(control.options)
    return list(itertools.chain([control.min], [control.max]))
