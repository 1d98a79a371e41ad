"""Code version: rayfill's version and, in a checkout, the commit."""

import subprocess
from pathlib import Path

from rayfill import __version__


def code_version() -> str:
    """``0.1.0``, or ``0.1.0+git.1a2b3c4d5e6f`` in a checkout, with ``.dirty`` where tracked files were changed."""
    folder = Path(__file__).parent
    commit = _git(folder, "rev-parse", "--short=12", "HEAD")
    if not commit:
        return __version__
    dirty = ".dirty" if _git(folder, "status", "--porcelain", "--untracked-files=no") else ""
    return f"{__version__}+git.{commit}{dirty}"


def _git(folder: Path, *words: str) -> str:
    try:
        done = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
