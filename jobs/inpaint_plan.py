"""Plan `rayfill inpaint`: pair pictures, masks and outputs, and check them before a model is loaded."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rayfill.spec.errors import InputError

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff"})
OUTPUT_SUFFIXES = frozenset({".png", ".tif", ".tiff"})


@dataclass(frozen=True, slots=True)
class Task:
    """One picture, its mask or None, and the path of its output."""

    image: Path
    mask: Path | None
    out: Path

    @property
    def found_mask(self) -> Path:
        """Where the mask goes that a blind model found."""
        return self.out.with_stem(f"{self.out.stem}-mask")


def plan_file(image: Path, mask: Path | None, out: Path) -> Task:
    """The task for one file. InputError if a file is missing, or the output would overwrite an input."""
    for option, path in (("IMAGE", image), ("--mask", mask)):
        if path is not None and not path.is_file():
            raise InputError(f"{option} {path}: no such file")
    if out.suffix.lower() not in OUTPUT_SUFFIXES or out.is_dir():
        raise InputError(f"--out {out}: only PNG and TIFF keep known pixels exactly; choose a name that ends in .png")
    if out.resolve() in {path.resolve() for path in (image, mask) if path is not None}:
        raise InputError(f"--out {out}: that would overwrite the input; choose another name")
    return Task(image, mask, out)


def plan_folder(images: Path, masks: Path | None, out: Path) -> list[Task]:
    """The tasks for every picture in a folder, each with the mask of its name. InputError names the first that has none."""
    pictures = _pictures(images)
    if not pictures:
        raise InputError(f"IMAGE {images}: the folder has no {', '.join(sorted(SUFFIXES))} file")
    if masks is not None and not masks.is_dir():
        raise InputError(f"--mask {masks}: for a folder of pictures it is a folder of masks with the same names")
    if out.exists() and not out.is_dir():
        raise InputError(f"--out {out}: for a folder of pictures it is a folder, and this is a file")
    by_name = {} if masks is None else {path.stem: path for path in _pictures(masks)}
    tasks: dict[str, Task] = {}
    for picture in pictures:
        if masks is not None and picture.stem not in by_name:
            raise InputError(f"--mask {masks}: no mask for {picture.name}; name it {picture.stem}.png")
        if picture.stem in tasks:
            raise InputError(
                f"IMAGE {images}: {tasks[picture.stem].image.name} and {picture.name} would give one answer's name"
            )
        tasks[picture.stem] = plan_file(picture, by_name.get(picture.stem), out / f"{picture.stem}.png")
    return list(tasks.values())


def plan_outputs(tasks: Sequence[Task], seeds: range | None) -> dict[Task, list[Path]]:
    """Each task's files: its own, or numbered ones for samples.

    InputError if one of them would overwrite an input or another answer.
    """
    numbers = range(1, 1 + (0 if seeds is None else len(seeds)))
    outputs = {
        task: [task.out.with_stem(f"{task.out.stem}-{number}") for number in numbers] if numbers else [task.out]
        for task in tasks
    }
    taken = {path.resolve() for task in tasks for path in (task.image, task.mask) if path is not None}
    for path in (path for task in tasks for path in (*outputs[task], *([task.found_mask] if task.mask is None else []))):
        if path.resolve() in taken:
            raise InputError(f"--out {path}: that would overwrite an input or another answer; choose another name")
        taken.add(path.resolve())
    return outputs


def _pictures(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and path.is_file())
