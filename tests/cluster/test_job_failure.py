"""Why a job ended is said in a sentence, and its exit code is what a shell would return."""

import pytest

from rayfill.cluster.cluster_jobs import ClusterJob
from rayfill.cluster.job_failure import exit_code_of, translated, why_it_ended


def job(state: str, exit_code: int | None, message: str = "") -> ClusterJob:
    return ClusterJob(
        id="big.2",
        verb="train",
        name="big",
        digest="",
        user="ann",
        root="",
        code_version="",
        labels={},
        metadata={},
        state=state,
        exit_code=exit_code,
        message=message,
        entrypoint="",
        started=None,
        ended=None,
    )


def test_the_exit_code_of_a_command_is_its_own() -> None:
    assert [exit_code_of(job("failed", code)) for code in (2, 1, None, -9, 137)] == [2, 1, 1, 137, 137]


def test_a_command_that_failed_by_itself_has_said_why() -> None:
    assert why_it_ended(job("failed", 2, "Job entrypoint command failed with exit code 2")) is None


@pytest.mark.parametrize("code", [-9, 137])
def test_a_killed_process_is_explained_by_memory(code: int) -> None:
    sentence = "job big.2: its process on the head was killed by SIGKILL, most likely because the head ran out of memory"
    assert why_it_ended(job("failed", code)) == sentence


def test_a_stopped_job_is_said_to_be_stopped() -> None:
    assert why_it_ended(job("stopped", None)) == "job big.2 was stopped"


@pytest.mark.parametrize(
    ("message", "sentence"),
    [
        (
            "runtime_env setup failed: Failed to set up\nOSError: No space left on device",
            "prepare its code .*: OSError: No space",
        ),
        ("Job supervisor actor died: The actor died unexpectedly before finishing this task.", "watches over the job was lost"),
        ("Job supervisor actor failed to start within 900.0 seconds. This timeout can", "did not start in time"),
        ("Job supervisor actor could not be scheduled: no node", "no machine for the command's own process"),
        ("Task was killed due to the node running low on memory.", "the head ran out of memory"),
        ("something\nnew", "^new$"),
        ("", "without a reason"),
    ],
)
def test_ray_s_messages_become_one_sentence(message: str, sentence: str) -> None:
    import re

    found = translated(message)
    assert re.search(sentence, found)
    assert "\n" not in found
