"""Contrast agent and calcium in organs: more atoms of one kind, where anatomy already is."""

from __future__ import annotations

from collections.abc import Mapping

from course_lib.patient.solids import Part

MG_PER_ML = 350.0  # iodine in the undiluted agent, see patient.tissues


def with_iodine(parts: tuple[Part, ...], mg_per_ml: Mapping[str, float]) -> tuple[Part, ...]:
    """The parts, with iodine (mg per ml) in those named, e.g. {"aorta": 12.0, "heart": 10.0}.

    Where c mg/ml are wanted, c / 350 of the tissue is replaced by undiluted agent. Raises
    ValueError for names that no part has and for amounts outside 0 to 350 mg/ml.
    """
    unknown = set(mg_per_ml) - {part.name for part in parts}
    if unknown:
        raise ValueError(f"There is no part called {', '.join(sorted(unknown))}.")
    for name, amount in mg_per_ml.items():
        if not 0 <= amount <= MG_PER_ML:
            raise ValueError(f"Iodine in {name} must be 0 to 350 mg/ml, got {amount:g}.")
    filled = tuple(
        Part(f"iodine in {part.name}", "contrast_iodine", part.tissue, part.geometry,
             part.fraction * mg_per_ml[part.name] / MG_PER_ML)
        for part in parts if part.name in mg_per_ml
    )  # fmt: skip
    return (*parts, *filled)
