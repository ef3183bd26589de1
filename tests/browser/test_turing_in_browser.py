"""In a real browser: a Turing test is read film by film, interrupted, resumed, and judged."""

import nbformat
import numpy as np
import pytest

from course_lib.evaluation.turing import plan_reading
from course_lib.teaching.turing_records import read_answers

CODE = """\
import numpy as np
from course_lib.evaluation.turing import plan_reading
from course_lib.teaching.turing_widget import turing_test

plan = plan_reading(real=3, synthetic=3, seed=1, repeats=1)
films = plan.arrange(np.full((3, 64, 64), 60, np.uint8), np.full((3, 64, 64), 180, np.uint8))
test = turing_test(films, plan, reader="Kim 김", alt="an even grey")"""


@pytest.fixture(scope="module")
def reading_lab(open_lab, tmp_path_factory):
    work = tmp_path_factory.mktemp("reader 판독")
    about = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CODE)], metadata=about)
    nbformat.write(notebook, work / "turing.ipynb")
    return open_lab(work), work


class Reading:
    """What the reader sees and presses."""

    def __init__(self, tab) -> None:
        self.tab = tab
        tab.wait("a film", lambda: tab.find("img.widget-image"))

    def says(self, words: str) -> bool:
        return any(words in html.text for html in self.tab.find(".widget-html"))

    def grey(self) -> int:
        """Grey value, 0 to 255, in the middle of the film on the screen."""
        script = """
            const image = arguments[0], canvas = document.createElement("canvas");
            canvas.width = image.naturalWidth; canvas.height = image.naturalHeight;
            const pen = canvas.getContext("2d"); pen.drawImage(image, 0, 0);
            return pen.getImageData(canvas.width / 2, canvas.height / 2, 1, 1).data[0];"""
        return self.tab.driver.execute_script(script, self.tab.find("img.widget-image")[0])

    def press(self, word: str) -> None:
        button = next(b for b in self.tab.find("button.widget-button") if b.text == word)
        self.tab.driver.execute_script("arguments[0].click()", button)

    def stretched(self) -> float:
        """How much taller than wide the picture is drawn, against what it is."""
        width, height = self.tab.size_drawn(self.tab.find("img.widget-image")[0])
        drawn = self.tab.find("img.widget-image")[0].size
        return (drawn["height"] / drawn["width"]) / (height / width)

    def read(self, film: int, of: int, rightly: bool = True) -> None:
        """Answer the film with this number in the row: dark is real."""
        import time

        self.tab.wait(f"film {film}", lambda: self.says(f"Film {film} of {of}"))
        self.tab.wait("its picture", lambda: self.grey() in (60, 180))
        time.sleep(0.5)  # sooner would be a double click
        self.press("real" if (self.grey() == 60) == rightly else "synthetic")


def test_a_reading_is_interrupted_resumed_and_judged(page, reading_lab):
    running, work = reading_lab
    tab = page(running)
    tab.open("turing.ipynb")
    tab.run_all()
    reading = Reading(tab)
    for film in (1, 2, 3):
        reading.read(film, of=7)
    tab.wait("film 4", lambda: reading.says("Film 4 of 7"))
    assert not reading.says("accuracy")
    assert abs(reading.stretched() - 1) < 0.02
    tab.look("turing_reading")
    [file] = (work / "turing_readings").iterdir()
    assert len(read_answers(file)) == 3 and "key" not in file.name

    tab.run_all()  # as after a restart: a new test from the file
    reading = Reading(tab)
    for film in (4, 5, 6, 7):
        reading.read(film, of=7, rightly=film != 5)
    tab.wait("the result", lambda: reading.says("done") and reading.says("5 of 6"))
    picture = tab.find("img.widget-image")[0]
    tab.wait("the film that misled", lambda: tab.size_drawn(picture)[0] != 448)
    assert abs(reading.stretched() - 1) < 0.02
    tab.look("turing_result")
    assert reading.says("accuracy") and reading.says("Shown twice: the same answer for 1 of 1")
    assert all(not b.is_enabled() for b in tab.find("button.widget-button"))

    answers = read_answers(file)
    truth = plan_reading(real=3, synthetic=3, seed=1, repeats=1).synthetic
    right = np.array([a.called == "synthetic" for a in answers]) == truth[[a.film for a in answers]]
    assert list(right) == [True] * 4 + [False] + [True] * 2
    assert len(list((work / "turing_readings").glob("*-key.csv"))) == 1
