"""How a body is proportioned: sex, age, height, weight, breathing, and normal variation.

Origin of the patient axes: the midline, half way through the chest, at the level of the carina.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from course_lib.patient.solids import Pieces, grow, join, sheared_ellipsoid

SIDES = {"right": -1.0, "left": 1.0}  # sign of x in DICOM's LPS axes
WIDE, LEAN = 0.47, 0.045  # a lung's half width as share of the chest's; its lean, dx/dz
MALE_HEIGHT, FEMALE_HEIGHT = (1740.0, 65.0), (1615.0, 60.0)  # mean and s.d., mm


@dataclass(frozen=True)
class Body:
    """Proportions of one person; lengths in mm, angles in degrees.

    inspiration runs from 0 (full expiration) to 1 (full inspiration); heart_scale multiplies the
    heart's transverse size, vessel_scale the calibre of lung vessels; scapula_swing is 1 with the
    shoulders rolled forward (PA) and 0 lying down (AP), when the shoulder blades cover the lungs;
    dome_flatness above 1 flattens the diaphragm, as over-inflated lungs do.
    """

    seed: int
    sex: str
    age: float
    height: float
    weight_kg: float
    inspiration: float
    scale: float
    half_width: float
    half_depth: float
    lung_height: float
    right_dome: float
    left_dome: float
    fat: float
    muscle: float
    heart_scale: float = 1.0
    heart_tilt: float = 41.0
    vessel_scale: float = 1.0
    aorta_scale: float = 1.0
    bone: float = 1.0
    scoliosis: float = 0.0
    arm_angle: float = 12.0
    shoulder_rise: float = 0.0
    scapula_swing: float = 1.0
    dome_flatness: float = 1.0
    volume: dict[str, float] = field(default_factory=lambda: {"right": 1.0, "left": 1.0})

    @property
    def bmi(self) -> float:
        """Body mass index, kg/m^2."""
        return self.weight_kg / (self.height / 1000) ** 2

    def rng(self, organ: str) -> np.random.Generator:
        """A stream of random numbers of its own for each organ, so that one organ's details do
        not move when another organ changes."""
        return np.random.default_rng([self.seed, *organ.encode()])

    def lung_box(self, side: str, margin: float = 0.0) -> Pieces:
        """Three ellipsoids whose union, above the diaphragm, is one side of the chest.

        A tall leaning one makes the lateral wall, one above it the round apex, and one fills the
        chest towards the midline. margin mm larger; the diaphragm and the mediastinum cut them.
        """
        sign = SIDES[side]
        outer = [
            sheared_ellipsoid((sign * x, y, z), (wide, deep, tall), (-sign * lean, 0.05))
            for x, y, z, wide, deep, tall, lean in self._chest_ellipsoids()
        ]
        inner = sheared_ellipsoid(
            (sign * 0.30 * self.half_width, 2.0, self.base),
            (
                0.42 * self.half_width,
                0.97 * self.half_depth,
                0.86 * (self.apex - self.base),
            ),
            (-sign * 0.02, 0.05),
        )
        return grow(join(*outer, inner), margin)

    def _chest_ellipsoids(self) -> tuple[tuple[float, ...], ...]:
        """Centre x, y, z, semi-axes x, y, z and lean of lateral wall and apex (left side)."""
        tall, w = self.apex - self.base, self.half_width
        top = self.base + 0.60 * tall
        lean = LEAN * 0.60 * tall
        return (
            ((1 - WIDE) * w, 2.0, self.base, WIDE * w, self.half_depth, 0.95 * tall, LEAN),
            (0.485 * w - 0.5 * lean, 2.0 + 0.03 * tall, top, 0.445 * w, 0.8 * self.half_depth,
             0.40 * tall, 0.3 * LEAN),
        )  # fmt: skip

    @property
    def apex(self) -> float:
        """z of the lung apex, mm."""
        return 0.46 * self.lung_height

    @property
    def base(self) -> float:
        """z where the chest is widest, mm; below it the ribs close in slowly."""
        return self.apex - 1.03 * self.lung_height

    def dome(self, side: str) -> float:
        """z of the top of the diaphragm on one side, mm."""
        return self.right_dome if side == "right" else self.left_dome

    def wall(self, side: str, z: np.ndarray, angle: np.ndarray, margin: float) -> np.ndarray:
        """(..., 3) points on the chest wall at height z and angle (degrees, 0 = back, 180 = front).

        margin mm outside the lung's envelope; where ribs and chest muscles run.
        """
        sign, phi = SIDES[side], np.radians(angle)
        best = None
        for cx, cy, cz, wide, deep, tall, lean in self._chest_ellipsoids():
            height = np.clip((z - cz) / (tall + margin), -0.985, 0.985)
            shrink = np.sqrt(1 - height**2)
            x = cx - lean * (z - cz) + (wide + margin) * shrink * np.sin(phi)
            y = cy + 0.05 * (z - cz) + (deep + margin) * shrink * np.cos(phi)
            reach = cx - lean * (z - cz) + (wide + margin) * shrink
            if best is None:
                best = x, y, reach
            else:
                further = reach > best[2]
                best = (
                    np.where(further, x, best[0]),
                    np.where(further, y, best[1]),
                    reach,
                )
        assert best is not None
        return np.stack([sign * best[0], best[1], np.broadcast_to(z, best[0].shape)], -1)


def sample_body(
    seed: int,
    age: float | None = None,
    sex: str | None = None,
    bmi: float | None = None,
    inspiration: float | None = None,
) -> Body:
    """A body drawn from its seed; what is given is kept. Raises ValueError for a wrong sex."""
    if sex not in (None, "F", "M"):
        raise ValueError(f"Sex must be 'F' or 'M', got {sex!r}.")
    rng = np.random.default_rng([seed, 1])
    draw = rng.normal(size=16)
    male = bool(rng.random() < 0.55) if sex is None else sex == "M"
    years = float(np.clip(50 + 16 * draw[0], 18, 92)) if age is None else float(age)
    mean, spread = MALE_HEIGHT if male else FEMALE_HEIGHT
    height = mean + spread * draw[1] - 0.6 * max(years - 45, 0)
    index = float(np.clip(25.5 + 4.2 * draw[2], 17, 44)) if bmi is None else float(bmi)
    breath = float(np.clip(0.85 + 0.13 * draw[3], 0.2, 1)) if inspiration is None else inspiration
    scale = height / 1740.0
    strong = 1.05 if male else 0.95
    emphasis = 1 + 0.0025 * (years - 50)
    lung_height = scale * (262 + 9 * draw[4])
    dome = 0.46 * lung_height - lung_height * (0.80 + 0.17 * breath)
    return Body(
        seed=seed, sex="M" if male else "F", age=years, height=height,
        weight_kg=index * (height / 1000) ** 2, inspiration=breath, scale=scale,
        half_width=scale * (139 + 5 * draw[5] + 0.6 * (index - 25)) * (1.0 if male else 0.955),
        half_depth=scale * (86 + 5 * draw[6] + 0.8 * (index - 25) + 0.1 * (years - 50)),
        lung_height=lung_height, right_dome=dome,
        left_dome=dome - scale * (13 + 5 * draw[7]),
        fat=float(np.clip((6 if male else 10) + 1.35 * (index - 20) + draw[8], 4, 45)),
        muscle=scale * (23 if male else 16) * (1 - 0.004 * (years - 50)),
        heart_scale=float(1.0 + 0.055 * draw[9] + 0.006 * (index - 25) + 0.0015 * (years - 50)),
        heart_tilt=float(np.clip(41 + 6 * draw[10] + 0.9 * (index - 25), 26, 62)),
        vessel_scale=float(1 + 0.08 * draw[11]),
        aorta_scale=float(emphasis * (1 + 0.06 * draw[12])),
        bone=float(np.clip(strong - 0.004 * max(years - 50, 0) + 0.05 * draw[13], 0.6, 1.2)),
        scoliosis=float(4.0 * draw[14]),
        arm_angle=float(np.clip(26 + 8 * draw[15], 12, 50)),
        shoulder_rise=float(8 * rng.normal()),
    )  # fmt: skip
