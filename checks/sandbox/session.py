"""What a confined child is asked: load this model, predict that table, parse this file.

Called by the model adapters and the collectors of model runs. A session times every answer with
its own clock and believes nothing but plain arrays of the right length. Close a session in the
thread that opened it: the kernel ends the child when that thread ends.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from checks.sandbox import scripts
from checks.sandbox.conversation import Session
from checks.sandbox.errors import Kind, ModelFailed, clean
from checks.sandbox.table import Array, LoadInfo, Prediction, Table
from checks.sandbox.wire import Json, Reader, encode_table

METHODS: Final = ("predict", "predict_proba", "predict_log_proba", "decision_function")
BATCH_CELLS: Final = 2_000_000
COLUMNS_LIMIT: Final = 10_000
NOTES_LIMIT: Final = 5


class ModelSession(Session):
    """One model in one child."""

    subject = "The model"

    def load(
        self, payload: bytes, loader: str, options: Mapping[str, Json] | None = None
    ) -> LoadInfo:
        """Hands over the model's bytes; `loader` is a script of `checks/sandbox/loaders`.

        Options: "imports" (modules to import before the clock starts), "requires" (those among them
        without which nothing works) and "extra" (what to install then), "input" ("auto", "frame",
        "array" or "named": what the model is given); the loader gets the rest. Raises ModelFailed.
        """
        doing = "being loaded"
        wishes = dict(options or {})
        self._prepare(doing, loader, wishes)
        header = {
            "op": "load",
            "input": wishes.get("input") or "auto",
            "options": wishes,
        }
        exchange, reader = self.ask(doing, header, [payload])
        answer = exchange.frame.header
        return LoadInfo(
            seconds=exchange.seconds,
            outputs=tuple(name for name in METHODS if name in _texts(answer.get("outputs"))),
            rss_bytes=self.rss_bytes(),
            type_name=clean(answer.get("type", ""), 80),
            classes=self.decoded(doing, reader, lambda body: _classes(body, answer)),
            feature_names=_texts(answer["features"]) if answer.get("features") else None,
            notes=tuple(clean(note) for note in _texts(answer.get("notes"))[:NOTES_LIMIT]),
        )

    def _prepare(self, doing: str, loader: str, wishes: dict[str, Json]) -> None:
        """Sends the loader's text and imports what it needs, before the bytes are there."""
        code = scripts.text(scripts.LOADERS, loader)
        modules = [str(name) for name in wishes.pop("imports", ())]
        required = [str(name) for name in wishes.pop("requires", ())]
        extra = wishes.pop("extra", "")
        self.ask(doing, {"op": "code", "name": loader}, [code])
        if modules or required:
            header = {"op": "import", "modules": [*required, *modules]}
            missing = self.ask(doing, header)[0].frame.header.get("missing")
            _refuse_missing(required, missing, f"install {extra}" if extra else "install it")

    def predict(self, table: Table, method: str = "predict") -> Prediction:
        """Asks for one answer a row of `table`; `method` is one of METHODS. Raises ModelFailed."""
        _refuse_unknown("method", method, METHODS)
        columns, parts = encode_table(table)
        rows = "1 row" if table.rows == 1 else f"{table.rows} rows"
        doing = f"answering {method} for {rows}"
        types = dict(table.dtypes)
        header = {"op": "predict", "method": method, "columns": columns, "dtypes": types}
        exchange, reader = self.ask(doing, header, parts)
        described = exchange.frame.header.get("array")
        values = self.decoded(doing, reader, lambda body: body.array(described))
        if len(values) != table.rows:
            raise ModelFailed(
                Kind.REFUSED,
                f"The model gave {len(values)} answers for {table.rows} rows ({method}).",
            )
        return Prediction(values, exchange.seconds)


class DataSession(Session):
    """A parser of one data file in a child of its own: an open file in, plain columns out."""

    subject = "The data file"

    def batches(self, file: int, format: str) -> Iterator[Table]:  # noqa: A002 - the plain word
        """The file's rows, some at a time; `format` is a script of `checks/sandbox/parsers`.

        `file` is the descriptor that the session was started with (`files`). Raises ModelFailed.
        """
        doing = f"being read as {format}"
        self.ask(doing, {"op": "import", "modules": ["numpy", "pandas"]})
        for name in (scripts.SHARED, format):
            code = scripts.text(scripts.PARSERS, name)
            self.ask(doing, {"op": "code", "name": name}, [code])
        limits = {"cells": BATCH_CELLS, "columns_limit": COLUMNS_LIMIT}
        self.ask(doing, {"op": "open", "file": file, **limits})
        while True:
            header = {"op": "batch", "bytes_limit": self.limits.output_bytes}
            exchange, reader = self.ask(doing, header)
            described = exchange.frame.header.get("columns")
            table = self.decoded(doing, reader, lambda body, spec=described: body.table(spec))  # type: ignore[misc] # see above
            if not table.columns:
                return
            yield table


def _classes(body: Reader, answer: Mapping[str, Json]) -> Array | None:
    described = answer.get("classes")
    return None if described is None else body.array(described)


def _refuse_missing(required: list[str], missing: Json, fix: str) -> None:
    for name in required:
        if isinstance(missing, dict) and name in missing:
            raise ModelFailed(
                Kind.RAISED,
                f"The model needs {name}, which cannot be imported "
                f"({clean(missing[name], 120)}): {fix}.",
            )


def _texts(value: Json) -> tuple[str, ...]:
    return tuple(str(item) for item in value) if isinstance(value, list) else ()


def _refuse_unknown(what: str, name: str, known: tuple[str, ...]) -> None:
    if name not in known:
        raise ValueError(f"unknown {what} {name!r}; known: {', '.join(known)}")
