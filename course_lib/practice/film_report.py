"""A report on films of one's own: scores, maps, warnings, and what the scores are worth.

    python -m course_lib.practice.film_report FOLDER --out report.html

The page holds everything and needs no network; a table with the same scores lies beside it.
"""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from course_lib.data.files import write_whole
from course_lib.data.opening import open_dataset
from course_lib.data.source import AnySource
from course_lib.dicom.errors import UnreadableFile
from course_lib.learning.shipped import Chexnet, load_chexnet
from course_lib.practice.film_measures import measure
from course_lib.practice.film_reading import FilmReading, as_table, read_films
from course_lib.practice.reference import Reference, usual_reference
from course_lib.practice.report_page import (
    PAGE_END,
    banner,
    film_card,
    how_to_read,
    measures,
    overview,
    page_start,
)

TITLE = "What a network says of these films"


def film_report(
    films: str | Path | AnySource,
    out: str | Path,
    chexnet: Chexnet | None = None,
    reference: Reference | None = None,
) -> Path:
    """Write the report on `films` as one HTML page, and its scores as a CSV file beside it.

    Args:
        films: a folder (DICOM, PNG, JPEG; labels.csv if there is one; a public set), or a source.
        out: the page, for example "report.html".
        chexnet: the network; None for the one that the course brings.
        reference: what scores are compared with; None measures it on 400 virtual patients.

    Returns the page's path.

    Raises:
        FileNotFoundError: there is no such folder, or no readable picture in it.
    """
    source = open_dataset(films) if isinstance(films, str | os.PathLike) else films
    chexnet = chexnet or load_chexnet()
    reference = reference or usual_reference(chexnet)
    results = list(read_films(source, chexnet, reference))
    readings = [result for result in results if isinstance(result, FilmReading)]
    unreadable = [result for result in results if isinstance(result, UnreadableFile)]
    unreadable += getattr(source, "unreadable", [])
    page = page_of(readings, unreadable, chexnet, reference)
    out = Path(out).expanduser()
    write_whole(out, lambda file: file.write(page.encode("utf-8", errors="replace")))
    table = as_table(readings).to_csv(index=False).encode("utf-8-sig", errors="replace")
    write_whole(out.with_suffix(".csv"), lambda file: file.write(table))
    return out


def page_of(
    readings: Sequence[FilmReading],
    unreadable: Sequence[UnreadableFile],
    chexnet: Chexnet,
    reference: Reference,
) -> str:
    """The whole page as text."""
    return "\n".join(
        [
            page_start(TITLE),
            banner(),
            overview(readings, unreadable),
            measures(measure(readings, chexnet)),
            how_to_read(reference),
            "<h2>Film by film</h2>",
            *(film_card(i, one, reference) for i, one in enumerate(readings)),
            PAGE_END,
        ]
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(description="Report on a folder of chest films (teaching).")
    parser.add_argument("folder", help="DICOM, PNG and JPEG files, and labels.csv if there is one")
    parser.add_argument("--out", default="report.html", help="the page to write")
    parser.add_argument("--network", help="folder of another trained network (chexnet.pt)")
    options = parser.parse_args(arguments)
    try:
        chexnet = load_chexnet(options.network)
        page = film_report(options.folder, options.out, chexnet)
    except (OSError, ValueError, RuntimeError) as error:
        parser.exit(1, f"{error}\n")
    print(f"{page} and {page.with_suffix('.csv').name} are written.")


if __name__ == "__main__":
    main()
