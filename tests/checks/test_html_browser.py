"""The HTML page in a real browser: its own policy lets it be, and refuses all that is added."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from checks.render import html
from tests.checks.test_html import DETAILS, with_details

if TYPE_CHECKING:
    from pathlib import Path

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
QUIET = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-logging=stderr",
]
ADDED = (
    '<p style="color:red">x</p><script>document.title = "ran"</script>'
    '<img src="https://evil.invalid/x.png">'
)

# A person's machine may have none; where the tests are the gate, `.ci/run` installs it.
pytestmark = pytest.mark.skipif(
    BROWSER is None and "CI" not in os.environ, reason="no chromium on this machine"
)


def opened(page: str, folder: Path) -> tuple[str, list[str]]:
    """The title after loading, and what the browser complained about."""
    assert BROWSER is not None, "no chromium on this machine, and CI must have one"
    (folder / "page.html").write_text(page)
    done = subprocess.run(
        [BROWSER, *QUIET, f"--user-data-dir={folder / 'profile'}", "--dump-dom",
         (folder / "page.html").as_uri()],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    title = re.search(r"<title>(.*?)</title>", done.stdout)
    assert title is not None
    return title[1], [line for line in done.stderr.splitlines() if "CONSOLE" in line]


def test_the_policy_lets_the_page_be_and_nothing_else_in(tmp_path: Path) -> None:
    page = html.page(with_details(DETAILS))
    assert opened(page, tmp_path) == ("Holdpoint: Not ready, 0.70", [])
    # The positive control: the browser does complain, and runs nothing, where something was added.
    title, complaints = opened(page.replace("<main>", f"<main>{ADDED}"), tmp_path)
    assert title == "Holdpoint: Not ready, 0.70"
    assert len(complaints) == 3
    for refused in ("inline style", "inline script", "the image"):
        assert any(refused in complaint for complaint in complaints)
