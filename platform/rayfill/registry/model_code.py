"""Python code of a logged model ("models from code"): MLflow copies this file beside the weights instead of a pickle.

It is for people who load a version through MLflow itself (`mlflow.pyfunc.load_model`). rayfill's own commands and its
server read only `model.json` and `weights.safetensors`, so that a foreign model runs no code of its maker.
"""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from mlflow.models import set_model
from mlflow.pyfunc import PythonModel

from rayfill.inference.inpaint import inpaint
from rayfill.inference.model_folder import load_model


class InpaintingModel(PythonModel):  # type: ignore[misc]  # MLflow ships no types for its base class
    """pyfunc model: pictures and masks to composited pictures."""

    def load_context(self, context: Any) -> None:
        """MLflow calls this once, with the path of the model folder in `context.artifacts`; the name is MLflow's."""
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._model = load_model(Path(context.artifacts["model"]), device, "auto")

    def predict(self, context: Any, model_input: Any, params: Any = None) -> npt.NDArray[np.uint8]:
        """Inpaint a batch.

        Args:
            context: MLflow's, unused here.
            model_input: `image` (B,H,W,3) uint8 RGB and `mask` (B,H,W) uint8, non-zero = hole.
            params: none are known.

        Returns:
            (B,H,W,3) uint8; known pixels are those of `image`.
        """
        images, masks = model_input["image"], model_input["mask"]
        model = self._model
        answers = inpaint(model, list(images), list(masks))
        return np.stack([answer.composited for answer in answers])


set_model(InpaintingModel())  # the one line that MLflow needs at import, and the only reader of this file is MLflow
