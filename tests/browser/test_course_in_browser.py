"""In a real browser: the start page opens as a page, and a lesson runs and answers."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_the_start_page_opens_rendered_with_nothing_over_it(page, course_lab):
    tab = page(course_lab)
    tab.driver.get(course_lab.address)
    tab.wait("the rendered page", lambda: tab.find(".jp-MarkdownViewer h1"))
    title = (ROOT / "notebooks" / "START.md").read_text(encoding="utf-8").splitlines()[0]
    assert tab.find(".jp-MarkdownViewer h1")[0].text == title.removeprefix("# ")
    tab.look("start")
    assert not tab.find(".jp-Dialog"), "a dialogue covers the start page"
    assert not tab.find(".Toastify__toast, .jp-Notification-List"), "a pop-up covers the start page"
    assert not tab.find(".jp-FileEditor"), "the start page must not open as source text"


def test_the_start_page_leads_to_a_lesson(page, course_lab):
    tab = page(course_lab)
    tab.driver.get(course_lab.address)
    links = "a[data-commandlinker-command], .jp-MarkdownViewer a[href*='.ipynb']"
    tab.wait("a link to a lesson", lambda: tab.find(links))
    tab.find(links)[0].click()
    tab.wait("the lesson opens beside it", lambda: tab.find(".jp-Notebook .jp-Cell"))


def test_the_radiography_lesson_runs_and_every_picture_answers_its_slider(page, course_lab):
    lessons = sorted(path.name for path in (ROOT / "notebooks").glob("*radiography.ipynb"))
    if not lessons:
        pytest.skip("the radiography lesson is not built yet")
    tab = page(course_lab)
    tab.open(lessons[0])
    tab.run_all()
    for cell in tab.find(".jp-Notebook .jp-CodeCell"):  # what is out of sight is drawn when seen
        tab.show(cell)
    failed = [e.text for e in tab.find(".jp-OutputArea-output") if "Traceback" in e.text]
    assert not failed
    has_slider = ".jp-OutputArea-output:has(.noUi-handle):has(img.widget-image)"
    tab.wait("a picture with a slider", lambda: tab.find(has_slider))
    for number, output in enumerate(tab.find(has_slider)):
        answers_its_slider(tab, output, f"radiography_{number}")


def answers_its_slider(tab, output, name):
    """Move the first slider of an output by keyboard; the picture beside it must change."""
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.keys import Keys

    handle = output.find_element("css selector", ".noUi-handle")
    picture = output.find_element("css selector", "img.widget-image")
    tab.show(picture)
    tab.wait("a picture", lambda: min(tab.size_drawn(picture)) > 32)
    before, source = tab.content_drawn(picture), picture.get_attribute("src")
    tab.look(f"{name}_before")
    at_start = handle.get_attribute("aria-valuenow") == handle.get_attribute("aria-valuemin")
    key = Keys.PAGE_UP if at_start else Keys.PAGE_DOWN
    tab.show(handle)
    ActionChains(tab.driver).click(handle).send_keys(key).perform()
    tab.wait("a new picture", lambda: picture.get_attribute("src") != source, 30)
    tab.wait("other content", lambda: tab.content_drawn(picture) != before, 30)
    tab.look(f"{name}_after")
