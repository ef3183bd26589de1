"""Curves that grow while something is trained; the stored notebook keeps the last picture."""

import base64
import time

import matplotlib.pyplot as plt
from IPython.display import display
from matplotlib.figure import Figure

from course_lib.teaching.figures import COLOURS, compact, png_bytes

PAUSE_S = 1.0  # a picture costs about as much as a short round of training


class LiveCurves:
    """One picture with a curve per name.

    curves = LiveCurves(alt="...", xlabel="round", ylabel="accuracy")
    curves.add("even", 1, 0.4)
    curves.finish()      # draws what came since the last picture
    """

    def __init__(self, alt: str, xlabel: str, ylabel: str, **axis) -> None:
        if not alt.strip():
            raise ValueError("Every picture needs alt text: what does it show?")
        self.alt, self.axis = alt, {"xlabel": xlabel, "ylabel": ylabel, **axis}
        self.points: dict[str, list[tuple[float, float]]] = {}
        self._handle = None
        self._drawn = 0.0

    def add(self, name: str, x: float, y: float) -> None:
        """One more point; the picture follows at most once a second."""
        self.points.setdefault(name, []).append((x, y))
        if time.monotonic() - self._drawn > PAUSE_S:
            self.finish()

    def figure(self) -> Figure:
        """All curves as they are now."""
        fig, ax = plt.subplots(figsize=(7, 3.4))
        for number, (name, points) in enumerate(self.points.items()):
            ax.plot(*zip(*points, strict=True), ".-", color=COLOURS[number % 8], label=name)
        ax.set(**self.axis)
        if self.points:
            ax.legend(loc="lower right", fontsize=9)
        return fig

    def finish(self) -> None:
        """Draw now."""
        picture = base64.b64encode(compact(png_bytes(self.figure()))).decode()
        bundle = {"image/png": picture, "text/plain": f"[picture: {self.alt}]"}
        about = {"metadata": {"image/png": {"alt": self.alt}}, "raw": True}
        if self._handle is None:
            self._handle = display(bundle, display_id=True, **about)
        else:
            self._handle.update(bundle, **about)
        self._drawn = time.monotonic()
