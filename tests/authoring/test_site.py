"""The site builds without a warning and needs nothing from elsewhere."""

import re

import pytest

from course_lib.authoring import manifest, site

COURSE = manifest.load()


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    assert site.build(COURSE, folder / "html", folder / "source") == 0
    return folder / "html"


def test_every_lesson_and_the_glossary_have_a_page(built):
    for lesson in COURSE.lessons:
        page = (built / "lessons" / f"{lesson.name}.html").read_text(encoding="utf-8")
        assert lesson.title in page and lesson.promise in page
    assert "하운스필드" in (built / "glossary.html").read_text(encoding="utf-8")


def test_nothing_is_fetched_from_elsewhere(built):
    """Scripts, styles, fonts and pictures are local; links that a reader clicks may lead out."""
    fetched = r'<(?:script|img|iframe)[^>]*src="https?:|<link[^>]*href="https?:'
    for page in built.rglob("*.html"):
        assert not re.findall(fetched, page.read_text(encoding="utf-8")), page.name
    for style in built.rglob("*.css"):
        text = style.read_text(encoding="utf-8")
        assert not re.findall(r"url\(\s*['\"]?https?:|@import\s+['\"]https?:", text), style.name


def test_pictures_have_words_and_formulas_are_mathml(built):
    pages = [p.read_text(encoding="utf-8") for p in (built / "lessons").glob("*.html")]
    assert any("<math" in page for page in pages)
    for page in pages:
        article = page[page.find("<article") : page.rfind("</article>")]
        for image in re.findall(r"<img[^>]*>", article):
            assert re.search(r'alt="[^"]{10,}"', image), image[:200]
