"""The grey-scale pipeline of the DICOM standard: from stored values to what a screen shows.

    stored values --modality LUT--> meaning (HU, ...) --VOI LUT--> window --presentation--> screen

Each arrow is one function below. Source: DICOM PS3.4, N.2; PS3.3, C.7.6.3, C.11.1, C.11.2.
"""

from dataclasses import dataclass

import numpy as np
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from course_lib.dicom.errors import UnreadableFile, reading
from course_lib.dicom.frames import find
from course_lib.dicom.stored import is_colour, stored_values, white_of_colour


@dataclass(frozen=True)
class Window:
    """A grey-scale window: `center` is shown mid-grey, `width` values span black to white.

    function: "LINEAR" (the default of the standard), "LINEAR_EXACT" or "SIGMOID".
    """

    center: float
    width: float
    function: str = "LINEAR"


def displayed(dataset: Dataset, frame: int = 0, window: Window | int = 0) -> np.ndarray:
    """The picture a viewer shows: float32 (H, W) in 0..1 where 1 is white.

    Both MONOCHROME1 and MONOCHROME2 files come out with the usual look (bone is white).
    Pixels that the modality marked as padding are black.

    Args:
        dataset: a pydicom data set with pixels.
        frame: which frame of a multi-frame file, from 0.
        window: a Window, or the number of the file's own window (or VOI LUT) to use.

    Raises:
        UnreadableFile: the pixels or the tables are missing or damaged.
    """
    with reading(getattr(dataset, "filename", None), "the grey values cannot be worked out"):
        stored = stored_values(dataset, frame)
        if is_colour(dataset):  # photographs and screen shots: no window applies
            return (stored / white_of_colour(dataset)).astype(np.float32)
        padding = padding_mask(dataset, stored)
        values = modality_values(dataset, stored, frame)
        grey = values_of_interest(dataset, values, frame, window, padding)
        shown = presentation(dataset, grey)
        return np.where(padding, 0.0, shown).astype(np.float32)


def padding_mask(dataset: Dataset, stored: np.ndarray) -> np.ndarray:
    """True where a stored value is padding around the real image (PS3.3, C.7.5.1.1.2)."""
    value = dataset.get("PixelPaddingValue")
    if not isinstance(value, int):
        return np.zeros(stored.shape, dtype=bool)
    limit = dataset.get("PixelPaddingRangeLimit")
    limit = limit if isinstance(limit, int) else value
    mask = (stored >= min(value, limit)) & (stored <= max(value, limit))
    return mask if not mask.all() else np.zeros(stored.shape, dtype=bool)


def modality_values(dataset: Dataset, stored: np.ndarray, frame: int = 0) -> np.ndarray:
    """Stored values to physical meaning, float64 (H, W): Hounsfield units in CT.

    A table (Modality LUT) if the file has one, otherwise slope * stored + intercept.
    """
    tables = dataset.get("ModalityLUTSequence")
    if tables:
        return look_up(dataset, stored, tables[0])
    macro = "PixelValueTransformationSequence"
    slope = find(dataset, frame, macro, "RescaleSlope")
    intercept = find(dataset, frame, macro, "RescaleIntercept")
    if (slope is None) != (intercept is None):
        raise _half(dataset, "RescaleSlope", "RescaleIntercept", slope)
    slope = 1.0 if slope is None else _number(dataset, slope, "RescaleSlope")
    intercept = 0.0 if intercept is None else _number(dataset, intercept, "RescaleIntercept")
    return stored.astype(np.float64) * slope + intercept


def values_of_interest(
    dataset: Dataset,
    values: np.ndarray,
    frame: int = 0,
    window: Window | int = 0,
    padding: np.ndarray | None = None,
) -> np.ndarray:
    """Meaning to grey in 0..1: the reader's window, the file's table or window, or all values."""
    if isinstance(window, Window):
        return apply_window(values, window)
    tables = find(dataset, frame, "FrameVOILUTSequence", "VOILUTSequence")
    if tables:
        table = tables[min(window, len(tables) - 1)]
        return look_up(dataset, values, table) / (2.0 ** _table_bits(dataset, table) - 1)
    windows = file_windows(dataset, frame)
    if windows:
        return apply_window(values, windows[min(window, len(windows) - 1)])
    real = values if padding is None else values[~padding]
    low, high = float(np.min(real)), float(np.max(real))
    return np.clip((values - low) / max(high - low, 1e-12), 0, 1)


def file_windows(dataset: Dataset, frame: int = 0) -> list[Window]:
    """The windows that the file itself offers; an empty list if none is usable."""
    macro = "FrameVOILUTSequence"
    center = find(dataset, frame, macro, "WindowCenter")
    width = find(dataset, frame, macro, "WindowWidth")
    if (center is None) != (width is None):
        raise _half(dataset, "WindowCenter", "WindowWidth", center)
    centers, widths = _all_numbers(dataset, center), _all_numbers(dataset, width)
    function = str(find(dataset, frame, macro, "VOILUTFunction") or "LINEAR")
    least = 1.0 if function == "LINEAR" else 0.0  # PS3.3, C.11.2.1.2
    return [
        Window(center, width, function)
        for center, width in zip(centers, widths, strict=False)
        if width >= least and width > 0
    ]


def apply_window(values: np.ndarray, window: Window) -> np.ndarray:
    """Values to grey in 0..1 by a window (PS3.3, C.11.2.1.2 and C.11.2.1.3)."""
    if window.function == "SIGMOID":
        return 1 / (1 + np.exp(np.clip(-4 * (values - window.center) / window.width, -500, 500)))
    if window.function == "LINEAR_EXACT":
        return np.clip((values - window.center) / window.width + 0.5, 0, 1)
    if window.width == 1:  # the linear function becomes a threshold
        return (values > window.center - 0.5).astype(float)
    return np.clip((values - (window.center - 0.5)) / (window.width - 1) + 0.5, 0, 1)


def presentation(dataset: Dataset, grey: np.ndarray) -> np.ndarray:
    """Turn a negative into the usual look, once, after the window (PS3.3, C.7.6.3.1.2)."""
    negative = dataset.get("PhotometricInterpretation") == "MONOCHROME1"
    # DX files that are MONOCHROME1 also say INVERSE: the same fact told twice, not two inversions.
    return 1 - grey if negative or dataset.get("PresentationLUTShape") == "INVERSE" else grey


def look_up(dataset: Dataset, values: np.ndarray, table: Dataset) -> np.ndarray:
    """Values through a look-up table, float64 (PS3.3, C.11.1.1): ends are held beyond the table."""
    try:
        entries, first, _ = (int(number) for number in table.LUTDescriptor)
        data = table.LUTData
        if isinstance(data, bytes):
            order = "<" if dataset.original_encoding[1] is not False else ">"
            width = 1 if len(data) < 2 * (entries or 65536) else 2  # 8-bit entries may be packed
            data = np.frombuffer(data, dtype=f"{order}u{width}")
        outputs = np.asarray(data, dtype=np.float64)[: entries or 65536]
        if outputs.size == 0:
            raise ValueError("the table is empty")
    except (AttributeError, TypeError, ValueError) as error:
        name = getattr(dataset, "filename", None)
        raise UnreadableFile(name, f"its look-up table is damaged ({error})") from error
    if first > 32767 and np.min(values) < 0:
        first -= 65536  # the first input of a signed image, read as if it were unsigned
    index = np.clip(np.floor(values) - first, 0, outputs.size - 1)
    return outputs[index.astype(np.int64)]


def _table_bits(dataset: Dataset, table: Dataset) -> int:
    bits = int(table.LUTDescriptor[2])
    if not 1 <= bits <= 16:
        name = getattr(dataset, "filename", None)
        raise UnreadableFile(name, f"its look-up table claims {bits} bits per entry")
    return bits


def _half(dataset: Dataset, first: str, second: str, value: object) -> UnreadableFile:
    """One of two elements that only make sense together: guessing the other would be silent."""
    there, missing = (second, first) if value is None else (first, second)
    return UnreadableFile(getattr(dataset, "filename", None), f"it has {there} but no {missing}")


def _number(dataset: Dataset, value: object, keyword: str) -> float:
    numbers = _numbers(value)
    if not numbers or not np.isfinite(numbers[0]):
        raise UnreadableFile(getattr(dataset, "filename", None), f"its {keyword} is not a number")
    return numbers[0]


def _all_numbers(dataset: Dataset, value: object) -> list[float]:
    """The numbers of a window; an error if one is no number, for guessing would be silent."""
    numbers = _numbers(value)
    count = len(value) if isinstance(value, MultiValue | list | tuple) else 1
    if value is not None and len(numbers) != count:
        raise UnreadableFile(
            getattr(dataset, "filename", None), "its WindowCenter or WindowWidth is not a number"
        )
    return numbers


def _numbers(value: object) -> list[float]:
    """One value, several values or none, as a list of floats; what is no number is left out."""
    try:
        array = np.atleast_1d(np.asarray(value, dtype=np.float64))
    except (TypeError, ValueError):
        return []
    return [] if value is None else [float(number) for number in array if np.isfinite(number)]
