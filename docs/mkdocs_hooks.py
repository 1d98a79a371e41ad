"""Diagrams of the documentation's site: drawn by a local copy of mermaid, or shown as text where there is none.

The theme would fetch mermaid from another host otherwise, and the built site asks no other host for anything.
"""

from pathlib import Path
from typing import Any

SCRIPT = "javascripts/mermaid.min.js"


def on_config(config: Any) -> Any:
    """Use the copy that `make docs` put there, if it could."""
    if (Path(config["docs_dir"]) / SCRIPT).is_file():
        config["extra_javascript"].append(SCRIPT)
    else:
        config["mdx_configs"]["pymdownx.superfences"] = {}
    return config
