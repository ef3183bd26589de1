"""One vocabulary: names are translated, logic is used, nothing is guessed."""

import pytest
from public_layouts import chexpert, vindr

from course_lib.data.findings import CHEXNET
from course_lib.data.item import ImageRecord, Label
from course_lib.data.public.chexpert import CheXpert
from course_lib.data.public.harmonise import NARROWER, Harmonised, harmonised, label_table
from course_lib.data.public.vindr_cxr import VinDrCxr
from course_lib.data.source import Joined

P, A, U, N = Label.PRESENT, Label.ABSENT, Label.UNCERTAIN, Label.NOT_MENTIONED


@pytest.mark.parametrize(
    ("said", "asked", "follows"),
    [
        ({"pulmonary_edema": P}, "edema", P),  # another word
        ({"lung_lesion": P}, "nodule", N),  # nodule or mass: not known which
        ({"lung_lesion": A}, "nodule", A),
        ({"lung_lesion": A}, "mass", A),
        ({"nodule/mass": A}, "mass", A),
        ({"nodule": P}, "lung_lesion", P),
        ({"nodule": A, "mass": A}, "lung_lesion", N),  # there are other lesions
        ({"opacity": A}, "nodule", A),  # two steps down
        ({"pneumonia": P}, "opacity", P),
        ({"lung_lesion": U}, "nodule", N),
        ({"opacity": A, "pneumonia": U}, "pneumonia", U),  # what was said stands
        ({"effusion": A, "pleural_effusion": P}, "pleural_effusion", P),  # two names, one finding
        ({"laminar_atelectasis": P, "atelectasis": A}, "atelectasis", P),  # silence overruled
        ({"atelectasis": P, "laminar_atelectasis": A}, "laminar_atelectasis", A),
        ({"opacity": A, "consolidation": P}, "opacity", P),
        ({"opacity": A, "lung_lesion": P}, "nodule", N),  # which one, is not said
        ({"normal": P, "pneumonia": A}, "edema", A),
        ({"normal": P}, "support_device", N),  # a normal film can show a pacemaker
        ({"normal": A}, "edema", N),
        ({}, "edema", N),
    ],
)
def test_only_what_follows_is_said(said, asked, follows):
    assert harmonised(said, (asked,)) == {asked: follows}


def test_no_finding_is_broader_than_itself():
    def below(name: str) -> set[str]:
        direct = set(NARROWER.get(name, ()))
        return direct.union(*(below(narrow) for narrow in direct)) if direct else set()

    assert all(name not in below(name) for name in NARROWER)


def test_two_hospitals_speak_one_language(tmp_path):
    sets = {"CheXpert": CheXpert(chexpert(tmp_path)), "VinDr-CXR": VinDrCxr(vindr(tmp_path))}
    films = Joined(*(Harmonised(source) for source in sets.values()))
    assert all(tuple(record.labels) == CHEXNET for record in films.records)
    assert films[0].labels == films.records[0].labels and films[0].image.ndim == 2
    table = label_table(sets).set_index(["source", "finding"])
    assert (table.sum(axis=1).groupby("source").first() == [5, 2]).all()
    assert table.loc[("VinDr-CXR", "cardiomegaly"), "present"] == 1
    assert table.loc[("CheXpert", "infiltration"), "not mentioned"] > 0


def test_a_plain_list_of_items_is_a_source_too():
    record = ImageRecord(patient_id="1", labels={"pulmonary_fibrosis": P})
    assert Harmonised([record], ("fibrosis",)).records[0].labels == {"fibrosis": P}
