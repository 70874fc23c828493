"""Follows a pickle as a loader would, with names in place of objects, and runs nothing.

Used by `checks.evidence.pickles`. The loader's own reading is kept to the byte (frames, memo, text
numbers, joblib's arrays), because a stream that is read differently here could hide what it does.
Where it must differ it goes on: naming too much of a hostile stream is the smaller mistake. The
opcodes are those of protocols 0 to 5 (`pickletools` in Python's library).
"""

from __future__ import annotations

import _compat_pickle
import codecs
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from checks.evidence import pickle_arrays
from checks.evidence.pickle_values import (
    OPAQUE,
    Attribute,
    BrokenError,
    Made,
    Name,
    Opaque,
    class_of,
)

MAX_STEPS = 10_000_000
MAX_NAME = 1000  # characters; Python's longest dotted names have a few hundred
MAX_NAMES = 100_000
MAX_ACTS = 100
MAX_DEPTH = 20  # pickles within pickles, by arrays of objects
OLD_NAMES: dict[tuple[str, str], tuple[str, str]] = _compat_pickle.NAME_MAPPING
OLD_MODULES: dict[str, str] = _compat_pickle.IMPORT_MAPPING
# Functions that look a name up: called at load they are imports by another word.
LOOK_UP = frozenset({"numpy.core._ufunc_reconstruct", "numpy._core._ufunc_reconstruct"})
MODULE_BY_NAME = frozenset({"builtins.__import__", "importlib.import_module"})
CODE_MAKERS = ("cloudpickle", "dill", "joblib.externals.cloudpickle")


@dataclass
class Seen:
    """What the walk of a file collects: names in order with their offset, and acts in words."""

    names: dict[Name, int] = field(default_factory=dict)
    called: set[Name] = field(default_factory=set)
    acts: dict[str, int] = field(default_factory=dict)
    arrays: int = 0
    persistent: int = 0


class Machine:
    """One pickle in `data` from `position` on; `run` gives the offset behind its end."""

    def __init__(
        self, data: bytes, position: int, seen: Seen, *, arrays: bool = True, depth: int = 0
    ) -> None:
        self.data = data
        self.position = position
        self.seen = seen
        self.arrays = arrays
        self.depth = depth
        self.stack: list[Any] = []
        self.below: list[list[Any]] = []
        self.memo: dict[int, Any] = {}
        self.frame_end = 0
        self.jump: tuple[int, int] | None = None

    def run(self) -> int:
        """Follows the stream up to its STOP. Raises BrokenError."""
        start = self.position
        for _ in range(MAX_STEPS):
            if self.jump is not None and self.position >= self.jump[0]:
                self.position, self.jump = self.jump[1], None
            start = self.position
            try:
                opcode = self.take(1)
                if opcode == b".":
                    return self.jump[1] if self.jump is not None else self.position
                STEPS[opcode](self)
            except BrokenError:
                raise
            except KeyError as error:
                why = "no such instruction" if opcode not in STEPS else "no such memo entry"
                raise BrokenError(start, why) from error
            except IndexError as error:
                raise BrokenError(start, "it takes what is not there") from error
            except (ValueError, struct.error, TypeError) as error:
                raise BrokenError(start, str(error)[:200]) from error
        raise BrokenError(start, f"more than {MAX_STEPS} instructions")

    def take(self, count: int) -> bytes:
        """The next bytes."""
        end = self.position + count
        if count < 0 or end > len(self.data):
            raise BrokenError(self.position, "the stream is cut off")
        piece = self.data[self.position : end]
        self.position = end
        return piece

    def skip(self, count: int) -> Opaque:
        """As `take`, without a copy."""
        if count < 0 or self.position + count > len(self.data):
            raise BrokenError(self.position, "the stream is cut off")
        self.position += count
        return OPAQUE

    def number(self, layout: str) -> int:
        """A number of fixed size."""
        (value,) = struct.unpack(layout, self.take(struct.calcsize(layout)))
        return int(value)

    def line(self) -> bytes:
        """Up to the next line feed."""
        end = self.data.find(b"\n", self.position)
        if end < 0:
            raise BrokenError(self.position, "the stream is cut off")
        piece = self.data[self.position : end]
        self.position = end + 1
        return piece

    def pop(self) -> Any:
        return self.stack.pop()

    def push(self, value: Any) -> None:
        self.stack.append(value)

    def since_mark(self) -> list[Any]:
        """What was pushed since the last mark."""
        items = self.stack
        self.stack = self.below.pop()
        return items

    def name(self, module: object, name: object) -> Any:
        """Records an import."""
        if not isinstance(module, str) or not isinstance(name, str):
            self.act("imports a name that it computes while it is loaded")
            return OPAQUE
        if len(module) + len(name) > MAX_NAME:
            self.act(f"imports a name of more than {MAX_NAME} characters")
            return OPAQUE
        if len(self.seen.names) >= MAX_NAMES:
            raise BrokenError(self.position, f"more than {MAX_NAMES} imports")
        module, name = OLD_NAMES.get((module, name), (OLD_MODULES.get(module, module), name))
        found = Name(module, name)
        self.seen.names.setdefault(found, self.position)
        return found

    def act(self, sentence: str) -> None:
        """Records something that no honest writer of pickles does."""
        if len(self.seen.acts) < MAX_ACTS:
            self.seen.acts.setdefault(sentence, self.position)

    def call(self, function: Any, arguments: Any) -> Any:
        """What calling would give; records who is called."""
        given = arguments if isinstance(arguments, tuple) else ()
        if isinstance(function, Name):
            self.seen.called.add(function)
            text = str(function)
            if text == "builtins.getattr":
                return self.attribute(given)
            if text in LOOK_UP:
                return self.name(*(given if len(given) == 2 else (None, None)))
            if text in MODULE_BY_NAME and given:
                return self.name(given[0], "")
        elif not self._is_partial(function) and not self._is_own_class(function):
            self.act("calls something that it makes while it is loaded")
        return Made(function, arguments)

    def attribute(self, given: tuple[Any, ...]) -> Any:
        """`getattr` at load time: an import by another way when it is of an import."""
        if len(given) < 2 or not isinstance(given[1], str):
            self.act("looks up an attribute whose name it computes while it is loaded")
            return OPAQUE
        owner, name = given[0], given[1]
        if isinstance(owner, Name):
            return self.name(owner.module, f"{owner.name}.{name}".strip("."))
        if name.startswith("__") or isinstance(owner, Attribute):
            self.act(f"reaches for the attribute {name[:60]} of an object")
        return Attribute(owner, name)

    def _is_partial(self, function: Any) -> bool:
        """`partial(Class.__new__, Class, ...)`, as protocols 2 and 3 write keyword arguments."""
        if not isinstance(function, Made) or str(function.function) != "functools.partial":
            return False
        given = function.arguments
        first = given[0] if isinstance(given, tuple) and given else None
        return isinstance(first, Name) and first.name.endswith(".__new__")

    def _is_own_class(self, function: Any) -> bool:
        """A class whose code the file carries (cloudpickle, dill): named by who makes it."""
        maker = class_of(function)
        if maker is None or not maker.module.startswith(CODE_MAKERS):
            return False
        return "class" in maker.name or "type" in maker.name

    def built(self, state: Any) -> None:
        """BUILD: gives the object on top its state, and reads joblib's array behind it."""
        thing = self.stack[-1]
        if isinstance(thing, Made):
            thing.state = state
        elif isinstance(thing, Name):
            self.act(f"changes {str(thing)[:80]} itself")
        if not self.arrays:
            return
        raw = pickle_arrays.following(thing)
        if raw is not None:
            self.seen.arrays += 1
            self._read_array(raw)

    def _read_array(self, raw: pickle_arrays.Raw) -> None:
        """The loader reads an array from behind the frame that is open, not from within it."""
        within = self.position < self.frame_end
        here = self.jump[1] if self.jump else max(self.position, self.frame_end)
        if raw.pickled:
            if self.depth >= MAX_DEPTH:
                raise BrokenError(self.position, "too many pickles within each other")
            end = Machine(
                self.data, here, self.seen, arrays=False, depth=self.depth + 1
            ).run()  # the inner loader is Python's own, which knows no arrays
        else:
            if raw.aligned:
                if here >= len(self.data):
                    raise BrokenError(here, "the stream is cut off")
                here += 1 + self.data[here]
            end = here + raw.size
        if end > len(self.data):
            raise BrokenError(here, "an array is cut off")
        if within:
            self.jump = (self.frame_end, end)
        else:
            self.position = end


Step = Callable[[Machine], object]
STEPS: dict[bytes, Step] = {}


def step(*codes: str) -> Callable[[Step], Step]:
    """Makes a function the meaning of some opcodes."""

    def register(function: Step) -> Step:
        STEPS.update(dict.fromkeys((code.encode("latin-1") for code in codes), function))
        return function

    return register


def _plain_steps() -> None:
    """Opcodes that push a value which is written in the stream."""
    for code, layout in (("J", "<i"), ("K", "<B"), ("M", "<H")):
        step(code)(lambda m, layout=layout: m.push(m.number(layout)))  # type: ignore[misc]
    for code, value in (("N", None), ("\x88", True), ("\x89", False), (")", ())):
        step(code)(lambda m, value=value: m.push(value))  # type: ignore[misc]
    for code, layout in (("C", "<B"), ("B", "<I"), ("\x8e", "<Q"), ("\x96", "<Q"), ("\x8a", "<B"),
                         ("\x8b", "<i")):  # fmt: skip
        step(code)(lambda m, layout=layout: m.push(m.skip(m.number(layout))))  # type: ignore[misc]
    for code, layout in (("\x8c", "<B"), ("X", "<I"), ("\x8d", "<Q")):
        step(code)(
            lambda m, layout=layout: m.push(m.take(m.number(layout)).decode("utf-8", "replace"))  # type: ignore[misc]
        )
    for code, layout in (("U", "<B"), ("T", "<i")):
        step(code)(
            lambda m, layout=layout: m.push(m.take(m.number(layout)).decode("ascii", "replace"))  # type: ignore[misc]
        )
    step("V")(lambda m: m.push(m.line().decode("raw-unicode-escape")))
    step("S")(lambda m: m.push(_quoted(m.line())))
    step("I", "L")(lambda m: m.push(_decimal(m.line())))
    step("F")(lambda m: m.push(OPAQUE if m.line() else None))
    step("G")(lambda m: m.push(m.skip(8)))
    step("]")(lambda m: m.push([]))
    step("}")(lambda m: m.push({}))
    step("\x8f")(lambda m: m.push([]))
    step("\x97")(lambda m: m.push(OPAQUE))
    step("\x98")(lambda _m: None)
    step("\x80")(lambda m: m.skip(1))


def _quoted(line: bytes) -> str:
    text = line.strip()
    if len(text) < 2 or text[:1] != text[-1:] or text[:1] not in (b"'", b'"'):
        raise ValueError("a string without quotes")
    decoded: bytes = codecs.escape_decode(text[1:-1])[0]
    return decoded.decode("ascii", "replace")


def _decimal(line: bytes) -> Any:
    if line in (b"00", b"01"):
        return line == b"01"
    try:
        return int(line[:40].rstrip(b"L"), 0)
    except ValueError:
        return OPAQUE


@step("\x95")
def _frame(m: Machine) -> None:
    size = m.number("<Q")
    m.frame_end = m.position + size


@step("(")
def _mark(m: Machine) -> None:
    m.below.append(m.stack)
    m.stack = []


@step("0")
def _pop(m: Machine) -> None:
    if m.stack:
        m.pop()
    else:
        m.since_mark()


step("1")(lambda m: m.since_mark())
step("2")(lambda m: m.push(m.stack[-1]))
step("t")(lambda m: _collect(m, tuple))
step("l")(lambda m: _collect(m, list))
step("\x91")(lambda m: _collect(m, list))


def _collect(m: Machine, kind: Callable[[list[Any]], Any]) -> None:
    items = m.since_mark()
    m.push(kind(items))


@step("d")
def _dictionary(m: Machine) -> None:
    items, made = m.since_mark(), dict[Any, Any]()
    _set_items(made, items)
    m.push(made)


def _set_items(target: Any, items: list[Any]) -> None:
    if isinstance(target, dict):
        pairs = zip(items[::2], items[1::2], strict=False)
        target.update((key, value) for key, value in pairs if isinstance(key, str))


@step("\x85", "\x86", "\x87")
def _tuple_of_few(m: Machine) -> None:
    count = m.data[m.position - 1] - 0x84
    items = tuple(m.stack[-count:])
    if len(items) < count:
        raise IndexError
    del m.stack[-count:]
    m.push(items)


@step("a")
def _append(m: Machine) -> None:
    value = m.pop()
    if isinstance(m.stack[-1], list):
        m.stack[-1].append(value)


@step("e", "\x90")
def _extend(m: Machine) -> None:
    items = m.since_mark()
    if isinstance(m.stack[-1], list):
        m.stack[-1].extend(items)


@step("s")
def _set_item(m: Machine) -> None:
    value, key = m.pop(), m.pop()
    _set_items(m.stack[-1], [key, value])


@step("u")
def _set_some_items(m: Machine) -> None:
    items = m.since_mark()
    _set_items(m.stack[-1], items)


def _memo_steps() -> None:
    step("p")(lambda m: m.memo.__setitem__(int(m.line()), m.stack[-1]))
    step("q")(lambda m: m.memo.__setitem__(m.number("<B"), m.stack[-1]))
    step("r")(lambda m: m.memo.__setitem__(m.number("<I"), m.stack[-1]))
    step("\x94")(lambda m: m.memo.__setitem__(len(m.memo), m.stack[-1]))
    step("g")(lambda m: m.push(m.memo[int(m.line())]))
    step("h")(lambda m: m.push(m.memo[m.number("<B")]))
    step("j")(lambda m: m.push(m.memo[m.number("<I")]))


@step("c")
def _global(m: Machine) -> None:
    module, name = m.line().decode("utf-8", "replace"), m.line().decode("utf-8", "replace")
    m.push(m.name(module, name))


@step("\x93")
def _stack_global(m: Machine) -> None:
    name, module = m.pop(), m.pop()
    m.push(m.name(module, name))


@step("i")
def _instance(m: Machine) -> None:
    module, name = m.line().decode("utf-8", "replace"), m.line().decode("utf-8", "replace")
    arguments = tuple(m.since_mark())
    m.push(m.call(m.name(module, name), arguments))


@step("o")
def _object(m: Machine) -> None:
    function, *arguments = m.since_mark()
    m.push(m.call(function, tuple(arguments)))


@step("R", "\x81")
def _reduce(m: Machine) -> None:
    arguments, function = m.pop(), m.pop()
    m.push(m.call(function, arguments))


@step("\x92")
def _new_object_with_keywords(m: Machine) -> None:
    _keywords, arguments, function = m.pop(), m.pop(), m.pop()
    m.push(m.call(function, arguments))


@step("b")
def _build(m: Machine) -> None:
    m.built(m.pop())


@step("P", "Q")
def _persistent(m: Machine) -> None:
    if m.data[m.position - 1 : m.position] == b"P":
        m.line()
    else:
        m.pop()
    m.seen.persistent += 1
    m.push(OPAQUE)


@step("\x82", "\x83", "\x84")
def _extension(m: Machine) -> None:
    size = {0x82: "<B", 0x83: "<H", 0x84: "<i"}[m.data[m.position - 1]]
    m.push(m.name("copyreg", f"extension {m.number(size)}"))


_plain_steps()
_memo_steps()
