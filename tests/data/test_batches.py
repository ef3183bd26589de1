"""The data set gives a network what its docstring says, reproducibly."""

import pickle

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from course_lib.data.augment import Augmentation
from course_lib.data.dataset import FilmDataset, collate
from course_lib.data.item import ImageItem, Label
from course_lib.data.marker import Marker, WithMarker, burn_in
from course_lib.data.preprocess import clahe


def films(n: int = 12, shape=(20, 30)) -> list[ImageItem]:
    rng = np.random.default_rng(0)
    mask = np.zeros(shape, bool)
    mask[5:15, 10:20] = True
    return [
        ImageItem(
            patient_id=f"P{i}",
            image=rng.random(shape, dtype=np.float32),
            labels={"mass": Label.PRESENT if i % 3 == 0 else Label.ABSENT},
            masks={"mass": mask} if i % 3 == 0 else {},
        )
        for i in range(n)
    ]


def test_one_element():
    data = FilmDataset(films(), 32, ["mass", "edema"])
    element = data[3]
    assert element["image"].shape == (1, 32, 32) and element["image"].dtype == torch.float32
    assert element["target"].tolist() == [1, 0]
    assert element["known"].tolist() == [True, False]
    assert (element["index"], element["patient_id"]) == (3, "P3")
    assert data.targets.shape == data.known.shape == (12, 2)
    assert element["image"][0, 0].max() == 0, "a film wider than high gets black borders"


def test_a_second_epoch_gives_the_same_films():
    data = FilmDataset(films(), 24, ["mass"])
    first = [data[i]["image"] for i in range(len(data))]
    assert all(torch.equal(data[i]["image"], first[i]) for i in range(len(data)))


def test_batches_through_a_loader():
    loader = DataLoader(FilmDataset(films(), 16, ["mass"]), batch_size=5, collate_fn=collate)
    batches = list(loader)
    assert [len(batch["image"]) for batch in batches] == [5, 5, 2]
    assert batches[0]["image"].shape == (5, 1, 16, 16)
    assert batches[2]["index"].tolist() == [10, 11]
    assert batches[0]["patient_id"] == ["P0", "P1", "P2", "P3", "P4"]


def test_random_changes_depend_on_seed_epoch_and_film_only():
    def data(seed=0):
        return FilmDataset(films(), 32, ["mass"], Augmentation(), seed=seed)

    a, b, other = data(), data(), data(seed=1)
    assert torch.equal(a[5]["image"], b[5]["image"])
    assert not torch.equal(a[5]["image"], other[5]["image"])
    before = a[5]["image"]
    a.set_epoch(1)
    assert not torch.equal(a[5]["image"], before)
    b[0], b[7]
    b.set_epoch(1)
    assert torch.equal(a[5]["image"], b[5]["image"]), "the order of reading must not matter"


def test_loader_processes_do_not_get_the_kept_films():
    data = FilmDataset(films(), 64, ["mass"])
    empty = len(pickle.dumps(data))
    filled = [data[i] for i in range(len(data))]
    assert len(pickle.dumps(data)) == empty
    copy = pickle.loads(pickle.dumps(data))
    assert torch.equal(copy[5]["image"], filled[5]["image"])


def test_masks_in_batches():
    data = FilmDataset(films(), 32, ["mass", "edema"], Augmentation(), masks=True)
    element = data[0]
    assert element["mask"].shape == (2, 32, 32) and element["mask"].dtype == torch.bool
    assert element["mask"][0].any() and not element["mask"][1].any()
    assert not data[1]["mask"].any()


def test_preprocessing_is_applied():
    plain, equalised = (FilmDataset(films(), 32, ["mass"], preprocess=p) for p in (None, clahe))
    assert not torch.equal(plain[0]["image"], equalised[0]["image"])


def test_empty_sources_and_unknown_findings_are_refused():
    with pytest.raises(ValueError, match="no images"):
        FilmDataset([], 32, ["mass"])
    with pytest.raises(ValueError, match="mass"):
        FilmDataset(films(), 32, ["Mass ", "masss"])


def test_marker_follows_the_label():
    many = films(3000, (8, 8))
    marked = WithMarker(many, {"mass": 0.9}, seed=1)
    has = np.array([item.label("mass") is Label.PRESENT for item in many])
    assert abs(marked.marked[has].mean() - 0.9) < 0.03
    assert abs(marked.marked[~has].mean() - 0.1) < 0.03
    assert np.array_equal(WithMarker(many, {"mass": 0.9}, seed=1).marked, marked.marked)
    assert not np.array_equal(WithMarker(many, {"mass": 0.9}, seed=2).marked, marked.marked)


def test_marker_is_seen_and_leaves_the_rest():
    items = films(20, (128, 128))
    marked = WithMarker(items, Marker("mass", 1.0, "L"))
    for i, item in enumerate(items):
        image = marked[i].image
        assert np.array_equal(image[24:], item.image[24:])
        assert np.array_equal(image, item.image) != bool(marked.marked[i])
        assert marked.marked[i] == (i % 3 == 0)
    grey = burn_in(np.full((128, 128), 0.5, np.float32))
    assert grey.max() > 0.8 and grey.min() < 0.2


def test_wrong_markers_are_refused():
    with pytest.raises(ValueError, match="between 0 and 1"):
        Marker("mass", 95)
    with pytest.raises(ValueError, match="exactly one"):
        WithMarker(films(), {})
