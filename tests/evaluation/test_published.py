"""The tables of figures from papers: complete, with their source, and consistent in themselves."""

import pytest

from course_lib.data.findings import CHEXNET
from course_lib.evaluation.published import PAPERS, published


@pytest.mark.parametrize("name", sorted(path.stem for path in PAPERS.glob("*.csv")))
def test_every_figure_names_its_source_and_page(name):
    table = published(name)
    assert table["source"].str.len().gt(10).all()
    assert table["page"].astype(str).str.len().gt(0).all()


def test_chexnet_aurocs_cover_three_studies_of_fourteen_findings():
    table = published("chexnet_auroc").pivot(index="finding", columns="study", values="auroc")
    assert set(table.index) == set(CHEXNET)
    assert table.shape == (14, 3)
    assert table.notna().all(axis=None)
    assert table.loc["pneumonia", "CheXNet"] == 0.768
    assert (table["CheXNet"] > table["Wang et al. 2017"]).all()


def test_the_mean_reader_is_the_mean_of_the_four_readers():
    table = published("chexnet_f1").set_index("reader")
    readers = table.loc[[f"Radiologist {i}" for i in range(1, 5)], "f1"]
    assert readers.mean() == pytest.approx(table.loc["Radiologists (mean)", "f1"], abs=6e-4)


def test_an_unknown_table_is_an_error_that_lists_the_known():
    with pytest.raises(FileNotFoundError, match="chexnet_auroc"):
        published("chexnet_accuracy")
