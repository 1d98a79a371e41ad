"""A rayfill command to run on a cluster: what it is, what it is called, what it needs, and what is remembered of it."""

import hashlib
import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field

from rayfill.spec.errors import InputError

ENTRYPOINT = ("python", "-P", "-m", "jobs.in_job")
"""-P: the folder where the cluster was started is no place to find code in."""
LONGEST = 120_000
"""Bytes of a command line. Linux takes 131,072 in one argument, and a job's whole line is one of its shell."""

VERB, NAME, DIGEST, USER, ROOT, ROOT_ID, CODE = (
    f"rayfill.{key}" for key in ("verb", "name", "digest", "user", "root", "root_id", "code")
)
"""Keys of a job's metadata."""
LABEL = "rayfill.label."
"""How the keys of a person's own labels begin."""
_LABEL = re.compile(r"([A-Za-z0-9][A-Za-z0-9._/-]{0,62})=([^\s=]{0,120})")


@dataclass(frozen=True, slots=True)
class Needs:
    """What a command asks of the cluster at least.

    Attributes:
        workers: processes that must all find room at once; 0 if the command takes what there is.
        cpus: of each.
        gpus: of each, a share of one too; where the cluster has any.
    """

    workers: int = 0
    cpus: float = 1
    gpus: float = 1


@dataclass(frozen=True, slots=True)
class JobCommand:
    """A command, resolved so that it means on the cluster what it meant where it was typed.

    Attributes:
        verb: its first word.
        arguments: the other words, without `--name` and `--code-version`, which are not part of what it does.
        name: of the run, the sweep or the job; the job's id on the cluster.
        named: whether a person chose the name.
        root: URL under which everything lies.
        code_version: of the code that is sent with it.
        unique: whether a finished one is not done again: a run's name is never used twice.
        needs: what it asks of the cluster.
        labels: a person's own, to find it by.
    """

    verb: str
    arguments: tuple[str, ...]
    name: str
    root: str
    code_version: str
    named: bool = True
    unique: bool = False
    needs: Needs = Needs()
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def entrypoint(self) -> str:
        """The shell line of the job. InputError if it is longer than Linux takes."""
        line = shlex.join([*ENTRYPOINT, self.verb, *self.arguments, *self._named_arguments()])
        if len(line.encode()) > LONGEST:
            raise InputError(
                f"rayfill {self.verb}: the resolved command has {len(line.encode()):,} bytes; a job takes {LONGEST:,}: "
                "search over fewer base recipes"
            )
        return line

    @property
    def digest(self) -> str:
        """The same for the same command, whatever it is called."""
        return hashlib.sha256(json.dumps([self.verb, *self.arguments]).encode()).hexdigest()

    def metadata(self, user: str, root_id: str | None) -> dict[str, str]:
        """What the cluster remembers of the job; no secret is in it."""
        known = {VERB: self.verb, NAME: self.name, DIGEST: self.digest, USER: user, ROOT: self.root, CODE: self.code_version}
        labels = {f"{LABEL}{key}": value for key, value in self.labels.items()}
        return known | labels | ({ROOT_ID: root_id} if root_id else {})

    def _named_arguments(self) -> list[str]:
        """`--name` and `--code-version` of the verbs whose results carry them."""
        if self.verb not in ("train", "tune"):
            return []
        name = [] if "--resolved-sweep" in self.arguments else ["--name", self.name]
        return [*name, "--code-version", self.code_version]


def generated_name(verb: str, about: str, arguments: tuple[str, ...]) -> str:
    """``evaluate-gdn-champion-3f9c01``: the same for the same command, another for another."""
    slug = re.sub(r"[^A-Za-z0-9]+", "-", about.rpartition("://")[2]).strip("-")[-40:].strip("-")
    digest = hashlib.sha256(json.dumps([verb, *arguments]).encode()).hexdigest()[:6]
    return "-".join(part for part in (verb, slug, digest) if part)


def parse_labels(texts: list[str]) -> dict[str, str]:
    """Labels of the command line, each ``KEY=VALUE``. InputError names the first that is none."""
    labels = {}
    for text in texts:
        found = _LABEL.fullmatch(text)
        if not found:
            raise InputError(f"--label {text}: write KEY=VALUE, as in team=faces; a value has no blanks")
        labels[found[1]] = found[2]
    return labels
