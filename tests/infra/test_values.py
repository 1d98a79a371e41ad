"""infra/values.yaml is the one place of its values: marked lines are up to date, and no line repeats one without a mark."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest
import yaml

INFRA = Path(__file__).parents[2] / "infra"


@pytest.fixture(scope="module")
def fill() -> ModuleType:
    spec = importlib.util.spec_from_file_location("infra_fill", INFRA / "fill.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_marked_line_is_up_to_date(fill: ModuleType) -> None:
    values = fill.load_values()
    late = [p.relative_to(INFRA) for p in fill.files() if fill.fill_file(p.read_text(), values) != p.read_text()]
    assert late == [], "run make infra"


@pytest.mark.parametrize(
    ("line", "filled"),
    [
        ("    image: old # fill: ${a.b}", "    image: new # fill: ${a.b}"),
        ("  - --port=1 # fill: --port=${n}", "  - --port=7 # fill: --port=${n}"),
        ("  - port: 1 # fill: ${n}", "  - port: 7 # fill: ${n}"),
        ('  value: "1" # fill: "${n}"', '  value: "7" # fill: "${n}"'),
        (
            "  - {name: x, value: old} # fill: {name: x, value: ${a.b}}",
            "  - {name: x, value: new} # fill: {name: x, value: ${a.b}}",
        ),
        ("# fill: ARG X=${a.b}\nARG X=old", "# fill: ARG X=${a.b}\nARG X=new"),
        ("  cpu: 1 # a comment of its own", "  cpu: 1 # a comment of its own"),
    ],
)
def test_fill_replaces_the_value_and_nothing_else(fill: ModuleType, line: str, filled: str) -> None:
    assert fill.fill_file(line, {"a": {"b": "new"}, "n": 7}) == filled


def test_fill_refuses_a_name_that_is_not_there(fill: ModuleType) -> None:
    with pytest.raises(KeyError, match=r"a\.c"):
        fill.fill_text("${a.c}", {"a": {"b": 1}})


def test_no_version_image_or_bucket_stands_on_a_line_without_a_mark(fill: ModuleType) -> None:
    values = fill.load_values()
    tokens = {*values["images"].values(), values["image"]["python"], values["image"]["repository"], values["lock"]["ray"]}
    tokens |= {values["jobs"][key] for key in ("data", "recipe", "sweep", "model")}
    found = []
    for path in fill.files():
        before = ""
        for number, line in enumerate(path.read_text().splitlines(), 1):
            is_text = line.lstrip().startswith("#") or "# fill: " in line or before.lstrip().startswith("# fill: ")
            if not is_text and any(str(token) in line for token in tokens):
                found.append(f"{path.relative_to(INFRA)}:{number}: {line.strip()}")
            before = line
    assert found == []


def test_no_port_number_stands_on_a_line_without_a_mark(fill: ModuleType) -> None:
    ports = {str(port) for port in fill.load_values()["ports"].values()}
    found = []
    for path in [p for p in fill.files() if p.suffix in (".yaml", ".yml")]:
        for number, line in enumerate(path.read_text().splitlines(), 1):
            code = line.split(" #")[0]
            if "# fill: " not in line and not code.lstrip().startswith("#") and ports & set(re.findall(r"\b\d{4,5}\b", code)):
                found.append(f"{path.relative_to(INFRA)}:{number}: {line.strip()}")
    assert found == []


def test_values_are_used() -> None:
    values = yaml.safe_load((INFRA / "values.yaml").read_text())
    text = "\n".join(p.read_text() for p in INFRA.rglob("*") if p.is_file() and p.name != "values.yaml" and p.suffix != ".json")

    def names(node: object, at: str = "") -> list[str]:
        if not isinstance(node, dict):
            return [at]
        return [name for key, value in node.items() for name in names(value, f"{at}.{key}" if at else key)]

    assert [name for name in names(values) if f"${{{name}}}" not in text] == []
