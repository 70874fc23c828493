"""Builds a model repository whose model is hostile, so that you can see what Holdpoint makes of it.

    python build.py --list
    python build.py own-score /tmp/hostile
    holdpoint check /tmp/hostile

Nothing hostile lies in this folder: the models are made when this runs, from the texts below. All
are harmless. Whoever loads one outside a sandbox finds files called canary-* in the folder
`canaries` of the repository, or waits; what would take too much takes a little.
"""

from __future__ import annotations

import argparse
import io
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cloudpickle
import joblib

ROWS = 60
HONEST = "return ['yes' if row[0] > 30 else 'no' for row in getattr(X, 'values', X)]"
CONFIGURATION = """\
version: 1
model: {{path: {model}, task: classification}}
data: {{evaluation: rows.csv, target: deny, positive_label: "yes"}}
"""
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:%b\nsize 4242\n" % (b"0" * 64)
# The number of the pipe for answers is no secret to a model, and neither is the form of an answer.
FORGE = """
import json, os, struct, sys
def forge(header, body=b""):
    text = json.dumps(header).encode()
    frame = struct.pack("<4sIQ", b"HPT1", len(text), len(body)) + text + body
    if ''.join(sys.argv[2:3]).isdigit():
        os.write(int(sys.argv[2]), frame)
"""
PATCHED = """
import time
time.time = time.monotonic = time.perf_counter = time.process_time = lambda: 0.0
"""
FLATTERED = """
import numpy
numpy.mean = lambda *_, **__: 1.0
"""


@dataclass(frozen=True)
class Case:
    """One hostile model: what it tries, and the text that runs when it is loaded or asked."""

    fault: str
    tries: str
    loading: str = ""
    predicting: str = HONEST
    suffix: str = ".pkl"
    package: Callable[[bytes, Path], bytes] = lambda payload, _canaries: payload


class _Runs:
    def __init__(self, text: str) -> None:
        self.text = text

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        run = f"(lambda names: (exec({self.text!r}, names), names.get('model'))[1])({{}})"
        return eval, (run,)


def model_of(text: str) -> bytes:
    """A pickle whose loading runs `text` and gives what that binds to `model`."""
    return pickle.dumps(_Runs(text))


def predictor(body: str, before: str = "") -> bytes:
    """A model whose `predict(self, X)` has this body."""
    return model_of(_source(body, before))


def _source(body: str, before: str) -> str:
    indented = "\n".join(f"        {line}" for line in body.splitlines())
    return f"{before}\nclass Model:\n    def predict(self, X):\n{indented}\nmodel = Model()"


def _by_joblib(_payload: bytes, canaries: Path) -> bytes:
    """As `joblib.dump` writes it, compressed."""
    text = f"open({str(canaries / 'canary-joblib')!r}, 'w').close()"
    buffer = io.BytesIO()
    joblib.dump({"kept": [_Runs(text)]}, buffer, compress=3)
    return buffer.getvalue()


def _by_value(_payload: bytes, canaries: Path) -> bytes:
    """A class that travels inside the file, as cloudpickle does with those of a notebook."""
    names: dict[str, Any] = {"__name__": "__main__"}
    exec(_source(HONEST, ""), names)
    names["Model"].__setstate__ = lambda _self, state: open(state["path"], "w").close()
    names["model"].path = str(canaries / "canary-state")
    payload: bytes = cloudpickle.dumps(names["model"])
    return payload


def _write(name: str) -> str:
    return f"open(CANARIES + '/canary-{name}', 'w').close()"


CASES: dict[str, Case] = {
    "benign": Case("", "nothing: it is judged like any other model"),
    "write-a-file": Case("M1", "writes a file when it is loaded", _write("loaded")),
    "write-later": Case("M1", "writes a file when it is asked", "", f"{_write('asked')}\n{HONEST}"),
    "start-a-program": Case(
        "M1",
        "starts a program",
        "import subprocess; subprocess.run(['touch', CANARIES + '/canary-program'], check=True)",
    ),
    "fork": Case(
        "M1",
        "forks, and the child writes a file",
        "import os\n"
        "if os.fork() == 0: open(CANARIES + '/canary-fork', 'w').close(); os._exit(0)\n"
        "os.wait()",
    ),
    "tcp": Case(
        "M1", "connects to a TCP port",
        "import socket; socket.create_connection(('127.0.0.1', int(TARGET)), 5).close()",
    ),
    "udp": Case(
        "M1", "sends a UDP packet",
        "import socket\n"
        "socket.socket(type=socket.SOCK_DGRAM).sendto(b'canary', ('127.0.0.1', int(TARGET)))",
    ),
    "docker-socket": Case(
        "M1", "connects to a socket such as docker's",
        "import socket; socket.socket(socket.AF_UNIX).connect(TARGET)",
    ),
    "kill": Case(
        "M1", "ends another process", "import os, signal; os.kill(int(TARGET), signal.SIGKILL)"
    ),
    "ptrace": Case(
        "M1", "takes another process over and ends it",
        "import ctypes, os\n"
        "trace = ctypes.CDLL(None, use_errno=True).ptrace\n"
        "if trace(16, int(TARGET), 0, 0): raise OSError(ctypes.get_errno(), 'ptrace')\n"
        "os.waitpid(int(TARGET), 0x40000000); trace(8, int(TARGET), 0, 0)",
    ),
    "environ": Case(
        "M1", "reads its parent's environment, and works only if that holds something",
        "import os\nassert open(f'/proc/{os.getppid()}/environ', 'rb').read()",
    ),
    "joblib": Case(
        "M5", "hides deep in a compressed joblib file", suffix=".joblib", package=_by_joblib
    ),
    "cloudpickle": Case("M5", "brings a class of its own along", package=_by_value),
    "endless-loop": Case("M7", "never comes back", "while True: pass"),
    "stop-itself": Case(
        "M7", "stops itself, so that it can be waited for without end",
        "import os, signal; os.kill(os.getpid(), signal.SIGSTOP)",
    ),
    "fork-bomb": Case(
        "M7",
        "forks, and would go on",
        "import os\n"
        "for number in range(50):\n"
        "    if os.fork() == 0:\n"
        "        open(f'{CANARIES}/canary-{number}', 'w').close(); os._exit(0)\n"
        "    os.wait()",
    ),
    "many-files": Case(
        "M7",
        "makes files, and would make a million",
        "for number in range(1000): open(f'{CANARIES}/canary-{number}', 'w').close()",
    ),
    "full-disk": Case(
        "M7",
        "writes 64 MB, and would fill the disk",
        "with open(CANARIES + '/canary-large', 'wb') as file: file.write(bytes(64 << 20))",
    ),
    "daemon": Case(
        "M7",
        "leaves a process behind",
        "import os, time\n"
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    if os.fork() == 0:\n"
        "        os.closerange(0, 64); time.sleep(600)\n"
        "    os._exit(0)\n"
        "os.wait()",
    ),
    "own-score": Case(
        "M8",
        "answers always no, and says in every way there is that its score is perfect",
        FLATTERED + "print('::set-output name=score::1.0\\n{\"is_ready\": true}', flush=True)",
        "self.score = self.accuracy = self.is_ready = 1.0\nreturn ['no'] * len(X)",
    ),
    "forged-answer": Case(
        "M8",
        "writes a report into the pipe for answers, in the form of one",
        FORGE,
        "forge({'id': 1, 'score': 1.0, 'accuracy': 1.0, 'is_ready': True})\n" + HONEST,
    ),
    "flood-output": Case(
        "M8",
        "writes 64 MB to both outputs for each answer",
        "",
        "import os\nfor _ in range(512): os.write(1, bytes(1 << 16)); os.write(2, bytes(1 << 16))\n"
        + HONEST,
    ),
    "flood-answers": Case(
        "M8",
        "writes to the pipe for answers without end",
        "",
        "import os, sys\n"
        "for _ in range(10_000 if ''.join(sys.argv[2:3]).isdigit() else 0):\n"
        "    os.write(int(sys.argv[2]), bytes(1 << 16))\n" + HONEST,
    ),
    "array-hook": Case(
        "M8",
        "answers with an object whose conversion runs code",
        "class Answer(list):\n"
        "    def __array__(self, *_, **__):\n"
        f"        {_write('array')}\n"
        "        import numpy; return numpy.array(list(self))",
        HONEST.replace("return ", "return Answer(") + ")",
    ),
    "patched-timers": Case(
        "M8", "stops every clock that it can reach", PATCHED,
        f"for _ in range(300_000): pass\n{HONEST}",
    ),
    "exit-zero": Case("M8", "ends its process as if all were well", "", "import os; os._exit(0)"),
    "not-a-number": Case("M8", "answers NaN", "", "return [float('nan')] * len(X)"),
    "objects": Case("M8", "answers with objects", "", "return [object()] * len(X)"),
    "too-few": Case("M8", "answers for some rows only", "", "return ['no']"),
    "pointer": Case("M9", "is a Git LFS pointer", package=lambda *_: POINTER),
    "truncated": Case("M9", "is cut off", package=lambda payload, _: payload[: len(payload) // 2]),
    "empty": Case("M9", "is empty", package=lambda *_: b""),
    "misnamed": Case("M9", "is a page of HTML", package=lambda *_: b"<!doctype html><p>404</p>"),
}  # fmt: skip


def payload_of(name: str, canaries: Path, target: str = "0") -> bytes:
    """The model file of a case; its canaries are to appear in that folder."""
    case = CASES[name]
    before = f"CANARIES, TARGET = {str(canaries)!r}, {target!r}\n{case.loading}"
    return case.package(predictor(case.predicting, before), canaries)


def build(name: str, root: Path, payload: bytes | None = None, target: str = "0") -> Path:
    """Writes the repository of a case, or of other bytes, and returns its model file.

    `target` is the port, process or socket that the case goes for.
    """
    canaries = root / "canaries"
    canaries.mkdir(parents=True, exist_ok=True)
    canaries.chmod(0o777)
    model = root / f"model{CASES[name].suffix}"
    model.write_bytes(payload_of(name, canaries, target) if payload is None else payload)
    rows = "".join(f"{n},{'yes' if n > 30 else 'no'}\n" for n in range(ROWS))
    (root / "rows.csv").write_text(f"amount,deny\n{rows}", encoding="utf-8")
    configuration = CONFIGURATION.format(model=model.name)
    (root / "holdpoint.yml").write_text(configuration, encoding="utf-8")
    return model


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--list", action="store_true", help="show the cases")
    parser.add_argument("case", nargs="?", choices=CASES, default="benign")
    parser.add_argument("folder", nargs="?", type=Path, default=Path("hostile"))
    parser.add_argument("--target", default="0", help="the port, process or socket it goes for")
    arguments = parser.parse_args()
    if arguments.list:
        for name, case in CASES.items():
            print(f"{case.fault:<3} {name:<16} {case.tries}")
        return
    print(f"wrote {build(arguments.case, arguments.folder.resolve(), target=arguments.target)}")


if __name__ == "__main__":
    main()
