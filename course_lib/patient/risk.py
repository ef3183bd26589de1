"""The thirteen diseases of SCXNN and how urgent they are.

Risk groups as in tables 1 and 9 of the thesis on the strictly-normal screening of chest X-rays.
"""

from __future__ import annotations

RISK_GROUPS: dict[str, tuple[str, ...]] = {
    "critical": ("pneumothorax", "pneumoperitoneum", "mediastinal_widening"),
    "urgent": (
        "pleural_effusion",
        "nodule",
        "consolidation",
        "active_tuberculosis",
        "advanced_tuberculosis",
    ),
    "non_urgent": (
        "atelectasis",
        "support_device",
        "pleural_calcification",
        "interstitial_opacity",
    ),
    "cardiomegaly": ("cardiomegaly",),
}
RISK_GROUP: dict[str, str] = {
    disease: group for group, diseases in RISK_GROUPS.items() for disease in diseases
}
THIRTEEN: tuple[str, ...] = tuple(RISK_GROUP)
# Diseases that SCXNN was never shown and should yet not call normal.
UNSEEN: tuple[str, ...] = ("pneumonia", "edema", "rib_fracture")
