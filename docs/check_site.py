"""Refuse a built site that would ask another host for anything: `python docs/check_site.py build/site`."""

import sys
from html.parser import HTMLParser
from pathlib import Path

LOADS = {"script": "src", "link": "href", "img": "src", "iframe": "src", "source": "src"}


class Loads(HTMLParser):
    """URLs that a page loads by itself; links that a reader may follow are not among them."""

    def __init__(self) -> None:
        super().__init__()
        self.urls: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        url = dict(attrs).get(LOADS.get(tag, ""))
        if url and dict(attrs).get("rel") not in ("canonical", "next", "prev"):
            self.urls.append(url)


def main(folder: Path) -> int:
    """Print what is loaded from elsewhere; 1 if there is any, or if there is no page."""
    pages = sorted(folder.rglob("*.html"))
    found = set()
    for page in pages:
        loads = Loads()
        loads.feed(page.read_text())
        found |= {(url, page.name) for url in loads.urls if url.startswith(("http:", "https:", "//"))}
    for url, page in sorted(found):
        print(f"{page} loads {url}")
    print(f"{len(pages)} pages, {len(found)} loads from other hosts")
    return 1 if found or not pages else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
