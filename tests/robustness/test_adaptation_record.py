"""The recorded trainings: what is shipped loads, fits its table, and says what the card says."""

import numpy as np
import pytest
import torch

from course_lib.learning.film_classifier import CLASSES, load_film_classifier
from course_lib.robustness.adaptation_record import (
    FIRST,
    TEST_FILMS,
    TEST_SEED,
    TRAININGS,
    load_adapted,
    recorded_answers,
)
from course_lib.robustness.shift_drop import drop
from course_lib.robustness.shift_films import dialled, meet


def probability(network, machine):
    table = recorded_answers(network, machine)
    logits = torch.tensor(table[list(CLASSES)].to_numpy())
    return logits.softmax(1).numpy(), table.truth.to_numpy()


def test_the_card_tells_gain_and_price():
    for machine, low, high in (("new software", 0.22, 0.32), ("grid forgotten", -0.07, -0.02)):
        (new, truth), (old, _) = (probability(n, machine) for n in reversed(list(TRAININGS)))
        gain = drop(truth, new, old, rounds=20)
        assert low < gain.accuracy < high
        assert gain.accuracy_interval.low * gain.accuracy_interval.high > 0  # 0 is outside


def test_the_shipped_networks_gave_the_recorded_answers():
    few = meet(6, TEST_SEED)
    films = few.films(dialled("new software"))
    networks = {FIRST: load_film_classifier()} | {name: load_adapted(name) for name in TRAININGS}
    for name, network in networks.items():
        table = recorded_answers(name, "new software")
        assert len(table) <= TEST_FILMS and (table.truth[: len(few)] == few.classes).all()
        recorded = table[list(CLASSES)].to_numpy()[: len(few)]
        # Half precision in the file and two decimals in the table.
        assert np.abs(network.logits(films) - recorded).max() < 0.1


def test_mistakes_are_named():
    with pytest.raises(ValueError, match="There is no training"):
        load_adapted("none")
    with pytest.raises(ValueError, match="machines"):
        recorded_answers(FIRST, "toaster")
