"""A browser, and pages for it to look at."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from studies import regions, searched

import morphogen as mg
from morphogen.report import Words, page, write

QUIET = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A headless Chromium; the test is skipped where there is none."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip(reason="no chromium is installed: apt-get install chromium")
    api = pytest.importorskip("playwright.sync_api", reason="no playwright: pip install playwright")
    with api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=QUIET.split())
        yield started
        started.close()


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Files of pages: of 5 and 80 trials with failures, of 5,000, of regions, and of a search that runs."""
    folder = tmp_path_factory.mktemp("pages")
    random = searched(60, mg.strategies.RandomSearch(), seed=5)
    many = searched(5000, mg.strategies.RandomSearch(), space=mg.spaces.cell201())
    texts = {
        "five": page(
            searched(5), words=Words(status="finished", repeat="morphogen search", baseline=("a", "b"))
        ),
        "eighty": page(searched(80), [random], Words(status="at rest; `morphogen resume x.db` goes on")),
        "many": page(many),
        "regions": page(regions()),
        "live": page(searched(12), words=Words(refresh=60)),
    }
    files = {name: folder / f"{name}.html" for name in texts}
    for name, text in texts.items():
        write(text, files[name])
    return files


class Shown:
    """A page in a browser, with all that it complained of and asked for."""

    def __init__(self, tab: Any, file: Path) -> None:
        self.tab = tab
        self.said: list[str] = []
        self.asked: list[str] = []
        tab.on("console", lambda message: self.said.append(f"{message.type}: {message.text}"))
        tab.on("pageerror", lambda error: self.said.append(str(error)))
        tab.on("request", lambda request: self.asked.append(request.url))
        tab.goto(file.as_uri())
        tab.wait_for_selector("html[data-charts=ready]", state="attached", timeout=60_000)

    def run(self, script: str, *arguments: Any) -> Any:
        """Run a script in the page and return what it returns, as plain values."""
        return json.loads(
            self.tab.evaluate(f"(...given) => JSON.stringify(({script})(...given))", *arguments)
        )


Show = Callable[..., Shown]


@pytest.fixture(scope="session")
def tabs(browser: Any) -> Iterator[dict[Path, Shown]]:
    """Pages that are open already: loading one takes longer than most looks at it."""
    found: dict[Path, Shown] = {}
    yield found
    for shown in found.values():
        shown.tab.close()


@pytest.fixture
def show(browser: Any, pages: dict[str, Path], tabs: dict[Path, Shown]) -> Show:
    """Return a function that opens a page by name, in a scheme and a width."""

    def open_(name: str | Path, scheme: str = "light", width: int = 1200) -> Shown:
        file = name if isinstance(name, Path) else pages[name]
        size = {"width": width, "height": 900}
        if file not in tabs:
            tabs[file] = Shown(browser.new_page(viewport=size, reduced_motion="reduce"), file)
        tab = tabs[file].tab
        tab.emulate_media(color_scheme=scheme)
        tab.set_viewport_size(size)
        # Charts follow the size at the next frame.
        tab.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        return tabs[file]

    return open_
