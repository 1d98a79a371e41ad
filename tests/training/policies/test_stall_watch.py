"""Who holds a run up: named with rank, host, step and what it does, once nobody gets any further."""

from rayfill.training.policies.stall_watch import Heartbeat, StallWatch

SLEEPS = "in read (data/shards/reader.py:10), which called sleep"
WAITS = "in average_over_workers (training/optimization/gradients.py:40)"


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def beat(rank: int, step: int, *, waits: bool = False, ticks: int = 0) -> Heartbeat:
    return Heartbeat(rank, f"host-{rank}", step, ticks, WAITS if waits else SLEEPS, waits)


def watched(timeout_s: float | None = 60.0) -> tuple[StallWatch, Clock]:
    clock = Clock()
    return StallWatch(timeout_s, beat_s=2.0, clock=clock), clock


def last_sentence(watch: StallWatch, clock: Clock, beats: list[Heartbeat], seconds: int) -> str | None:
    sentence = None
    for _ in range(seconds // 2):
        clock.now += 2
        for one in beats:
            sentence = watch.beat(one)
    return sentence


def test_the_worker_that_does_not_wait_for_the_others_is_named() -> None:
    watch, clock = watched()
    beats = [beat(0, 7, waits=True), beat(1, 7), beat(2, 7, waits=True)]
    assert last_sentence(watch, clock, beats, 60) is None
    sentence = last_sentence(watch, clock, beats, 4)
    assert sentence == f"no worker got any further for 1 min 00 s: rank 1 on host-1 is in step 7, {SLEEPS}"


def test_a_worker_that_answers_no_more_is_named_with_what_it_did_last() -> None:
    watch, clock = watched()
    for one in (beat(0, 7, waits=True), beat(1, 7)):
        watch.beat(one)
    sentence = last_sentence(watch, clock, [beat(0, 7, waits=True)], 64)
    assert sentence is not None
    assert "rank 1 on host-1 answers no more; it was in step 7" in sentence
    assert "rank 0" not in sentence


def test_where_all_wait_for_each_other_the_one_behind_is_named() -> None:
    watch, clock = watched()
    sentence = last_sentence(watch, clock, [beat(0, 8, waits=True), beat(1, 7, waits=True)], 70)
    assert sentence is not None
    assert "rank 1 on host-1 is in step 7" in sentence
    assert "rank 0" not in sentence


def test_steps_of_any_worker_and_work_beside_steps_are_progress() -> None:
    watch, clock = watched()
    for step in range(100):
        clock.now += 2
        assert watch.beat(beat(0, step)) is None
    for ticks in range(100):
        clock.now += 2
        assert watch.beat(beat(0, 99, ticks=ticks)) is None


def test_replaced_workers_begin_anew_and_no_time_out_waits_for_ever() -> None:
    watch, clock = watched()
    assert last_sentence(watch, clock, [beat(0, 7)], 70) is not None
    watch.restart()
    assert last_sentence(watch, clock, [beat(0, 5)], 50) is None
    patient, clock = watched(None)
    assert last_sentence(patient, clock, [beat(0, 7)], 10_000) is None
