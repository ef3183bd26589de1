"""The audit of the tables that the course was built on: every check, every table, one list.

Two master's theses of one laboratory: Kim J. 2024 (SCXNN, source document 004) and Kim M. 2021
(generative networks on chest films, 002). Slips are in every paper; these are good ones to learn
from, because both theses print enough counts to find them.
"""

from collections.abc import Iterator

import pandas as pd

from course_lib.evaluation.audit import (
    Finding,
    balanced,
    by,
    least_area,
    rate,
    same_number,
    sums_to,
)
from course_lib.evaluation.published import published

RISK_GROUPS = ("critical", "urgent", "non_urgent", "cardiomegaly")


def audit_all() -> pd.DataFrame:
    """All checks as a table: place, statement, printed, recomputed, agrees."""
    checks = (
        counts_of_films, screening_tables, risk_groups, two_and_three_classes, ablations,
        unseen_diseases, confusion_matrices, rates_of_classifiers, detections,
    )  # fmt: skip
    return pd.DataFrame([finding for check in checks for finding in check()])


def rows_of(name: str) -> list[dict]:
    """The rows of a bundled table as dicts of text, as printed."""
    return published(name, as_printed=True).to_dict("records")


def said(name: str) -> dict[str, str]:
    """What the running text states: statement with its place -> value as printed."""
    rows = rows_of(name)
    return {f"{row['source'].split(') ', 1)[-1]}: {row['statement']}": row["value"] for row in rows}


def counts_of_films() -> Iterator[Finding]:
    """SCXNN: do abstract, methods and table 1 count the same films?"""
    table, text = rows_of("scxnn_table1"), said("scxnn_text")
    for column, words in (("hard", "images with masks"), ("weak", "images with weak labels")):
        parts = [int(row[column]) for row in table]
        for place in ("section 3.1", "abstract"):
            yield sums_to(place, f"SCXNN: {words}", parts, int(text[f"{place}: {words}"]))
    totals = [int(row["total"]) for row in table]
    yield sums_to(
        "section 3.1",
        "SCXNN: all films",
        totals,
        int(text["section 3.1: images in all, with normals"]),
    )


def screening_tables() -> Iterator[Finding]:
    """SCXNN: table 2 against the text."""
    table, text = rows_of("scxnn_table2"), said("scxnn_text")
    for dataset in ("internal", "temporal", "external 1", "external 2"):
        cells = {
            (p, r): by(table, dataset=dataset, predicted=p, reference=r)
            for p in ("normal", "abnormal")
            for r in ("normal", "abnormal")
        }
        ill = cells["normal", "abnormal"] + cells["abnormal", "abnormal"]
        healthy = cells["normal", "normal"] + cells["abnormal", "normal"]
        for word, part, whole in (
            ("sensitivity", cells["abnormal", "abnormal"], ill),
            ("specificity", cells["normal", "normal"], healthy),
        ):
            printed = text[f"section 4.1: {dataset}: {word}"]
            yield rate("section 4.1", f"SCXNN: {word}, {dataset} set", printed, part, whole)
        if f"section 4.1: {dataset}: abnormal cases" in text:
            stated = int(text[f"section 4.1: {dataset}: abnormal cases"])
            yield sums_to("section 4.1", f"SCXNN: abnormal cases, {dataset} set", [ill], stated)
    everybody = [by(table, dataset="temporal")]
    stated = int(text["abstract: temporal set: images"])
    yield sums_to("abstract", "SCXNN: films of the temporal set", everybody, stated)


def risk_groups() -> Iterator[Finding]:
    """SCXNN: table 3 splits the abnormal cases of table 2 by risk."""
    whole, parts = rows_of("scxnn_table2"), rows_of("scxnn_table3")
    for dataset in ("internal", "temporal"):
        for predicted in ("normal", None):
            chosen: dict[str, object] = {"dataset": dataset}
            chosen |= {"predicted": predicted} if predicted else {}
            groups = [by(parts, risk_group=group, **chosen) for group in RISK_GROUPS]
            stated = by(whole, reference="abnormal", **chosen)
            what = "missed" if predicted else "abnormal"
            yield sums_to("table 3", f"SCXNN: {what} cases, {dataset} set", groups, stated)


def two_and_three_classes() -> Iterator[Finding]:
    """SCXNN: tables 7 and 8 count the same patients, with two classes and with three."""
    table7, table8 = rows_of("scxnn_table7"), rows_of("scxnn_table8")
    for classes in (2, 3):
        found = [by(table8, classes=classes, predicted=p) for p in ("target", "others")]
        missed = [by(table8, classes=classes, predicted="normal")]
        chosen: dict[str, object] = {"classes": classes, "reference": "abnormal"}
        for words, parts, predicted in (("found", found, "abnormal"), ("missed", missed, "normal")):
            stated = by(table7, predicted=predicted, **chosen)
            yield sums_to("table 7", f"SCXNN: {words} cases, {classes} classes", parts, stated)


def ablations() -> Iterator[Finding]:
    """SCXNN: what is called accuracy in tables 4 to 6, and can the AUC be so small?"""
    for number, name in ((4, "backbone"), (5, "lambda"), (6, "task")):
        for row in rows_of(f"scxnn_table{number}"):
            label = " ".join(row[k] for k in (name, "equalisation", "dilation") if k in row)
            sensitivity, specificity = float(row["sensitivity"]), float(row["specificity"])
            mean = balanced(sensitivity, specificity)
            words = f"SCXNN: 'accuracy' is the mean of sensitivity and specificity, {label}"
            agrees = same_number(row["accuracy"], mean)
            yield Finding(f"table {number}", words, row["accuracy"], f"{mean:.4f}", agrees)
            least = least_area(sensitivity, specificity)
            words = f"SCXNN: AUC of a curve without dents through this point, {label}"
            agrees = float(row["auc"]) >= least - 1e-3
            yield Finding(f"table {number}", words, row["auc"], f"at least {least:.3f}", agrees)


def unseen_diseases() -> Iterator[Finding]:
    """SCXNN: each row of table 9 is a distribution over three answers."""
    for row in rows_of("scxnn_table9"):
        total = sum(float(row[name]) for name in ("normal", "target", "others"))
        words = f"SCXNN: shares add up to 1, {row['model']} model on {row['disease']}"
        yield Finding("table 9", words, f"{total:.3f}", "1", abs(total - 1) < 0.0025)


def confusion_matrices() -> Iterator[Finding]:
    """Generative networks: margins of tables 3 to 5 and totals of table 2."""
    for number in (3, 4, 5):
        table = rows_of(f"gan_table{number}")
        inner = [row for row in table if "total" not in (row["predicted"], row["reference"])]
        for side, other in (("predicted", "reference"), ("reference", "predicted")):
            for kind in ("normal", "abnormal"):
                parts = [by(inner, **{side: kind})]
                stated = by(table, **{side: kind, other: "total"})
                words = f"GAN: total of {side} {kind}"
                yield sums_to(f"table {number}", words, parts, stated)
        stated = by(table, predicted="total", reference="total")
        yield sums_to(f"table {number}", "GAN: all films", [by(inner)], stated)
    for row in rows_of("gan_table2"):
        parts = [int(row["amc"]), int(row["snubh"])]
        yield sums_to("table 2", f"GAN: films with {row['diagnosis']}", parts, int(row["total"]))


def rates_of_classifiers() -> Iterator[Finding]:
    """Generative networks: sensitivity and specificity of the text against tables 3 to 5."""
    text = said("gan_text")
    tests = {3: "(real) on real", 4: "(synthetic) on synthetic", 5: "(synthetic) on real"}
    for number, words in tests.items():
        table = rows_of(f"gan_table{number}")
        for word, kind in (("sensitivity", "abnormal"), ("specificity", "normal")):
            right = by(table, predicted=kind, reference=kind)
            wrong_side = "normal" if kind == "abnormal" else "abnormal"
            whole = right + by(table, predicted=wrong_side, reference=kind)
            printed = _value(text, f"classifier {words}: {word}")
            yield rate("results 1", f"GAN: {word}, classifier {words}", printed, right, whole)


def detections() -> Iterator[Finding]:
    """Generative networks: table 6, 100 films of twelve diseases."""
    table, text = rows_of("gan_table6"), said("gan_text")
    rows = [row for row in table if row["diagnosis"] != "total"]
    (total,) = (row for row in table if row["diagnosis"] == "total")
    for column in ("subjects", "detected"):
        parts = [int(row[column]) for row in rows]
        yield sums_to("table 6", f"GAN: {column} in all", parts, int(total[column]))
    for row in rows:
        counts = int(row["detected"]), int(row["subjects"])
        yield rate("table 6", f"GAN: detected, {row['diagnosis']}", row["sensitivity"], *counts)
    printed = _value(text, "pneumothorax sensitivity for 8 of 9")
    yield rate("results 3", "GAN: detected, pneumothorax, in the text", printed, 8, 9)
    found = [int(_value(text, f"{kind} classes detected")) for kind in ("trained", "other")]
    printed = _value(text, "supervised network: overall")
    yield rate("results 3", "GAN: detected by the supervised network", printed, sum(found), 100)


def _value(text: dict[str, str], words: str) -> str:
    """The one value whose statement holds these words."""
    (value,) = (v for statement, v in text.items() if words in statement)
    return value
