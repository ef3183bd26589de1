"""Patients who come back with the illness they had: what makes a split by film dishonest."""

from dataclasses import replace

import numpy as np

from course_lib.data.item import ImageItem, Label
from course_lib.data.render import FilmPlan, render_film


class ReturningPatients:
    """Virtual films of patients who return: same body, same findings, a new breath, a new film.

    (VirtualChest's returning patients have other findings each time: acute illness. These are
    chronic.) The films are made in memory, about 25 per second and processor core.

    Args:
        n: number of patients.
        films_each: films of each patient.
        seed: the same seed gives the same films.
        size: height and width in pixels.
        prevalence: finding -> probability; only these findings occur.
    """

    def __init__(
        self, n: int, films_each: int, seed: int, size: int, prevalence: dict[str, float]
    ) -> None:
        plan = FilmPlan(seed, size, prevalence=prevalence)
        rng = np.random.default_rng([seed, 0x52455455])
        self.items: list[ImageItem] = []
        for spec in plan.specs(n):
            labels = {
                name: Label.PRESENT if name in spec.labels else Label.ABSENT for name in prevalence
            }
            for study in range(films_each):
                breath = float(np.clip(rng.normal(0.85, 0.12), 0.3, 1.0))
                visit = replace(spec, study=study, inspiration=breath)
                film = render_film(plan, visit, len(self.items))
                self.items.append(
                    ImageItem(
                        image=film.pixels.astype(np.float32) / 255,
                        patient_id=spec.patient_id,
                        study_id=f"{spec.patient_id}-{study}",
                        labels=labels,
                        view="PA",
                        spacing_mm=film.spacing_mm,
                        masks=film.masks,
                    )
                )

    @property
    def records(self) -> list[ImageItem]:
        return self.items

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> ImageItem:
        return self.items[index]
