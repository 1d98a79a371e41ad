"""Record the names of the metrics that scraped processes have, for the test of dashboards and rules.

On a workstation that has trained and served something since `rayfill up --s3`:

    python infra/record_metrics.py            reads the ports from .rayfill/up/settings.json
    python infra/record_metrics.py ray=http://head:8080/metrics store=http://store:9327/metrics

writes infra/prometheus/recorded/ray.txt and store.txt. Names that were recorded before stay: no single run shows all.
"""

import json
import re
import sys
import urllib.request
from pathlib import Path

RECORDED = Path(__file__).parent / "prometheus" / "recorded"
SETTINGS = Path(".rayfill/up/settings.json")
PORTS = {"ray": "ray.metrics", "store": "s3.metrics"}
NAME = re.compile(r"^([A-Za-z_:][\w:]*)", re.MULTILINE)
TIMEOUT_S = 10
RUNTIME = ("go_", "process_", "python_", "promhttp_")
"""Metrics of a language's runtime, which every process has."""


def names_in(scrape: str) -> set[str]:
    """Names of the samples in Prometheus' text format, without those of the language's runtime."""
    return {name for name in NAME.findall(scrape) if not name.startswith(RUNTIME)}


def addresses(words: list[str]) -> dict[str, str]:
    """What to scrape by name."""
    if words:
        return dict(word.split("=", 1) for word in words)
    ports = json.loads(SETTINGS.read_text())["ports"]
    return {name: f"http://127.0.0.1:{ports[port]}/metrics" for name, port in PORTS.items() if port in ports}


def main(words: list[str]) -> None:
    """Scrape each and write its names."""
    for name, url in addresses(words).items():
        with urllib.request.urlopen(url, timeout=TIMEOUT_S) as answer:
            found = names_in(answer.read().decode())
        path = RECORDED / f"{name}.txt"
        before = set(path.read_text().split()) if path.exists() else set()
        path.write_text("\n".join(sorted(before | found)) + "\n")
        print(f"{path}: {len(found)} names, {len(found - before)} of them new")


if __name__ == "__main__":
    main(sys.argv[1:])
