"""Virtual films: exact labels, kept by content, never stale, never half-written."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from course_lib.data import render, virtual
from course_lib.data.cache import cache_folder, code_fingerprint, content_key, write_atomically
from course_lib.data.item import Label
from course_lib.data.render import DECIDING_CODE, FilmPlan, WorkerFailed, render_in_workers
from course_lib.data.shards import Film, read_shard, shard_name, shard_ranges, write_shard
from course_lib.data.virtual import VirtualChest, clear_cache
from course_lib.imaging.radiography import USUAL
from course_lib.patient.cohort import MORE_FINDINGS, PREVALENCE

SIZE, COUNT = 32, 12
MIXED = {"pneumothorax": 0.5, "mass": 0.5, "support_device": 0.5}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def films(folder) -> VirtualChest:
    return VirtualChest(COUNT, seed=3, size=SIZE, prevalence=MIXED, folder=folder, workers=1)


def pixels(source) -> np.ndarray:
    return np.stack([source[i].image for i in range(len(source))])


def test_items_are_complete(films):
    assert len(films) == len(films.records) == COUNT
    for index in range(COUNT):
        item, spec = films[index], films.specs[index]
        assert item.image.shape == (SIZE, SIZE) and item.image.std() > 0.05
        present = {name for name, label in item.labels.items() if label is Label.PRESENT}
        assert present == set(spec.labels)
        assert set(item.masks) <= present
        assert item.age == spec.age and item.sex == spec.sex and item.view == "PA"
        # a chest is imaged on 30 to 50 cm
        assert 300 < item.spacing_mm[0] * SIZE < 500
    assert any(films[i].masks for i in range(COUNT))
    with pytest.raises(IndexError):
        films[COUNT]
    assert np.array_equal(films[-1].image, films[COUNT - 1].image)


def test_labels_of_a_chosen_few(films, folder):
    few = VirtualChest(4, 1, SIZE, findings=["mass", "nodule"], folder=folder, workers=1)
    assert all(set(record.labels) == {"mass", "nodule"} for record in few.records)
    with pytest.raises(ValueError, match="cannot have unicorn; they can have cardiomegaly"):
        VirtualChest(4, 1, SIZE, findings=["unicorn"], folder=folder)


def test_technique_changes_the_film(films, folder):
    options = {"size": SIZE, "prevalence": MIXED, "folder": folder, "workers": 1}
    hard = VirtualChest(1, 3, technique={"kvp": 70, "mas": 10}, **options)
    same = VirtualChest(1, 3, technique=replace(USUAL["PA"], kvp=70, mas=10), **options)
    assert hard.folder == same.folder != films.folder
    assert not np.array_equal(hard[0].image, films[0].image)
    ap = VirtualChest(1, 3, view="AP", **options)
    assert ap.records[0].view == "AP" and ap[0].spacing_mm is not None


def test_a_named_scanner_images_and_any_other_name_is_only_written_down(folder):
    options = {"n": 1, "seed": 3, "size": SIZE, "folder": folder, "workers": 1}
    plain = VirtualChest(**options)
    assert VirtualChest(scanner="Ward 7", **options).folder == plain.folder
    assert VirtualChest(scanner="A", **options).folder == plain.folder
    other = VirtualChest(scanner="B", **options)
    assert other.records[0].scanner == "B" and other.records[0].view == "PA"
    assert np.abs(other[0].image - plain[0].image).mean() > 0.01
    bed = VirtualChest(scanner="portable", **options)
    assert bed.records[0].view == "AP"
    softer = VirtualChest(scanner="B", technique={"kvp": 80}, **options)
    assert softer.plan.technique == {**other.plan.technique, "kvp": 80}


def test_findings_beyond_the_mixed_work_list_come_when_asked_for(folder):
    options = {"size": SIZE, "folder": folder, "workers": 1}
    plain = VirtualChest(2, 3, **options)
    assert set(plain.records[0].labels) == set(PREVALENCE)
    asked = VirtualChest(6, 3, findings=["edema", "hernia"], **options)
    assert asked.plan.prevalence == {name: MORE_FINDINGS[name] for name in ("edema", "hernia")}
    sure = VirtualChest(2, 3, prevalence={"hernia": 1.0}, **options)
    assert all(record.label("hernia") is Label.PRESENT for record in sure.records)
    assert set(sure.records[0].labels) == {*PREVALENCE, "hernia"}
    assert sure[0].masks["hernia"].any()


def test_the_severity_dial_reaches_the_films(folder):
    options = {"size": SIZE, "prevalence": {"mass": 1.0}, "folder": folder, "workers": 1}
    plain = VirtualChest(3, 3, **options)
    mild = VirtualChest(3, 3, severity=(1.0, 6.0), **options)
    for before, after in zip(plain.specs, mild.specs, strict=True):
        assert after.findings[0].severity < before.findings[0].severity
    assert sum(mild[i].masks["mass"].sum() for i in range(3)) < sum(
        plain[i].masks["mass"].sum() for i in range(3)
    )


def test_second_call_reads_and_does_not_render(films, folder, monkeypatch):
    def no_rendering(*args):
        raise AssertionError("rendered again")

    monkeypatch.setattr(render, "render_film", no_rendering)
    again = VirtualChest(COUNT, seed=3, size=SIZE, prevalence=MIXED, folder=folder)
    assert np.array_equal(pixels(again), pixels(films))


def test_a_film_does_not_depend_on_how_many_there_are(films, folder):
    fewer = VirtualChest(2, seed=3, size=SIZE, prevalence=MIXED, folder=folder, workers=1)
    assert fewer.folder == films.folder
    assert np.array_equal(pixels(fewer), pixels(films)[:2])
    other = VirtualChest(2, seed=4, size=SIZE, prevalence=MIXED, folder=folder, workers=1)
    assert not np.array_equal(pixels(fewer), pixels(other))


def test_several_processes_make_the_same_films(films, tmp_path, monkeypatch):
    monkeypatch.setattr("course_lib.data.shards.MOST_FILMS", 2)
    counted = []
    ranges = shard_ranges(COUNT, SIZE)
    render_in_workers(films.plan, tmp_path, ranges, lambda: counted.append(1), workers=2)
    assert len(counted) == COUNT and len(ranges) == COUNT // 2
    made = [film for r in ranges for film in read_shard(tmp_path / shard_name(*r)) or []]
    assert np.array_equal(np.stack([f.pixels for f in made]) / np.float32(255), pixels(films))
    for index, film in enumerate(made):
        masks = films[index].masks
        assert film.masks.keys() == masks.keys()
        assert all(np.array_equal(film.masks[name], masks[name]) for name in masks)


def test_failing_workers_are_reported_and_replaced(films, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("course_lib.data.shards.MOST_FILMS", 2)
    with pytest.raises(WorkerFailed, match="code 1: .*Error"):
        render_in_workers(FilmPlan(0, SIZE, view="none"), tmp_path, [(0, 1)], lambda: None, 2)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no python here"))
    alone = VirtualChest(
        4, seed=3, size=SIZE, prevalence=MIXED, folder=tmp_path / "cache", workers=2
    )
    assert np.array_equal(pixels(alone), pixels(films)[:4])
    assert "one process instead of 2" in "".join(capsys.readouterr())


MAKE_FILMS = """
import course_lib.data.shards as shards
shards.MOST_FILMS = 1
from course_lib.data.virtual import VirtualChest
options = dict(prevalence={mixed}, folder=r"{folder}", workers={workers})
VirtualChest({count}, seed=3, size={size}, **options)
"""


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL does not exist on Windows")
@pytest.mark.parametrize("workers", [1, 2])
def test_killed_and_resumed(films, tmp_path, monkeypatch, workers):
    """Killed without warning after the first film: what is there is whole, the rest is made."""
    script = MAKE_FILMS.format(
        count=COUNT, size=SIZE, mixed=MIXED, folder=tmp_path, workers=workers
    )
    process = subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not list(tmp_path.rglob("films-*.npz")):
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("films-*.npz")}
    assert 1 <= len(before) < COUNT
    assert all(read_shard(path) is not None for path in before)
    monkeypatch.setattr("course_lib.data.shards.MOST_FILMS", 1)
    resumed = VirtualChest(COUNT, seed=3, size=SIZE, prevalence=MIXED, folder=tmp_path, workers=1)
    assert np.array_equal(pixels(resumed), pixels(films))
    kept = [path for path, made in before.items() if path.stat().st_mtime_ns == made]
    assert kept, "films that were complete are not made again"


@pytest.mark.parametrize("damage", ["cut", "changed", "deleted"])
def test_damaged_files_are_made_again(films, tmp_path, damage):
    chest = VirtualChest(2, seed=3, size=SIZE, prevalence=MIXED, folder=tmp_path, workers=1)
    path = chest.folder / shard_name(0, 2)
    content = bytearray(path.read_bytes())
    if damage == "deleted":
        path.unlink()
    else:
        content[300] ^= 255
        path.write_bytes(content[: len(content) // 2] if damage == "cut" else content)
    fresh = VirtualChest(2, seed=3, size=SIZE, prevalence=MIXED, folder=tmp_path, workers=1)
    assert np.array_equal(pixels(fresh), pixels(films)[:2])
    assert read_shard(path) is not None


def test_workers_with_newer_code_refuse(tmp_path, monkeypatch):
    """A kernel that runs old code must not get films of new code under the old key."""
    monkeypatch.setattr(render, "FINGERPRINT", "older code")
    with pytest.raises(WorkerFailed, match="restart the kernel"):
        render_in_workers(FilmPlan(0, SIZE), tmp_path, [(0, 1)], lambda: None, 2)
    assert not list(tmp_path.iterdir())


def test_other_code_or_parameters_give_another_folder(tmp_path):
    plan = FilmPlan(0, 64)
    assert plan.key() == FilmPlan(0, 64).key()
    others = [
        FilmPlan(1, 64),
        FilmPlan(0, 65),
        FilmPlan(0, 64, "AP"),
        FilmPlan(0, 64, technique={"kvp": 70}),
        FilmPlan(0, 64, prevalence={"mass": 0.1}),
        FilmPlan(0, 64, severity=(1.0, 4.0)),
    ]
    assert len({plan.key(), *(other.key() for other in others)}) == 7
    code = tmp_path / "physics"
    code.mkdir()
    (code / "a.py").write_bytes(b"MU = 0.02\n")
    first = code_fingerprint([code])
    (code / "a.py").write_bytes(b"MU = 0.02\r\n")
    assert code_fingerprint([code]) == first, "line ends of Windows are the same code"
    (code / "a.py").write_bytes(b"MU = 0.03\n")
    assert code_fingerprint([code]) != first
    assert content_key({"n": 1}, "a") != content_key({"n": 1}, "b")
    assert all(place.exists() for place in DECIDING_CODE)


def test_marker_lies_on_top_of_the_same_films(films, folder, monkeypatch):
    def no_rendering(*args):
        raise AssertionError("rendered again")

    monkeypatch.setattr(render, "render_film", no_rendering)
    marked = VirtualChest(
        COUNT, seed=3, size=SIZE, prevalence=MIXED, folder=folder, marker={"pneumothorax": 1.0}
    )
    for index in range(COUNT):
        has = films.records[index].label("pneumothorax") is Label.PRESENT
        assert marked.marked[index] == has
        assert np.array_equal(marked[index].image, films[index].image) != has


def test_masks_survive_keeping(tmp_path):
    rng = np.random.default_rng(0)
    kept = [
        Film(
            rng.integers(0, 256, (9, 7), dtype=np.uint8),
            (1.5, 2.0),
            {f"finding {k}": rng.random((9, 7)) < 0.5 for k in range(i)},
        )
        for i in range(3)
    ]
    for films in (kept, kept[:1]):
        write_shard(tmp_path / "x.npz", films)
        read = read_shard(tmp_path / "x.npz")
        for before, after in zip(films, read, strict=True):
            assert np.array_equal(before.pixels, after.pixels)
            assert after.spacing_mm == (1.5, 2.0) and list(after.masks) == list(before.masks)
            assert all(np.array_equal(before.masks[n], after.masks[n]) for n in before.masks)
    assert read_shard(tmp_path / "nowhere.npz") is None


def test_files_are_whole_or_absent(tmp_path):
    def fails(file):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    path = tmp_path / "new" / "file"
    with pytest.raises(OSError, match="No space left.*COURSE_CACHE"):
        write_atomically(path, fails)
    assert list(tmp_path.rglob("*")) == [tmp_path / "new"]
    write_atomically(path, lambda file: file.write(b"old"))
    with pytest.raises(OSError):
        write_atomically(path, fails)
    assert path.read_bytes() == b"old"


def test_where_the_cache_is(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "here"))
    assert cache_folder() == tmp_path / "here"
    assert cache_folder("there") == Path("there")
    monkeypatch.delenv("COURSE_CACHE")
    assert cache_folder().name == "course_lib"
    (tmp_path / "virtual-chest-64px-abc").mkdir()
    (tmp_path / "mine").mkdir()
    assert clear_cache(tmp_path) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_unused_cohorts_are_forgotten(films, tmp_path):
    old, new = tmp_path / "virtual-chest-old", tmp_path / "virtual-chest-new"
    for folder, days in ((old, 100), (new, 10)):
        folder.mkdir()
        os.utime(folder, (time.time() - days * 86400,) * 2)
    VirtualChest(1, seed=3, size=SIZE, prevalence=MIXED, folder=tmp_path, workers=1)
    assert new.exists() and not old.exists()


def test_impossible_parameters():
    for options, message in [
        ({"n": 0}, "at least 1"),
        ({"size": 8}, "16 pixels"),
        ({"view": "oblique"}, "PA"),
        ({"technique": {"kv": 90}}, "no 'kv'; it has .*kvp"),
    ]:
        with pytest.raises(ValueError, match=message):
            VirtualChest(**{"n": 1, "seed": 0, **options})


def test_workers_are_worth_their_start():
    assert virtual._workers(None, 0.1, 50) == 1
    assert virtual._workers(None, 100, 50) == max(1, min(os.cpu_count(), 8))
    assert virtual._workers(5, 0.1, 3) == 3
