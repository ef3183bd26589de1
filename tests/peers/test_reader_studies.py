"""Published reader studies, to the digits that MRMCaov prints (files of the real-data folder)."""

import json

import numpy as np
import pandas as pd
import pytest

from course_lib.evaluation.multi_reader import reader_study
from course_lib.evaluation.multi_reader_power import pilot_of, power_of_study


@pytest.fixture
def study_of(real_data):
    def read(name):
        table = pd.read_csv(real_data / "known_answers" / f"{name}.csv")
        wide = table.pivot(index=["treatment", "reader"], columns="case", values="rating")
        shape = table["treatment"].nunique(), table["reader"].nunique(), -1
        truth = table.groupby("case")["truth"].first()
        return reader_study(truth.to_numpy(), wide.to_numpy().reshape(shape)), truth.size

    return read


def test_van_dyke(real_data, study_of):
    """Spin echo against cine MR for aortic dissection: five readers, 114 patients."""
    answers = json.loads((real_data / "known_answers" / "known_answers.json").read_text())
    known = answers["mrmc_vandyke"]
    study, cases = study_of("VanDyke")
    c = study.covariances
    assert cases == 114
    assert c.error == pytest.approx(known["error"], abs=5e-11)
    assert [c.cov1, c.cov2, c.cov3] == pytest.approx(known["cov"], abs=5e-11)
    assert study.ms_method == pytest.approx(known["ms_t"], abs=5e-10)
    test = study.random_readers()
    assert test.statistic == pytest.approx(known["F"], abs=5e-7)
    assert test.df2 == pytest.approx(known["df2"], abs=5e-6)
    assert test.p_value == pytest.approx(known["p"], abs=5e-9)
    assert study.difference(0, 1) == pytest.approx(known["diff"], abs=5e-9)
    assert test.difference_error == pytest.approx(known["se"], abs=5e-8)


def test_who_is_random_decides_about_van_dyke(study_of):
    """For these five readers the difference is significant; for readers in general not quite."""
    study, cases = study_of("VanDyke")
    assert study.fixed_readers().p_value < 0.05 < study.random_readers().p_value
    low, high = study.interval(0, 1)
    assert low < 0 < high < 0.001
    pilot = pilot_of(study, cases)
    assert power_of_study(pilot, 0.044, 5, 114) < 0.6 < power_of_study(pilot, 0.044, 10, 228)


def test_kundel_whose_screen_films_show_other_patients(study_of):
    """Soft and hard copy show the same 95 chests, screen-film another 95."""
    study, _ = study_of("Kundel")
    assert study.areas.shape == (3, 4)
    assert 0.75 < study.areas.min() < study.areas.max() < 0.92
    assert study.random_readers().df1 == 2
    assert study.random_readers().p_value > 0.3
    assert 0 < study.covariances.cov3 < study.covariances.cov1 < study.covariances.error


def test_franken_where_readers_agree_more_across_methods(study_of):
    """Cov2 below Cov3 is set equal to it (Hillis): the F test becomes the ordinary one."""
    study, cases = study_of("Franken")
    assert cases == 100
    assert study.covariances.cov2 < study.covariances.cov3
    assert study.random_readers() == study.fixed_cases()
    assert study.random_readers().p_value > 0.05
    assert np.ptp(study.areas) < 0.06
