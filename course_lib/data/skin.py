"""Made-up skin lesions with a family tree: colour pictures for the lesson on hierarchies.

These are drawings, not dermatology: each disease is a mean for nine visible properties, diseases
of one family share most of them, and every picture varies about the mean. They have what the
lesson is about: a tree, very unequal numbers, and neighbours in the tree that look alike.
"""

from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from course_lib.data.taxonomy import Node, tree_of

# Properties: darkness, redness, blueness, size, elongation, jagged border, second colour, scales,
# ring shape; each 0 to 1. A family's values, and what its members change.
FAMILIES: dict[str, dict[str, dict[str, float]]] = {
    "benign": {
        "naevus": {"dark": 0.55, "size": 0.45, "jagged": 0.1},
        "keratosis": {"dark": 0.4, "size": 0.55, "scales": 0.5, "jagged": 0.25},
        "vascular": {"dark": 0.3, "red": 0.9, "size": 0.4, "jagged": 0.1},
    },
    "malignant": {
        "melanoma": {"dark": 0.7, "size": 0.65, "jagged": 0.55, "second": 0.5},
        "carcinoma": {"dark": 0.2, "red": 0.5, "size": 0.55, "jagged": 0.3, "ring": 0.3},
        "lymphoma": {"dark": 0.15, "red": 0.65, "size": 0.75, "jagged": 0.3, "second": 0.2},
    },
    "non-neoplastic": {
        "inflammation": {"dark": 0.1, "red": 0.6, "size": 0.75, "scales": 0.4, "jagged": 0.4},
        "infection": {"dark": 0.12, "red": 0.55, "size": 0.65, "ring": 0.5, "scales": 0.2},
        "pigment": {"dark": 0.35, "size": 0.7, "jagged": 0.15},
    },
}  # fmt: skip
MEMBERS: dict[str, dict[str, dict[str, float]]] = {
    "naevus": {"common naevus": {}, "blue naevus": {"blue": 0.8}, "halo naevus": {"ring": 0.5},
               "dysplastic naevus": {"jagged": 0.35, "second": 0.25, "size": 0.55}},
    "keratosis": {"seborrhoeic keratosis": {}, "flat keratosis": {"scales": 0.2, "dark": 0.3},
                  "wart": {"size": 0.3, "scales": 0.8}},
    "vascular": {"haemangioma": {}, "angiokeratoma": {"dark": 0.6, "blue": 0.4},
                 "pyogenic granuloma": {"size": 0.3, "second": 0.3}},
    "melanoma": {"superficial melanoma": {}, "nodular melanoma": {"blue": 0.5, "jagged": 0.3},
                 "lentigo maligna": {"dark": 0.5, "size": 0.85, "second": 0.4},
                 "amelanotic melanoma": {"dark": 0.25, "red": 0.6}},
    "carcinoma": {"nodular basal cell": {}, "pigmented basal cell": {"dark": 0.5, "blue": 0.3},
                  "squamous cell": {"scales": 0.6, "ring": 0.05}},
    "lymphoma": {"patch lymphoma": {}, "plaque lymphoma": {"dark": 0.3, "scales": 0.3}},
    "inflammation": {"psoriasis": {"scales": 0.8, "jagged": 0.2}, "eczema": {},
                     "lichen planus": {"blue": 0.4, "dark": 0.25, "size": 0.5}},
    "infection": {"ringworm": {"ring": 0.8}, "impetigo": {"second": 0.6},
                  "cellulitis": {"size": 0.95, "ring": 0.0, "red": 0.75}},
    "pigment": {"lentigo": {"size": 0.35}, "melasma": {"size": 0.95, "jagged": 0.4},
                "cafe au lait": {"dark": 0.25}},
}  # fmt: skip
PROPERTIES = ("dark", "red", "blue", "size", "long", "jagged", "second", "scales", "ring")
SPREAD = 0.11  # standard deviation of every property within a disease


def skin_tree(counts: Mapping[str, int] | None = None) -> Node:
    """The family tree of the made-up lesions: root, 3 kinds, 9 families, 28 diseases."""
    branches: dict = {
        kind: {family: {name: {} for name in MEMBERS[family]} for family in families}
        for kind, families in FAMILIES.items()
    }
    return tree_of("skin lesion", branches, counts)


def diseases() -> tuple[str, ...]:
    """All 28 diseases, in the tree's order."""
    return tuple(name for members in MEMBERS.values() for name in members)


def typical(disease: str) -> NDArray[np.float64]:
    """Mean of the nine PROPERTIES of a disease; ValueError for an unknown one."""
    for families in FAMILIES.values():
        for family, shared in families.items():
            if disease in MEMBERS[family]:
                values = {"long": 0.2} | shared | MEMBERS[family][disease]
                return np.array([values.get(name, 0.0) for name in PROPERTIES])
    raise ValueError(f"There is no disease {disease!r}; see diseases().")


def long_tail(total: int, ratio: float = 30.0) -> dict[str, int]:
    """Numbers of pictures that fall steadily from the commonest disease to the rarest.

    The commonest has `ratio` times as many as the rarest; the order is fixed and has nothing to do
    with the tree.
    """
    names = np.random.default_rng(2017).permutation(diseases())
    weights = np.geomspace(ratio, 1, len(names))
    counts = np.maximum(1, np.round(total * weights / weights.sum())).astype(int)
    return {str(name): int(count) for name, count in zip(names, counts, strict=True)}


def lesion(disease: str, seed: int, size: int = 48) -> NDArray[np.float32]:
    """One picture (3, size, size) in 0..1 of a lesion on skin of some tone; red, green, blue."""
    rng = np.random.default_rng([seed, *disease.encode()])
    values = np.clip(typical(disease) + SPREAD * rng.normal(size=len(PROPERTIES)), 0, 1)
    p = dict(zip(PROPERTIES, values, strict=True))
    skin = _skin(rng, size)
    inside, radius = _shape(p, rng, size)
    colour = _colour(p, rng, radius, skin.mean(axis=(0, 1)))
    picture = skin * (1 - inside[..., None]) + colour * inside[..., None]
    picture *= 1 + 0.08 * rng.normal() + 0.03 * rng.normal(size=3)  # light and white balance
    picture += 0.015 * rng.normal(size=picture.shape)
    return np.clip(picture, 0, 1).astype(np.float32).transpose(2, 0, 1)


def lesions(
    counts: Mapping[str, int], seed: int, size: int = 48
) -> tuple[NDArray[np.float32], list[str]]:
    """Pictures (N, 3, size, size) and their diseases, as many of each as `counts` says."""
    labels = [name for name, count in counts.items() for _ in range(count)]
    numbers = [number for count in counts.values() for number in range(count)]
    start = int(np.random.default_rng(seed).integers(2**40))
    pictures = [
        lesion(name, start + number, size) for name, number in zip(labels, numbers, strict=True)
    ]
    return np.stack(pictures), labels


def _skin(rng: np.random.Generator, size: int) -> NDArray[np.float64]:
    """Skin (size, size, 3) of a random tone, with fine and coarse texture and some hairs."""
    tone = rng.beta(2, 2)
    base = (1 - tone) * np.array([0.93, 0.76, 0.67]) + tone * np.array([0.52, 0.36, 0.27])
    texture = 0.03 * _noise(rng, size, 2.0) + 0.05 * _noise(rng, size, 10.0)
    skin = base * (1 + texture)[..., None]
    for _ in range(rng.poisson(1.5)):
        ends = rng.integers(-size // 4, size + size // 4, 4)
        hair = np.zeros((size, size), np.uint8)
        cv2.line(hair, (int(ends[0]), int(ends[1])), (int(ends[2]), int(ends[3])), 1)
        skin[hair > 0] *= 0.6
    return skin


def _shape(
    p: Mapping[str, float], rng: np.random.Generator, size: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How much of each pixel is lesion (0 to 1), and the relative distance from its middle."""
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    x, y = x - 0.06 * size * rng.normal(), y - 0.06 * size * rng.normal()
    turn = rng.uniform(0, np.pi)
    along, across = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
    stretch = 1 + 0.9 * p["long"]
    distance = np.hypot(along / stretch, across * stretch)
    angle = np.arctan2(across, along)
    waves = sum(
        rng.normal() / k * np.cos(k * angle + rng.uniform(0, 2 * np.pi)) for k in range(2, 9)
    )
    border = (0.14 + 0.24 * p["size"]) * size * (1 + 0.35 * p["jagged"] * waves)
    radius = distance / np.maximum(border, 1.0)
    return 1 / (1 + np.exp((radius - 1) * 14)), radius


def _colour(
    p: Mapping[str, float],
    rng: np.random.Generator,
    radius: NDArray[np.float64],
    skin: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Colour (size, size, 3) of the lesion, had it no border."""
    size = len(radius)
    colour = skin * (1 - 0.75 * p["dark"]) * np.ones((size, size, 3))
    colour *= 1 - p["red"] * np.array([0.05, 0.45, 0.4])
    colour = colour * (1 - p["blue"] * np.array([0.5, 0.3, 0.0])) + 0.12 * p["blue"] * np.eye(3)[2]
    patches = 1 / (1 + np.exp(-4 * (_noise(rng, size, 0.16 * size) - 0.4)))
    colour *= 1 - (0.6 * p["second"] * patches)[..., None]
    flakes = (_noise(rng, size, 1.2) > 1.0) & (_noise(rng, size, 4.0) > -0.5)
    colour[flakes] += p["scales"] * (0.9 - colour[flakes])
    pale = np.exp(-((radius / 0.55) ** 2)) * p["ring"]
    return colour + pale[..., None] * (skin - colour)


def _noise(rng: np.random.Generator, size: int, wavelength: float) -> NDArray[np.float64]:
    """Smooth random field (size, size), mean 0 and variance 1."""
    field = cv2.GaussianBlur(rng.normal(size=(size, size)), (0, 0), max(wavelength / 2, 0.3))
    return np.asarray((field - field.mean()) / field.std())
