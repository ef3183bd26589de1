"""Every public set of films in miniature: `imitate` writes virtual films in its exact layout.

    folder = imitate("CheXpert", open_dataset("virtual", n=20, seed=1), "some/place")
    films = open_dataset(folder)

Tables, file names and kinds of files are those of the publishers. The films are virtual, and their
labels are what imagined readers (`Reading`) made of the truth. Nothing in them is of the real
sets: a result on them says nothing about the real ones.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from course_lib.data.imitation import special, tables
from course_lib.data.imitation.readers import Film, Reading
from course_lib.data.source import AnySource

# Set -> its folder's name, who read its films, and what writes it.
LAYOUTS: dict[str, tuple[str, Reading, Callable[[Path, Sequence[Film]], None]]] = {
    "JSRT": ("JSRT", Reading(), special.jsrt),  # its truth came from CT
    "Open-i": ("NLMCXR", Reading(hedges=0, invents=0.01), special.open_i),
    "ChestX-ray14": ("ChestX-ray14", Reading(), tables.chestxray14),
    "MIMIC-CXR-JPG": ("mimic-cxr-jpg", Reading(), tables.mimic_cxr),
    "VinDr-CXR": ("vindr-cxr", Reading(finds=0.8, hedges=0, invents=0.03), special.vindr_cxr),
    "CheXpert": ("CheXpert-v1.0-small", Reading(), tables.chexpert),
    "PadChest": ("PadChest", Reading(hedges=0), tables.padchest),
    "RSNA pneumonia": ("rsna", Reading(finds=0.95, hedges=0), special.rsna_pneumonia),
}


def imitate(name: str, films: AnySource, root: str | Path, seed: int = 0) -> Path:
    """Write `films` below `root` as the public set `name` lays its films out; returns the folder.

    Args:
        name: one of LAYOUTS.
        films: frontal films with known labels; boxes are drawn around their masks.
        root: where the new folder is made.
        seed: decides what the readers see, miss and pass over in silence.

    Raises:
        ValueError: there is no such set, or no film.
        FileExistsError: the folder is there already; nothing is overwritten.
    """
    if name not in LAYOUTS:
        raise ValueError(f"There is no layout {name!r}; there are {', '.join(LAYOUTS)}.")
    if len(films) == 0:
        raise ValueError("Give at least one film to imitate a data set with.")
    called, reading, write = LAYOUTS[name]
    folder = Path(root).expanduser() / called
    if folder.exists():
        raise FileExistsError(f"{folder} is there already; choose another place or delete it.")
    folder.mkdir(parents=True)
    write(folder, [Film(films[i], i, reading, seed) for i in range(len(films))])
    return folder
