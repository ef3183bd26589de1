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


def test_the_radiography_lesson_runs_and_its_film_answers(page, course_lab):
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.keys import Keys

    lessons = sorted(path.name for path in (ROOT / "notebooks").glob("*radiography.ipynb"))
    if not lessons:
        pytest.skip("the radiography lesson is not built yet")
    tab = page(course_lab)
    tab.open(lessons[0])
    tab.run_all()
    for cell in tab.find(".jp-Notebook .jp-CodeCell"):  # outputs out of sight are drawn when seen
        tab.show(cell)
    errors = tab.find(
        "[data-mime-type='application/vnd.jupyter.stderr'], .jp-OutputArea-executeResult"
    )
    assert not [e.text for e in errors if "Traceback" in e.text]
    tab.wait("a slider", lambda: tab.find(".jp-OutputArea-output .noUi-handle"))
    handle = tab.find(".jp-OutputArea-output .noUi-handle")[0]
    area = handle.find_element("xpath", "ancestor::div[contains(@class, 'jp-OutputArea-output')]")
    picture = area.find_element("css selector", "img.widget-image")
    tab.show(picture)
    tab.wait("a film", lambda: min(tab.size_drawn(picture)) > 32)
    tab.look("radiography_before")
    before = picture.get_attribute("src")
    tab.show(handle)
    ActionChains(tab.driver).click(handle).send_keys(Keys.PAGE_DOWN).perform()
    tab.wait("another film", lambda: picture.get_attribute("src") != before, 20)
    tab.wait("a film", lambda: min(tab.size_drawn(picture)) > 32)
    tab.look("radiography_after")
