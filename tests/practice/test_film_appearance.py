"""Polarity, view, letters: what a picture shows before any network is asked."""

import cv2
import numpy as np
import pytest

from course_lib.data.read import read_film
from course_lib.imaging.radiography import radiograph
from course_lib.patient.cohort import sample_patient
from course_lib.practice.appearance import (
    FRONTAL_FROM,
    average_film,
    grey_curve,
    has_text,
    likeness,
)


def film(seed, view="PA", size=128):
    return radiograph(sample_patient(seed), size=size, view=view).pixels.astype(np.float32) / 4095


@pytest.fixture(scope="module")
def average():
    return average_film(film(seed) for seed in range(12))


def stamped(image, text, height=0.7, place=(10, 40)):
    grey = np.ascontiguousarray((np.clip(image, 0, 1) * 255).astype(np.uint8))
    cv2.putText(grey, text, place, cv2.FONT_HERSHEY_SIMPLEX, height, 255, 1, cv2.LINE_AA)
    return grey.astype(np.float32) / 255


def test_frontal_films_are_like_their_average_and_negatives_are_not(average):
    for seed in range(20, 28):
        image = film(seed)
        assert likeness(image, average) > FRONTAL_FROM > likeness(1 - image, average)


def test_neither_size_nor_contrast_nor_brightness_counts(average):
    image = film(30)
    usual = likeness(image, average)
    assert likeness(0.3 + 0.2 * image, average) == pytest.approx(usual, abs=1e-4)
    assert likeness(film(30, size=300), average) == pytest.approx(usual, abs=0.03)


def test_lateral_films_and_pictures_of_nothing_are_not_frontal(average):
    others = [film(seed, "LAT") for seed in range(4)]
    others += [np.random.default_rng(0).random((99, 70)), np.zeros((64, 64)), np.ones((8, 300))]
    for image in others:
        image = image.astype(np.float32)
        assert max(likeness(image, average), likeness(1 - image, average)) < FRONTAL_FROM


def test_a_name_is_text_a_side_marker_is_not():
    image = film(5, size=512)
    assert not has_text(image)
    assert not has_text(stamped(image, "L", height=1.2))
    assert not has_text(stamped(image, "R", height=1.2))
    for height in (0.5, 0.7, 1.0):
        assert has_text(stamped(image, "KIM JIWON 19640302", height))


def test_grey_curves_count_pixels():
    half = np.concatenate([np.zeros((4, 8)), np.ones((4, 8))])
    curve = grey_curve(half)
    assert curve[0] == curve[-2] == 0.5 and curve[-1] == 1 and len(curve) == 32


def test_real_films_raise_few_false_alarms(real_data, average):
    paths = sorted((real_data / "nih" / "images_256").iterdir())[::3]
    images = [read_film(path).image for path in paths]
    plain = np.array([likeness(image, average) for image in images])
    negative = np.array([likeness(1 - image, average) for image in images])
    assert np.mean(np.maximum(plain, negative) < FRONTAL_FROM) < 0.03
    assert np.mean((negative > plain) & (negative > FRONTAL_FROM)) < 0.01
    assert np.mean([has_text(image) for image in images]) < 0.06
