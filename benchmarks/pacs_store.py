"""How many small images per second an archive takes: ours beside Orthanc, in one run.

    python -m benchmarks.pacs_store [--images 1000]

One association, DCMTK's storescu as the sender for both, 64 x 64 pixels in 16 bits. Twice: as the
sender comes, which collects small messages (Nagle's algorithm), and with TCP_NODELAY=1 for it;
Orthanc always has TCP_NODELAY=1. Before it answers, ours forces the file, its folder and the index
to the disk (three calls of fsync); Orthanc forces the file (one fdatasync) and leaves the index to
the operating system.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from course_lib.dicom.pacs.client import find
from course_lib.dicom.pacs.network import Node
from course_lib.dicom.pacs.opening import open_archive

SIDE = 64
# pynetdicom installs a tool of the same name beside Python; DCMTK's is elsewhere.
PATH = os.pathsep.join(
    folder
    for folder in os.environ["PATH"].split(os.pathsep)
    if Path(folder) != Path(sys.executable).parent
)


def main() -> None:
    """Print images per second of both archives, and their ratio."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    if not shutil.which("storescu", path=PATH):
        raise SystemExit("DCMTK's storescu is not installed on this computer.")
    print(f"{arguments.images} images, best of {arguments.rounds} rounds, alternating")
    print("sender            embedded     Orthanc   ratio")
    with tempfile.TemporaryDirectory() as folder:
        write_images(Path(folder), arguments.images)
        for name, quick in (("TCP_NODELAY=1", True), ("as it comes", False)):
            rounds = arguments.rounds if quick else 1
            rates = {"embedded": 0.0, "orthanc": 0.0}
            for _ in range(rounds):
                for kind in rates:
                    rates[kind] = max(rates[kind], rate(kind, folder, arguments.images, quick))
            ours, theirs = rates["embedded"], rates["orthanc"]
            print(f"{name:14} {ours:9.0f}/s {theirs:9.0f}/s   {ours / theirs:.2f}")


def rate(kind: str, folder: str, images: int, quick: bool) -> float:
    """Images per second into a fresh archive, from the connection to its end."""
    variables = dict(os.environ, PATH=PATH) | ({"TCP_NODELAY": "1"} if quick else {})
    with open_archive(kind) as archive:
        start = time.perf_counter()
        command = ["storescu", "-aet", "STUDENT", "-aec", archive.node.ae_title]
        command += ["+sd", archive.node.host, str(archive.node.port), folder]
        subprocess.run(command, env=variables, check=True, capture_output=True)
        seconds = time.perf_counter() - start
        require_all(archive.node, images)
    return images / seconds


def require_all(node: Node, images: int) -> None:
    """Stop unless every image arrived."""
    arrived = int(find(node, "STUDY").NumberOfStudyRelatedInstances[0])
    assert arrived == images, f"{arrived} of {images} images arrived"


def write_images(folder: Path, count: int) -> None:
    """`count` small CT images of one series."""
    rng = np.random.default_rng(0)
    for number in range(count):
        image(number, rng).save_as(folder / f"{number:05}.dcm", enforce_file_format=True)


def image(number: int, rng: np.random.Generator) -> FileDataset:
    """One small CT image with random pixels."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset = FileDataset(None, {}, file_meta=meta)
    dataset.SOPClassUID = CTImageStorage
    dataset.SOPInstanceUID = f"1.2.826.0.1.3680043.10.1.{number + 1}"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = "1.2.826.0.1.1", "1.2.826.0.1.2"
    dataset.PatientID, dataset.PatientName, dataset.Modality = "BENCH", "Bench^Mark", "CT"
    dataset.StudyDate, dataset.StudyTime, dataset.InstanceNumber = "20260101", "120000", number
    dataset.Rows = dataset.Columns = SIDE
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit, dataset.PixelRepresentation = 15, 0
    dataset.PixelData = rng.integers(0, 4096, (SIDE, SIDE)).astype("<u2").tobytes()
    return dataset


if __name__ == "__main__":
    main()
