"""Holds the model (or reads the data file) and answers over one pipe. Run as text, never imported.

`spawn` hands this to the model's own interpreter (`python -I -c`), inside the locks that
`launcher.py` closed. It imports none of our packages: a repository's `checks` cannot meet ours.
Once a model is loaded nothing here can be believed, so it computes no figure and measures no time;
it may only answer with plain arrays, in the frames described in `wire.py`.
"""

import contextlib
import ctypes
import io
import json
import os
import struct
import sys
import threading

MAGIC = b"HPT1"
PREFIX = struct.Struct("<4sIQ")
HEADER_LIMIT = 8 << 20
TEXT_LIMIT = 1000
DTYPES = {"f8": "<f8", "i8": "<i8", "b1": "|b1"}
PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2
OUTPUTS = ("predict", "predict_proba", "predict_log_proba", "decision_function")


class Refused(Exception):
    """The answer is nothing that may cross; the message says why."""


# --- frames -----------------------------------------------------------------------------------


def read_exactly(descriptor, size):
    data = bytearray(size)
    view = memoryview(data)
    while view:
        count = os.readv(descriptor, [view])
        if count == 0:
            os._exit(0)  # the parent closed the session
        view = view[count:]
    return data


def write_all(descriptor, data):
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def receive(descriptor):
    _, header_length, body_length = PREFIX.unpack(read_exactly(descriptor, PREFIX.size))
    header = json.loads(read_exactly(descriptor, header_length))
    return header, read_exactly(descriptor, body_length)


def send(descriptor, header, parts):
    text = json.dumps(header, separators=(",", ":")).encode()
    if len(text) > HEADER_LIMIT:
        text, parts = json.dumps({"id": header["id"], "refused": "a header too long"}).encode(), ()
    size = sum(len(part) for part in parts)
    write_all(descriptor, PREFIX.pack(MAGIC, len(text), size) + text)
    for part in parts:
        write_all(descriptor, part)


# --- arrays -----------------------------------------------------------------------------------


def decode_columns(specs, body):
    """[(name, kind, numpy array or list of str and None)], in order."""
    import numpy

    at, columns = 0, []
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


def plain(result):
    """(header, parts) of whatever the model answered, if it is a plain array of up to 2 dimensions."""
    import numpy

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


def plain_objects(array):
    import numpy

    items = array.ravel().tolist()
    if all(isinstance(item, str) for item in items):
        return array, "U"
    if all(isinstance(item, (bool, numpy.bool_)) for item in items):
        return array.astype(bool), "b"
    if all(isinstance(item, (int, float, numpy.number, bool)) or item is None for item in items):
        return array.astype(float), "f"
    other = next(item for item in items if not isinstance(item, (str, int, float)))
    raise Refused(f"objects of type {type(other).__name__}")


def encode_text(items, shape):
    import numpy

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

    def __init__(self, kind, value, maxvalue, name, unlink):
        self._lock = threading.RLock() if kind == 0 else threading.Semaphore(value)
        self.kind, self.maxvalue, self.name, self.handle = kind, maxvalue, None, 0

    def acquire(self, block=True, timeout=None):
        if not block:
            return self._lock.acquire(blocking=False)
        if timeout is None:
            return self._lock.acquire()
        return self._lock.acquire(timeout=max(timeout, 0))

    def release(self):
        self._lock.release()

    def __enter__(self):
        return self.acquire()

    def __exit__(self, *_):
        self.release()

    def _is_mine(self):
        return self.kind != 0 or self._lock._is_owned()

    def _get_value(self):
        return getattr(self._lock, "_value", 1)

    def _is_zero(self):
        return self._get_value() == 0

    def _after_fork(self):
        pass


def use_threads_only():
    with contextlib.suppress(ImportError):
        import _multiprocessing

        _multiprocessing.SemLock = ThreadSemaphore


def thread_backend():
    """Makes joblib run its jobs as threads, whatever the estimator would have preferred."""
    joblib = sys.modules.get("joblib")
    if joblib is None:
        return contextlib.nullcontext()
    configure = getattr(joblib, "parallel_config", None)
    if configure is None:
        return joblib.parallel_backend("threading", n_jobs=None)
    return configure(backend="threading")


# --- loaders: one function a format, from bytes ---------------------------------------------------


def load_pickle(payload, options):
    import pickle

    return pickle.loads(payload)


def load_joblib(payload, options):
    import joblib

    return joblib.load(io.BytesIO(payload))


LOADERS = {"pickle": load_pickle, "joblib": load_joblib}


# --- parsers: one function a format, from bytes to a pandas DataFrame ------------------------------


def parse_csv(payload, options):
    import pandas

    return pandas.read_csv(io.BytesIO(payload), low_memory=False)


PARSERS = {"csv": parse_csv}


def encode_series(series):
    import numpy

    kind = series.dtype.kind if isinstance(series.dtype, numpy.dtype) else "O"
    if kind in "biuf":
        return plain(series.to_numpy())
    missing = series.isna().tolist()
    items = [None if gone else str(item) for item, gone in zip(series.tolist(), missing)]
    return encode_text(items, (len(items),))


# --- operations: (state, header, body) -> (answer, parts) ---------------------------------------------


def do_lock(state, header, body):
    """No program is started from here on: the second filter, over the launcher's."""
    instructions = ctypes.create_string_buffer(bytes(body), len(body))
    descriptor = struct.pack("@HP", len(body) // 8, ctypes.addressof(instructions))
    libc = ctypes.CDLL(None, use_errno=True)
    zero = ctypes.c_ulong(0)
    mode = ctypes.c_ulong(SECCOMP_MODE_FILTER)
    if libc.prctl(PR_SET_SECCOMP, mode, ctypes.c_char_p(descriptor), zero, zero) != 0:
        raise OSError(ctypes.get_errno(), "PR_SET_SECCOMP")
    return {}, ()


def do_import(state, header, body):
    """Imports ahead of time what it can; what is missing shows when the model is loaded."""
    missing = []
    for name in header["modules"]:
        try:
            __import__(name)
        except Exception:
            missing.append(name)
    return {"missing": missing}, ()


def do_load(state, header, body):
    payload = bytes(body)
    body.clear()
    model = LOADERS[header["loader"]](payload, header["options"])
    state["model"], state["input"] = model, header["options"].get("input", "auto")
    answer = {
        "type": type(model).__name__,
        "outputs": [name for name in OUTPUTS if callable(getattr(model, name, None))],
        "features": feature_names(model),
    }
    try:
        answer["classes"], parts = plain(model.classes_)
    except Exception:
        answer["classes"], parts = None, ()
    return answer, parts


def feature_names(model):
    try:
        return [str(name) for name in model.feature_names_in_]
    except Exception:
        return None


def do_predict(state, header, body):
    data = model_input(state, decode_columns(header["columns"], body))
    method = getattr(state["model"], header["method"])
    with thread_backend():
        result = method(data)
    answer, parts = plain(result)
    return {"array": answer}, parts


def model_input(state, columns):
    """A DataFrame for a model that knows names or for text columns, else a plain matrix."""
    import numpy

    wanted = state["input"]
    text = any(kind == "str" for _, kind, _ in columns)
    named = text or hasattr(state["model"], "feature_names_in_")
    if wanted == "array" or (wanted == "auto" and not named):
        return numpy.column_stack([values for _, _, values in columns])
    import pandas

    # Missing text is NaN, as read_csv gives it to whoever trained on a file.
    return pandas.DataFrame(
        {
            name: [numpy.nan if item is None else item for item in values]
            if kind == "str"
            else values
            for name, kind, values in columns
        }
    )


def do_parse(state, header, body):
    payload = bytes(body)
    body.clear()
    frame = PARSERS[header["format"]](payload, header["options"])
    if frame.shape[1] > header["columns_limit"]:
        raise Refused(f"{frame.shape[1]} columns, more than {header['columns_limit']}")
    columns, parts = [], []
    for position, name in enumerate(frame.columns):
        spec, pieces = encode_series(frame.iloc[:, position])
        columns.append({"name": str(name), **spec})
        parts += pieces
    return {"columns": columns}, parts


OPERATIONS = {
    "lock": do_lock,
    "import": do_import,
    "load": do_load,
    "predict": do_predict,
    "parse": do_parse,
}


def answer(state, header, body):
    try:
        return OPERATIONS[header["op"]](state, header, body)
    except Refused as refusal:
        return {"refused": str(refusal)[:TEXT_LIMIT]}, ()
    except BaseException as error:  # SystemExit too: a model must not end us politely
        return {"raised": {"type": type(error).__name__, "message": words(error)}}, ()


def words(error):
    try:
        return str(error)[:TEXT_LIMIT]
    except BaseException:
        return ""


def main():
    requests, results = int(sys.argv[1]), int(sys.argv[2])
    use_threads_only()
    state = {}
    while True:
        header, body = receive(requests)
        reply, parts = answer(state, header, body)
        send(results, {"id": header["id"], **reply}, parts)


if __name__ == "__main__":
    main()
