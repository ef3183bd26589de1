"""The archive on the web (DICOMweb), seen by dicomweb-client and by callers who mean no good."""

import io
import json
import socket
import urllib.error
import urllib.request

import numpy as np
import pytest
import requests
from dicomweb_client import DICOMwebClient
from pacs_making import content, hospital, image, uid
from PIL import Image
from pydicom.uid import RLELossless

from course_lib.dicom.pacs import media
from course_lib.dicom.pacs.archive import Archive
from course_lib.dicom.pacs.web import WebServer
from course_lib.dicom.pixels import displayed

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
STUDY, SERIES = uid("P1", 1), uid("P1", 1, 1)
NAMES = (STUDY, SERIES, uid("P1", 1, 1, 2))


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    with Archive(tmp_path_factory.mktemp("archive")) as archive, WebServer(archive) as server:
        for ds in hospital():
            archive.keep(content(ds))
        yield server


@pytest.fixture
def web(served):
    session = requests.Session()
    session.trust_env = False
    return DICOMwebClient(served.web_url, session=session)


def ask(url, method="GET", body=None, **headers):
    """(status, content type, body) of a request."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(url, body, names, method=method)
    try:
        with DIRECT.open(request, timeout=10) as answer:
            return answer.status, answer.headers.get("Content-Type", ""), answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers.get("Content-Type", ""), error.read()


def path(*uids):
    steps = ("studies", "series", "instances")
    return "".join(f"/{step}/{name}" for step, name in zip(steps, uids, strict=False))


def test_search_has_one_entry_per_entity(web):
    assert len(web.search_for_studies()) == 3
    assert len(web.search_for_series(STUDY)) == 2
    assert len(web.search_for_instances(STUDY, SERIES)) == 3
    assert len(web.search_for_series()) == 5 and len(web.search_for_instances()) == 9


def test_search_matches_as_c_find_does(web):
    found = web.search_for_studies(search_filters={"PatientName": "hong*"})
    assert found[0]["00100010"]["Value"][0]["Phonetic"] == "홍^길동"
    assert len(web.search_for_studies(search_filters={"00100020": "P1"})) == 2
    assert len(web.search_for_studies(search_filters={"StudyDate": "20260102-"})) == 2
    assert web.search_for_studies(search_filters={"PatientID": "nobody"}) == []
    counts = web.search_for_studies(search_filters={"StudyInstanceUID": STUDY})[0]
    assert counts["00201208"]["Value"] == [5] and counts["00080061"]["Value"] == ["CT"]


def test_search_can_be_cut_into_pages(web):
    everything = web.search_for_instances()
    pages = [web.search_for_instances(limit=4, offset=start) for start in (0, 4, 8)]
    assert [len(page) for page in pages] == [4, 4, 1] and sum(pages, []) == everything


def test_objects_come_back_as_they_were(web):
    sent = {ds.SOPInstanceUID: ds for ds in hospital()}
    for ds in web.retrieve_study(STUDY):
        assert ds == sent[ds.SOPInstanceUID]
    assert len(web.retrieve_series(STUDY, SERIES)) == 3
    assert web.retrieve_instance(*NAMES) == sent[NAMES[2]]


def test_metadata_holds_everything_but_pixels_and_says_where_those_are(web):
    header = web.retrieve_instance_metadata(*NAMES)
    assert header["00280010"]["Value"] == [8]
    status, _, body = ask(header["7FE00010"]["BulkDataURI"])
    assert status == 200 and hospital()[1].PixelData in body
    assert len(web.retrieve_study_metadata(STUDY)) == 5


def test_frames_are_the_pixels(web):
    frame = web.retrieve_instance_frames(*NAMES, [1])[0]
    values = frame if isinstance(frame, bytes) else bytes(frame)
    assert values == hospital()[1].PixelData


def test_a_rendered_picture_is_what_the_pipeline_shows(served):
    url = f"{served.web_url}{path(*NAMES)}/rendered"
    status, kind, body = ask(url, Accept="image/png")
    assert (status, kind) == (200, "image/png")
    shown = np.asarray(Image.open(io.BytesIO(body)))
    assert np.array_equal(shown, np.round(displayed(hospital()[1]) * 255).astype(np.uint8))
    assert ask(url)[1] == "image/jpeg"
    status, _, body = ask(url + "?window=30,10,linear&viewport=4,4", Accept="image/png")
    assert Image.open(io.BytesIO(body)).size == (4, 4)
    assert ask(url.replace("rendered", "thumbnail"))[0] == 200


def test_the_older_way_gives_the_same_object(served):
    query = "requestType=WADO&studyUID={}&seriesUID={}&objectUID={}".format(*NAMES)
    status, kind, body = ask(f"{served.wado_url}?{query}&contentType=application/dicom")
    assert (status, kind) == (200, "application/dicom")
    assert body.endswith(content(hospital()[1])[400:])
    assert ask(f"{served.wado_url}?{query}")[1] == "image/jpeg"
    assert ask(f"{served.wado_url}?{query}&contentType=text/html")[0] == 406
    assert ask(served.wado_url)[0] == 400


def test_storing_over_the_web_keeps_the_promise(web, served):
    fresh = [image("P9", 1, 1, n) for n in (1, 2)]
    answer = web.store_instances(fresh)
    assert len(answer.ReferencedSOPSequence) == 2 and "FailedSOPSequence" not in answer
    assert web.retrieve_instance(uid("P9", 1), uid("P9", 1, 1), uid("P9", 1, 1, 1)) == fresh[0]


def stow(served, *contents, to=""):
    body = media.joined(contents, "application/dicom")
    kind = media.multipart_type("application/dicom")
    status, _, answer = ask(f"{served.web_url}/studies{to}", "POST", body, Content_Type=kind)
    return status, json.loads(answer)


def test_each_object_of_a_message_gets_its_own_answer(served):
    good = content(image("P8", 1, 1, 1))
    clash = content(image("P1", 1, 1, 1, PatientName="Other"))
    status, answer = stow(served, good, b"junk", clash)
    assert status == 202
    reasons = [item["00081197"]["Value"][0] for item in answer["00081198"]["Value"]]
    assert len(answer["00081199"]["Value"]) == 1 and reasons == [0xC000, 0xC111]
    assert stow(served, b"junk")[0] == 409


def test_an_object_of_another_study_is_refused_at_the_address_of_a_study(served):
    status, answer = stow(served, content(image("P7", 1)), to="/1.2.3")
    assert status == 409 and answer["00081198"]["Value"][0]["00081197"]["Value"] == [0xA900]


def test_a_message_cut_off_stores_nothing(served):
    before = len(served._application.settings["archive"])
    body = media.joined([content(image("P6", 1))], "application/dicom")[:-10]
    kind = media.multipart_type("application/dicom")
    status, _, answer = ask(f"{served.web_url}/studies", "POST", body, Content_Type=kind)
    assert status == 400 and b"cut off" in answer
    assert len(served._application.settings["archive"]) == before


def test_compressed_objects_are_unpacked_only_on_demand(tmp_path):
    ds = image()
    plain = ds.PixelData
    ds.compress(RLELossless, generate_instance_uid=False)
    with Archive(tmp_path) as archive, WebServer(archive) as server:
        archive.keep(content(ds))
        url = server.web_url + path(ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.SOPInstanceUID)
        wanted = 'multipart/related; type="application/dicom"'
        assert plain in ask(url, Accept=wanted)[2]
        assert ds.PixelData in ask(url, Accept=wanted + "; transfer-syntax=*")[2]
        jpeg = wanted + "; transfer-syntax=1.2.840.10008.1.2.4.90"
        assert ask(url, Accept=jpeg)[0] == 406
        assert plain in ask(f"{url}/frames/1")[2]
        packed = 'multipart/related; type="image/dicom-rle"'
        assert plain not in ask(f"{url}/frames/1", Accept=packed)[2]


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/studies/../../etc/passwd", 404),
        ("/studies/%2e%2e%2f%2e%2e%2fetc%2fpasswd", 400),
        ("/studies/1.2.3%00", 400),
        ("/studies/1.2.3", 404),
        ("/studies/" + "1" * 65, 400),
        (path(STUDY, uid("P1", 2, 1)), 404),  # a series of another study
        ("/studies?Shoesize=43", 400),
        ("/studies?Rows=8", 400),
        ("/studies?StudyDate=yesterday", 400),
        ("/studies?limit=many", 400),
        ("/studies?PatientID=%27%20OR%201%3D1%20--", 204),
        (path(*NAMES) + "/frames/2", 404),
        (path(*NAMES) + "/frames/zero", 400),
        (path(*NAMES) + "/rendered?window=a,b", 400),
        (path(*NAMES) + "/rendered?viewport=0,0", 400),
        (path(*NAMES) + "/rendered?window=nan,nan", 400),
    ],
)
def test_bad_addresses_get_their_status_and_a_sentence(served, address, status):
    got, kind, body = ask(served.web_url + address)
    assert got == status
    if status >= 400:
        assert kind.startswith("text/plain") and body.endswith(b".\n")
        assert b"Traceback" not in body


def test_pages_of_the_web_are_turned_away(served):
    assert ask(f"{served.web_url}/studies", Host="evil.example")[0] == 403
    assert ask(f"{served.web_url}/studies", Host="localhost")[0] == 200


def test_a_damaged_object_is_an_error_not_a_wrong_picture(tmp_path):
    with Archive(tmp_path) as archive, WebServer(archive) as server:
        kept = archive.keep(content(image()))
        kept.path.write_bytes(kept.content()[:-50])
        url = server.web_url + path(STUDY, SERIES, uid("P1", 1, 1, 1))
        assert ask(f"{url}/rendered")[0] == 500


def test_this_computer_only_unless_asked():
    with pytest.raises(ValueError, match="public=True"):
        WebServer(None, host="0.0.0.0")


def test_the_port_is_free_after_stopping(tmp_path):
    with Archive(tmp_path) as archive:
        with WebServer(archive) as server:
            port = int(server.address.rsplit(":", 1)[1])
        with socket.create_server(("127.0.0.1", port)):
            pass
