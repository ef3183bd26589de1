"""FEMNIST and Shakespeare as LEAF writes them: one client per writer, or per speaking role.

LEAF (Caldas 2018, arXiv:1812.01097) keeps each split in a folder of .json files, each with
``users``, ``num_samples`` and ``user_data``: user -> {"x": [...], "y": [...]}. Nothing is fetched
here; LEAF's own scripts make the files.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from course_lib.federated.client import Client
from course_lib.models.char_lstm import CHARACTERS, shares_of, tokens

FEMNIST_CLASSES = 62  # 10 digits, 26 capital and 26 small letters
SIDE = 28
LENGTH = 80  # characters of a Shakespeare sample


def femnist_clients(folder: Path | str, least: int = 1) -> list[Client]:
    """One client per writer: inputs (n, 1, 28, 28) as written, 0 to 1; targets 0 to 61.

    Writers with fewer than ``least`` samples are left out. Raises FileNotFoundError for an empty
    folder, ValueError that names file and user for anything that is not LEAF's layout.
    """
    return _clients(folder, least, _pictures, _class_numbers)


def shakespeare_clients(folder: Path | str, least: int = 1) -> list[Client]:
    """One client per role: inputs (n, 80) numbers of characters; targets the next character's.

    Errors as in ``femnist_clients``; also for a character that LEAF's list does not have.
    """
    return _clients(folder, least, _texts, _next_characters)


def with_shares(client: Client) -> Client:
    """A Shakespeare client whose texts are shares of characters (n, 80, 80), for mixing."""
    return client._replace(inputs=shares_of(client.inputs, len(CHARACTERS)))


def _clients(
    folder: Path | str,
    least: int,
    read_x: Callable[[list], Tensor],
    read_y: Callable[[list], Tensor],
) -> list[Client]:
    files = sorted(Path(folder).glob("*.json"))
    if not files:
        raise FileNotFoundError(f"There are no .json files in {folder}; LEAF keeps them in data/.")
    clients = []
    for path in files:
        for name, x, y in _users(path):
            if len(x) < max(least, 1):
                continue
            try:
                clients.append(Client(name, read_x(x), read_y(y)))
            except (ValueError, TypeError) as error:
                raise ValueError(f"{path}, user {name!r}: {error}") from None
    return clients


def _users(path: Path) -> list[tuple[str, list, list]]:
    """(user, x, y) of one file, after its three tables were compared."""
    try:
        content: Any = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not a JSON file: {error}") from None
    missing = {"users", "num_samples", "user_data"} - set(content)
    if missing:
        raise ValueError(f"{path} has no {', '.join(sorted(missing))}: this is not LEAF's layout.")
    rows = []
    if len(content["users"]) != len(content["num_samples"]):
        raise ValueError(f"{path}: users and num_samples have different lengths.")
    for name, number in zip(content["users"], content["num_samples"], strict=True):
        data = content["user_data"].get(name)
        if data is None or not len(data["x"]) == len(data["y"]) == number:
            raise ValueError(f"{path}, user {name!r}: {number} samples announced, others found.")
        rows.append((str(name), data["x"], data["y"]))
    return rows


def _pictures(x: list) -> Tensor:
    if any(isinstance(picture, str) or len(picture) != SIDE**2 for picture in x):
        raise ValueError(f"a picture is a list of {SIDE**2} numbers.")
    values = torch.tensor(x, dtype=torch.float32)
    if not (values.isfinite().all() and values.min() >= 0 and values.max() <= 1):
        raise ValueError("grey values must lie between 0 and 1.")
    return values.reshape(-1, 1, SIDE, SIDE)


def _class_numbers(y: list) -> Tensor:
    values = torch.tensor(y)
    if values.is_floating_point() or not 0 <= int(values.min()) <= values.max() < FEMNIST_CLASSES:
        raise ValueError(f"classes are whole numbers from 0 to {FEMNIST_CLASSES - 1}.")
    return values.long()


def _texts(x: list) -> Tensor:
    odd = {len(text) for text in x} - {LENGTH}
    if odd:
        raise ValueError(f"a sample has {LENGTH} characters, not {min(odd)}.")
    return torch.stack([tokens(text) for text in x])


def _next_characters(y: list) -> Tensor:
    return torch.cat([tokens(_single(letter)) for letter in y])


def _single(letter: str) -> str:
    if len(letter) != 1:
        raise ValueError(f"the answer is one character, not {letter!r}.")
    return letter
