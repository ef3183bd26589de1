"""The catalogue's checksums are true, and tables out of papers agree with the papers' words."""

import csv
import hashlib
import re
from pathlib import Path

import pytest
from pydicom.data import get_testdata_file

from course_lib.data.findings import CHEXNET
from course_lib.data.samples import CT_SLICES, MR_SLICES

DATASETS = Path(__file__).resolve().parents[2] / "datasets"
SUMS = dict(
    re.findall(
        r"^\| (\S+) \|.*`([0-9a-f]{64})` \|$", (DATASETS / "README.md").read_text("utf-8"), re.M
    )
)


def sha256(path) -> str:
    content = Path(path).read_bytes()
    if str(path).endswith(".csv"):
        content = content.replace(b"\r\n", b"\n")  # as a checkout on Windows may have it
    return hashlib.sha256(content).hexdigest()


def test_every_bundled_file_is_in_the_catalogue():
    bundled = {p.relative_to(DATASETS).as_posix() for p in (DATASETS / "papers").glob("*.csv")}
    assert bundled <= set(SUMS)
    for name in (name for name in SUMS if name.startswith("papers/")):
        assert sha256(DATASETS / name) == SUMS[name], name


def test_slices_of_pydicom_are_those_in_the_catalogue():
    names = [*CT_SLICES.values(), *MR_SLICES.values()]
    assert set(names) <= set(SUMS)
    for name in names:
        assert sha256(get_testdata_file(name, download=False)) == SUMS[name]


def rows(name: str) -> list[dict]:
    with open(DATASETS / "papers" / name, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_auroc_table_is_complete_and_says_what_the_paper_claims():
    """The paper claims the best published result for each of the 14 findings."""
    table = {
        (row["finding"], row["study"]): float(row["auroc"]) for row in rows("chexnet_auroc.csv")
    }
    assert len(table) == 42 and {finding for finding, _ in table} == set(CHEXNET)
    for finding in CHEXNET:
        ours = table[finding, "CheXNet"]
        assert ours > max(table[finding, "Wang et al. 2017"], table[finding, "Yao et al. 2017"])
    assert sum(table[f, "CheXNet"] for f in CHEXNET) / 14 == pytest.approx(0.8414, abs=5e-5)


def test_f1_table_gives_its_own_mean():
    table = {row["reader"]: row for row in rows("chexnet_f1.csv")}
    four = [float(table[f"Radiologist {k}"]["f1"]) for k in (1, 2, 3, 4)]
    assert float(table["Radiologists (mean)"]["f1"]) == pytest.approx(sum(four) / 4, abs=6e-4)
    assert all(float(r["low"]) < float(r["f1"]) < float(r["high"]) for r in table.values())
