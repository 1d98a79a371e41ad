"""A command's identity on a cluster: the same words are the same job."""

import shlex

import pytest

from rayfill.cluster.cluster_jobs import ClusterJob
from rayfill.cluster.job_command import JobCommand, generated_name, parse_labels
from rayfill.cluster.submit import _next_id, same_job, this_user
from rayfill.spec.errors import InputError


def command(name: str = "big", arguments: tuple[str, ...] = ("--data", "photos"), **more: object) -> JobCommand:
    return JobCommand("train", arguments, name, "s3://bucket/x", "0.1.0+git.abc", **more)  # type: ignore[arg-type]


def job(of: JobCommand, state: str, job_id: str | None = None, user: str | None = None) -> ClusterJob:
    metadata = of.metadata(user or this_user(), None)
    return ClusterJob(
        id=job_id or of.name,
        verb=of.verb,
        name=of.name,
        digest=of.digest,
        user=user or this_user(),
        root=of.root,
        code_version=of.code_version,
        labels={},
        metadata=metadata,
        state=state,
        exit_code=None,
        message="",
        entrypoint=of.entrypoint,
        started=None,
        ended=None,
    )


def test_the_entrypoint_gives_the_command_its_name_and_the_version_of_the_code() -> None:
    words = shlex.split(command().entrypoint)
    assert words == shlex.split("python -P -m jobs.in_job train --data photos --name big --code-version 0.1.0+git.abc")


def test_neither_name_nor_code_is_part_of_what_a_command_does() -> None:
    assert command("a").digest == command("b").digest != command(arguments=("--data", "other")).digest


def test_the_same_command_under_the_same_name_is_the_job_that_goes_on() -> None:
    jobs = [job(command(), "running", "big.2"), job(command(), "failed")]
    found = same_job(jobs, command())
    assert found is not None
    assert found.id == "big.2"


def test_another_command_under_the_name_of_a_job_that_goes_on_is_refused() -> None:
    other = command(arguments=("--data", "other"))
    with pytest.raises(InputError, match="--name big: job big of .* is going on with another command, rayfill train"):
        same_job([job(other, "running")], command())


@pytest.mark.parametrize("state", ["failed", "stopped"])
def test_what_failed_or_was_stopped_is_submitted_again(state: str) -> None:
    assert same_job([job(command(), state)], command(unique=True)) is None


def test_only_what_is_done_once_is_not_done_again() -> None:
    assert same_job([job(command(), "succeeded")], command(unique=True)) is not None
    assert same_job([job(command(), "succeeded")], command(unique=False)) is None


def test_without_a_name_the_same_person_s_same_command_that_goes_on_is_taken() -> None:
    unnamed = command("made-up-2", named=False)
    assert same_job([job(command("made-up-1"), "running")], unnamed) is not None
    assert same_job([job(command("made-up-1"), "running", user="somebody")], unnamed) is None
    assert same_job([job(command("made-up-1"), "succeeded")], unnamed) is None


def test_the_first_attempt_has_the_run_s_name_for_its_id_and_later_ones_a_number() -> None:
    jobs = [job(command(), "failed"), job(command(), "failed", "big.2")]
    assert [_next_id(jobs[:n], "big") for n in range(3)] == ["big", "big.2", "big.3"]


def test_a_command_too_long_for_linux_is_refused() -> None:
    with pytest.raises(InputError, match="search over fewer base recipes"):
        _ = command(arguments=("--resolved-sweep", "x" * 130_000)).entrypoint


def test_generated_names_tell_what_they_are_about_and_are_the_same_for_the_same_command() -> None:
    names = [generated_name("evaluate", "gdn@champion", ("--data", data)) for data in ("a", "a", "b")]
    assert names[0] == names[1] != names[2]
    assert names[0].startswith("evaluate-gdn-champion-")


def test_labels_are_keys_and_values() -> None:
    assert parse_labels(["team=faces", "cost/centre=7"]) == {"team": "faces", "cost/centre": "7"}
    with pytest.raises(InputError, match="--label team: write KEY=VALUE"):
        parse_labels(["team"])
