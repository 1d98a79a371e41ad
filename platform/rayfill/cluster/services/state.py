"""What the supervisor records of itself and its services, for commands that come later."""

from dataclasses import dataclass, field
from typing import Any, Literal

from rayfill.cluster.services.process_mark import ProcessMark, boot_id
from rayfill.cluster.services.service_folder import ServiceFolder, read_json, write_json

Phase = Literal["starting", "running", "waiting"]
"""`waiting`: it ended, and is started again after a pause."""


@dataclass
class ServiceState:
    """One service.

    Attributes:
        url: where it answers.
        phase: see `Phase`.
        process: the process that was started; None while it waits.
        below: processes that descend from it.
        restarts: how often it was started again.
        reason: why it ended last, for people.
    """

    url: str
    phase: Phase = "waiting"
    process: ProcessMark | None = None
    below: list[ProcessMark] = field(default_factory=list)
    restarts: int = 0
    reason: str = ""

    @property
    def marks(self) -> list[ProcessMark]:
        """All its processes."""
        return [*([self.process] if self.process else []), *self.below]


@dataclass
class State:
    """The supervisor and its services by name."""

    supervisor: ProcessMark
    services: dict[str, ServiceState]

    @property
    def marks(self) -> list[ProcessMark]:
        """All processes of all services, without the supervisor."""
        return [mark for service in self.services.values() for mark in service.marks]


def write_state(folder: ServiceFolder, state: State) -> None:
    """Record it."""
    services = {
        name: {
            "url": one.url,
            "phase": one.phase,
            "process": one.process,
            "below": one.below,
            "restarts": one.restarts,
            "reason": one.reason,
        }
        for name, one in state.services.items()
    }
    write_json(folder.state, {"boot": boot_id(), "supervisor": state.supervisor, "services": services})


def read_state(folder: ServiceFolder) -> State | None:
    """What was recorded since the machine was booted, or None. Marks in it may be of processes that ended since."""
    content = read_json(folder.state)
    if content is None or content["boot"] != boot_id():
        return None
    return State(ProcessMark(*content["supervisor"]), {name: _service(one) for name, one in content["services"].items()})


def _service(one: dict[str, Any]) -> ServiceState:
    process = ProcessMark(*one["process"]) if one["process"] else None
    below = [ProcessMark(*mark) for mark in one["below"]]
    return ServiceState(one["url"], one["phase"], process, below, one["restarts"], one["reason"])
