"""A package registry on this machine, with wheels that a test makes: also ones nobody should."""

from __future__ import annotations

import hashlib
import io
import threading
import zipfile
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


class Quiet(SimpleHTTPRequestHandler):
    """A folder as a simple registry (PEP 503)."""

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
        """Says nothing."""


def publish(folder: Path, name: str, files: Mapping[str, str], version: str = "1.0") -> None:
    """A wheel of these files in the registry at `folder`."""
    info = f"{name}-{version}.dist-info"
    content = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\n"
        "Tag: py3-none-any\n",
    }
    record = "".join(f"{path},,\n" for path in (*content, f"{info}/RECORD"))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, text in (*content.items(), (f"{info}/RECORD", record)):
            archive.writestr(path, text)
    wheel = f"{name}-{version}-py3-none-any.whl"
    (folder / name).mkdir(exist_ok=True)
    (folder / name / wheel).write_bytes(buffer.getvalue())
    digest = hashlib.sha256(buffer.getvalue()).hexdigest()
    (folder / name / "index.html").write_text(f'<a href="{wheel}#sha256={digest}">{wheel}</a>')


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The registry's address while it runs."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
