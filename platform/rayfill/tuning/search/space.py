"""The sweep's space over its base recipes: from Optuna's parameters to recipes, and from recipes to Optuna's parameters."""

from collections.abc import Iterator, Mapping
from typing import Any, cast

from optuna.trial import BaseTrial
from pydantic import ValidationError

from rayfill.spec.errors import InputError, nearest
from rayfill.spec.loading.problems import first_problem
from rayfill.spec.recipe import Recipe
from rayfill.spec.sweep import Sweep
from rayfill.spec.sweep_file import lay
from rayfill.spec.sweep_space import BASE, Choice, Dimension, FloatRange, IntRange, Scalar, in_order
from rayfill.spec.sweep_spec import Params
from rayfill.systems.check_recipe import check_recipe


class Space:
    """What a trial may set, and what recipe that makes. Keys whose `when` does not hold are never suggested."""

    def __init__(self, sweep: Sweep, bases: Mapping[str, Recipe]) -> None:
        """Over `bases`, with the sweep's `set` laid over them already."""
        self.dimensions: Mapping[str, Dimension] = {key: sweep.space[key] for key in in_order(sweep.space)}
        self.bases = dict(bases)

    def suggest(self, trial: BaseTrial) -> dict[str, Any]:
        """Ask the trial for every key that is there, in a fixed order; what a recipe is made of: `values` of them."""
        params: Params = {}
        if len(self.bases) > 1:
            params[BASE] = trial.suggest_categorical(BASE, tuple(self.bases))
        for key, dimension in self.dimensions.items():
            if self._is_there(dimension, params):
                params[key] = _suggest(trial, key, dimension)
        return self.values(params)

    def values(self, params: Mapping[str, Scalar]) -> dict[str, Any]:
        """The recipe's keys that Optuna's parameters set, labels replaced by what they stand for; `base` stays a label."""
        return {key: self._value(key, param) for key, param in params.items()}

    def recipe(self, values: Mapping[str, Any]) -> Recipe:
        """The recipe that values make.

        Raises:
            InputError: they make none; the sentence names the recipe's key.
        """
        base = self.bases[values.get(BASE, next(iter(self.bases)))]
        tree = base.model_dump(mode="json")
        lay(tree, {key: values[key] for key in sorted(values, key=_outer_first) if key != BASE})
        recipe = _validated(tree)
        check_recipe(recipe)
        return recipe

    def own(self, base: str) -> Params:
        """The parameters at which the space gives the base recipe itself.

        Raises:
            InputError: a value of the recipe's lies outside of its range or is none of its choices.
        """
        params: Params = {BASE: base} if len(self.bases) > 1 else {}
        for key, dimension in self.dimensions.items():
            if self._is_there(dimension, params):
                params[key] = self._own(base, key, dimension, params)
        return params

    def points(self) -> Iterator[Params]:
        """Every combination, each once, of a space without continuous dimensions."""
        start: list[Params] = [{BASE: base} for base in self.bases] if len(self.bases) > 1 else [{}]
        for params in start:
            yield from self._points(params, list(self.dimensions))

    def fits(self, params: Mapping[str, Scalar]) -> bool:
        """Whether the parameters are a whole point of this space: every key that is there, no other, all in range."""
        known = {BASE: params.get(BASE)} if len(self.bases) > 1 else {}
        if known and known[BASE] not in self.bases:
            return False
        for key, dimension in self.dimensions.items():
            if self._is_there(dimension, known):
                if key not in params or not dimension.takes(params[key]):
                    return False
                known[key] = params[key]
        return set(known) == set(params)

    def _points(self, params: Params, left: list[str]) -> Iterator[Params]:
        if not left:
            yield params
            return
        key, dimension = left[0], self.dimensions[left[0]]
        if not self._is_there(dimension, params):
            yield from self._points(params, left[1:])
            return
        for value in _every(dimension):
            yield from self._points({**params, key: value}, left[1:])

    def _is_there(self, dimension: Dimension, params: Mapping[str, Scalar]) -> bool:
        return all(key in params and params[key] in allowed for key, allowed in dimension.conditions.items())

    def _value(self, key: str, param: Scalar) -> Any:
        dimension = self.dimensions.get(key)
        return dimension.labelled[param] if isinstance(dimension, Choice) else param

    def _own(self, base: str, key: str, dimension: Dimension, outer: Params) -> Scalar:
        recipe = self.bases[base]
        place = f"space.{key}: recipe {base}"
        try:
            value = own_value(recipe, key)
        except InputError as error:
            several = "; where only some recipes have it, say so by when: {base: ...}" if len(self.bases) > 1 else ""
            raise InputError(f"{place}: {error}{several}") from None
        if isinstance(dimension, Choice):
            for label in dimension.labelled:
                tree = recipe.model_dump(mode="json")
                try:
                    lay(tree, {key: dimension.labelled[label]})
                    if _validated(tree) == recipe:
                        return label
                except InputError:
                    continue
            raise InputError(f"{place}: its own value is none of {', '.join(map(str, dimension.labelled))}; add it")
        if not dimension.takes(value):
            raise InputError(
                f"{place}: its own value {value} is not in {described(dimension)}; trial 0 has to be the recipe's own"
            )
        return cast(Scalar, value)


def own_value(recipe: Recipe, key: str) -> Any:
    """What stands at a dotted key of a recipe. InputError with the nearest name where there is no such key."""
    node: Any = recipe.model_dump(mode="json")
    done: list[str] = []
    for part in key.split("."):
        known = list(node) if isinstance(node, dict) else [str(i) for i in range(len(node))] if isinstance(node, list) else []
        if part not in known:
            raise InputError(f"{'.'.join([*done, part])}: unknown key{nearest(part, known)}")
        node = node[part] if isinstance(node, dict) else node[int(part)]
        done.append(part)
    return node


def described(dimension: FloatRange | IntRange) -> str:
    """``[16, 64] in steps of 16``."""
    steps = f" in steps of {dimension.step}" if dimension.step not in (None, 1) else ""
    return f"[{dimension.low}, {dimension.high}]{steps}"


def _validated(tree: dict[str, Any]) -> Recipe:
    try:
        return Recipe.model_validate(tree)
    except ValidationError as error:
        raise InputError(first_problem(error, Recipe)) from None


def _suggest(trial: BaseTrial, key: str, dimension: Dimension) -> Scalar:
    if isinstance(dimension, Choice):
        return trial.suggest_categorical(key, tuple(dimension.labelled))
    if isinstance(dimension, IntRange):
        return trial.suggest_int(key, dimension.low, dimension.high, step=dimension.step, log=dimension.log)
    return trial.suggest_float(key, dimension.low, dimension.high, step=dimension.step, log=dimension.log)


def _every(dimension: Dimension) -> Iterator[Scalar]:
    if isinstance(dimension, Choice):
        yield from dimension.labelled
    elif isinstance(dimension, IntRange):
        yield from range(dimension.low, dimension.high + 1, dimension.step)
    else:
        step = dimension.step or (dimension.high - dimension.low)
        yield from (dimension.low + i * step for i in range(round((dimension.high - dimension.low) / step) + 1))


def _outer_first(key: str) -> tuple[int, bool]:
    # A mapping before what is in it, and its kind, which may replace it, before the rest.
    return (len(key.split(".")), not key.endswith(".kind"))
