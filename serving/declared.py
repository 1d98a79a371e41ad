"""The served model as an application that is declared: `import_path: serving.declared:build_application` in a Serve config.

KubeRay's RayService and `serve deploy` read such a file. `rayfill serve` starts the same application itself.
"""

from typing import get_args

from pydantic import BaseModel, ConfigDict, Field
from ray import serve

from rayfill.spec.locations import Locations
from rayfill.spec.recipe import AskedPrecision
from serving.start import application


class DeclaredModel(BaseModel):
    """`args` of the application.

    Attributes:
        model: what `rayfill serve --model` takes. An alias is resolved when the application is built: apply the file again to
            take what it names by then.
        root: where models lie.
        replicas: copies of the model.
        precision: what each replica multiplies in.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str
    root: str
    replicas: int = Field(default=1, ge=1)
    precision: AskedPrecision = get_args(AskedPrecision)[0]


def build_application(args: DeclaredModel) -> serve.Application:
    """The application of these arguments. InputError or Failed if the model cannot be found."""
    return application(args.model, Locations(args.root), args.replicas, args.precision)
