"""What the commands of local services share: their folder and their lines."""

from pathlib import Path

from rayfill.cluster.services.service_folder import ServiceFolder
from rayfill.cluster.services.state import State
from rayfill.spec.locations import Locations

BESIDE_A_BUCKET = "./.rayfill"
"""Where the services' folder lies if the root is no folder."""


def folder_of(root: str) -> ServiceFolder:
    """The services' folder of a root."""
    url = Locations(root).root
    return ServiceFolder(Path(url.removeprefix("file://") if url.startswith("file://") else BESIDE_A_BUCKET).resolve() / "up")


def shown_services(folder: ServiceFolder, state: State) -> dict[str, object]:
    """Print a line a service, and return the same as data."""
    found: dict[str, object] = {}
    for name, one in state.services.items():
        alive = one.process is not None and one.process.alive
        phase = one.phase if alive or one.phase == "waiting" else "ended"
        again = f", started again {one.restarts} times, last after: {one.reason}" if one.restarts else ""
        print(f"{name:7} {phase:8} {one.url}  pid {one.process.pid if one.process else '-'}{again}  {folder.log(name)}")
        found[name] = {
            "phase": phase,
            "url": one.url,
            "pid": one.process.pid if one.process else None,
            "restarts": one.restarts,
            "log": str(folder.log(name)),
        }
    return {"services": found}
