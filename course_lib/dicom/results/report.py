"""Measurements as DICOM: a Structured Report (SR) after template TID 1500.

A report is a tree of coded statements. Each finding names what it is, where, how large, and which
segment of which SEG shows it; other programs can read all of it without guessing.
Source: DICOM PS3.16, TID 1500 (measurement report) and TID 1411 (volumetric ROI).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import highdicom as hd
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes

from course_lib.dicom.errors import reading
from course_lib.dicom.identity import uid
from course_lib.dicom.results.coding import (
    concept,
    concept_named,
    quantity,
    quantity_named,
    verdict_code,
    verdict_named,
)
from course_lib.dicom.writing.files import in_utf8, without_clock
from course_lib.dicom.writing.modules import MAKER

PROCEDURES = {
    "CT": ("77477000", "SCT", "Computed tomography"),
    "MR": ("113091000", "SCT", "Magnetic resonance imaging"),
    "DX": ("399208008", "SCT", "Plain chest X-ray"),
}


@dataclass(frozen=True)
class Measured:
    """One finding in a report: its label, its measurements, and where it lies.

    finding and site are names that have a code ("nodule", "lung"); measurements: name -> value in
    the unit of dicom/tables/findings.toml (volume mm3, diameter mm, mean_hu HU, score 0 to 1).
    segment: number of its segment in the SEG, from 1; None when there is no SEG. verdict: what was
    concluded, "normal_group" or "needs_reading"; None for a mere measurement.
    """

    finding: str
    measurements: Mapping[str, float] = field(default_factory=dict)
    site: str = "lung"
    segment: int | None = None
    verdict: str | None = None


def report(
    images: Sequence[Dataset],
    findings: Sequence[Measured],
    seg: Dataset | None = None,
    series_number: int = 101,
    made_by: str = "Course reader",
    instance: int = 1,
) -> Dataset:
    """A TID 1500 measurement report on a series.

    Args:
        images: the data sets that were measured.
        findings: what was found or looked for, at least one; an AI that finds nothing reports a
            low score.
        seg: the SEG that the findings' `segment` numbers refer to.
        made_by: name of the program that measured.
        instance: number of the report in its series; each of several reports needs its own.

    Raises:
        ValueError: no finding, an unknown name, or a segment number without a SEG that has it.
    """
    if not findings:
        raise ValueError("A measurement report needs a finding; give what was looked for a score.")
    images = [in_utf8(image) for image in images]
    first = images[0]
    groups = [_group(finding, images, seg, number) for number, finding in enumerate(findings, 1)]
    observer = hd.sr.DeviceObserverIdentifyingAttributes(uid("device", made_by), made_by, MAKER)
    context = hd.sr.ObservationContext(
        observer_device_context=hd.sr.ObserverContext(codes.DCM.Device, observer)
    )
    content = hd.sr.MeasurementReport(
        observation_context=context,
        procedure_reported=hd.sr.CodedConcept(*PROCEDURES.get(first.Modality, PROCEDURES["CT"])),
        imaging_measurements=groups,
        title=codes.DCM.ImagingMeasurementReport,
        referenced_images=list(images),
    )
    sr = hd.sr.ComprehensiveSR(
        evidence=[*images, *([seg] if seg is not None else [])],
        content=content[0],
        series_instance_uid=uid(first.StudyInstanceUID, "series", series_number),
        series_number=series_number,
        sop_instance_uid=uid(first.StudyInstanceUID, "series", series_number, "instance", instance),
        instance_number=instance,
        manufacturer=MAKER,
        is_complete=True,
    )
    return without_clock(sr, first)


def _group(found: Measured, images: Sequence[Dataset], seg: Dataset | None, number: int) -> Any:
    """One finding's measurements, with or without a segment to point at."""
    common: dict[str, Any] = {
        "tracking_identifier": hd.sr.TrackingIdentifier(
            uid(images[0].SeriesInstanceUID, "finding", number), f"{found.finding} {number}"
        ),
        "finding_type": concept(found.finding),
        "finding_sites": [hd.sr.FindingSite(concept(found.site))],
        "measurements": [
            hd.sr.Measurement(name, round(float(value), 6), unit)
            for (name, unit), value in ((quantity(n), v) for n, v in found.measurements.items())
        ],
    }
    if found.verdict is not None:
        said = verdict_code("question"), verdict_code(found.verdict)
        common["qualitative_evaluations"] = [hd.sr.QualitativeEvaluation(*said)]
    if found.segment is None:
        return hd.sr.MeasurementsAndQualitativeEvaluations(**common)
    count = 0 if seg is None else len(seg.SegmentSequence)
    if seg is None or not 1 <= found.segment <= count:
        raise ValueError(f"The report points to segment {found.segment}; the SEG has {count}.")
    region = hd.sr.ReferencedSegment(
        seg.SOPClassUID,
        seg.SOPInstanceUID,
        found.segment,
        source_series=hd.sr.SourceSeriesForSegmentation(images[0].SeriesInstanceUID),
    )
    return hd.sr.VolumetricROIMeasurementsAndQualitativeEvaluations(
        referenced_segment=region, **common
    )


def read_report(file: str | Path | Dataset) -> list[Measured]:
    """The findings of a TID 1500 report: those with a segment first, by its number.

    Measurements in a known code come back under the course's names, others under their code.
    Raises UnreadableFile when the file is not such a report.
    """
    name = None if isinstance(file, Dataset) else str(file)
    with reading(name, "this is not a usable measurement report (SR, TID 1500)"):
        ds = file if isinstance(file, Dataset) else dcmread(file)
        tree = hd.sr.MeasurementReport.from_sequence(hd.sr.ComprehensiveSR.from_dataset(ds).content)
        groups = [
            *tree.get_volumetric_roi_measurement_groups(),
            *tree.get_image_measurement_groups(),
        ]
        return sorted(
            (_read_group(group) for group in groups), key=lambda m: m.segment or len(groups)
        )


def _read_group(group: Any) -> Measured:
    """One finding out of its group in the tree."""
    measurements = {
        quantity_named(item.name.value): float(item.value) for item in group.get_measurements()
    }
    sites = group.finding_sites
    region = getattr(group, "referenced_segment", None)
    return Measured(
        concept_named(group.finding_type.value),
        measurements,
        concept_named(sites[0].value.value) if sites else "",
        None if region is None else int(region.referenced_segment_numbers[0]),
        _verdict(group),
    )


def _verdict(group: Any) -> str | None:
    """What the group concludes, under the course's name."""
    question = verdict_code("question")
    for item in group.get_qualitative_evaluations(question):
        return verdict_named(item.value.value)
    return None
