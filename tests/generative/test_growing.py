"""When which resolution is shown: hold, then fade and hold; alpha always arrives at 1."""

import pytest

from course_lib.generative.growing import Phase, Schedule, published_schedule

SMALL = Schedule((Phase(4, 0, 40, 8), Phase(8, 32, 48, 8), Phase(16, 30, 30, 7)))


def test_the_first_phase_only_holds_and_every_other_fades_first():
    alphas = [SMALL.at(step).alpha for step in range(SMALL.steps)]
    sizes = [SMALL.at(step).resolution for step in range(SMALL.steps)]
    assert sizes == [4] * 5 + [8] * 10 + [16] * 9
    assert alphas[:5] == [1.0] * 5
    assert alphas[5:15] == [0.25, 0.5, 0.75] + [1.0] * 7
    assert alphas[15] == pytest.approx(7 / 30)


def test_alpha_is_never_stuck():
    """It is above 0 from the first step of a fade, never falls inside a phase, and ends at 1."""
    for schedule in (SMALL, published_schedule(64, fade=1000, hold=500)):
        before = None
        for step in range(schedule.steps):
            moment = schedule.at(step)
            assert 0 < moment.alpha <= 1
            if before is not None and before.phase == moment.phase:
                assert moment.alpha >= before.alpha
                assert moment.progress > before.progress
            elif before is not None:
                assert before.alpha == 1, "a phase ended before its layers were faded in"
            before = moment
        assert before.alpha == 1


def test_the_published_schedule_in_films():
    schedule = published_schedule()
    assert [phase.resolution for phase in schedule.phases] == [2**k for k in range(2, 11)]
    films = [phase.fade + phase.hold for phase in schedule.phases]
    assert films == [800_000] + [1_600_000] * 8  # 13.6 million in all
    assert [phase.batch for phase in schedule.phases] == [16] * 6 + [14, 6, 3]
    default_of_the_code = published_schedule(fade=600_000, hold=600_000)
    assert sum(p.fade + p.hold for p in default_of_the_code.phases) == 600_000 * 17


def test_the_published_schedule_at_chosen_films():
    schedule = published_schedule()
    first = 800_000 // 16
    assert schedule.at(first - 1).resolution == 4
    half_way = schedule.at(first + 400_000 // 16 - 1)
    assert (half_way.resolution, half_way.alpha) == (8, 0.5)
    held = schedule.at(first + 800_000 // 16)
    assert (held.resolution, held.alpha) == (8, 1.0)
    last = schedule.at(schedule.steps - 1)
    assert (last.resolution, last.alpha) == (1024, 1.0)


def test_steps_are_films_by_batch_rounded_up():
    assert Phase(8, 10, 11, 5).steps == 5
    assert SMALL.steps == 5 + 10 + 9
    assert [SMALL.batch_at(step) for step in (0, 5, 15, 23)] == [8, 8, 7, 7]


def test_a_phase_without_fade_begins_at_once():
    schedule = Schedule((Phase(4, 0, 8, 4), Phase(8, 0, 8, 4)))
    assert schedule.at(2).alpha == 1.0


def test_schedules_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="4, 8, 16"):
        Schedule((Phase(4, 0, 8, 4), Phase(16, 8, 8, 4)))
    with pytest.raises(ValueError, match="4, 8, 16"):
        Schedule(())
    with pytest.raises(ValueError, match="nothing to fade from"):
        Schedule((Phase(4, 8, 8, 4),))
    for fade, hold, batch in ((0, 0, 4), (-1, 8, 4), (4, 4, 0)):
        with pytest.raises(ValueError, match="A phase needs films"):
            Phase(4, fade, hold, batch)
    with pytest.raises(IndexError, match="24 steps"):
        SMALL.at(24)
