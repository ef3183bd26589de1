"""The report as one HTML page: no script, no network, pictures inside, prints well.

Everything that comes from files (names, headers, table columns) is escaped, and the page forbids
its reader's browser to load or run anything.
"""

from collections.abc import Sequence
from html import escape

from course_lib.dicom.errors import UnreadableFile
from course_lib.practice.film_measures import Measured
from course_lib.practice.film_reading import FilmReading, FindingScore
from course_lib.practice.reference import Reference

STYLE = """
body { font: 15px/1.4 system-ui, sans-serif; margin: 2em auto; max-width: 62em; padding: 0 1em;
       color: #111; background: #fff }
h1 { margin-bottom: .2em } h2 { margin: 1.6em 0 .4em }
.banner { border: 2px solid #b00020; border-radius: 6px; padding: .6em 1em; background: #fdecea }
.film { border-top: 1px solid #bbb; padding: 1em 0; break-inside: avoid }
.pictures { display: flex; flex-wrap: wrap; gap: .6em }
figure { margin: 0; width: 256px } figcaption { font-size: 85% }
figure.wide { width: 400px }
img { display: block; max-width: 100%; background: #000 }
.doubt { color: #b00020; margin: .2em 0 } .doubt b { text-transform: uppercase; font-size: 85% }
table { border-collapse: collapse; margin: .6em 0 } td, th { padding: .1em .7em; text-align: left }
th { border-bottom: 1px solid #999 } td.n, th.n { text-align: right }
.yes { font-weight: bold } .small { font-size: 85%; color: #444 }
tr { break-inside: avoid } a { color: #0b57d0 }
.scroll { overflow-x: auto }
@media print { body { margin: 0; max-width: none; font-size: 11px } figure { width: 30% } }
"""
FORBID = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
BAR_WIDTH, BAR_HEIGHT = 200, 16


def page_start(title: str) -> str:
    """Everything up to the first heading."""
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{FORBID}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>\n<body><h1>{escape(title)}</h1>"
    )


PAGE_END = "</body></html>\n"


def banner() -> str:
    """What the reader must know before anything else."""
    return (
        '<div class="banner"><b>Not for diagnosis.</b> This network was trained on <b>virtual</b> '
        "patients, for teaching. Nobody has tested it on patients like yours. Its scores are not "
        "calibrated for your hospital: <b>a score of 0.5 is no probability</b>, and a yes means "
        "only that the score has reached the operating point, which was chosen on virtual "
        "patients. An empty list of warnings does not mean that a film is suitable.</div>"
    )


def overview(readings: Sequence[FilmReading], unreadable: Sequence[UnreadableFile]) -> str:
    """How many films, and one line for each with a link to its place on the page."""
    doubtful = sum(bool(one.doubts) for one in readings)
    rows = "".join(
        f'<tr><td><a href="#film{i}">{escape(one.name)}</a></td>'
        f"<td>{_words(one.called) or '&ndash;'}</td>"
        f'<td class="doubt">{escape(", ".join(doubt.name for doubt in one.doubts))}</td></tr>'
        for i, one in enumerate(readings)
    )
    return (
        f"<h2>Films</h2><p>{len(readings)} read, {doubtful} of them with warnings; "
        f"{len(unreadable)} files could not be read.</p>"
        '<div class="scroll"><table><tr><th>film</th><th>reaches the operating point of</th>'
        f"<th>warnings</th></tr>{rows}</table></div>{_unreadable(unreadable)}"
    )


def how_to_read(reference: Reference) -> str:
    """What bars and pictures mean."""
    n = len(reference.score)
    return (
        f"<h2>How to read this page</h2><p>{_bar_example()} The score of a film is the black "
        f"mark. Blue: the middle 90 % of the scores of virtual films <b>without</b> the finding; "
        "orange: of those <b>with</b> it; dotted: the operating point (best F1 on validation "
        f"patients). All of {n} virtual films that the network has not learned from. "
        "<b>Above without 97 %</b> means: 97 of 100 films without the finding score lower. "
        "Coloured pictures show what counted <b>for</b> a finding, each scaled to its own "
        "maximum: a bright spot alone does not mean that the finding is likely.</p>"
    )


def film_card(number: int, one: FilmReading, reference: Reference) -> str:
    """Pictures, facts, warnings and scores of one film."""
    doubts = "".join(
        f'<p class="doubt"><b>{escape(d.name)}</b> {escape(d.sentence)}</p>' for d in one.doubts
    )
    maps = "".join(
        _picture(data, _caption(score), f"film {one.name} with a heat map")
        for score in one.scores
        if (data := one.maps.get(score.finding))
    )
    rows = "".join(_score_row(score, reference) for score in one.scores)
    return (
        f'<div class="film" id="film{number}"><h3>{escape(one.name)}</h3>'
        f'<p class="small">{escape(_facts(one))}</p>{doubts}'
        f'<div class="pictures">{_picture(one.film, "the film", f"film {one.name}")}{maps}</div>'
        '<table><tr><th>finding</th><th class="n">score</th><th>0 &ndash; 1</th>'
        '<th>reached?</th><th class="n">above without</th><th class="n">above with</th></tr>'
        f"{rows}</table></div>"
    )


def measures(measured: Measured | None) -> str:
    """AUC and calibration on the labelled films; what is missing if there are no labels."""
    if measured is None:
        return (
            "<h2>How good is it on your films?</h2><p>Unknown: there are no labels. Put a file "
            "<b>labels.csv</b> into the folder (columns: file, and one per finding with 1 present, "
            "0 absent, -1 uncertain), and this place shows AUC and calibration.</p>"
        )
    rows = "".join(
        f'<tr><td>{_words([str(name)])}</td><td class="n">{row.positives:.0f}</td>'
        f'<td class="n">{row.negatives:.0f}</td><td class="n">{_number(row.auc)}</td>'
        f'<td class="n">{_interval(row.low, row.high)}</td>'
        f'<td class="n">{_number(row.ece)}</td></tr>'
        for name, row in measured.table.iterrows()
    )
    return (
        "<h2>How good is it on your films?</h2>"
        '<table><tr><th>finding</th><th class="n">with</th><th class="n">without</th>'
        '<th class="n">AUC</th><th class="n">95 % interval</th><th class="n">ECE</th></tr>'
        f"{rows}</table>{_picture(measured.curve, '', 'reliability diagram', 'png', 'wide')}"
        f'<p class="small">{measured.cases} known labels of all findings together; expected '
        f"calibration error (ECE, 10 bins of equal width) {measured.ece:.3f}. Numbers in the "
        "picture: labels in the bin. Promised share: the score with the weights of the loss taken "
        "out. With few films an ECE is too large and an interval of the AUC wide; a dash means "
        "undefined (one class only; and an AUC of exactly 0 or 1 has no interval). "
        "Several films of a patient count as one patient.</p>"
    )


def _caption(score: FindingScore) -> str:
    reached = "reached" if score.called else "operating point not reached"
    words = score.finding.replace("_", " ")
    return f"what counted for {words} (score {score.score:.2f}, {reached})"


def _facts(one: FilmReading) -> str:
    record = one.record
    age = "age unknown" if record.age is None else f"{record.age:.0f} years"
    size = f"{one.shape[0]} x {one.shape[1]} pixels"
    view = f"view {record.view}" if record.view else "view unknown"
    return ", ".join(filter(None, [view, age, record.sex, record.scanner.strip(), size]))


def _score_row(score: FindingScore, reference: Reference) -> str:
    call = '<td class="yes">yes</td>' if score.called else "<td>no</td>"
    return (
        f'<tr><td>{_words([score.finding])}</td><td class="n">{score.score:.2f}</td>'
        f"<td>{_bar(score, reference)}</td>{call}"
        f'<td class="n">{_percent(score.below_without)}</td>'
        f'<td class="n">{_percent(score.below_with)}</td></tr>'
    )


def _bar(score: FindingScore, reference: Reference) -> str:
    k = reference.findings.index(score.finding)
    bands = [(reference.middle(k, False), "#7fb3d5", 2), (reference.middle(k, True), "#f0a35e", 9)]
    return _drawn(score.score, score.threshold, bands, f"score {score.score:.2f}")


def _bar_example() -> str:
    return _drawn(0.7, 0.6, [((0.05, 0.45), "#7fb3d5", 2), ((0.4, 0.95), "#f0a35e", 9)], "example")


def _drawn(
    score: float, threshold: float, bands: list[tuple[tuple[float, float], str, int]], alt: str
) -> str:
    """A bar from 0 to 1 as SVG."""
    parts = [
        f'<rect x="{low * BAR_WIDTH:.1f}" y="{top}" width="{(high - low) * BAR_WIDTH:.1f}" '
        f'height="5" fill="{colour}"/>'
        for (low, high), colour, top in bands
        if high >= low
    ]
    x, t = score * BAR_WIDTH, threshold * BAR_WIDTH
    return (
        f'<svg role="img" aria-label="{alt}" width="{BAR_WIDTH + 4}" height="{BAR_HEIGHT}" '
        f'viewBox="-2 0 {BAR_WIDTH + 4} {BAR_HEIGHT}">'
        f'<rect width="{BAR_WIDTH}" height="{BAR_HEIGHT}" fill="#f2f2f2"/>{"".join(parts)}'
        f'<line x1="{t:.1f}" x2="{t:.1f}" y2="{BAR_HEIGHT}" stroke="#333" stroke-dasharray="2 2"/>'
        f'<line x1="{x:.1f}" x2="{x:.1f}" y2="{BAR_HEIGHT}" stroke="#000" stroke-width="3"/></svg>'
    )


def _picture(data: str, caption: str, alt: str, kind: str = "jpeg", look: str = "") -> str:
    return (
        f'<figure class="{look}"><img alt="{escape(alt)}" src="data:image/{kind};base64,{data}">'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )


def _unreadable(files: Sequence[UnreadableFile]) -> str:
    if not files:
        return ""
    rows = "".join(f"<li>{escape(_last(f.path))}: {escape(f.reason)}</li>" for f in files)
    return f"<h2>Files that could not be read</h2><ul>{rows}</ul>"


def _last(path: str) -> str:
    return path.replace("\\", "/").rsplit("/", 1)[-1]


def _words(findings: Sequence[str]) -> str:
    return escape(", ".join(finding.replace("_", " ") for finding in findings))


def _percent(share: float) -> str:
    return "&ndash;" if share != share else f"{share:.0%}"


def _interval(low: float, high: float) -> str:
    return "&ndash;" if low != low else f"{low:.2f} &ndash; {high:.2f}"


def _number(value: float) -> str:
    return "&ndash;" if value != value else f"{value:.2f}"
