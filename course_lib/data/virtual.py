"""A cohort of virtual patients as a source of films: every label and every mask is exact."""

import json
import os
import shutil
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path

import numpy as np
from tqdm.auto import tqdm

from course_lib.data.cache import cache_folder, write_atomically
from course_lib.data.files import remove_leftovers
from course_lib.data.item import ImageItem, ImageRecord, Label
from course_lib.data.marker import Marker, burn_in, draw_marks, marker_of
from course_lib.data.render import (
    FilmPlan,
    WorkerFailed,
    render_in_workers,
    render_ranges,
)
from course_lib.data.shards import Film, read_shard, shard_name, shard_ranges
from course_lib.imaging.radiography import USUAL, Technique
from course_lib.imaging.scanners import SCANNERS, Scanner
from course_lib.patient.cohort import MORE_FINDINGS, PREVALENCE, SEVERITY, PatientSpec
from course_lib.patient.findings import FINDINGS

# Starting a worker costs as much as rendering about this many megapixels.
MEGAPIXELS_WORTH_A_WORKER = 1.5
MOST_BYTES_OPEN = 1_000_000_000
SECONDS_KEPT = 60 * 24 * 3600


class VirtualChest:
    """Chest radiographs of n virtual patients.

    The films are rendered when the object is made, by several processes, with a progress bar, and
    kept in a cache. A second call with the same parameters reads them at once. Rendering that was
    interrupted (even killed) continues where it stopped. When the code that makes films changes,
    they are made anew.

    Args:
        n: number of films.
        seed: the same seed gives the same patients, and film i does not depend on n.
        size: height and width in pixels.
        findings: only these findings occur; None for the nine of a mixed work list (or for those
            that `prevalence` names besides). All that are possible: patient.findings.FINDINGS.
        prevalence: finding -> probability; None for a hospital's mixed work list.
        severity: the Beta distribution (a, b) of severities; a cohort with (1, 4) is hard to read,
            and has the same patients with the same findings.
        studies_per_patient: above 1, patients come back with other findings.
        view: "PA", "AP" or "LAT"; None for the scanner's usual view, which is mostly PA.
        technique: a Technique, or some of its fields, for example {"kvp": 90}; the others are
            usual for the scanner and the view.
        marker: {"pneumothorax": 0.95} burns a letter into a corner that agrees with this label on
            95 of 100 films (see data.marker). The films below it are the same as without.
        scanner: a name in imaging.scanners.SCANNERS ("A", "B", "C", "portable") images with that
            machine; any other text is only written on every record.
        hospital: a text that every record carries.
        folder: where films are kept; None for COURSE_CACHE or the system's place for caches.
        workers: processes; None for the number of processor cores, at most 8.

    Raises:
        ValueError: a parameter is impossible.
        OSError: the cache cannot be written; the message says what to do.
    """

    def __init__(
        self,
        n: int,
        seed: int,
        size: int = 128,
        findings: Sequence[str] | None = None,
        *,
        prevalence: Mapping[str, float] | None = None,
        severity: tuple[float, float] = SEVERITY,
        studies_per_patient: float = 1.0,
        view: str | None = None,
        technique: Technique | Mapping | None = None,
        marker: Mapping[str, float] | Marker | None = None,
        hospital: str = "virtual hospital",
        scanner: str = "virtual scanner",
        folder: str | Path | None = None,
        workers: int | None = None,
    ) -> None:
        if n < 1:
            raise ValueError(f"n must be at least 1, not {n}.")
        machine = SCANNERS.get(scanner)
        view = view or (machine.view if machine else "PA")
        if view not in USUAL:
            raise ValueError(f"view must be one of {', '.join(USUAL)}, not {view!r}.")
        if size < 16:
            raise ValueError(f"size must be at least 16 pixels, not {size}.")
        self.findings = tuple(findings) if findings is not None else _usual_findings(prevalence)
        chances = _chances(self.findings, prevalence) if findings or prevalence else None
        self.plan = FilmPlan(
            seed,
            size,
            view,
            chances,
            studies_per_patient,
            asdict(_technique(machine, view, technique)),
            severity,
        )
        self.specs = self.plan.specs(n)
        self.marker = marker_of(marker)
        self._records = [
            self._record(spec, i, hospital, scanner) for i, spec in enumerate(self.specs)
        ]
        self.marked = np.zeros(n, dtype=bool)
        if self.marker is not None:
            self.marked = draw_marks(self.marker, self._records, seed)
        self.folder = cache_folder(folder) / f"virtual-chest-{size}px-{self.plan.key()}"
        self._ranges = shard_ranges(n, size)
        self._open: OrderedDict[int, list[Film]] = OrderedDict()
        self._render_missing(workers)

    @property
    def records(self) -> list[ImageRecord]:
        return self._records

    def __len__(self) -> int:
        return len(self._records)

    def __getitem__(self, index: int) -> ImageItem:
        """One film with exact labels and masks."""
        if not -len(self) <= index < len(self):
            raise IndexError(f"film {index} of a cohort of {len(self)}")
        index %= len(self)
        step = self._ranges[0][1]
        film = self._shard(index // step)[index % step]
        image = film.pixels.astype(np.float32) / 255
        if self.marker is not None and self.marked[index]:
            image = burn_in(image, self.marker.letter)
        facts = {
            name: getattr(self._records[index], name) for name in ImageRecord.__dataclass_fields__
        }
        return ImageItem(**facts, image=image, spacing_mm=film.spacing_mm, masks=film.masks)

    def patient(self, index: int):
        """The virtual patient behind film `index`, built anew: all solids, for other views."""
        return self.specs[index].build()

    def __getstate__(self) -> dict:
        """Without the open files: whoever gets a copy reads them from the cache."""
        return {**self.__dict__, "_open": OrderedDict()}

    def _record(self, spec: PatientSpec, index: int, hospital: str, scanner: str) -> ImageRecord:
        present = spec.labels
        return ImageRecord(
            patient_id=spec.patient_id,
            study_id=f"{spec.patient_id}-{spec.study}",
            labels={
                name: Label.PRESENT if name in present else Label.ABSENT for name in self.findings
            },
            view=self.plan.view,
            scanner=scanner,
            hospital=hospital,
            age=spec.age,
            sex=spec.sex,
            source=f"virtual cohort {self.plan.seed}, film {index}",
        )

    def _shard(self, number: int) -> list[Film]:
        """The films of one file; the most recently used files stay in memory."""
        if number not in self._open:
            start, stop = self._ranges[number]
            path = self.folder / shard_name(start, stop)
            films = read_shard(path)
            if films is None:  # deleted or damaged since: make it again
                render_ranges(self.plan, self.folder, [(start, stop)], lambda: None)
                films = read_shard(path)
            if films is None:
                raise OSError(f"{path} was written but cannot be read; check the disk.")
            self._open[number] = films
            size = self.plan.size
            room = max(1, MOST_BYTES_OPEN // (self._ranges[0][1] * size * size * 3))
            while len(self._open) > room:
                self._open.popitem(last=False)
        self._open.move_to_end(number)
        return self._open[number]

    def _render_missing(self, workers: int | None) -> None:
        missing = [r for r in self._ranges if not (self.folder / shard_name(*r)).is_file()]
        if not missing:
            os.utime(self.folder)  # in use: not to be forgotten
            return
        remove_leftovers(self.folder, older_than_s=3600)
        _forget_unused(self.folder.parent)
        about = json.dumps({**asdict(self.plan), "films": len(self)}, indent=1).encode()
        write_atomically(self.folder / "about.json", lambda file: file.write(about))
        films = sum(stop - start for start, stop in missing)
        wanted = _workers(workers, films * self.plan.size**2 / 1e6, len(missing))
        with tqdm(total=films, desc="Imaging virtual patients", unit="film") as bar:
            if wanted > 1:
                try:
                    render_in_workers(self.plan, self.folder, missing, bar.update, wanted)
                except (WorkerFailed, OSError) as error:
                    tqdm.write(f"Imaging in one process instead of {wanted}: {error}")
            left = [r for r in missing if not (self.folder / shard_name(*r)).is_file()]
            bar.n = films - sum(stop - start for start, stop in left)
            render_ranges(self.plan, self.folder, left, bar.update)


def clear_cache(folder: str | Path | None = None) -> int:
    """Delete all cached virtual films; returns how many cohorts were deleted."""
    cohorts = list(cache_folder(folder).glob("virtual-chest-*"))
    for cohort in cohorts:
        shutil.rmtree(cohort, ignore_errors=True)
    return len(cohorts)


def _usual_findings(prevalence: Mapping[str, float] | None) -> tuple[str, ...]:
    """The mixed work list's findings, and whatever else the prevalence names."""
    return tuple(name for name in FINDINGS if name in PREVALENCE or name in (prevalence or ()))


def _chances(findings: Sequence[str], prevalence: Mapping[str, float] | None) -> dict[str, float]:
    given = PREVALENCE | MORE_FINDINGS if prevalence is None else prevalence
    unknown = sorted((set(findings) | set(given)) - set(FINDINGS))
    if unknown:
        raise ValueError(
            f"Virtual patients cannot have {', '.join(unknown)}; "
            f"they can have {', '.join(FINDINGS)}."
        )
    return {name: float(given.get(name, 0.0)) for name in findings}


def _technique(machine: Scanner | None, view: str, given: Technique | Mapping | None) -> Technique:
    """The technique asked for; what is not said is usual for the machine, or for the view."""
    if isinstance(given, Technique):
        return given
    known = {field.name for field in fields(Technique)}
    strange = sorted(set(given or {}) - known)
    if strange:
        raise ValueError(f"A technique has no {strange[0]!r}; it has {', '.join(sorted(known))}.")
    usual = machine.technique if machine and machine.view == view else USUAL[view]
    return replace(usual, **(given or {}))


def _workers(wanted: int | None, megapixels: float, files: int) -> int:
    if wanted is not None:
        return max(1, min(wanted, files))
    cores = min(os.cpu_count() or 1, 8)
    return max(1, min(cores, files, int(megapixels / MEGAPIXELS_WORTH_A_WORKER)))


def _forget_unused(root: Path) -> None:
    """Delete cohorts that nobody has used for two months; later code would not use them either."""
    for cohort in root.glob("virtual-chest-*"):
        if time.time() - cohort.stat().st_mtime > SECONDS_KEPT:
            shutil.rmtree(cohort, ignore_errors=True)
