"""The commands and what each does, in the order of `rayfill --help`. A command's module is imported when it is named."""

from collections.abc import Iterable
from importlib import import_module
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from jobs.arguments import Verb

VERBS = {
    "ingest": "turn a folder, tar file or s3:// prefix of photographs into a dataset; resumes a stopped one",
    "data": "list, inspect, verify, license or delete datasets",
    "train": "train a recipe on a dataset with Ray Train",
    "tune": "search over the keys of a recipe: Optuna proposes, Ray Tune runs",
    "evaluate": "measure a model beside the classical methods on a dataset's val split",
    "compare": "hold models against one: gains with intervals, by hole ratio and slice, and pictures won and lost",
    "models": "list registered models, show the chain behind one, or compare its digests with what they name",
    "promote": "move an alias to a model if every rule of the gate passes",
    "history": "list who moved which alias when, why and by which numbers, and what the gate refused",
    "rollback": "move an alias back to its previous version",
    "inpaint": "fill the holes of a picture or of a folder of pictures",
    "serve": "serve a model over HTTP, with a page to paint holes on",
    "runs": "list the jobs of a cluster: state, progress, time left",
    "logs": "print what a job has printed, and follow it",
    "stop": "stop a job in order; what does not end in time is killed",
    "resubmit": "submit the command of an earlier job again",
    "doctor": "check this machine, the store, MLflow and the cluster",
    "demo": "run the whole life of a model on bundled photographs: ingest, train, evaluate, promote, serve",
    "up": "start Ray, MLflow and, if asked, an S3 store on this machine",
    "status": "report on the services that `up` started",
    "down": "stop the services that `up` started",
    "schema": "print the JSON Schema of recipes, sweeps or releases, for editors",
}


def load_verbs(names: Iterable[str]) -> "list[Verb]":
    """The modules of these commands."""
    return [cast("Verb", import_module(f"jobs.{name}")) for name in names]
