"""A thing that went wrong, told in one paragraph a newcomer can act on."""

import sys
import textwrap


class Problem(Exception):
    """Something the reader can put right; ``str(problem)`` says what it is and what to do."""


def say(text: str = "") -> None:
    """Print one line for the reader, at once."""
    print(text, flush=True)


def tell(problem: Problem) -> None:
    """Print a problem to the error stream, wrapped to a readable width, paragraph by paragraph."""
    print(file=sys.stderr)
    for paragraph in str(problem).split("\n"):
        # A line that is indented is a quotation (the end of a log) and is left as it is.
        wrapped = paragraph if paragraph.startswith(" ") else textwrap.fill(paragraph, 88)
        print(wrapped, file=sys.stderr)
