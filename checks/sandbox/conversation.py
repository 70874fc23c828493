"""A confined child from its start to its end, and what becomes of a request to it.

The base of `session`'s two classes. It judges whether the layers are enough, and turns silence,
death and nonsense into one typed error. A child that dies, hangs or talks nonsense is ended with
its whole group, and every later request says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

from checks.sandbox import process, spawn
from checks.sandbox.channel import Closed, Exchange, Late
from checks.sandbox.errors import Kind, ModelFailed, SandboxUnavailable, clean
from checks.sandbox.limits import Layers, Limits
from checks.sandbox.wire import Json, Malformed, Reader, pack

if TYPE_CHECKING:
    from checks.sandbox.code import Code


UNFIT = "Unfit"  # what a script of ours raises when it has a sentence for a person
T = TypeVar("T")


class Session:
    """A child and the way to ask it. `subject` names in sentences what is untrusted."""

    subject = "The child"

    def __init__(  # noqa: PLR0913 - each is a wish of its own, by name
        self,
        interpreter: Path,
        *,
        limits: Limits | None = None,
        trust: bool = False,
        only: frozenset[str] | None = None,
        code: Code | None = None,
        files: tuple[int, ...] = (),
    ) -> None:
        """Starts and locks a child of `interpreter`, which may import `code`.

        It inherits the open descriptors `files`, under their numbers: all of the disk that it sees.

        `trust` goes on where the least that counts as a sandbox is missing, and `warning` then says
        what is. `only` sets just these layers: it proves each alone, and judges nothing.
        Raises SandboxUnavailable.
        """
        self.limits = limits or Limits()
        self._ended: ModelFailed | None = None
        self._requests = 0
        self._child = spawn.start(interpreter, self.limits, only, code, files)
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

    def ask(
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
            if name == UNFIT:
                raise ModelFailed(Kind.RAISED, f"{self.subject} cannot be used: {message}.")
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

    def decoded(self, doing: str, reader: Reader, decode: Callable[[Reader], T]) -> T:
        """Reads the whole body of an answer; what does not fit ends the child."""
        try:
            value = decode(reader)
            reader.finish()
            return value
        except Malformed as error:
            raise self._nonsense(doing, str(error)) from error
