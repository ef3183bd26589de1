"""Every byte of a file belongs to exactly one coloured field."""

from collections import Counter
from pathlib import Path

import matplotlib.pyplot as plt
import pytest
from pydicom.data import get_testdata_file

from course_lib.dicom.parser import parse
from course_lib.teaching.hexview import ROW, fields_of, hex_view


@pytest.mark.parametrize("name", ["CT_small", "MR_small_implicit", "rtplan", "JPEG2000", "rtdose"])
def test_the_fields_cover_the_file_once(name):
    data = Path(get_testdata_file(f"{name}.dcm", download=False)).read_bytes()[:60_000]
    whole = Path(get_testdata_file(f"{name}.dcm", download=False)).read_bytes()
    fields = fields_of(whole, parse(whole))
    times = Counter(at for start, end, _ in fields for at in range(start, min(end, len(data))))
    assert set(times) == set(range(132, len(data)))
    assert set(times.values()) == {1}


def test_the_picture_shows_bytes_and_letters():
    fig = hex_view(b"\x10\x00\x10\x00PN\x04\x00Kim ", 0, 12, [(0, 4, "tag"), (8, 12, "value")])
    texts = [text.get_text() for text in fig.axes[0].texts]
    assert "4B" in texts and "K" in texts and "·" in texts
    assert [text.get_text() for text in fig.legends[0].get_texts()] == ["tag", "value"]
    assert len(texts) == 2 * 12 + 1 and ROW == 16
    plt.close(fig)
