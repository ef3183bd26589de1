"""One line that opens any data set of the course."""

from pathlib import Path

from course_lib.data.chestxray14 import ChestXray14
from course_lib.data.folder import ImageFolder
from course_lib.data.source import ImageSource
from course_lib.data.virtual import VirtualChest

VIRTUAL = "virtual"


def open_dataset(name_or_path: str | Path, **options) -> ImageSource:
    """Open the virtual cohort, a copy of ChestX-ray14, or a folder of the learner's own files.

    Args:
        name_or_path: "virtual"; or a folder. A folder with a table Data_Entry_2017*.csv (or given
            entries=...) is ChestX-ray14; any other is read file by file, with labels from its
            labels.csv if there is one.
        options: passed on: n=, seed=, size=, ... to VirtualChest; split=, images=, entries= to
            ChestXray14; labels=, check= to ImageFolder.

    Raises:
        FileNotFoundError: there is no such folder; the message names the choices.
    """
    if name_or_path == VIRTUAL:
        return VirtualChest(**options)
    folder = Path(name_or_path).expanduser()
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is not a folder; give 'virtual' or a folder of images.")
    if "entries" in options or any(folder.glob("Data_Entry_2017*.csv")):
        return ChestXray14(folder, **options)
    table = folder / "labels.csv"
    if table.is_file():
        options.setdefault("labels", table)
    return ImageFolder(folder, **options)
