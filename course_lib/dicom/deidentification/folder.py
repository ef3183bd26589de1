"""De-identify all files of a folder, and prove by a search of every byte that nothing is left."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from tqdm.auto import tqdm

from course_lib.dicom.deidentification.dataset import CannotDeidentify, deidentify
from course_lib.dicom.deidentification.leaks import Identifier, find_identifiers, identifiers_of
from course_lib.dicom.deidentification.profile import Profile
from course_lib.dicom.errors import UnreadableFile, reading
from course_lib.dicom.opening import open_dicom
from course_lib.dicom.writing.files import save


@dataclass
class Outcome:
    """What became of a folder: files written, and those held back with the reason."""

    written: list[Path] = field(default_factory=list)
    held_back: dict[Path, str] = field(default_factory=dict)


def deidentify_folder(
    source: str | Path, target: str | Path, key: bytes, options: Iterable[str] = ()
) -> Outcome:
    """De-identify every file below `source` into `target`, with a progress bar for many.

    Files are named <pseudonym>/<new series UID>/<new instance UID>.dcm, because old names often
    hold the patient's. A file that is not readable, cannot be cleaned, or in which a search still
    finds an identifier is not written. References between files (a SEG to its CT) still hold.

    Raises:
        ValueError: source and target overlap, unknown options, or a key that is too short.
        FileNotFoundError: there is no such folder.
    """
    source, target = Path(source).resolve(), Path(target).resolve()
    if not source.is_dir():
        raise FileNotFoundError(f"There is no folder {source}.")
    if target == source or source in target.parents or target in source.parents:
        raise ValueError("Write the de-identified files outside the folder of the originals.")
    profile = Profile(options)
    files = sorted(path for path in source.rglob("*") if path.is_file())
    outcome = Outcome()
    for path in tqdm(files, desc="de-identifying", unit="file", disable=len(files) < 100):
        try:
            outcome.written.append(_one(path, target, key, profile))
        except UnreadableFile as error:
            outcome.held_back[path.relative_to(source)] = error.reason
    return outcome


def _one(path: Path, target: Path, key: bytes, profile: Profile) -> Path:
    """De-identify and write one file; it is taken back if anything is found in it."""
    original = open_dicom(path)
    with reading(path, "the file cannot be de-identified"):
        if "SOPInstanceUID" not in original:
            raise UnreadableFile(path, "this is a directory of files or no object of its own")
        clean = deidentify(original, key, profile.options)
        folder = target / clean.PatientID / clean.SeriesInstanceUID
        written = save(clean, folder / f"{clean.SOPInstanceUID}.dcm")
    wanted = [i for i in identifiers_of(original) if not kept_on_purpose(i, profile)]
    leaks = find_identifiers(written.read_bytes(), wanted)
    if leaks:
        written.unlink()
        raise CannotDeidentify(f"something is left after de-identification: {leaks[0]}")
    return written


def kept_on_purpose(identifier: Identifier, profile: Profile) -> bool:
    """Whether an option of the profile keeps this kind of identifier."""
    keeps = {
        "uid": "retain_uids" in profile.options,
        "date": "retain_full_dates" in profile.options
        and identifier.attribute != "PatientBirthDate",
        "place": identifier.attribute.startswith("Institution")
        and "retain_institution_identity" in profile.options
        or identifier.attribute == "StationName"
        and "retain_device_identity" in profile.options,
    }
    return keeps.get(identifier.kind, False)
