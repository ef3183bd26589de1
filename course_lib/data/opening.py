"""One line that opens any data set of the course."""

from collections.abc import Callable
from pathlib import Path

from course_lib.data.chestxray14 import ChestXray14
from course_lib.data.folder import ImageFolder
from course_lib.data.public.chexpert import CheXpert
from course_lib.data.public.jsrt import Jsrt
from course_lib.data.public.mimic_cxr import MimicCxr
from course_lib.data.public.open_i import OpenI
from course_lib.data.public.padchest import PadChest
from course_lib.data.public.rsna_pneumonia import RsnaPneumonia
from course_lib.data.public.vindr_cxr import VinDrCxr
from course_lib.data.source import ImageSource
from course_lib.data.virtual import VirtualChest

VIRTUAL = "virtual"
# A file that only this data set has -> how it is opened. The first that fits decides.
SIGNS: dict[str, Callable[..., ImageSource]] = {
    "Data_Entry_2017*.csv": ChestXray14,
    "mimic-cxr-*-metadata.csv*": MimicCxr,
    "PADCHEST_chest_x_ray_images_labels_160K*.csv*": PadChest,
    "stage_2_train_labels.csv": RsnaPneumonia,
    "annotations/image_labels_*.csv": VinDrCxr,
    "**/ecgen-radiology/*.xml": OpenI,
    "**/CLNDAT_EN.[tT][xX][tT]": Jsrt,
    "train/patient*/study*": CheXpert,
    "valid/patient*/study*": CheXpert,
}


def open_dataset(name_or_path: str | Path, **options) -> ImageSource:
    """Open the virtual cohort, a public data set, or a folder of the learner's own files.

    Args:
        name_or_path: "virtual"; or a folder. A public set is known by its tables (ChestX-ray14,
            CheXpert, MIMIC-CXR, PadChest, VinDr-CXR, RSNA pneumonia, Open-i, JSRT); any other
            folder is read file by file, with labels from its labels.csv if there is one.
        options: passed on: n=, seed=, size=, ... to VirtualChest; split=, ... to the public sets;
            labels=, check= to ImageFolder.

    Raises:
        FileNotFoundError: there is no such folder; the message names the choices.
    """
    if name_or_path == VIRTUAL:
        return VirtualChest(**options)
    folder = Path(name_or_path).expanduser()
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is not a folder; give 'virtual' or a folder of images.")
    if "entries" in options:
        return ChestXray14(folder, **options)
    for pattern, public_set in SIGNS.items():
        if next(folder.glob(pattern), None):
            return public_set(folder, **options)
    table = folder / "labels.csv"
    if table.is_file():
        options.setdefault("labels", table)
    return ImageFolder(folder, **options)
