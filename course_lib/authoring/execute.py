"""Run a notebook headless: progress display, minutes, peak memory, tidy outputs."""

import os
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import nbformat
import psutil
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from tqdm.auto import tqdm

WIDGET = "application/vnd.jupyter.widget-view+json"
CELL_TIMEOUT_S = 300


@dataclass
class Run:
    """How one run went."""

    name: str
    seconds: float
    peak_mb: float
    error: str | None = None


def execute(notebook: nbformat.NotebookNode, name: str, folder: Path | None = None) -> Run:
    """Run all cells of `notebook` in place, as a student does, in `folder` (default: an empty one).

    An error of a cell ends the run and is returned in `Run.error`, with the cell's place.
    """
    with tempfile.TemporaryDirectory() as scratch:
        environment = {
            **os.environ,
            "COURSE_PROGRESS": str(Path(scratch) / "progress.jsonl"),
            "COURSE_CACHE": str(Path(scratch) / "cache"),  # minutes are those of a first run
            "COURSE_TRY_WIDGETS": "1",
            "TQDM_DISABLE": "1",
            "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "2"),
            "OMP_WAIT_POLICY": os.environ.get("OMP_WAIT_POLICY", "PASSIVE"),
        }
        client = NotebookClient(
            notebook,
            timeout=CELL_TIMEOUT_S,
            kernel_name="python3",
            resources={"metadata": {"path": str(folder or scratch)}},
            record_timing=False,
            extra_arguments=["--IPKernelApp.log_level=ERROR"],  # else it warns of TCP each time
            store_widget_state=False,
        )
        return _run(client, name, environment)


def _run(client: NotebookClient, name: str, environment: dict) -> Run:
    start, error = time.perf_counter(), None
    bar = tqdm(total=len(client.nb.cells), desc=name, unit="cell", leave=False, disable=None)
    client.on_cell_complete = lambda **_: bar.update()
    client.create_kernel_manager()
    with client.setup_kernel(env=environment), _PeakMemory(client) as memory, bar:
        for index, cell in enumerate(client.nb.cells):
            try:
                client.execute_cell(cell, index)
            except CellExecutionError as failure:
                error = f"cell {index}: {failure.ename}: {failure.evalue}"
                break
            except CellTimeoutError:
                error = f"cell {index} took longer than {CELL_TIMEOUT_S} s: {cell.source[:60]!r}"
                break
            except DeadKernelError:
                error = f"cell {index}: the kernel died (out of memory?): {cell.source[:60]!r}"
                break
    tidy(client.nb)
    return Run(name, time.perf_counter() - start, memory.peak_mb, error)


def tidy(notebook: nbformat.NotebookNode) -> None:
    """Keep what is the same on every run: no widget ids, no warnings of libraries, no timing."""
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        cell.metadata.pop("execution", None)
        if "local" in cell.metadata.get("tags", []):
            cell.outputs = []  # it speaks of the computer it runs on, not of the lesson
        kept = []
        for output in cell.outputs:
            if output.output_type == "stream" and output.name == "stderr":
                continue
            output.pop("transient", None)
            if WIDGET in output.get("data", {}):
                _ignore_output(cell)
                del output["data"][WIDGET]
                if "image/png" not in output["data"]:
                    continue  # a progress bar, say: without a kernel it would stand at 0 %
            kept.append(output)
        cell.outputs = _join_streams(kept)


def _ignore_output(cell) -> None:
    """A live widget has another identity each time: nbval runs it but compares nothing."""
    tags = cell.metadata.setdefault("tags", [])
    if "nbval-ignore-output" not in tags:
        tags.append("nbval-ignore-output")


def _join_streams(outputs: list) -> list:
    """Neighbouring pieces of printed text as one, however the kernel happened to cut them."""
    joined: list = []
    for output in outputs:
        both = joined and output.output_type == joined[-1].output_type == "stream"
        if both and output.name == joined[-1].name:
            joined[-1].text += output.text
        else:
            joined.append(output)
    return joined


class _PeakMemory:
    """Watches the kernel and its children: peak of the resident memory in MB."""

    def __init__(self, client: NotebookClient):
        self.pid = getattr(client.km.provisioner, "pid", None) if client.km else None
        self.peak_mb = 0.0
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()

    def _watch(self) -> None:
        while self.pid and not self.stop.wait(0.2):
            try:
                kernel = psutil.Process(self.pid)
                family = [kernel, *kernel.children(recursive=True)]
                used = sum(p.memory_info().rss for p in family)
            except psutil.Error:
                continue
            self.peak_mb = max(self.peak_mb, used / 1e6)
