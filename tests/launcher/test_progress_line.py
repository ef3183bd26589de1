"""A long set-up shows one short line, keeps everything in a log, and says when it failed."""

import io
import sys

import pytest

from launcher.progress import Line, describe, run_behind_a_line


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ("Collecting torch==2.15.0", "looking for package 4: torch"),
        ("  Downloading torch-2.15.0-cp311-none.whl (532.1 MB)", "fetching torch (532.1 MB)"),
        ("  Using cached numpy-2.4.6-cp311.whl (16 MB)", "fetching numpy (16 MB)"),
        ("Installing collected packages: a, b, c", "installing 3 packages (some minutes)"),
        ("Requirement already satisfied: pip", None),
    ],
)
def test_pips_words_are_turned_into_ours(output, words):
    assert describe(output, 3)[0] == words


def test_all_is_logged_and_the_status_comes_back(tmp_path):
    log, seen = tmp_path / "한글 log", []
    code = "import sys; print('Collecting 가나다'); print('bad', file=sys.stderr); sys.exit(5)"
    line = Line(io.StringIO())
    status = run_behind_a_line(
        [sys.executable, "-X", "utf8", "-c", code], log, line=line, watch=seen.append
    )
    assert status == 5
    text = log.read_text(encoding="utf-8")
    assert "Collecting 가나다" in text and "bad" in text and text.startswith("\n$ ")
    assert sorted(seen) == ["Collecting 가나다\n", "bad\n"]


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_on_a_terminal_one_line_is_rewritten_and_then_removed():
    out = Terminal()
    line = Line(out)
    line.doing = "fetching torch"
    line.show()
    line.show()
    line.end()
    assert out.getvalue().count("\r") == 4 and "\n" not in out.getvalue()
    assert "[0:00] fetching torch" in out.getvalue()


def test_elsewhere_a_line_is_printed_now_and_then():
    out = io.StringIO()
    line = Line(out, every=3600)
    line.show()
    assert out.getvalue() == ""
    line.every = 0
    line.show()
    assert out.getvalue() == "  [0:00] starting\n"
