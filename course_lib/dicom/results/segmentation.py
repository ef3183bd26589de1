"""Masks as DICOM: a Segmentation object (SEG) that points to the images it was drawn on.

SEG files are error-prone by hand (functional groups, bit packing), so the library highdicom makes
them; here the course's masks and names go in and come out again. Source: DICOM PS3.3, A.51.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import highdicom as hd
import numpy as np
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes

from course_lib.dicom.errors import reading
from course_lib.dicom.identity import uid
from course_lib.dicom.results.coding import category, concept
from course_lib.dicom.writing.files import in_utf8, without_clock
from course_lib.dicom.writing.modules import MAKER

Mask = NDArray[np.bool_]


def segmentation(
    images: Sequence[Dataset],
    masks: Mapping[str, Mask],
    series_number: int = 100,
    made_by: str = "Course segmenter",
) -> Dataset:
    """A binary SEG of `masks` on a series of images.

    Args:
        images: the series, one data set per slice, in the order of the masks' first axis.
        masks: finding or organ -> (z, y, x) bool; the names must have a code (dicom/coding.py).
            A name may end in a remark in brackets, as in "nodule (left)".
        made_by: name of the algorithm.

    Raises:
        ValueError: no mask, an unknown name, or a mask of another shape than the series.
    """
    if not masks:
        raise ValueError("A segmentation needs at least one mask.")
    first = images[0]
    shape = (len(images), first.Rows, first.Columns)
    for name, mask in masks.items():
        if mask.shape != shape:
            raise ValueError(f"The mask of {name} is {mask.shape}, the series is {shape}.")
    algorithm = hd.AlgorithmIdentificationSequence(made_by, codes.DCM.ArtificialIntelligence, "1.0")
    seg = hd.seg.Segmentation(
        source_images=[in_utf8(image) for image in images],
        pixel_array=np.stack(list(masks.values()), -1).astype(np.uint8),
        segmentation_type="BINARY",
        segment_descriptions=[
            _description(number, name, algorithm, first.StudyInstanceUID)
            for number, name in enumerate(masks, 1)
        ],
        series_instance_uid=uid(first.StudyInstanceUID, "series", series_number),
        series_number=series_number,
        sop_instance_uid=uid(first.StudyInstanceUID, "series", series_number, "instance", 1),
        instance_number=1,
        manufacturer=MAKER,
        manufacturer_model_name=made_by,
        software_versions="1.0",
        device_serial_number="1",
        content_label="FINDINGS",
        content_description=", ".join(masks)[:64],
    )
    return without_clock(seg, first)


def _description(
    number: int, name: str, algorithm: hd.AlgorithmIdentificationSequence, study: str
) -> hd.seg.SegmentDescription:
    """One segment: its label, what kind of thing it is, and which."""
    plain = name.split(" (")[0]
    return hd.seg.SegmentDescription(
        segment_number=number,
        segment_label=name,
        segmented_property_category=category(plain),
        segmented_property_type=concept(plain),
        algorithm_type="AUTOMATIC",
        algorithm_identification=algorithm,
        tracking_uid=uid(study, "tracked", name),
        tracking_id=name,
    )


def read_segmentation(file: str | Path | Dataset, images: Sequence[Dataset]) -> dict[str, Mask]:
    """Masks of a SEG on the slices of `images`: label -> (z, y, x) bool.

    Frames are put in place by the image they refer to, never by their order; slices without a frame
    are empty. Raises UnreadableFile for another kind of file, ValueError when the SEG was drawn on
    other images.
    """
    name = None if isinstance(file, Dataset) else str(file)
    with reading(name, "this is not a usable segmentation"):
        seg = hd.seg.Segmentation.from_dataset(file if isinstance(file, Dataset) else dcmread(file))
        sources = {item[2] for item in seg.get_source_image_uids()}
    uids = [ds.SOPInstanceUID for ds in images]
    if not sources & set(uids):
        raise ValueError("The segmentation was drawn on other images than these.")
    with reading(name, "the segmentation's frames cannot be placed"):
        stack = seg.get_pixels_by_source_instance(uids, assert_missing_frames_are_empty=True)
        labels = [item.SegmentLabel for item in seg.SegmentSequence]
    return {label: stack[..., i].astype(bool) for i, label in enumerate(labels)}
