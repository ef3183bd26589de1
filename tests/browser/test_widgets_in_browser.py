"""In a real browser: a slider is moved by keyboard and by mouse, and the picture answers."""

import nbformat
import pytest

CODE = """\
import numpy as np
from course_lib.teaching.widgets import explore

def draw(grey, side):
    return np.full((64, 96 if side == "wide" else 64), grey / 10)

explore(draw, alt="an even grey", grey=(0, 10, 1, 5), side=["wide", "square"])"""


@pytest.fixture(scope="module")
def small_lab(open_lab, tmp_path_factory):
    work = tmp_path_factory.mktemp("작은 work")
    cells = [nbformat.v4.new_code_cell(CODE), nbformat.v4.new_code_cell("print(6 * 7)")]
    about = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=about)
    nbformat.write(notebook, work / "play 놀이.ipynb")
    return open_lab(work)


def grey_in_the_middle(page, picture):
    """The grey value, 0 to 255, that the browser has drawn in the middle of an <img>."""
    script = """
        const image = arguments[0], canvas = document.createElement("canvas");
        canvas.width = image.naturalWidth; canvas.height = image.naturalHeight;
        const pen = canvas.getContext("2d"); pen.drawImage(image, 0, 0);
        return pen.getImageData(canvas.width / 2, canvas.height / 2, 1, 1).data[0];"""
    return page.driver.execute_script(script, picture)


def test_a_slider_and_a_choice_change_the_picture(page, small_lab):
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.keys import Keys
    from selenium.webdriver.support.select import Select

    tab = page(small_lab)
    tab.open("play 놀이.ipynb")
    tab.run_all()
    assert "42" in [out.text for out in tab.find(".jp-OutputArea-output")]
    tab.wait("the picture", lambda: tab.find("img.widget-image"))
    picture = tab.find("img.widget-image")[0]
    tab.wait("its size", lambda: tab.size_drawn(picture) == [96, 64])
    before = picture.get_attribute("src")
    assert abs(grey_in_the_middle(tab, picture) - 128) <= 1

    handle = tab.find(".noUi-handle")[0]
    ActionChains(tab.driver).click(handle).send_keys(Keys.ARROW_RIGHT).perform()
    tab.wait("a brighter picture", lambda: abs(grey_in_the_middle(tab, picture) - 153) <= 1)
    assert picture.get_attribute("src") != before

    ActionChains(tab.driver).drag_and_drop_by_offset(handle, 400, 0).perform()
    tab.wait("a white picture", lambda: grey_in_the_middle(tab, picture) == 255)

    Select(tab.find(".widget-dropdown select")[0]).select_by_visible_text("square")
    tab.wait("a square picture", lambda: tab.size_drawn(picture) == [64, 64])
    tab.look("slider")
