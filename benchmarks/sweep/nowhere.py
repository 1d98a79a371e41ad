"""A sweep as `rayfill tune` would begin it, but of nothing: no dataset, no evaluation set."""

from rayfill.spec.sweep_file import SweepFile
from rayfill.spec.sweep_spec import SweepSpec

NO_DIGEST = "0" * 64


def spec_nowhere(file: SweepFile, root: str = "file:///nowhere") -> SweepSpec:
    """For proposals whose trials are not trained; the study may lie under `root`."""
    return SweepSpec(
        format="rayfill-sweep-1",
        name=file.sweep.name,
        sweep=file.sweep,
        bases=file.bases,
        originals=file.originals,
        root=root,
        dataset="file:///nowhere",
        dataset_digest=NO_DIGEST,
        protocol_digest=NO_DIGEST,
        code_version="benchmark",
        created="2026-01-01T00:00:00+00:00",
    )
