"""Documents: every link inside the repository leads somewhere."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("datasets/*.md"),
         *ROOT.glob("notebooks/**/*.md"), *ROOT.glob("slides/*.md")]  # fmt: skip
OF_THE_SITE = {"lessons/START.md", "lessons/index", "glossary.md", "datasets.md", "architecture.md"}


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page):
    code_or_formula = r"```.*?```|\$\$.*?\$\$|\$[^$\n]+\$"  # f[g](x) may stand there and is no link
    text = re.sub(code_or_formula, "", page.read_text(encoding="utf-8"), flags=re.S)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"https?:|#|mailto:", target) or target in OF_THE_SITE:
            continue
        assert (page.parent / target.split("#")[0]).exists(), f"{page.name} links to {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_pictures_have_alt_text(page):
    assert not re.findall(r"!\[\s*\]\(", page.read_text(encoding="utf-8"))
