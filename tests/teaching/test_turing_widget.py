"""The Turing widget: blind to the end, nothing lost when it is killed, results as in evaluation."""

import io

import numpy as np
import pytest
from PIL import Image

from course_lib.evaluation.turing import plan_reading, score_reading
from course_lib.teaching import turing_records, turing_widget
from course_lib.teaching.turing_records import Answer, combine, read_answers, reader_file
from course_lib.teaching.turing_widget import TuringTest, enlarged

PLAN = plan_reading(real=4, synthetic=4, seed=2, repeats=3)
FILMS = (np.arange(8, dtype=np.uint8) * 20)[:, None, None] + np.zeros((8, 8, 8), np.uint8)


@pytest.fixture(autouse=True)
def no_rest(monkeypatch):
    """Tests press faster than a hand."""
    monkeypatch.setattr(turing_widget, "REST_S", 0.0)


@pytest.fixture
def start(tmp_path):
    return lambda reader="kim", **k: TuringTest(FILMS, PLAN, reader, tmp_path / "answers", **k)


def press(test: TuringTest, word: str, sure: int = 3) -> None:
    test.sure.value = sure
    test.buttons[word].click()


def read_through(test: TuringTest, right: bool = True) -> None:
    """Answer all that is left, always right or always wrong."""
    while (showing := test.showing) is not None:
        synthetic = PLAN.synthetic[test.plan.order[showing]]
        press(test, "synthetic" if synthetic == right else "real")


def shown(test: TuringTest) -> int:
    """The film whose grey the picture has."""
    middle = np.asarray(Image.open(io.BytesIO(test.picture.value)))[200, 200]
    return int(np.argmin(abs(FILMS[:, 0, 0].astype(int) - int(middle))))


def test_films_come_in_the_readers_own_order_and_answers_are_on_disk_at_once(start):
    test = start()
    for showing in range(3):
        assert shown(test) == test.plan.order[showing]
        press(test, "real", sure=showing + 1)
        answers = read_answers(test.file)
        assert [a.showing for a in answers] == list(range(showing + 1))
        assert answers[-1].film == test.plan.order[showing]
        assert (answers[-1].called, answers[-1].sure) == ("real", showing + 1)
    assert test.sure.value == 3, "how sure begins anew with every film"
    other = start("lee")
    assert sorted(other.plan.order[:8]) == sorted(test.plan.order[:8])
    assert not np.array_equal(other.plan.order, test.plan.order)


def test_nothing_on_screen_or_disk_gives_the_truth_away_before_the_end(start):
    test = start()
    for _ in range(10):
        press(test, "synthetic")
        assert test.score() is None
        assert "accuracy" not in test.message.value + test.report()
    files = list(test.file.parent.iterdir())
    assert files == [test.file], "no key yet"
    assert test.file.read_text().splitlines()[0] == "showing,film,called,sure,seconds"
    press(test, "synthetic")
    assert test.score() is not None and "accuracy" in test.message.value
    assert len(list(test.file.parent.iterdir())) == 2


def test_a_killed_reading_goes_on_where_it_stopped(start):
    first = start()
    for word in ("real", "synthetic", "real"):
        press(first, word)
    again = start()  # as in a new kernel
    assert again.showing == 3 and again.answers == first.answers
    assert shown(again) == first.plan.order[3]


def test_a_line_cut_off_in_the_middle_is_asked_again(start):
    test = start()
    press(test, "real")
    press(test, "synthetic")
    whole = test.file.read_bytes()
    test.file.write_bytes(whole[:-12])  # killed while writing
    again = start()
    assert again.showing == 1
    press(again, "real")
    assert [(a.showing, a.called) for a in read_answers(test.file)] == [(0, "real"), (1, "real")]
    assert again.showing == 2


def test_a_finished_reading_shows_its_result_again_and_takes_no_more_answers(start):
    test = start()
    read_through(test)
    before = test.file.read_bytes()
    again = start()
    assert again.showing is None and all(b.disabled for b in again.buttons.values())
    assert "done" in again.message.value
    again.answer("real")
    assert test.file.read_bytes() == before


def test_the_result_is_that_of_the_first_showings(start):
    test, called = start(), {}
    random = np.random.default_rng(1)
    while (showing := test.showing) is not None:
        word = str(random.choice(turing_records.CALLED))
        called.setdefault(int(test.plan.order[showing]), word == "synthetic")
        press(test, word)
    score = score_reading(PLAN.synthetic, [called[n] for n in range(8)])
    assert test.score().counts == score.counts
    assert f"{score.accuracy.right} of 8" in test.message.value
    assert "Shown twice" in test.message.value


def test_the_worst_films_are_shown_at_the_end(start):
    test = start()
    read_through(test, right=False)
    picture = np.asarray(Image.open(io.BytesIO(test.picture.value)).convert("L"))
    assert picture.shape[1] > picture.shape[0] > 300  # a sheet of six
    perfect = start("lee")
    read_through(perfect)
    words = np.asarray(Image.open(io.BytesIO(perfect.picture.value)).convert("L"))
    assert words.mean() > 240 and words.min() < 100  # a sentence, no films


def test_a_double_click_answers_one_film(start, monkeypatch):
    test = start()
    monkeypatch.setattr(turing_widget, "REST_S", 60.0)
    press(test, "real")
    assert test.showing == 0
    monkeypatch.setattr(turing_widget, "REST_S", 0.0)
    press(test, "real")
    assert test.showing == 1


def test_an_answer_that_cannot_be_saved_is_not_lost_silently(start, monkeypatch):
    test = start()
    press(test, "real")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(turing_records, "add_answer", full)
    press(test, "real")
    assert test.showing == 1 and "No space left" in test.trouble.value
    monkeypatch.undo()
    monkeypatch.setattr(turing_widget, "REST_S", 0.0)
    press(test, "real")
    assert test.showing == 2 and test.trouble.value == ""


def test_several_readers_are_combined(start, tmp_path):
    for name, right in (("kim", True), ("박", False), ("lee", True)):
        read_through(start(name), right)
    press(start("choi"), "real")
    found = combine(tmp_path / "answers")
    assert sorted(found.panel.names) == ["kim", "lee", "박"]
    accuracy = dict(zip(found.panel.names, found.panel.right.mean(axis=1), strict=True))
    assert accuracy == {"kim": 1.0, "lee": 1.0, "박": 0.0}
    assert np.array_equal(found.panel.synthetic, PLAN.synthetic)
    assert np.array_equal(found.ratings > 0, found.panel.calls) and set(
        abs(found.ratings).flat
    ) == {3}
    assert found.unfinished == {"choi": 1}


def test_what_cannot_be_combined_is_said(start, tmp_path):
    folder = tmp_path / "answers"
    with pytest.raises(ValueError, match="no key"):
        combine(folder)
    read_through(start())
    with pytest.raises(ValueError, match="it takes two"):
        combine(folder)
    other = plan_reading(4, 4, seed=3)
    turing_records.write_key(folder, other)
    with pytest.raises(ValueError, match="several tests"):
        combine(folder)
    read_through(start("lee"))
    assert len(combine(folder, PLAN.name).panel.names) == 2
    key = folder / f"turing-{PLAN.name}-key.csv"
    key.write_text(key.read_text().replace("synthetic", "maybe"))
    with pytest.raises(ValueError, match="damaged"):
        combine(folder, PLAN.name)


def test_the_file_of_another_reading_is_refused(start):
    test = start()
    press(test, "real")
    answer = test.answers[0]
    other = (answer.film + 1) % 8
    test.file.unlink()
    turing_records.add_answer(test.file, Answer(0, other, "real", 3, 1.0))
    with pytest.raises(ValueError, match="another reader name"):
        start()
    test.file.write_text("name,age\nkim,50\n")
    with pytest.raises(ValueError, match="does not hold the answers"):
        start()


@pytest.mark.parametrize("name", ["", "  ", "!!", "key"])
def test_a_reader_needs_a_name(name, tmp_path):
    with pytest.raises(ValueError, match="letters or digits"):
        reader_file(tmp_path, "abcd", name)
    assert reader_file(tmp_path, "abcd", "Dr. 김/../x").parent == tmp_path


@pytest.mark.parametrize("films", [FILMS[:7], FILMS.astype(float), FILMS[0], FILMS[:, None]])
def test_films_that_are_not_ready_are_refused(films, tmp_path):
    with pytest.raises(ValueError, match="plan.arrange"):
        TuringTest(films, PLAN, "kim", tmp_path)


def test_films_are_enlarged_smoothly_and_keep_their_shape():
    film = np.zeros((8, 4), np.uint8)
    film[:, 2:] = 200
    picture = np.asarray(Image.open(io.BytesIO(enlarged(film, side=64))))
    assert picture.shape == (64, 32)
    assert len(np.unique(picture[0])) > 5, "no steps"


def test_the_stored_notebook_shows_the_first_film(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(turing_widget, "show_widget", lambda *a: seen.append(a))
    test = turing_widget.turing_test(FILMS, PLAN, "kim", "a film", tmp_path / "answers")
    assert seen == [(test.widget, test.picture.value, "a film")]
    assert not (tmp_path / "answers").exists(), "nothing is written before the first answer"
