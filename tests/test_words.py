"""The words of the code are the field's: identifiers and modules that were renamed do not come back (docs/glossary.md)."""

import io
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = ("platform", "jobs", "serving", "benchmarks", "tests")

MODULES = {
    "appearing": "atomic_write",
    "patience": "retry",
    "stores": "open_store",
    "once": "single_flight",
    "daemons": "background",
    "stream": "loader",
    "order": "sampler",
    "chance": "augment",
    "stand_in": "corrupt_samples",
    "relatives": "near_duplicates",
    "look": "perceptual_hash",
    "settle": "deduplicate or adjust_ratio",
    "receipt": "part_manifest",
    "ledger": "part_builder",
    "cache_room": "eviction",
    "shard_copies": "remote",
    "shard_files": "local",
    "shard_check": "integrity",
    "sheet": "contact_sheet",
    "colours": "color",
    "share": "placement",
    "finite": "nan_detector",
    "pausing_loop": "loop",
    "pausing_worker": "worker",
    "grid": "sample_grid",
    "contracted": "batch_inference",
    "bounded": "large_images",
    "proposals": "ask_tell",
    "lines": "text",
    "live": "progress",
    "crown": "publish",
    "pick": "selection",
    "workers": "multi_worker_trial",
    "quiet": "log_levels",
    "exam": "eval_set",
    "examine": "measure_model",
    "archive": "scorecard_store",
    "standard": "default_mask_set",
}
"""Former names of modules, each with the name that the field has for it. `memory` may be a module: a benchmark measures it."""

NAMES = {
    "patiently": "call_with_retries",
    "Once": "SingleFlightCache",
    "once": "cache",
    "in_daemon": "run_in_background",
    "in_parallel": "map_unordered",
    "Stream": "Loader",
    "Order": "ShardSampler",
    "Place": "SamplePosition, WorkerContext or SweepLocation",
    "chance": "generator",
    "StandIns": "Replacements",
    "stand_in": "replacement",
    "stand_ins": "replacements",
    "Relatives": "NearDuplicates",
    "relatives": "near_duplicates",
    "look": "phash, or check",
    "look_of": "perceptual_hash",
    "looks": "phashes",
    "settle": "deduplicate or adjust_ratio",
    "receipt": "part_manifest",
    "ledger": "part_builder",
    "take_room": "reserve_space",
    "Unusable": "InvalidImage",
    "sheet": "canvas or contact_sheet",
    "colour": "color",
    "colours": "colors",
    "FiniteWatch": "NanDetector",
    "finite": "all_finite",
    "pin_starts": "resolve_init_checkpoints",
    "load_starts": "load_init_weights",
    "carry_out": "train_and_register",
    "take_up": "claim_or_resume",
    "only_trainer_of": "run_lock",
    "pausing_loop": "train_steps",
    "pausing_worker": "train_worker_steps",
    "Turn": "Round",
    "fill_batch": "inpaint_batch",
    "fill_samples_of": "inpaint",
    "inpaint_bounded": "inpaint",
    "inpaint_samples": "inpaint",
    "spoil": "corrupt",
    "spoilt": "corrupt",
    "crown": "register_winner",
    "Talk": "TrainRunChannel",
    "exam": "eval_set",
    "examine": "measure_model",
    "archive": "scorecard_store",
    "standard_mask_set": "default_mask_set",
    "quiet_mlflow": "mlflow_errors_only",
    "say": "log",
    "told": "reported",
    "held": "locked",
    "kept": "cached or stored",
    "coming": "prefetched",
}
"""Former identifiers, with or without leading underscores. `known` is not among them: known pixels are the field's word."""

ALLOWED = {
    ("jobs/data.py", "sheet"): "the option --sheet, part of the command line",
    ("tests/jobs/test_data_commands.py", "sheet"): "the option --sheet",
    ("*", "relatives"): "the key of manifest.json, a format on disk",
    ("*", "looks"): "the key of parts/NNNNN.json, a format on disk",
}
"""(file, identifier) pairs that stay, with the reason; `*` is any file in which the identifier is an attribute or keyword."""

ELSEWHERE = ("/tuning/", "/sweep", "jobs/tune")
"""Paths whose words are their own work."""

WRITTEN_MEANWHILE = (
    "jobs/compare.py",
    "platform/rayfill/cluster/header_timeout.py",
    "platform/rayfill/evaluation/comparison/",
    "platform/rayfill/evaluation/metrics.py",
    "platform/rayfill/registry/verify_version.py",
    "platform/rayfill/training/pulse_on_ray.py",
    "platform/rayfill/training/state.py",
    "platform/rayfill/training/worker_hooks.py",
    "platform/rayfill/training/worker_on_ray.py",
    "tests/chaos/",
    "tests/evaluation/test_evaluation.py",
    "tests/masks/test_mended_damage.py",
    "tests/serving/test_ray_serve.py",
)
"""Code written while the words were renamed, with `told`, `kept`, `once`, ... in it. Rename there, then drop the line."""


def sources() -> list[Path]:
    return [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py")) if path != Path(__file__)]


def identifiers(source: str) -> Iterator[tuple[int, str, bool]]:
    """(line, name without leading underscores, whether it is an attribute, a keyword argument or a field with a type)."""
    before = ""
    tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    for token, after in zip(tokens, [*tokens[1:], tokens[-1]], strict=True):
        if token.type == tokenize.NAME:
            is_key = before == "." or (
                after.string in ("=", ":") and after.start == token.end
            )  # ruff puts a space before other '='
            yield token.start[0], token.string.lstrip("_"), is_key
        before = token.string


def test_no_module_has_a_former_name() -> None:
    assert not {path.relative_to(ROOT).as_posix(): MODULES[path.stem] for path in sources() if path.stem in MODULES}


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_identifier_has_a_former_name(folder: str) -> None:
    found = []
    for path in sources():
        name = path.relative_to(ROOT).as_posix()
        if not name.startswith(f"{folder}/") or any(part in name for part in (*ELSEWHERE, *WRITTEN_MEANWHILE)):
            continue
        for line, word, is_key in identifiers(path.read_text()):
            allowed = (name, word) in ALLOWED or (is_key and ("*", word) in ALLOWED)
            if word in NAMES and not allowed:
                found.append(f"{name}:{line}: {word} (say {NAMES[word]})")
    assert not found, "\n".join(found)


def test_identifiers_sees_names_and_no_text() -> None:
    source = "told = f(kept=1)  # held\n'coming'\n_look(x.relatives)\n"
    assert [word for _, word, _ in identifiers(source)] == ["told", "f", "kept", "look", "x", "relatives"]
