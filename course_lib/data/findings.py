"""One name for each finding, whatever a data set calls it."""

# The 14 findings of ChestX-ray14 and CheXNet, in the order of CheXNet's outputs.
CHEXNET = (
    "atelectasis",
    "cardiomegaly",
    "consolidation",
    "edema",
    "pleural_effusion",
    "emphysema",
    "fibrosis",
    "hernia",
    "infiltration",
    "mass",
    "nodule",
    "pleural_thickening",
    "pneumonia",
    "pneumothorax",
)

OTHER_NAMES = {
    "effusion": "pleural_effusion",
    "support_devices": "support_device",
    "infiltrate": "infiltration",  # BBox_List_2017.csv
    "lung_opacity": "opacity",
}


def canonical(name: str) -> str:
    """The course's name of a finding: "Pleural_Thickening" -> "pleural_thickening".

    Lower case with underscores; "Effusion" becomes "pleural_effusion".
    """
    plain = "_".join(name.strip().lower().replace("-", " ").replace("_", " ").split())
    return OTHER_NAMES.get(plain, plain)
