"""In a real browser: curves grow while a cell runs, in one picture, which stays when it has run."""

import nbformat
import pytest

CODE = """\
import time
from course_lib.teaching.live import LiveCurves

curves = LiveCurves("accuracy against round", xlabel="round", ylabel="accuracy", xlim=(0, 8))
for number in range(1, 8):
    curves.add("FedAvg", number, number / 10)
    time.sleep(0.7)
curves.finish()"""


@pytest.fixture(scope="module")
def training_lab(open_lab, tmp_path_factory):
    work = tmp_path_factory.mktemp("training 학습")
    about = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CODE)], metadata=about)
    nbformat.write(notebook, work / "live.ipynb")
    return open_lab(work)


def test_one_picture_grows_while_the_cell_runs(training_lab, page):
    tab = page(training_lab)
    tab.open("live.ipynb")
    tab.begin()

    def pictures() -> list:
        return tab.find(".jp-OutputArea-output img")

    tab.wait("a first picture", pictures)
    first = tab.wait("it is drawn", lambda: tab.content_drawn(pictures()[0]))
    tab.wait("it has grown", lambda: tab.content_drawn(pictures()[0]) not in ("", first))
    assert not tab.has_run(), "the cell had ended before the picture changed"
    tab.wait("the cell has run", tab.has_run)
    assert len(pictures()) == 1
    tab.look("live_curves")
