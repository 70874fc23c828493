"""One confined child, asked one thing at a time: load this model, predict that table, parse a file.

Called by the model adapters and the collectors of model runs. A session times every answer with
its own clock and believes nothing but plain arrays of the right length. A child that dies, hangs or
talks nonsense is ended with its whole group, and every later request says so. Close a session in
the thread that opened it: the kernel ends the child when that thread ends.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from checks.sandbox import process, spawn
from checks.sandbox.channel import Closed, Exchange, Late
from checks.sandbox.errors import Kind, ModelFailed, SandboxUnavailable, clean
from checks.sandbox.limits import Layers, Limits
from checks.sandbox.table import LoadInfo, Prediction, Table
from checks.sandbox.wire import Json, Malformed, Reader, encode_table, pack

LOADERS: Final = ("joblib", "pickle")
METHODS: Final = ("predict", "predict_proba", "predict_log_proba", "decision_function")
FORMATS: Final = ("csv",)
COLUMNS_LIMIT: Final = 10_000


class _Session:
    """A child and the way to ask it. `subject` names in sentences what is untrusted."""

    subject = "The child"

    def __init__(
        self,
        interpreter: Path,
        *,
        limits: Limits | None = None,
        trust: bool = False,
        only: frozenset[str] | None = None,
    ) -> None:
        """Starts and locks a child of `interpreter`.

        `trust` goes on where the least that counts as a sandbox is missing, and `warning` then says
        what is. `only` sets just these layers: it proves each alone, and judges nothing.
        Raises SandboxUnavailable.
        """
        self.limits = limits or Limits()
        self._ended: ModelFailed | None = None
        self._requests = 0
        self._child = spawn.start(interpreter, self.limits, only)
        self.layers: Layers = self._child.layers
        try:
            self.warning = self._judge_layers(trust, only)
        except SandboxUnavailable:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._child.popen.pid

    @property
    def noise(self) -> bytes:
        """The last 64 KiB that the child printed: untrusted, for a person to look at."""
        return self._child.channel.noise

    def rss_bytes(self) -> int:
        """Memory that the child and its descendants hold now, by /proc."""
        return process.resident_bytes(self.pid)

    def peak_rss_bytes(self) -> int:
        """The most memory that the child ever held, by /proc."""
        return process.resident_bytes(self.pid, "VmHWM")

    def close(self) -> None:
        """Ends the child and all that it started. Safe to call twice."""
        if self._ended is None:
            self._end(ModelFailed(Kind.CRASHED, "The session has been closed."))

    def _judge_layers(self, trust: bool, only: frozenset[str] | None) -> str | None:
        layers, failures = self.layers, self._child.failures
        why = "".join(f" ({name}: {clean(reason)})" for name, reason in failures.items())
        if only is not None:
            if layers.names != only:
                raise SandboxUnavailable(
                    f"Asked for just {sorted(only)}, in force are {sorted(layers.names)}{why}."
                )
            return None
        if not layers.lacking:
            return None
        lacking = ", ".join(layers.lacking)
        if trust:
            return (
                f"{self.subject} was trusted: it ran on this machine without a full sandbox "
                f"(missing: {lacking}){why}."
            )
        raise SandboxUnavailable(
            f"This machine cannot confine a model: {lacking} missing{why}. Run on Linux 5.13 or "
            "newer with seccomp and Landlock, or pass --trust-model if you trust the file."
        )

    def _ask(
        self, doing: str, header: Mapping[str, Json], parts: Sequence[bytes] = ()
    ) -> tuple[Exchange, Reader]:
        """One request. Ends the child unless it answered in form; raises ModelFailed."""
        if self._ended is not None:
            raise ModelFailed(self._ended.kind, f"The child is gone: {self._ended.sentence}")
        self._requests += 1
        number = self._requests
        try:
            exchange = self._child.channel.exchange(
                pack({"id": number, **header}, parts), self.limits.wall_s
            )
        except Late:
            raise self._timed_out(doing) from None
        except Closed:
            raise self._crashed(doing) from None
        except Malformed as error:
            raise self._nonsense(doing, str(error)) from error
        answer = exchange.frame.header
        if answer.get("id") != number:
            raise self._nonsense(doing, "it belongs to another request")
        self._refuse_failures(doing, answer)
        return exchange, Reader(exchange.frame.body)

    def _refuse_failures(self, doing: str, answer: Mapping[str, Json]) -> None:
        raised = answer.get("raised")
        if isinstance(raised, dict):
            name = clean(raised.get("type", ""), 60)
            if name == "MemoryError":
                limit = self.limits.memory_bytes >> 20
                sentence = f"{self.subject} needed more than {limit} MiB while {doing}."
                raise ModelFailed(Kind.RAISED, sentence)
            message = clean(raised.get("message", ""))
            raise ModelFailed(
                Kind.RAISED, f"{self.subject} failed while {doing}: {name}: {message}"
            )
        if "refused" in answer:
            reason = clean(answer["refused"])
            raise ModelFailed(
                Kind.REFUSED, f"{self.subject} gave no plain array while {doing}: {reason}."
            )

    def _end(self, failure: ModelFailed) -> int:
        self._ended = failure
        return self._child.end()

    def _timed_out(self, doing: str) -> ModelFailed:
        failure = ModelFailed(
            Kind.TIMED_OUT,
            f"{self.subject} gave no answer within {self.limits.wall_s:g} s while {doing}; "
            "its process was ended.",
        )
        self._end(failure)
        return failure

    def _crashed(self, doing: str) -> ModelFailed:
        code = self._child.wait_for_the_end()
        how = "closed its pipe" if code is None else process.how_it_ended(code)
        failure = ModelFailed(
            Kind.CRASHED, f"The process of {self.subject.lower()} {how} while {doing}."
        )
        self._end(failure)
        return failure

    def _nonsense(self, doing: str, reason: str) -> ModelFailed:
        failure = ModelFailed(
            Kind.PROTOCOL,
            f"{self.subject} sent something that is no answer while {doing}: {clean(reason)}; "
            "its process was ended.",
        )
        self._end(failure)
        return failure

    def _decoded(self, doing: str, decode: Any, spec: Json) -> Any:
        """Runs one of a Reader's methods; what does not fit ends the child."""
        try:
            return decode(spec)
        except Malformed as error:
            raise self._nonsense(doing, str(error)) from error


class ModelSession(_Session):
    """One model in one child."""

    subject = "The model"

    def load(
        self, payload: bytes, loader: str, options: Mapping[str, Json] | None = None
    ) -> LoadInfo:
        """Hands over the model's bytes; `loader` is one of LOADERS.

        Options: "imports" (module names to import before the clock starts), "input" ("auto",
        "frame" or "array": what the model is given). Raises ModelFailed.
        """
        if loader not in LOADERS:
            raise ValueError(f"unknown loader {loader!r}; known: {', '.join(LOADERS)}")
        wishes = dict(options or {})
        doing = "being loaded"
        modules = [str(name) for name in wishes.pop("imports", ())]
        if modules:
            self._ask(doing, {"op": "import", "modules": modules})
        header = {"op": "load", "loader": loader, "options": wishes}
        exchange, reader = self._ask(doing, header, [payload])
        answer = exchange.frame.header
        described = answer.get("classes")
        classes = self._decoded(doing, reader.array, described) if described is not None else None
        self._decoded(doing, lambda _: reader.finish(), None)
        return LoadInfo(
            seconds=exchange.seconds,
            outputs=tuple(name for name in METHODS if name in _texts(answer.get("outputs"))),
            rss_bytes=self.rss_bytes(),
            type_name=clean(answer.get("type", ""), 80),
            classes=classes,
            feature_names=_texts(answer["features"]) if answer.get("features") else None,
        )

    def predict(self, table: Table, method: str = "predict") -> Prediction:
        """Asks for one answer per row of `table`; `method` is one of METHODS. Raises ModelFailed."""
        if method not in METHODS:
            raise ValueError(f"unknown method {method!r}; known: {', '.join(METHODS)}")
        columns, parts = encode_table(table)
        doing = f"answering {method} for {table.rows} rows"
        exchange, reader = self._ask(
            doing, {"op": "predict", "method": method, "columns": columns}, parts
        )
        values = self._decoded(doing, reader.array, exchange.frame.header.get("array"))
        self._decoded(doing, lambda _: reader.finish(), None)
        if len(values) != table.rows:
            raise ModelFailed(
                Kind.REFUSED,
                f"The model gave {len(values)} answers for {table.rows} rows ({method}).",
            )
        return Prediction(values, exchange.seconds)


class DataSession(_Session):
    """A parser of data files in a child of its own: bytes in, plain columns out."""

    subject = "The data file"

    def read(
        self,
        payload: bytes,
        format: str = "csv",
        options: Mapping[str, Json] | None = None,  # noqa: A002 - the word of the interface
    ) -> Table:
        """The file's columns; `format` is one of FORMATS. Raises ModelFailed."""
        if format not in FORMATS:
            raise ValueError(f"unknown format {format!r}; known: {', '.join(FORMATS)}")
        doing = f"being read as {format.upper()}"
        header = {
            "op": "parse",
            "format": format,
            "options": dict(options or {}),
            "columns_limit": COLUMNS_LIMIT,
        }
        exchange, reader = self._ask(doing, header, [payload])
        table: Table = self._decoded(doing, reader.table, exchange.frame.header.get("columns"))
        self._decoded(doing, lambda _: reader.finish(), None)
        return table


def _texts(value: Json) -> tuple[str, ...]:
    return tuple(str(item) for item in value) if isinstance(value, list) else ()
