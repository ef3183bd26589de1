"""A run on disk: whole or not there, and read without executing anything in it."""

from pathlib import Path
from typing import Any

import torch

from course_lib.data.files import write_whole


class CheckpointError(RuntimeError):
    """A checkpoint that cannot be read, or that belongs to another run."""


def save_checkpoint(path: Path, content: dict[str, Any]) -> None:
    """Write tensors and plain values; ``path`` is at every moment the old or the new file."""
    write_whole(path, lambda file: torch.save(content, file))


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint onto the CPU. Raises CheckpointError when it is damaged.

    A pickle can run any program while it is read; ``weights_only`` allows tensors and plain
    values and nothing else, so a file from a stranger is safe to open.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise CheckpointError(f"There is no checkpoint {path}.") from error
    except Exception as error:  # torch raises a different kind for every way of being damaged
        raise CheckpointError(
            f"{path} is not a checkpoint that can be read safely, or it is damaged "
            f"({type(error).__name__}); delete it to start again."
        ) from error
    if not isinstance(content, dict):
        raise CheckpointError(f"{path} holds a {type(content).__name__}, not a checkpoint.")
    return content
