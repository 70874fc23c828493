"""Holds the model (or reads the data file) and answers over one pipe. Run as text, never imported.

`spawn` hands this to the model's own interpreter (`python -I -c`), inside the locks that
`launcher.py` closed. It imports none of our packages: a repository's `checks` cannot meet ours.
Once a model is loaded nothing here can be believed, so it computes no figure and measures no time;
it may only answer with plain arrays, in the frames described in `wire.py`.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import struct
import sys
import threading
from collections.abc import Sequence
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder
from typing import Any

MAGIC = b"HPT1"
PREFIX = struct.Struct("<4sIQ")
HEADER_LIMIT = 8 << 20
TEXT_LIMIT = 1000
DTYPES = {"f8": "<f8", "i8": "<i8", "b1": "|b1"}
PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2
OUTPUTS = ("predict", "predict_proba", "predict_log_proba", "decision_function")
Header = dict[str, Any]
Parts = Sequence["bytes | bytearray"]
Reply = tuple[Header, Parts]


class Refused(Exception):  # noqa: N818 - it is an answer, no error
    """The answer is nothing that may cross; the message says why."""


# --- frames -----------------------------------------------------------------------------------


def read_exactly(descriptor: int, size: int) -> bytearray:
    data = bytearray(size)
    view = memoryview(data)
    while view:
        count = os.readv(descriptor, [view])
        if count == 0:
            os._exit(0)  # the parent closed the session
        view = view[count:]
    return data


def write_all(descriptor: int, data: bytes | bytearray) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def receive(descriptor: int) -> tuple[Header, bytearray]:
    _, header_length, body_length = PREFIX.unpack(read_exactly(descriptor, PREFIX.size))
    header = json.loads(read_exactly(descriptor, header_length))
    return header, read_exactly(descriptor, body_length)


def send(descriptor: int, header: Header, parts: Parts) -> None:
    text = json.dumps(header, separators=(",", ":")).encode()
    if len(text) > HEADER_LIMIT:
        text, parts = json.dumps({"id": header["id"], "refused": "a header too long"}).encode(), ()
    size = sum(len(part) for part in parts)
    write_all(descriptor, PREFIX.pack(MAGIC, len(text), size) + text)
    for part in parts:
        write_all(descriptor, part)


# --- arrays -----------------------------------------------------------------------------------


def decode_columns(specs: list[Header], body: bytearray) -> list[tuple[str, str, Any]]:
    """[(name, kind, numpy array or list of str and None)], in order."""
    numpy = import_module("numpy")
    at = 0
    columns: list[tuple[str, str, Any]] = []
    for spec in specs:
        rows = spec["shape"][0]
        if spec["kind"] == "str":
            offsets = numpy.frombuffer(body, "<i8", rows + 1, at).tolist()
            present = body[at + 8 * (rows + 1) : at + 8 * (rows + 1) + rows]
            start = at + 9 * rows + 8
            at = start + spec["bytes"]
            values = [
                bytes(body[start + offsets[i] : start + offsets[i + 1]]).decode()
                if present[i]
                else None
                for i in range(rows)
            ]
        else:
            values = numpy.frombuffer(body, DTYPES[spec["kind"]], rows, at)
            at += rows * values.dtype.itemsize
        columns.append((spec["name"], spec["kind"], values))
    return columns


def plain(result: Any) -> Reply:
    """Whatever the model answered, if it is a plain array of one or two dimensions."""
    numpy = import_module("numpy")
    array = numpy.asarray(result)
    if array.ndim not in (1, 2):
        raise Refused(f"an array of {array.ndim} dimensions")
    kind = array.dtype.kind
    if kind == "O":
        array, kind = plain_objects(array)
    if kind in "US":
        return encode_text([str(item) for item in array.ravel().tolist()], array.shape)
    codes = {"f": "f8", "i": "i8", "u": "i8", "b": "b1"}
    if kind not in codes:
        raise Refused(f"an array of {array.dtype}")
    code = codes[kind]
    if array.dtype == numpy.uint64 and array.size and array.max() > 2**63 - 1:
        code = "f8"
    data = numpy.ascontiguousarray(array, DTYPES[code])
    return {"kind": code, "shape": list(array.shape)}, [data.tobytes()]


def plain_objects(array: Any) -> tuple[Any, str]:
    numpy = import_module("numpy")
    items = array.ravel().tolist()
    if all(isinstance(item, str) for item in items):
        return array, "U"
    if all(isinstance(item, (bool, numpy.bool_)) for item in items):
        return array.astype(bool), "b"
    if all(isinstance(item, (int, float, numpy.number, bool)) or item is None for item in items):
        return array.astype(float), "f"
    other = next(item for item in items if not isinstance(item, (str, int, float)))
    raise Refused(f"objects of type {type(other).__name__}")


def encode_text(items: list[str | None], shape: tuple[int, ...]) -> Reply:
    numpy = import_module("numpy")
    pieces = [b"" if item is None else item.encode(errors="replace") for item in items]
    offsets = numpy.zeros(len(pieces) + 1, "<i8")
    numpy.cumsum([len(piece) for piece in pieces], out=offsets[1:])
    present = bytes(item is not None for item in items)
    text = b"".join(pieces)
    header = {"kind": "str", "shape": list(shape), "bytes": len(text)}
    return header, [offsets.tobytes(), present, text]


# --- threads ----------------------------------------------------------------------------------


class ThreadSemaphore:
    """Stands in for multiprocessing's semaphore, which is a file in /dev/shm.

    No process can be made here and no file written, but thread pools ask for one all the same;
    between threads of one process a thread's semaphore does exactly its work.
    """

    SEM_VALUE_MAX = 2**31 - 1

    def __init__(
        self,
        kind: int,
        value: int,
        maxvalue: int,
        name: str,  # noqa: ARG002 - the signature of what it stands in for
        unlink: bool,  # noqa: ARG002 - as above
    ) -> None:
        self._lock: Any = threading.RLock() if kind == 0 else threading.Semaphore(value)
        self.kind, self.maxvalue, self.name, self.handle = kind, maxvalue, None, 0

    def acquire(self, block: bool = True, timeout: float | None = None) -> bool:
        if not block:
            return bool(self._lock.acquire(blocking=False))
        if timeout is None:
            return bool(self._lock.acquire())
        return bool(self._lock.acquire(timeout=max(timeout, 0)))

    def release(self) -> None:
        self._lock.release()

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()

    def _is_mine(self) -> bool:
        return self.kind != 0 or bool(self._lock._is_owned())

    def _get_value(self) -> int:
        return int(getattr(self._lock, "_value", 1))

    def _is_zero(self) -> bool:
        return self._get_value() == 0

    def _after_fork(self) -> None:
        """Nothing: no fork is possible."""


def use_threads_only() -> None:
    with contextlib.suppress(ImportError):
        vars(import_module("_multiprocessing"))["SemLock"] = ThreadSemaphore


def thread_backend() -> contextlib.AbstractContextManager[Any]:
    """Makes joblib run its jobs as threads, whatever the estimator would have preferred."""
    joblib = sys.modules.get("joblib")
    if joblib is None:
        return contextlib.nullcontext()
    configure = getattr(joblib, "parallel_config", None)  # joblib 1.3
    context: contextlib.AbstractContextManager[Any] = (
        configure(backend="threading")
        if configure
        else joblib.parallel_backend("threading", n_jobs=None)
    )
    return context


class RepositoryFinder:
    """Asked last: on sys.path a repository's package would hide an installed namespace package."""

    @staticmethod
    def find_spec(name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        return PathFinder.find_spec(name, sys.argv[3:], target) if path is None else None


# --- operations: (state, header, body) -> (answer, parts) -----------------------------------------


def do_lock(_state: Header, _header: Header, body: bytearray) -> Reply:
    """No program is started from here on: the second filter, over the launcher's."""
    if not body:
        return {}, ()
    instructions = ctypes.create_string_buffer(bytes(body), len(body))
    descriptor = struct.pack("@HP", len(body) // 8, ctypes.addressof(instructions))
    libc = ctypes.CDLL(None, use_errno=True)
    zero = ctypes.c_ulong(0)
    mode = ctypes.c_ulong(SECCOMP_MODE_FILTER)
    if libc.prctl(PR_SET_SECCOMP, mode, ctypes.c_char_p(descriptor), zero, zero) != 0:
        raise OSError(ctypes.get_errno(), "PR_SET_SECCOMP")
    return {}, ()


def do_import(_state: Header, header: Header, _body: bytearray) -> Reply:
    """Imports ahead of time what it can, and says what it cannot."""
    missing = {}
    with contextlib.suppress(ImportError):  # one would start gcc, the other would read /proc
        vars(import_module("ctypes.util"))["find_library"] = lambda _name: None
        vars(import_module("threadpoolctl"))["_HAS_PROCFS"] = False
    for name in header["modules"]:
        try:
            import_module(name)
        except Exception as error:  # noqa: BLE001 - an import may fail in any way
            missing[name] = f"{type(error).__name__}: {words(error)}"
    return {"missing": missing}, ()


def do_code(state: Header, header: Header, body: bytearray) -> Reply:
    """Runs a script of ours: how one format is read. It comes before anything untrusted does."""
    names = state.setdefault("code", {})
    names["__name__"] = header["name"]
    exec(compile(bytes(body), header["name"], "exec"), names)  # noqa: S102 - our own text
    return {}, ()


def do_load(state: Header, header: Header, body: bytearray) -> Reply:
    payload = bytes(body)
    body.clear()
    model = state["code"]["load"](payload, header["options"])
    state["model"], state["input"] = model, header["input"]
    answer: Header = {
        "type": type(model).__name__,
        "outputs": [name for name in OUTPUTS if callable(getattr(model, name, None))],
        "features": feature_names(model),
        "notes": state["code"].get("NOTES", []),
    }
    try:
        answer["classes"], parts = plain(model.classes_)
    except Exception:  # noqa: BLE001 - the model is asked a favour, and its code may do anything
        answer["classes"], parts = None, ()
    return answer, parts


def feature_names(model: Any) -> list[str] | None:
    try:
        return [str(name) for name in model.feature_names_in_]
    except Exception:  # noqa: BLE001 - as above
        return None


def do_predict(state: Header, header: Header, body: bytearray) -> Reply:
    data = model_input(state, decode_columns(header["columns"], body), header["dtypes"])
    method = getattr(state["model"], header["method"])
    with thread_backend():
        result = method(data)
    answer, parts = plain(result)
    return {"array": answer}, parts


def model_input(state: Header, columns: list[tuple[str, str, Any]], dtypes: Header) -> Any:
    """A DataFrame for a model that knows names or for text columns, else a plain matrix.

    A loader's model says by `takes_` what it wants; "named" is an array for each column.
    """
    numpy = import_module("numpy")
    wanted = getattr(state["model"], "takes_", state["input"])
    if wanted == "named":
        kinds = {"str": object}
        return {name: numpy.array(each, kinds.get(kind)) for name, kind, each in columns}
    text = any(kind == "str" for _, kind, _ in columns)
    named = text or hasattr(state["model"], "feature_names_in_")
    if wanted == "array" or (wanted == "auto" and not named):
        return numpy.column_stack([values for _, _, values in columns])
    pandas = import_module("pandas")
    # Missing text is NaN, as read_csv gives it to whoever trained on a file.
    return pandas.DataFrame(
        {
            name: [numpy.nan if item is None else item for item in values]
            if kind == "str"
            else values
            for name, kind, values in columns
        }
    ).astype(dtypes)


def do_open(state: Header, header: Header, _body: bytearray) -> Reply:
    """Begins with the file behind an inherited descriptor; nothing else of the disk can be read."""
    os.lseek(header["file"], 0, os.SEEK_SET)
    file = os.fdopen(header["file"], "rb", closefd=False)
    state["batches"] = state["code"]["batches"](file, header["cells"], header["columns_limit"])
    return {}, ()


def do_batch(state: Header, header: Header, _body: bytearray) -> Reply:
    """The file's next rows, no columns after the last."""
    frame: Any = next(state["batches"], None)
    columns: list[Header] = []
    parts: list[bytes | bytearray] = []
    for position, name in enumerate([] if frame is None else frame.columns):
        values = state["code"]["settled"](str(name), frame.iloc[:, position])
        spec, pieces = (
            encode_text(values, (len(values),)) if type(values) is list else plain(values)
        )
        columns.append({"name": str(name), **spec})
        parts += pieces
    size = sum(map(len, parts))
    if size > header["bytes_limit"]:
        raise Refused(f"{len(frame)} rows of {size} bytes, more than a batch may have")
    return {"columns": columns}, parts


OPERATIONS = {
    "lock": do_lock,
    "import": do_import,
    "code": do_code,
    "load": do_load,
    "predict": do_predict,
    "open": do_open,
    "batch": do_batch,
}


def answer(state: Header, header: Header, body: bytearray) -> Reply:
    try:
        return OPERATIONS[header["op"]](state, header, body)
    except Refused as refusal:
        return {"refused": str(refusal)[:TEXT_LIMIT]}, ()
    except BaseException as error:  # noqa: BLE001 - SystemExit too: a model must not end us politely
        return {"raised": {"type": type(error).__name__, "message": words(error)}}, ()


def words(error: BaseException) -> str:
    try:
        return str(error)[:TEXT_LIMIT]
    except BaseException:  # noqa: BLE001 - the exception is the model's own
        return ""


def main() -> None:
    requests, results = int(sys.argv[1]), int(sys.argv[2])
    use_threads_only()
    sys.meta_path.append(RepositoryFinder)
    state: Header = {}
    while True:
        header, body = receive(requests)
        reply, parts = answer(state, header, body)
        send(results, {"id": header["id"], **reply}, parts)


if __name__ == "__main__":
    main()
