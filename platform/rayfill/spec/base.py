"""Base of all typed specs: unknown keys are errors, values are frozen, the content has a digest."""

import hashlib
import json
from typing import Any

from pydantic import BaseModel, ConfigDict


class Strict(BaseModel):
    """Frozen; an unknown key or a value of another type is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Spec(Strict):
    """Base of everything a user may write."""

    def canonical(self) -> str:
        """The spec as JSON with sorted keys and no spaces: equal specs give equal text."""
        return canonical_json(self.model_dump(mode="json"))

    def digest(self) -> str:
        """SHA-256 of `canonical()`, 64 hex digits."""
        return hashlib.sha256(self.canonical().encode()).hexdigest()


def canonical_json(value: Any) -> str:
    """JSON with sorted keys and no spaces, the form that digests are taken of."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
