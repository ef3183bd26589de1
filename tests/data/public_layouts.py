"""Small copies of the public data sets: real tables' headers, made-up rows, tiny films."""

import gzip
from pathlib import Path

import numpy as np
from PIL import Image
from pydicom.data import get_testdata_file

CHEXPERT_HEAD = (
    "Path,Sex,Age,Frontal/Lateral,AP/PA,No Finding,Enlarged Cardiomediastinum,Cardiomegaly,"
    "Lung Opacity,Lung Lesion,Edema,Consolidation,Pneumonia,Atelectasis,Pneumothorax,"
    "Pleural Effusion,Pleural Other,Fracture,Support Devices"
)
MIMIC_LABELS = (
    "subject_id,study_id,Atelectasis,Cardiomegaly,Consolidation,Edema,Enlarged Cardiomediastinum,"
    "Fracture,Lung Lesion,Lung Opacity,No Finding,Pleural Effusion,Pleural Other,Pneumonia,"
    "Pneumothorax,Support Devices"
)
MIMIC_META = (
    "dicom_id,subject_id,study_id,PerformedProcedureStepDescription,ViewPosition,Rows,Columns,"
    "StudyDate,StudyTime,ProcedureCodeSequence_CodeMeaning,ViewCodeSequence_CodeMeaning,"
    "PatientOrientationCodeSequence_CodeMeaning"
)
PADCHEST_HEAD = (
    ",ImageID,ImageDir,StudyDate_DICOM,StudyID,PatientID,PatientBirth,PatientSex_DICOM,"
    "ViewPosition_DICOM,Projection,MethodProjection,Pediatric,Modality_DICOM,Manufacturer_DICOM,"
    "PhotometricInterpretation_DICOM,PixelRepresentation_DICOM,PixelAspectRatio_DICOM,"
    "SpatialResolution_DICOM,BitsStored_DICOM,WindowCenter_DICOM,WindowWidth_DICOM,Rows_DICOM,"
    "Columns_DICOM,XRayTubeCurrent_DICOM,Exposure_DICOM,ExposureInuAs_DICOM,ExposureTime,"
    "RelativeXRayExposure_DICOM,ReportID,Report,MethodLabel,Labels,Localizations,"
    "LabelsLocalizationsBySentence,labelCUIS,LocalizationsCUIS"
)
VINDR_HEAD = (
    "image_id,rad_id,Aortic enlargement,Atelectasis,Calcification,Cardiomegaly,Clavicle fracture,"
    "Consolidation,Edema,Emphysema,Enlarged PA,ILD,Infiltration,Lung Opacity,Lung cavity,Lung cyst,"
    "Mediastinal shift,Nodule/Mass,Pleural effusion,Pleural thickening,Pneumothorax,"
    "Pulmonary fibrosis,Rib fracture,Other lesion,COPD,Lung tumor,Pneumonia,Tuberculosis,"
    "Other diseases,No finding"
)
FILM_DCM = get_testdata_file("CT_small.dcm", download=False)


def picture(path: Path, size: int = 32, bits: int = 8) -> None:
    """A small grey PNG or JPEG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    values = np.random.default_rng(len(path.name)).integers(0, 2**bits, (size, size))
    Image.fromarray(values.astype(np.uint8 if bits == 8 else np.uint16)).save(path)


def dicom(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(Path(FILM_DCM).read_bytes())


def chexpert(root: Path) -> Path:
    folder = root / "CheXpert-v1.0-small"
    rows = {
        "train": [
            "train/patient00001/study1/view1_frontal.jpg,Female,68,Frontal,AP"
            ",1.0,,,,,,,,,0.0,,,,1.0",
            "train/patient00002/study2/view1_frontal.jpg,Female,87,Frontal,PA"
            ",,,-1.0,1.0,,-1.0,-1.0,,-1.0,,-1.0,,1.0,",
            "train/patient00002/study2/view2_lateral.jpg,Female,87,Lateral,"
            ",,,-1.0,1.0,,-1.0,-1.0,,-1.0,,-1.0,,1.0,",
            "train/patient00003/study1/view1_frontal.jpg,Unknown,0,Frontal,AP"
            ",,,0.0,0.0,0.0,1.0,,,,0.0,1.0,,,",
        ],
        "valid": [
            "valid/patient64541/study1/view1_frontal.jpg,Male,73,Frontal,AP"
            ",0.0,1.0,0.0,1.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0",
        ],
    }
    for part, lines in rows.items():
        for line in lines:
            picture(folder / line.split(",")[0])
        text = "\n".join([CHEXPERT_HEAD, *(f"CheXpert-v1.0-small/{line}" for line in lines)])
        (folder / f"{part}.csv").write_text(text + "\n")
    return folder


def mimic(root: Path, ending: str = ".jpg") -> Path:
    folder = root / "mimic"
    folder.mkdir()
    films = [("aaa-1", "10000032", "50414267", "PA"), ("aaa-2", "10000032", "50414267", "LATERAL"),
             ("bbb-1", "10000764", "57375967", "AP")]  # fmt: skip
    labels = [MIMIC_LABELS, "10000032,50414267,,,,,,,,,1.0,,,,,", "10000764,57375967,-1.0,1.0,0.0"
              ",,,,,,,1.0,,,,"]  # fmt: skip
    meta = [MIMIC_META] + [
        f'{film},{patient},{study},"CHEST (PA AND LAT)",{view},3056,2544,21800506,213014.531,'
        "CHEST (PA AND LAT),,Erect"
        for film, patient, study, view in films
    ]
    split = ["dicom_id,study_id,subject_id,split", "aaa-1,50414267,10000032,train",
             "aaa-2,50414267,10000032,train", "bbb-1,57375967,10000764,test"]  # fmt: skip
    for name, lines in {"chexpert": labels, "metadata": meta, "split": split}.items():
        with gzip.open(folder / f"mimic-cxr-2.0.0-{name}.csv.gz", "wt") as file:
            file.write("\n".join(lines) + "\n")
    for film, patient, study, _ in films:
        path = folder / "files" / f"p{patient[:2]}" / f"p{patient}" / f"s{study}" / (film + ending)
        (picture if ending == ".jpg" else dicom)(path)
    return folder


def padchest(root: Path) -> Path:
    folder = root / "PadChest"
    rows = [
        ("a.png", "0", "20140915", "S1", "P1", "1930.0", "F", "PA", "Physician",
         "['pleural effusion', 'cardiomegaly ']"),
        ("b.png", "0", "20140915", "S1", "P1", "1930.0", "F", "L", "Physician",
         "['pleural effusion', 'cardiomegaly ']"),
        ("c.png", "1", "20150101", "S2", "P2", "", "M", "AP_horizontal", "RNN_model",
         "['normal']"),
        ("d.png", "1", "20150101", "S3", "P3", "1950", "M", "PA", "RNN_model", "['exclude']"),
        ("e.png", "1", "20150101", "S4", "P4", "1950", "M", "PA", "RNN_model", ""),
        ("f.png", "1", "20160101", "S5", "P5", "1951", "M", "PA", "RNN_model",
         "['pulmonary fibrosis', 'unchanged']"),
    ]  # fmt: skip
    columns = PADCHEST_HEAD.split(",")
    names = ("ImageID", "ImageDir", "StudyDate_DICOM", "StudyID", "PatientID", "PatientBirth",
             "PatientSex_DICOM", "Projection", "MethodLabel", "Labels")  # fmt: skip
    lines = [PADCHEST_HEAD]
    for number, row in enumerate(rows):
        cells = dict(zip(names, row, strict=True)) | {"": str(number)}
        lines.append(",".join(f'"{cells.get(column, "")}"' for column in columns))
        picture(folder / row[1] / row[0], bits=12)
    path = folder / "PADCHEST_chest_x_ray_images_labels_160K_01.02.19.csv"
    path.write_text("\n".join(lines) + "\n")
    return folder


def vindr(root: Path) -> Path:
    folder = root / "vindr"
    names = VINDR_HEAD.split(",")[2:]

    def votes(*present: str) -> str:
        return ",".join("1" if name in present else "0" for name in names)

    train = [VINDR_HEAD]
    for reader, found in zip(
        ("R1", "R2", "R3"), ("Cardiomegaly", "Cardiomegaly", "ILD"), strict=True
    ):
        train.append(f"film1,{reader},{votes(found)}")
        train.append(f"film2,{reader},{votes('No finding')}")
    boxes = ["image_id,rad_id,class_name,x_min,y_min,x_max,y_max",
             "film1,R1,Cardiomegaly,10,60,110,90", "film1,R2,Cardiomegaly,12.5,61,111,90",
             "film2,R1,No finding,,,,"]  # fmt: skip
    test_head = VINDR_HEAD.replace("rad_id,", "").replace("Other diseases", "Other disease")
    test = [test_head, f"film3,{votes('Other diseases', 'Nodule/Mass')}"]
    test_boxes = ["image_id,class_name,x_min,y_min,x_max,y_max", "film3,Nodule/Mass,1,2,11,22"]
    tables = folder / "annotations"
    tables.mkdir(parents=True)
    content = {
        "image_labels_train": train,
        "annotations_train": boxes,
        "image_labels_test": test,
        "annotations_test": test_boxes,
    }
    for name, lines in content.items():
        (tables / f"{name}.csv").write_text("\n".join(lines) + "\n")
    for path in ("train/film1.dicom", "train/film2.dicom", "test/film3.dicom"):
        dicom(folder / path)
    return folder


def rsna(root: Path) -> Path:
    folder = root / "rsna"
    folder.mkdir()
    (folder / "stage_2_train_labels.csv").write_text(
        "patientId,x,y,width,height,Target\n0004cfab,,,,,0\n00313ee0,,,,,0\n"
        "00436515,264.0,152.0,213.0,379.0,1\n00436515,562.0,152.0,256.0,453.0,1\n"
    )
    (folder / "stage_2_detailed_class_info.csv").write_text(
        "patientId,class\n0004cfab,No Lung Opacity / Not Normal\n00313ee0,Normal\n"
        "00436515,Lung Opacity\n00436515,Lung Opacity\n"
    )
    for name in ("0004cfab", "00313ee0", "00436515"):
        dicom(folder / "stage_2_train_images" / f"{name}.dcm")
    return folder


def open_i(root: Path) -> Path:
    folder = root / "NLMCXR"
    reports = folder / "ecgen-radiology"
    reports.mkdir(parents=True)
    text = """<?xml version="1.0" encoding="utf-8"?>
<eCitation><uId id="CXR{n}"/><MedlineCitation><Article><Abstract>
<AbstractText Label="FINDINGS">A made-up report.</AbstractText></Abstract></Article>
</MedlineCitation>
<MeSH>{headings}</MeSH>{images}</eCitation>"""
    studies = {
        1: (["normal"], [], ["CXR1_1_IM-0001-3001", "CXR1_1_IM-0001-4001"]),
        2: (["Cardiomegaly/borderline", "Pulmonary Artery/enlarged"], ["Cardiomegaly"],
            ["CXR2_IM-0652-1001"]),
        10: (["Pulmonary Atelectasis/base/left"], [], ["CXR10_IM-0002-1001"]),
    }  # fmt: skip
    for number, (major, automatic, images) in studies.items():
        headings = "".join(f"<major>{word}</major>" for word in major)
        headings += "".join(f"<automatic>{word}</automatic>" for word in automatic)
        nodes = "".join(f'<parentImage id="{image}"/>' for image in images)
        (reports / f"{number}.xml").write_text(
            text.format(n=number, headings=headings, images=nodes)
        )
        for image in images:
            picture(folder / "NLMCXR_png" / f"{image}.png")
    return folder


def jsrt(root: Path) -> Path:
    folder = root / "JSRT"
    (folder / "Nodule154images").mkdir(parents=True)
    (folder / "NonNodule93images").mkdir()
    (folder / "CLNDAT_EN.txt").write_text(
        "JPCLN001.IMG\t5\t15\t53\tmale\t1634\t692\tmalignant\tl.upper lobe\tlung cancer\t\n"
        "JPCLN002.IMG\t5\t30\t78\tfemale\t1614\t1090\tbenign\tl.upper lobe(S5)\ttuberculoma\t\n"
    )
    (folder / "CNNDAT_EN.TXT").write_text("JPCNN001.IMG\t20\tfemale\tnon-nodule\n")
    film = np.full((2048, 2048), 4095, dtype=">u2")  # black: the largest number is dark
    film[692, 1634] = 0
    film.tofile(folder / "Nodule154images" / "JPCLN001.IMG")
    film.tofile(folder / "NonNodule93images" / "JPCNN001.IMG")
    return folder
