"""The borders of the house: who may import whom, and what platform/ must never contain."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LAYERS = [
    "spec",
    "cluster hardware",
    "storage concurrency models",
    "masks losses",
    "data",
    "systems",
    "inference",
    "evaluation",
    "registry",
    "training",
    "tuning",
]
LEVEL = {package: i for i, layer in enumerate(LAYERS) for package in layer.split()}
RAY_PLACES = (
    "hardware/on_ray.py",
    "data/ingest/on_ray.py",
    "training/on_ray.py",
    "training/progress_on_ray.py",
    "training/pulse_on_ray.py",
    "training/worker_on_ray.py",
    "training/elastic_on_ray.py",
    "training/metrics_on_ray.py",
    "training/resolve_on_ray.py",
    "evaluation/on_ray.py",
    "tuning/",
    "cluster/",
)
MLFLOW_PLACES = ("registry/", "training/tracking.py")
HEAVY = {"torch", "torchvision", "ray", "mlflow", "numpy", "cv2"}


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def library_files() -> list[Path]:
    return sorted((ROOT / "platform" / "rayfill").rglob("*.py"))


def relative(path: Path) -> str:
    return path.relative_to(ROOT / "platform" / "rayfill").as_posix()


def test_the_library_has_files_to_check() -> None:
    assert len(library_files()) > 40


@pytest.mark.parametrize("path", library_files(), ids=relative)
def test_the_library_imports_only_downwards_and_heavy_packages_only_in_their_places(path: Path) -> None:
    package = relative(path).split("/")[0]
    names = imports(path)
    assert not {n for n in names if n.split(".")[0] in {"jobs", "serving", "benchmarks", "tests"}}
    if package in LEVEL:
        others = {n.split(".")[1] for n in names if n.startswith("rayfill.") and n.split(".")[1] in LEVEL}
        above = {o for o in others if LEVEL[o] > LEVEL[package]}
        assert not above, f"{package} imports {above}, which lie above it"
    tops = {n.split(".")[0] for n in names}
    if not relative(path).startswith(RAY_PLACES):
        assert "ray" not in tops
    if not relative(path).startswith(MLFLOW_PLACES):
        assert "mlflow" not in tops
    if package != "tuning":
        assert not tops & {"optuna", "plotly"}
    if package == "spec":
        assert not tops & HEAVY, "spec must be fast to import"


def test_every_package_of_the_library_has_a_layer() -> None:
    packages = {p.name for p in (ROOT / "platform" / "rayfill").iterdir() if p.is_dir() and p.name != "__pycache__"}
    assert packages <= set(LEVEL)


def test_platform_never_shadows_the_standard_library() -> None:
    assert not (ROOT / "platform" / "__init__.py").exists()
    assert not (ROOT / "platform.py").exists()
    import platform

    assert platform.system()


def test_nothing_is_unpickled() -> None:
    forbidden = {"pickle", "cloudpickle", "dill", "joblib", "shelve", "marshal"}
    for folder in ("platform/rayfill", "jobs", "serving"):
        for path in (ROOT / folder).rglob("*.py"):
            assert not {n.split(".")[0] for n in imports(path)} & forbidden, path
            assert "torch.load" not in path.read_text(), path


def test_no_file_reads_a_setting_of_ours_from_the_environment() -> None:
    for folder in ("platform/rayfill", "jobs", "serving"):
        for path in (ROOT / folder).rglob("*.py"):
            assert "RAYFILL_" not in path.read_text(), path
