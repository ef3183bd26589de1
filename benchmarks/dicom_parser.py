"""Our parser against pydicom's header reading, on pydicom's files and a large one, in one run.

python -m benchmarks.dicom_parser
"""

import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import pydicom
from pydicom.data import get_testdata_file

from course_lib.dicom.parser import parse_file

PIXELS = 0x7FE00010
FILES = ("CT_small.dcm", "MR_small_implicit.dcm", "JPEG2000.dcm", "rtplan.dcm", "test-SR.dcm")


def large_ct(folder: Path) -> Path:
    """A CT file of 512 x 512 pixels with the header of pydicom's small one."""
    ds = pydicom.dcmread(get_testdata_file("CT_small.dcm", download=False))
    ds.Rows = ds.Columns = 512
    ds.PixelData = bytes(512 * 512 * 2)
    path = folder / "CT 512 x 512"
    ds.save_as(path)
    return path


def all_values(path: Path) -> None:
    """pydicom's header, every element turned into its value (it does so only when asked)."""
    for _ in pydicom.dcmread(path, stop_before_pixels=True).iterall():
        pass


def milliseconds(work: Callable[[], object], seconds: float = 0.4) -> float:
    """CPU time of one call: the best of several rounds, for other programs run, too."""
    rounds, end = [], time.process_time() + seconds
    while time.process_time() < end:
        start = time.process_time()
        for _ in range(20):
            work()
        rounds.append((time.process_time() - start) / 20)
    return 1000 * min(rounds)


def main() -> None:
    """Print one line for each file."""
    warnings.simplefilter("ignore")
    heads = ("elements", "ours ms", "pydicom", "ratio", "with values", "ratio")
    print(f"{'file':24}" + "".join(f"{head:>12}" for head in heads))
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(get_testdata_file(name, download=False)) for name in FILES]
        for path in [*paths, large_ct(Path(folder))]:
            count = len(parse_file(path, stop_at=PIXELS))
            ours = milliseconds(lambda p=path: parse_file(p, stop_at=PIXELS))
            theirs = milliseconds(lambda p=path: pydicom.dcmread(p, stop_before_pixels=True))
            values = milliseconds(lambda p=path: all_values(p))
            print(
                f"{path.name:24}{count:12}{ours:12.3f}{theirs:12.3f}{ours / theirs:12.2f}"
                f"{values:12.3f}{ours / values:12.2f}"
            )


if __name__ == "__main__":
    main()
