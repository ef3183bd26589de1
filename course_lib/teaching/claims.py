"""A claim: a sentence of the lesson that a run must bear out."""


def claim(sentence: str, holds) -> None:
    """Print `sentence` if it holds; raise AssertionError (and so fail the tests) if it does not."""
    if not bool(holds):
        raise AssertionError(f"This run does not bear out: {sentence}")
    print(f"holds: {sentence}")
