"""The lending example's server with a switch that makes it fail: part of the tests' images only.

    POST /fault {"rate": 0.2}    from now on a fifth of the predictions answer 500

An answer that fails for that reason carries `x-fault: injected`, so that a test can tell a fault
of the model from a fault of the move. With LIGHT=1 no model is loaded: a pod then starts in a
tenth of a second and costs no memory worth speaking of. FAULT_RATE is the rate at the start.
"""

from __future__ import annotations

import json
import os
import random
from typing import Any

import serve  # type: ignore[import-not-found]  # the example's server, beside this file in the image

rate = float(os.environ.get("FAULT_RATE", "0"))


class FaultyHandler(serve.Handler):  # type: ignore[misc]
    """The example's handler, failing at `rate`."""

    injected = False

    def do_POST(self) -> None:  # noqa: N802 - the base class's name
        if self.path != "/fault":
            self.injected = False
            super().do_POST()
            return
        global rate  # noqa: PLW0603 - one switch for the process is the point
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        rate = float(body["rate"])
        self._answer(200, b"{}", "application/json")

    def _predict(self) -> tuple[int, dict[str, object]]:
        status, document = super()._predict()
        if random.random() >= rate:
            return status, document
        self.injected = True
        return 500, {"error": "injected"}

    def send_response(self, code: int, message: str | None = None) -> None:
        super().send_response(code, message)
        if self.injected:
            self.send_header("x-fault", "injected")


class LightModel(serve.Model):  # type: ignore[misc]
    """Ready at once; says yes to everything."""

    ready = True

    def load(self) -> None:
        """There is nothing to load."""

    def predict(self, rows: list[dict[str, object]]) -> dict[str, object]:
        return {"predictions": ["yes" for _ in rows]}


def main() -> None:
    replacements: dict[str, Any] = {"Handler": FaultyHandler}
    if os.environ.get("LIGHT") == "1":
        replacements["Model"] = LightModel
    vars(serve).update(replacements)
    serve.main()


if __name__ == "__main__":
    main()
