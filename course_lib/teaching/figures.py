"""Figures of the lessons: one style, colours for colour-blind readers, alt text on all."""

import base64
import io

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import display
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

# Okabe & Ito (2008): eight colours that readers with any colour vision can tell apart.
COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#F0E442"]


def use_course_style() -> None:
    """White ground (readable on light and dark pages), no clutter, the course's colours."""
    plt.rcParams.update(
        {
            "figure.facecolor": "white",
            "savefig.facecolor": "white",
            "figure.dpi": 100,
            "figure.constrained_layout.use": True,
            "axes.prop_cycle": plt.cycler(color=COLOURS),
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": True,
            "grid.alpha": 0.25,
            "axes.titlesize": 11,
            "font.size": 10,
            "image.cmap": "gray",
            "legend.frameon": False,
        }
    )


def show(fig: Figure, alt: str) -> None:
    """Show `fig` with `alt`, the text for people who cannot see it, and close it."""
    if not alt.strip():
        raise ValueError("Every picture needs alt text: what does it show?")
    show_png(png_bytes(fig), alt)


def show_png(data: bytes, alt: str) -> None:
    """Show PNG bytes with alt text in the output and in its metadata."""
    picture = base64.b64encode(compact(data)).decode()
    bundle = {"image/png": picture, "text/plain": f"[picture: {alt}]"}
    display(bundle, metadata={"image/png": {"alt": alt}}, raw=True)


def png_bytes(fig: Figure) -> bytes:
    """`fig` as PNG, free of dates and versions so that the same figure gives the same bytes."""
    buffer = io.BytesIO()
    fig.savefig(buffer, format="png", metadata={"Software": None})
    plt.close(fig)
    return buffer.getvalue()


def compact(data: bytes) -> bytes:
    """The same picture in fewer bytes: without transparency, and grey where it has no colour."""
    picture = Image.open(io.BytesIO(data)).convert("RGB")
    red, green, blue = np.moveaxis(np.asarray(picture), 2, 0)
    if (red == green).all() and (green == blue).all():
        picture = picture.convert("L")
    buffer = io.BytesIO()
    picture.save(buffer, format="png", optimize=True)
    return buffer.getvalue()


def film(ax: Axes, image: np.ndarray, title: str = "", **imshow) -> Axes:
    """Draw one grey image (H, W) on `ax` as on a light box: no axes, no grid."""
    ax.imshow(image, **{"cmap": "gray", "interpolation": "lanczos", **imshow})
    ax.set_title(title)
    ax.set_axis_off()
    return ax


def films(images, titles=None, columns: int = 4, width: float = 10, **imshow) -> Figure:
    """A sheet of grey images [(H, W), ...] with `titles`; returns the figure for `show`."""
    images = list(images)
    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    cell, shape = width / columns, max(np.shape(image)[0] / np.shape(image)[1] for image in images)
    height = rows * min(cell * 1.08, cell * shape + 0.4)  # wide images need no white margins
    fig, axes = plt.subplots(rows, columns, figsize=(width, height), squeeze=False)
    for ax in axes.flat:
        ax.set_axis_off()
    for ax, image, title in zip(axes.flat, images, titles or [""] * len(images), strict=False):
        film(ax, image, title, **imshow)
    return fig


use_course_style()
