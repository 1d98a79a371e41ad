"""The commands and what each does, in the order of `rayfill --help`. A command's module is imported when it is named."""

from collections.abc import Iterable
from importlib import import_module
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from jobs.arguments import Verb

VERBS = {
    "ingest": "turn a folder, tar file or s3:// prefix of photographs into a dataset; a stopped ingest goes on where it was",
    "data": "list datasets, look into one, check it byte by byte, or delete it",
    "train": "train a recipe on a dataset with Ray Train",
    "tune": "search over the keys of a recipe: Optuna proposes, Ray Tune runs",
    "evaluate": "measure a model beside the classical methods on a dataset's val split",
    "models": "list registered models: versions, aliases, scores",
    "promote": "move an alias to a model that is no worse than the one that has it",
    "rollback": "put an alias back on the version that had it before",
    "inpaint": "fill the holes of a picture or of a folder of pictures",
    "serve": "answer over HTTP, with a page to paint holes on",
    "doctor": "check this machine, the store, MLflow and the cluster",
    "demo": "carry photographs through the whole life of a model: ingest, train, promote, serve",
    "schema": "print the JSON Schema of a kind of file",
}


def load_verbs(names: Iterable[str]) -> "list[Verb]":
    """The modules of these commands."""
    return [cast("Verb", import_module(f"jobs.{name}")) for name in names]
