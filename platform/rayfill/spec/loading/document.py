"""Load a typed spec from a YAML file and `--set key=value`; errors are one sentence with file, key and reason.

A file may begin with `extends: other.yaml` (a path beside it) and then says only what differs: mappings are merged, anything
else is replaced, and so is a mapping by one of another `kind`. `drop: [players.detector]` leaves keys of the other file out.
"""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError

from rayfill.spec.base import Spec
from rayfill.spec.errors import InputError, nearest
from rayfill.spec.loading.problems import first_problem, problem_path

S = TypeVar("S", bound=Spec)
Tree = dict[str, Any]


def load_spec(path: Path, spec: type[S], overrides: Sequence[str] = (), paths: Collection[str] = ()) -> S:
    """The spec that a YAML file and overrides (`a.b=c`) describe. `paths` as in `read_tree`.

    Raises:
        InputError: it names file, line and key.
    """
    tree = read_tree(path, paths)
    for override in overrides:
        apply_override(tree, override)
    return validate(tree, spec, path)


def validate(tree: Mapping[str, Any], spec: type[S], path: Path) -> S:
    """`tree` as a typed spec; `path` is where it came from, for the sentence."""
    try:
        return spec.model_validate(tree)
    except ValidationError as error:
        line = _line_of(path, problem_path(error, spec))
        raise InputError(f"{path}{f':{line}' if line else ''}: {first_problem(error, spec)}") from None


def read_tree(path: Path, paths: Collection[str] = (), seen: tuple[Path, ...] = ()) -> Tree:
    """The file's mapping with what it extends merged below it.

    Args:
        path: the file.
        paths: top keys that hold a path, or a mapping of paths, beside the file that says so; they come back absolute.
    """
    if path.resolve() in seen:
        raise InputError(f"{path}: extends itself, through {' -> '.join(p.name for p in seen)}")
    tree = _parse(path)
    if not isinstance(tree, dict):
        raise InputError(f"{path}: the file holds no mapping of keys to values")
    for key in paths:
        if key in tree:
            tree[key] = _beside(path, tree[key])
    base, drop = tree.pop("extends", None), tree.pop("drop", [])
    if not isinstance(drop, list) or (drop and base is None):
        raise InputError(f"{path}: drop: is a list of dotted keys of the file that this one extends, not {drop!r}")
    if base is None:
        return tree
    if not isinstance(base, str):
        raise InputError(f"{path}: extends: is the path of one YAML file, beside this one, not {base!r}")
    below = read_tree(path.parent / base, paths, (*seen, path.resolve()))
    for key in drop:
        _drop(below, str(key), path)
    return merge(below, tree)


def _beside(path: Path, value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _beside(path, inner) for key, inner in value.items()}
    return str((path.parent / value).resolve()) if isinstance(value, str) else value


def _drop(tree: Tree, key: str, path: Path) -> None:
    node: Any = tree
    last, *rest = _next_key(node, key.split("."))
    while rest:
        node = node.get(last, {}) if isinstance(node, dict) else {}
        last, *rest = _next_key(node, rest)
    if not isinstance(node, dict) or last not in node:
        raise InputError(
            f"{path}: drop: the file it extends has no '{key}'{nearest(last, node if isinstance(node, dict) else ())}"
        )
    del node[last]


def merge(below: Tree, above: Tree) -> Tree:
    """`above` laid over `below`; a mapping of another `kind` replaces what it lies on."""
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        fits = isinstance(old, dict) and isinstance(value, dict) and value.get("kind", old.get("kind")) == old.get("kind")
        merged[key] = merge(old, value) if fits and isinstance(old, dict) else value
    return merged


def apply_override(tree: Tree, override: str) -> None:
    """Set `a.b=c` in the tree; c is read as YAML, so numbers, true, null and [lists] work. List items by number."""
    key, equals, text = override.partition("=")
    parts = key.strip().split(".")
    if not equals or not all(parts):
        raise InputError(f"--set {override}: write key=value, with dots between the keys, as in training.seed=1")
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        raise InputError(f"--set {override}: the value is not valid YAML") from None
    try:
        place(tree, key.strip(), _number(value))
    except InputError as error:
        raise InputError(f"--set {override}: {error}") from None


def place(tree: Tree, key: str, value: Any) -> None:
    """Set a dotted key in the tree, making mappings on the way; list items by number.

    A key that itself has dots, as those of a sweep's space, is found where it is there already.

    Raises:
        InputError: the way leads through a single value, or to an item that a list does not have.
    """
    node: Any = tree
    done: list[str] = []
    rest = key.split(".")
    while rest:
        part, *rest = _next_key(node, rest)
        if isinstance(node, list):
            if not part.isdigit() or int(part) >= len(node):
                raise InputError(f"there is no item '{part}', {'.'.join(done)} has items 0 to {len(node) - 1}")
            here: Any = int(part)
        elif isinstance(node, dict):
            here = part
            if rest:
                node.setdefault(part, {})
        else:
            raise InputError(f"{'.'.join(done)} is a single value, it has no '{part}'")
        if rest:
            node = node[here]
        else:
            node[here] = value
        done.append(part)


def _next_key(node: Any, parts: Sequence[str]) -> list[str]:
    """`parts` with those joined at the beginning that are one key of the node."""
    for n in range(len(parts), 1, -1):
        if isinstance(node, dict) and ".".join(parts[:n]) in node:
            return [".".join(parts[:n]), *parts[n:]]
    return list(parts)


def _number(value: Any) -> Any:
    # YAML 1.1 reads 1e-4 as text, because it requires a dot; users write 1e-4.
    if isinstance(value, str):
        try:
            return float(value) if "e" in value.lower() else value
        except ValueError:
            return value
    return value


def _numbers(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _numbers(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_numbers(v) for v in value]
    return _number(value)


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except FileNotFoundError:
        others = sorted(p.name for p in path.parent.glob("[!.]*.yaml")) if path.parent.is_dir() else []
        raise InputError(f"{path}: no such file{nearest(path.name, others) if others else ''}") from None
    except (IsADirectoryError, UnicodeDecodeError, PermissionError):
        raise InputError(f"{path}: not a readable YAML file") from None


def _parse(path: Path) -> Any:
    try:
        return _numbers(yaml.safe_load(_text(path)))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f":{mark.line + 1}" if mark else ""
        raise InputError(f"{path}{where}: not valid YAML: {getattr(error, 'problem', None) or 'cannot be read'}") from None


def _line_of(path: Path, keys: Sequence[str]) -> int | None:
    """The line where the deepest of `keys` that the file itself holds stands; None if it came from elsewhere."""
    node = yaml.compose(_text(path))
    line: int | None = None
    for key in keys:
        if isinstance(node, yaml.MappingNode):
            found = next((pair for pair in node.value if pair[0].value == key), None)
            if found is None:
                return line
            line, node = found[0].start_mark.line + 1, found[1]
        elif isinstance(node, yaml.SequenceNode) and key.isdigit() and int(key) < len(node.value):
            node = node.value[int(key)]
            line = node.start_mark.line + 1
        else:
            return line
    return line
