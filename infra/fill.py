"""Fill the values of values.yaml into the files beside it: `python infra/fill.py`, or `--check` to say what is out of date.

A YAML line that ends with `# fill: TEXT` gets TEXT, with each ${a.b} replaced, as its value. Where a comment cannot follow on
the same line (Dockerfile), the line `# fill: TEXT` stands before it, and the whole next line becomes TEXT.
"""

import re
import sys
import tomllib
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
FILLED = ("*.yaml", "*.yml", "*Dockerfile", "*.sh", "*.toml")
AT_END = re.compile(
    r"^(?P<before>\s*(?:- )*(?:(?:\"[^\"]*\"|[\w./-]+):\s+)?)(?P<value>\S.*?|)(?P<after>\s*# fill: (?P<text>.+))$"
)
BEFORE = re.compile(r"^\s*# fill: (?P<text>.+)$")
NAME = re.compile(r"\$\{([\w.-]+)\}")


def load_values() -> dict[str, Any]:
    """values.yaml, with the versions of requirements.lock under `lock` and those of pyproject.toml under `project`."""
    values: dict[str, Any] = yaml.safe_load((HERE / "values.yaml").read_text())
    lines = (HERE.parent / "requirements.lock").read_text().splitlines()
    values["lock"] = dict(line.split("==", 1) for line in lines if "==" in line and not line.startswith((" ", "#")))
    values["project"] = tomllib.loads((HERE.parent / "pyproject.toml").read_text())["project"]
    return values


def fill_text(text: str, values: dict[str, Any]) -> str:
    """TEXT with each ${a.b} replaced. KeyError for a name that values.yaml does not have."""

    def value(found: re.Match[str]) -> str:
        at: Any = values
        for key in found[1].split("."):
            if not isinstance(at, dict) or key not in at:
                raise KeyError(found[1])
            at = at[key]
        return str(at)

    return NAME.sub(value, text)


def fill_file(content: str, values: dict[str, Any]) -> str:
    """The content of a file with every marked line filled."""
    lines, filled = content.split("\n"), []
    marked: str | None = None
    for line in lines:
        if marked is not None:
            filled.append(re.match(r"\s*", line)[0] + fill_text(marked, values))  # type: ignore[index]
            marked = None
        elif before := BEFORE.match(line):
            marked = before["text"]
            filled.append(line)
        elif end := AT_END.match(line):
            filled.append(end["before"] + fill_text(end["text"], values) + end["after"])
        else:
            filled.append(line)
    return "\n".join(filled)


def files() -> list[Path]:
    """Every file that may be filled."""
    return sorted(path for pattern in FILLED for path in HERE.rglob(pattern) if path.name != "values.yaml")


def main(words: list[str]) -> int:
    """Fill, or with --check only compare; 1 if a file is not what it should be."""
    values, late = load_values(), []
    for path in files():
        content = path.read_text()
        filled = fill_file(content, values)
        if filled != content:
            late.append(path)
            if "--check" not in words:
                path.write_text(filled)
    for path in late:
        print(f"{'out of date' if '--check' in words else 'filled'}: {path.relative_to(HERE)}")
    return 1 if late and "--check" in words else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
