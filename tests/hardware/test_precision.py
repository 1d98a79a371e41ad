"""`auto` follows what the device multiplies natively, and all workers take the same."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from rayfill.hardware import precision
from rayfill.hardware.agreement import Hardware, choose_precision, inspect_hardware, resume_warning
from rayfill.hardware.precision import autocast, multiplies_bf16, native_precision, resolve_precision
from rayfill.spec.recipe import AskedPrecision, Precision

ROOT = Path(__file__).parents[2]
CPU = torch.device("cpu")
NATIVE, EMULATED = Hardware("CPU", True), Hardware("CPU", False, 48.2)


def play(monkeypatch: pytest.MonkeyPatch, *flags: str, onednn: bool = True, limit: str | None = None) -> None:
    """Let this CPU have only these of the bf16 instruction sets."""
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {flag: flag in flags for flag in precision.NATIVE_CPU_FLAGS})
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: onednn)
    for name in precision.ISA_LIMITS:
        monkeypatch.delenv(name, raising=False)
    if limit:
        monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", limit)


@pytest.mark.parametrize(
    ("flags", "onednn", "limit", "expected"),
    [
        (("avx512_bf16",), True, None, "bf16"),
        (("amx_bf16",), True, None, "bf16"),
        ((), True, None, "fp32"),
        (("avx512_bf16",), False, "AVX2", "fp32"),
        (("avx512_bf16",), True, "AVX512_CORE", "fp32"),
        (("avx512_bf16",), True, "avx512_core_bf16", "bf16"),
        (("amx_bf16",), True, "AVX512_CORE_AMX", "bf16"),
    ],
    ids=["AVX512-BF16", "AMX", "neither", "oneDNN-limited-to-AVX2", "oneDNN-limited-to-AVX512", "limit-with-bf16", "limit-AMX"],
)
def test_auto_on_a_cpu_is_bf16_only_with_native_instructions_that_oned_nn_may_use(
    monkeypatch: pytest.MonkeyPatch, flags: tuple[str, ...], onednn: bool, limit: str | None, expected: str
) -> None:
    play(monkeypatch, *flags, onednn=onednn, limit=limit)
    assert native_precision(CPU) == expected
    assert resolve_precision("auto", CPU) == expected


def test_a_typed_precision_is_kept_whatever_the_hardware(monkeypatch: pytest.MonkeyPatch) -> None:
    play(monkeypatch)
    assert resolve_precision("bf16", CPU) == "bf16"
    play(monkeypatch, "avx512_bf16")
    assert resolve_precision("fp32", CPU) == "fp32"


@pytest.mark.parametrize(
    ("asked", "workers", "expected"),
    [
        ("auto", [NATIVE, NATIVE], "bf16"),
        ("auto", [NATIVE, EMULATED], "fp32"),
        ("auto", [EMULATED, EMULATED], "fp32"),
        ("fp32", [NATIVE, NATIVE], "fp32"),
        ("bf16", [EMULATED, NATIVE], "bf16"),
    ],
)
def test_all_workers_take_the_precision_that_each_of_them_can(
    asked: AskedPrecision, workers: list[Hardware], expected: Precision
) -> None:
    assert choose_precision(asked, workers)[0] == expected


def test_choosing_says_what_a_user_would_not_expect() -> None:
    assert choose_precision("auto", [NATIVE])[1] is None
    assert choose_precision("auto", [EMULATED])[1] is None
    assert "1 of 3 machines do not multiply bf16" in str(choose_precision("auto", [NATIVE, EMULATED, NATIVE])[1])
    typed = choose_precision("bf16", [NATIVE, EMULATED])[1]
    assert typed == (
        "precision: bf16 is emulated on this CPU: a convolution takes 48.2 times as long as in fp32; "
        "precision auto would take fp32"
    )


def test_a_resumed_run_names_the_cost_of_other_hardware() -> None:
    assert resume_warning("bf16", "auto", [NATIVE]) is None
    assert resume_warning("fp32", "auto", [EMULATED]) is None
    assert resume_warning("fp32", "fp32", [NATIVE]) is None
    assert "48.2 times as long" in str(resume_warning("bf16", "auto", [EMULATED]))
    assert "began in fp32 and keeps it" in str(resume_warning("fp32", "auto", [NATIVE]))


def test_the_cost_of_emulation_is_measured_where_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    play(monkeypatch)
    assert inspect_hardware(CPU, "auto").slowdown is None
    slowdown = inspect_hardware(CPU, "bf16").slowdown
    assert slowdown is not None
    assert slowdown > 0


def test_autocast_computes_convolutions_in_the_precision_and_refuses_auto() -> None:
    image, weight = torch.ones(1, 1, 4, 4), torch.ones(1, 1, 3, 3)
    with autocast(CPU, "bf16"):
        assert torch.conv2d(image, weight).dtype == torch.bfloat16
    with autocast(CPU, "fp32"):
        assert torch.conv2d(image, weight).dtype == torch.float32
    with pytest.raises(ValueError, match="not resolved"):
        autocast(CPU, "auto")


STEPS_WITHOUT_BF16 = """
import torch
from pathlib import Path
from rayfill.data.batch import Batch
from rayfill.hardware.precision import resolve_precision
from rayfill.spec.loading.document import load_spec
from rayfill.spec.recipe import Recipe
from rayfill.training.resolve import with_precision
from rayfill.training.state import TrainState
from rayfill.training.optimization.step import play_step

cpu = torch.device("cpu")
asked = load_spec(Path("tests/systems/small/gdn.yaml"), Recipe)
recipe = with_precision(asked, resolve_precision(asked.training.precision, cpu))
state = TrainState(recipe, cpu)
dtypes = set()
state.system.generator.encoder[1].register_forward_hook(lambda module, given, answer: dtypes.add(str(answer.dtype)))
side = recipe.images.size
batch = Batch(torch.rand(2, 3, side, side), (torch.rand(2, 1, side, side) > 0.7).float(), ("a", "b"))
for at in range(3):
    measured = play_step(state.system, state.players, state.phase(), batch, recipe.training, at)
assert all(value.isfinite() for value in measured.values())
print(asked.training.precision, recipe.training.precision, *dtypes)
"""


def test_a_process_from_which_one_dnn_takes_bf16_trains_in_fp32() -> None:
    environment = {**os.environ, "ONEDNN_MAX_CPU_ISA": "AVX2", "ATEN_CPU_CAPABILITY": "avx2"}
    command = [sys.executable, "-c", STEPS_WITHOUT_BF16]
    limited = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=True)
    assert limited.stdout.split() == ["auto", "fp32", "torch.float32"]
    if multiplies_bf16(CPU):
        assert native_precision(CPU) == "bf16"
