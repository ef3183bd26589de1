"""The report: complete, honest about bad files, and deaf to what hostile files say."""

import csv
import re
from html.parser import HTMLParser

import numpy as np
import pytest
import torch
from PIL import Image

from course_lib.data.findings import CHEXNET
from course_lib.data.item import ImageItem, Label
from course_lib.data.opening import open_dataset
from course_lib.dicom.errors import UnreadableFile
from course_lib.dicom.identity import make_identity
from course_lib.dicom.writing.dx import dx_image
from course_lib.dicom.writing.files import save
from course_lib.learning.shipped import Chexnet
from course_lib.models.densenet import densenet
from course_lib.practice import film_report as command
from course_lib.practice.film_checks import FileFacts, doubts_about, facts_of_file
from course_lib.practice.film_measures import measure
from course_lib.practice.film_reading import FilmReading, as_table, harmless, names_of, read_films
from course_lib.practice.film_report import film_report, main
from course_lib.practice.reference import measure_reference, pooled_maps

P, A, U, N = Label.PRESENT, Label.ABSENT, Label.UNCERTAIN, Label.NOT_MENTIONED
SIZE = 32


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    cache = tmp_path_factory.mktemp("films")
    return open_dataset("virtual", n=40, seed=3, size=64, findings=CHEXNET, folder=cache, workers=1)


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    model = densenet("laptop", 14, stem_stride=2).eval()
    return Chexnet(model, CHEXNET, dict.fromkeys(CHEXNET, 0.5), SIZE, dict.fromkeys(CHEXNET, 1.0))


@pytest.fixture(scope="module")
def reference(network, cohort):
    return measure_reference(network, cohort)


def png(path, image, mode=None):
    picture = Image.fromarray((np.clip(image, 0, 1) * 255).astype(np.uint8))
    picture.convert(mode or picture.mode).save(path)


@pytest.fixture
def folder(tmp_path, cohort):
    root = tmp_path / "films"
    root.mkdir()
    for i in range(6):
        png(root / f"film{i}.png", cohort[i].image)
    return root


def texts_and_tags(page):
    """What a browser would show, and every tag with its attributes."""
    tags, texts = [], []

    class Reader(HTMLParser):
        def handle_starttag(self, tag, attributes):
            tags.append((tag, dict(attributes)))

        def handle_data(self, data):
            texts.append(data)

    Reader().feed(page)
    return " ".join(texts), tags


def test_every_film_is_on_the_page_and_in_the_table(folder, network, reference, tmp_path):
    out = film_report(folder, tmp_path / "out" / "page.html", network, reference)
    text, tags = texts_and_tags(out.read_text("utf-8"))
    for i in range(6):
        assert f"film{i}.png" in text
    pictures = [attributes for tag, attributes in tags if tag == "img"]
    assert len(pictures) == 6 * 3 and all(p["alt"] for p in pictures)
    assert "Not for diagnosis" in text and "no probability" in text
    with open(out.with_suffix(".csv"), newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    score = network.scores([open_dataset(folder)[2].image])[0]
    assert [row["file"] for row in rows] == [f"film{i}.png" for i in range(6)]
    assert [float(rows[2][name]) for name in CHEXNET] == pytest.approx(score, abs=1e-4)


def test_the_page_needs_and_loads_nothing(folder, network, reference, tmp_path):
    page = film_report(folder, tmp_path / "page.html", network, reference).read_text("utf-8")
    _, tags = texts_and_tags(page)
    assert not {tag for tag, _ in tags} & {"script", "link", "iframe", "object"}
    for _, attributes in tags:
        for name in ("src", "href"):
            assert attributes.get(name, "#")[:1] == "#" or attributes[name].startswith("data:")
    assert "default-src 'none'" in page and "url(" not in page


@pytest.mark.filterwarnings("ignore:Invalid value for VR")
def test_hostile_names_and_headers_stay_text(folder, network, reference, tmp_path, cohort):
    evil = "<img src=x onerror=alert(1)>&quot;.png"
    png(folder / evil, cohort[0].image)
    (folder / "<b>no picture<!--.png").write_text("text")
    person = make_identity(1)
    dataset = dx_image((cohort[1].image * 4095).astype(np.uint16), 2.0, person)
    dataset.ManufacturerModelName = "</td><script>alert(2)</script>"
    dataset.ViewPosition = "<i>LL"
    save(dataset, folder / "evil.dcm")
    out = film_report(folder, tmp_path / "page.html", network, reference)
    page = out.read_text("utf-8")
    text, tags = texts_and_tags(page)
    assert evil in text and "<b>no picture<!--.png" in text and "alert(2)" in text
    assert not any("onerror" in attributes for _, attributes in tags)
    assert not {"script", "i"} & {tag for tag, _ in tags}
    name = str(dataset.PatientName).split("=")[0]
    for content in (page, out.with_suffix(".csv").read_text("utf-8")):
        assert name not in content and dataset.PatientID not in content
        assert dataset.StudyInstanceUID not in content


def test_damaged_files_are_listed_with_their_reason(folder, network, reference, tmp_path):
    whole = (folder / "film0.png").read_bytes()
    (folder / "cut.png").write_bytes(whole[: len(whole) // 2])
    (folder / "note.txt").write_text("hello")
    text, _ = texts_and_tags(
        film_report(folder, tmp_path / "p.html", network, reference).read_text("utf-8")
    )
    assert re.search(r"cut\.png: the picture is damaged", text)
    assert re.search(r"note\.txt: this is no DICOM", text)
    assert "2 files could not be read" in text and str(folder) not in text


def test_a_file_that_breaks_later_does_not_stop_the_others(folder, network, reference):
    source = open_dataset(folder)
    (folder / "film1.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    results = list(read_films(source, network, reference))
    assert isinstance(results[1], UnreadableFile)
    assert sum(isinstance(result, FilmReading) for result in results) == 5


def test_scores_are_told_beside_those_of_known_films(network, reference, cohort):
    scores = reference.score[0]
    without, with_it = (reference.below(scores, present) for present in (False, True))
    k = 4
    others = reference.score[~reference.present[:, k], k]
    expected = np.mean(others < scores[k]) + np.mean(others == scores[k]) / 2
    assert without[k] == pytest.approx(expected)
    absent = [k for k in range(14) if not reference.present[:, k].any()]
    assert all(np.isnan(with_it[k]) for k in absent)
    low, high = reference.middle(k, False)
    assert np.mean((others >= low) & (others <= high)) == pytest.approx(0.9, abs=0.06)


def test_few_reference_films_are_refused(network, cohort):
    with pytest.raises(ValueError, match="at least 20"):
        measure_reference(network, [cohort[i] for i in range(19)])


def doubts(item, network, reference, facts=None):
    inside = pooled_maps(network, [item.image])[0]
    found = doubts_about(item, inside, reference, network.size, facts or FileFacts())
    return {doubt.name for doubt in found} - {"unlike the reference"}


def test_each_fault_draws_its_own_doubt(network, reference, cohort):
    image = cohort[0].image

    def of(picture, **facts):
        return ImageItem(image=picture.astype(np.float32), patient_id="1", **facts)

    assert doubts(of(image), network, reference) == set()
    assert doubts(of(image, view="AP"), network, reference) == set()
    assert doubts(of(image, view="LL"), network, reference) == {"not frontal"}
    assert doubts(of(1 - image), network, reference) == {"inverted?"}
    assert "too small" in doubts(of(image[::4, ::4]), network, reference)
    assert doubts(of(image), network, reference, FileFacts(True, True)) == {"colour", "text?"}
    noise = np.random.default_rng(0).random((64, 64))
    assert doubts(of(noise), network, reference) == {"not frontal?"}


def test_a_film_unlike_all_others_is_told(network, reference, cohort):
    inside = pooled_maps(network, [cohort[0].image])[0]
    assert max(reference.unlikeness(cohort[0].image, inside)) < 0.995
    grey, inner = reference.unlikeness(np.ones((64, 64), np.float32), inside + 100)
    assert grey == inner == 1


def test_colour_is_told_from_grey_that_is_stored_as_colour(tmp_path, cohort):
    image = cohort[0].image
    png(tmp_path / "grey.png", image, "RGB")
    Image.open(tmp_path / "grey.png").save(tmp_path / "grey.jpg")
    assert not facts_of_file(tmp_path / "grey.png").coloured
    assert not facts_of_file(tmp_path / "grey.jpg").coloured
    red = np.stack([image, image / 2, image / 2], axis=2)
    png(tmp_path / "red.png", red)
    assert facts_of_file(tmp_path / "red.png").coloured
    dataset = dx_image((image * 4095).astype(np.uint16), 2.0, make_identity(1))
    dataset.BurnedInAnnotation = "YES"
    save(dataset, tmp_path / "a.dcm")
    assert facts_of_file(tmp_path / "a.dcm") == FileFacts(coloured=False, says_text=True)


def test_labels_give_auc_and_calibration(network, reference, cohort):
    readings = [r for r in read_films(cohort, network, reference) if isinstance(r, FilmReading)]
    measured = measure(readings, network)
    assert measured is not None and measured.cases == 40 * 14
    k = CHEXNET.index("pleural_effusion")
    truth = np.array([r.label("pleural_effusion") is P for r in cohort.records])
    ill, well = reference.score[truth, k], reference.score[~truth, k]
    pairs = ill[:, None] - well
    assert measured.table.auc["pleural_effusion"] == pytest.approx(
        np.mean((pairs > 0) + 0.5 * (pairs == 0))
    )
    assert 0 <= measured.ece <= 1


def test_without_labels_the_page_says_how_to_get_them(folder, network, reference, tmp_path):
    plain, _ = texts_and_tags(
        film_report(folder, tmp_path / "p.html", network, reference).read_text("utf-8")
    )
    assert "Unknown: there are no labels" in plain and "labels.csv" in plain
    lines = ["file,edema"] + [f"film{i}.png,{i % 2}" for i in range(6)]
    (folder / "labels.csv").write_text("\n".join(lines))
    measured, _ = texts_and_tags(
        film_report(folder, tmp_path / "p.html", network, reference).read_text("utf-8")
    )
    assert "6 known labels" in measured
    assert "labels.csv:" not in measured


def test_the_same_films_give_the_same_bytes(folder, network, reference, tmp_path):
    pages = [
        film_report(folder, tmp_path / name, network, reference).read_bytes()
        for name in ("a.html", "b.html")
    ]
    assert pages[0] == pages[1]


def test_spreadsheets_get_no_formulas(network, reference, cohort):
    assert harmless("=1+1") == "'=1+1" and harmless("@x") == "'@x" and harmless("film") == "film"
    (reading,) = read_films([cohort[0]], network, reference)
    assert as_table([reading])["view"][0] == "PA"


def test_short_names_drop_what_all_share(cohort):
    records = [
        ImageItem(image=np.zeros((2, 2), np.float32), patient_id="1", source=source)
        for source in ("/data/ward/a/1.png", "/data/ward/b/1.png")
    ]
    assert names_of(records) == ["a/1.png", "b/1.png"]
    assert names_of(records[:1]) == ["1.png"]


def test_the_command_writes_a_page_or_says_why_not(
    folder, network, reference, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(command, "load_chexnet", lambda where: network)
    monkeypatch.setattr(command, "usual_reference", lambda chexnet: reference)
    main([str(folder), "--out", str(tmp_path / "r.html")])
    assert (tmp_path / "r.html").is_file() and "are written" in capsys.readouterr().out
    with pytest.raises(SystemExit) as stop:
        main([str(tmp_path / "nowhere"), "--out", str(tmp_path / "r.html")])
    assert stop.value.code == 1 and "is not a folder" in capsys.readouterr().err
