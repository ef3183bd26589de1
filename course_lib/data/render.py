"""Make the films of a virtual cohort, in this process or in several.

Run as a program (`python -m course_lib.data.render < request.json`) it is one worker process: it
writes files of films into the cache and prints one word per film. Workers are started as programs
of their own, not with multiprocessing, so the same code works in Jupyter and in scripts, on
Windows, macOS and Linux.
"""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from course_lib.data.cache import code_fingerprint, content_key
from course_lib.data.shards import Film, shard_name, write_shard
from course_lib.imaging.radiography import USUAL, Technique, radiograph
from course_lib.patient.cohort import SEVERITY, PatientSpec, sample_cohort

LIBRARY = Path(__file__).resolve().parents[1]
# All code that decides a film's pixels.
DECIDING_CODE = (
    LIBRARY / "patient",
    LIBRARY / "imaging",
    LIBRARY / "data" / "render.py",
    LIBRARY / "data" / "shards.py",
)
# Taken once, at import: it must describe the code that runs here, not a later version on disk.
FINGERPRINT = code_fingerprint(DECIDING_CODE)
FILM_DONE = "film"


class WorkerFailed(RuntimeError):
    """A worker process ended with an error; its last lines are in the message."""


@dataclass(frozen=True)
class FilmPlan:
    """Everything that decides the films of a cohort, except how many there are.

    prevalence, technique (all fields of a Technique; None: usual for the view) and severity (see
    sample_cohort) are plain numbers and texts, so that a plan can be written down, sent to another
    process, and compared.
    """

    seed: int
    size: int
    view: str = "PA"
    prevalence: dict[str, float] | None = None
    studies_per_patient: float = 1.0
    technique: dict | None = None
    severity: tuple[float, float] = SEVERITY

    def key(self) -> str:
        """A short name that changes with any parameter and with any line of the deciding code."""
        return content_key(asdict(self), FINGERPRINT)

    def specs(self, n: int) -> Sequence[PatientSpec]:
        """The first n studies of the cohort."""
        a, b = self.severity  # a list after its way through JSON
        return sample_cohort(n, self.seed, self.prevalence, self.studies_per_patient, (a, b))


def render_film(plan: FilmPlan, spec: PatientSpec, index: int) -> Film:
    """Image one study: uint8 pixels as in ChestX-ray14, and the exact masks of its findings."""
    technique = USUAL[plan.view] if plan.technique is None else Technique(**plan.technique)
    # The noise belongs to the film, not to the patient: his next film has other noise.
    noise_seed = int(np.random.SeedSequence([plan.seed, index]).generate_state(1)[0])
    picture = radiograph(spec.build(), technique, size=plan.size, view=plan.view, seed=noise_seed)
    spacing = np.broadcast_to(picture.spacing_mm, 2)
    masks = {name: mask.astype(bool) for name, mask in picture.masks.items()}
    return Film(
        (picture.pixels >> 4).astype(np.uint8), (float(spacing[0]), float(spacing[1])), masks
    )


def render_ranges(
    plan: FilmPlan,
    folder: Path,
    ranges: Sequence[tuple[int, int]],
    film_done: Callable[[], object],
) -> None:
    """Render and write the files of films [start, stop), one after the other, in this process."""
    if not ranges:
        return
    specs = plan.specs(max(stop for _, stop in ranges))
    for start, stop in ranges:
        films = []
        for index in range(start, stop):
            films.append(render_film(plan, specs[index], index))
            film_done()
        write_shard(folder / shard_name(start, stop), films)


def render_in_workers(
    plan: FilmPlan,
    folder: Path,
    ranges: Sequence[tuple[int, int]],
    film_done: Callable[[], object],
    workers: int,
) -> None:
    """The same as render_ranges, shared between worker processes.

    Whatever happens here (an interrupt, an error), no worker is left running.

    Raises:
        WorkerFailed: a worker ended with an error.
        OSError: no process can be started on this computer.
    """
    shares = [list(ranges[k::workers]) for k in range(workers)]
    processes: list[subprocess.Popen] = []
    try:
        for share in filter(None, shares):
            processes.append(_start_worker(plan, folder, share))
        complaints: list[list[str]] = [[] for _ in processes]
        readers = [
            threading.Thread(target=_listen, args=(process, film_done, lines), daemon=True)
            for process, lines in zip(processes, complaints, strict=True)
        ]
        for reader in readers:
            reader.start()
        for reader, process in zip(readers, processes, strict=True):
            reader.join()
            process.wait()
    finally:
        for process in processes:
            if process.poll() is None:
                process.terminate()
            process.wait()
    for process, lines in zip(processes, complaints, strict=True):
        if process.returncode != 0:
            raise WorkerFailed(
                f"A worker process ended with code {process.returncode}: "
                f"{' / '.join(lines[-3:]) or 'it said nothing'}"
            )


def _start_worker(plan: FilmPlan, folder: Path, share: list[tuple[int, int]]) -> subprocess.Popen:
    # One thread each: several workers with several threads would stand in each other's way.
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    paths = [str(LIBRARY.parent), os.environ.get("PYTHONPATH", "")]
    environment = {
        **os.environ,
        **threads,
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "PYTHONIOENCODING": "utf-8",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "course_lib.data.render"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment,
        text=True,
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),  # Windows: no black windows
        encoding="utf-8",
    )
    request = {
        "plan": asdict(plan),
        "folder": str(folder.resolve()),
        "ranges": share,
        "fingerprint": FINGERPRINT,
    }
    assert process.stdin is not None
    process.stdin.write(json.dumps(request))
    process.stdin.close()
    return process


def _listen(process: subprocess.Popen, film_done: Callable[[], object], lines: list[str]) -> None:
    """Count a worker's films; keep everything else that it says."""
    assert process.stdout is not None
    for line in process.stdout:
        if line.strip() == FILM_DONE:
            film_done()
        elif line.strip():
            lines.append(line.strip())


def main() -> None:
    """One worker: read a request, render, report every film."""
    request = json.load(sys.stdin)
    if request["fingerprint"] != FINGERPRINT:
        sys.exit("The course's code was changed since this session began; restart the kernel.")
    ranges = [(int(start), int(stop)) for start, stop in request["ranges"]]
    plan, folder = FilmPlan(**request["plan"]), Path(request["folder"])
    render_ranges(plan, folder, ranges, lambda: print(FILM_DONE, flush=True))


if __name__ == "__main__":
    main()
