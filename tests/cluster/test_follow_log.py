"""A job's log becomes stdout, stderr and a result again, each line once, however the connection breaks."""

import io

import pytest

from rayfill.cluster.follow import Log
from rayfill.cluster.marked_output import MARK, MarkedOutput, marked_result, split_mark

WHOLE = (
    "2026-11-25 22:00:00,000\tINFO job_manager.py:601 -- Runtime env is setting up.\n"
    "Running entrypoint for job big: python -P -m jobs.in_job train\n"
    "run big: 20 steps\n"
    f"{MARK}bucket   psnr\n"
    '{"a log line": "that looks like JSON"}\n'
    f'{MARK}{MARK}{{"run": "big"}}\n'
    "last words"
)


def read(*pieces: list[str]) -> tuple[list[str], list[str], Log]:
    results: list[str] = []
    progress: list[str] = []
    log = Log(results.append, progress.append)
    for connection in pieces:
        log.begin()
        for piece in connection:
            log.take(piece)
    log.end()
    return results, progress, log


EXPECTED = ["run big: 20 steps", '{"a log line": "that looks like JSON"}', "last words"]


def test_results_progress_and_the_answer_are_told_apart_and_ray_s_lines_left_out() -> None:
    results, progress, log = read([WHOLE])
    assert (results, progress, log.answer) == (["bucket   psnr"], EXPECTED, {"run": "big"})


@pytest.mark.parametrize("cut", range(1, len(WHOLE), 7))
def test_a_log_that_is_read_again_from_its_beginning_is_shown_once(cut: int) -> None:
    results, progress, log = read([WHOLE[:cut]], [WHOLE[: cut // 2], WHOLE[cut // 2 : cut + 3]], [WHOLE])
    assert (results, progress, log.answer) == (["bucket   psnr"], EXPECTED, {"run": "big"})


def test_marked_output_marks_every_line_once_even_if_it_comes_in_pieces() -> None:
    out = io.StringIO()
    marked = MarkedOutput(out)
    print("one", "two", file=marked)  # type: ignore[arg-type]
    print("a\nb", file=marked)  # type: ignore[arg-type]
    print(marked_result("{}"), file=marked)  # type: ignore[arg-type]
    assert [split_mark(line) for line in out.getvalue().splitlines()] == [(1, "one two"), (1, "a"), (1, "b"), (2, "{}")]
