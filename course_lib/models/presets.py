"""Two sizes of every network: "paper" as published, "laptop" to train in a lesson."""

from collections.abc import Mapping
from typing import TypeVar

Settings = TypeVar("Settings")


def chosen(presets: Mapping[str, Settings], name: str) -> Settings:
    """The settings of a preset; ValueError that lists the presets for another name."""
    if name not in presets:
        raise ValueError(f"Preset must be one of {', '.join(presets)}, not {name!r}.")
    return presets[name]
