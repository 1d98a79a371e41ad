"""What machines cost: a file of a team's own rates, for estimates and for what was spent."""

from pydantic import Field

from rayfill.spec.base import Spec


class Rates(Spec):
    """A file for `--rates`, as `jobs/rates/example.yaml` is one."""

    currency: str = Field(min_length=1, max_length=8, description="behind every price")
    cpu_hour: float = Field(ge=0, description="price of one CPU for an hour")
    gpu_hour: float = Field(ge=0, description="price of one GPU for an hour, beside its CPUs")

    def price(self, cpu_hours: float, gpu_hours: float) -> str:
        """``12.30 EUR``."""
        return f"{cpu_hours * self.cpu_hour + gpu_hours * self.gpu_hour:.2f} {self.currency}"
