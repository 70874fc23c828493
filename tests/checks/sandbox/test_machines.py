"""Fault M10 and its neighbours: weak machines, users without power, hostile packages."""

from __future__ import annotations

import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import checks
from checks.sandbox import Layers, Limits, ModelSession, SandboxUnavailable, landlock, process
from checks.sandbox.interpreter import describe
from checks.sandbox.seccomp import ARCHITECTURES
from tests.checks.sandbox.environments import public_interpreter, require_real_root
from tests.checks.sandbox.payloads import model_of

OWN = Path(sys.executable)
ROOT = Path(checks.__file__).parents[1]

# Opens a session as whoever runs it and tells what came of it.
TELL = """
import json, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from checks.sandbox import ModelSession, SandboxUnavailable
try:
    with ModelSession(Path(sys.argv[3]), trust=sys.argv[2] == "trust") as session:
        told = {"layers": sorted(session.layers.names), "warning": session.warning}
except SandboxUnavailable as error:
    told = {"refused": str(error)}
print("TOLD", json.dumps(told))
"""

# Takes calls away from this process and its children, as an old kernel lacks them.
AS_AN_OLD_KERNEL = """
import ctypes, struct
calls, libc = {calls}, ctypes.CDLL(None, use_errno=True)
lines = [(0x20, 0, 0, 0)]
for number in calls:
    lines += [(0x15, 0, 1, number), (0x06, 0, 0, 0x00050000 | 38)]
program = b"".join(struct.pack("<HBBI", *line) for line in [*lines, (0x06, 0, 0, 0x7fff0000)])
buffer = ctypes.create_string_buffer(program, len(program))
filter = struct.pack("@HP", len(program) // 8, ctypes.addressof(buffer))
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert libc.prctl(22, 2, ctypes.c_char_p(filter), 0, 0) == 0
"""
LANDLOCK = [444, 445, 446]
CHANGE_OF_UID = {
    "x86_64": [117, 119, 116],
    "aarch64": [147, 149, 159],
}  # setresuid, .gid, setgroups


def told(
    text: str,
    trust: str = "no",
    interpreter: Path = OWN,
    root: Path = ROOT,
    child: Path | None = None,
) -> dict[str, Any]:
    done = subprocess.run(
        [interpreter, "-c", text, str(root), trust, str(child or interpreter)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "TOLD" in done.stdout, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.partition("TOLD ")[2])
    return found


def on_an_old_kernel(calls: list[int], trust: str = "no") -> dict[str, Any]:
    return told(AS_AN_OLD_KERNEL.format(calls=calls) + TELL, trust)


def test_this_machine_confines() -> None:
    assert set(told(TELL)["layers"]) >= {"landlock", "seccomp", "rlimits", "env"}


def test_root_stays_root_without_its_powers() -> None:
    """Where the interpreter is readable to root alone, or to everybody."""
    require_real_root()
    for interpreter in (OWN, public_interpreter()):
        with ModelSession(interpreter) as session:
            lines = process.status(session.pid)
        assert int(lines["CapEff"], 16) == int(lines["CapPrm"], 16) == 0
        assert session.layers.uid is (lines["Uid"].split()[0] != "0")


def test_another_uid_keeps_none_of_our_groups() -> None:
    require_real_root()
    groups = "import os\nos.setgroups([4, 27])\n"
    assert "uid" in told(groups + TELL, child=public_interpreter())["layers"]


def test_m10_without_landlock_and_another_uid_it_refuses() -> None:
    machine = os.uname().machine
    calls = LANDLOCK + CHANGE_OF_UID[machine]
    sentence = on_an_old_kernel(calls)["refused"]
    assert "cannot confine a model" in sentence
    assert "Landlock or another uid" in sentence
    assert "--trust-model" in sentence


def test_m10_trust_goes_on_with_what_there_is_and_says_so() -> None:
    calls = LANDLOCK + CHANGE_OF_UID[os.uname().machine]
    found = on_an_old_kernel(calls, "trust")
    assert found["layers"] == ["env", "rlimits", "seccomp"]
    assert "was trusted" in found["warning"]
    assert "Landlock or another uid" in found["warning"]


def test_a_machine_that_confines_needs_no_trust_and_warns_of_nothing() -> None:
    assert told(TELL, "trust")["warning"] is None


def test_asking_for_one_layer_that_cannot_be_had_is_no_silent_pass(tmp_path: Path) -> None:
    private = tmp_path / "private"  # an interpreter that no other uid can reach
    private.mkdir(mode=0o700)
    subprocess.run([OWN, "-m", "venv", "--without-pip", private / "venv"], check=True)
    with pytest.raises(SandboxUnavailable, match=r"just \['uid'\], in force are \[\]"):
        ModelSession(private / "venv/bin/python", only=frozenset({"uid"}))


def test_an_unknown_layer_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"known: .*landlock"):
        ModelSession(OWN, only=frozenset({"magic"}))


def test_an_interpreter_that_is_missing_or_none_is_said_to_be_so(tmp_path: Path) -> None:
    with pytest.raises(SandboxUnavailable, match="no Python interpreter at"):
        ModelSession(tmp_path / "python")
    impostor = tmp_path / "python"
    impostor.write_text("this is no program")
    impostor.chmod(0o755)
    with pytest.raises(SandboxUnavailable, match="did not start in the sandbox"):
        ModelSession(impostor)


@pytest.fixture
def public_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="sandbox-public-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def test_a_user_without_power_is_confined_by_landlock_and_seccomp(public_folder: Path) -> None:
    """As on a CI runner: no root, so no other uid."""
    require_real_root()
    shutil.copytree(ROOT / "checks/sandbox", public_folder / "checks/sandbox")
    numpy = Path(sys.modules["numpy"].__file__ or "").parent
    for package in numpy.parent.glob("numpy*"):
        shutil.copytree(package, public_folder / package.name)
    (public_folder / "checks/__init__.py").touch()
    become = "import os\nos.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
    found = told(become + TELL, "no", public_interpreter(), public_folder)
    assert found.get("layers") == ["env", "landlock", "rlimits", "seccomp"], found


HOSTILE = """
import os, sys
if sys.argv[0] == "-c":
    try:
        os.posix_spawn("/usr/bin/touch", ["touch", {canary!r}], {{}})
    except OSError:
        os.write(1, b"REFUSED")
    try:
        open({canary!r}, "w").close()
    except OSError:
        os.write(1, b"REFUSED")
"""


def test_an_environments_own_code_runs_under_the_locks(tmp_path: Path) -> None:
    """Packages of a repository's choice run when the interpreter starts, before our script does."""
    subprocess.run([OWN, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    packages = next((tmp_path / "venv/lib").glob("python3*/site-packages"))
    canary = tmp_path / "canary"
    (packages / "sitecustomize.py").write_text(HOSTILE.format(canary=str(canary)))
    interpreter = tmp_path / "venv/bin/python"
    subprocess.run([interpreter, "-c", "import os; os.waitpid(-1, 0)"], check=True)
    assert canary.exists()  # outside it has its way
    canary.unlink()
    with ModelSession(interpreter, limits=Limits(wall_s=60)) as session:
        session.load(model_of(""), "pickle")
        assert session.noise == b"REFUSEDREFUSED"
    assert not canary.exists()


def test_an_environment_that_prevents_the_last_lock_is_refused(tmp_path: Path) -> None:
    subprocess.run([OWN, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    packages = next((tmp_path / "venv/lib").glob("python3*/site-packages"))
    answer = b'{"id": 0}'
    frame = struct.pack("<4sIQ", b"HPT1", len(answer), 0) + answer
    (packages / "sitecustomize.py").write_text(
        f"import os, time\nfor n in range(3, 64):\n"
        f"    try: os.write(n, {frame!r})\n    except OSError: pass\ntime.sleep(600)"
    )
    with pytest.raises(SandboxUnavailable, match="seccomp missing"):
        ModelSession(tmp_path / "venv/bin/python")


def test_nothing_but_the_pipes_is_open_in_the_child() -> None:
    secret = os.open("/etc/hostname", os.O_RDONLY)
    os.set_inheritable(secret, True)
    listing = (
        "import os\nfound = []\nfor n in range(256):\n"
        "    try: os.fstat(n); found.append(n)\n    except OSError: pass\n"
        "print('OPEN', len(found), os.environ.keys() - {'LC_CTYPE'}, os.getcwd(), flush=True)\n"
        "import sys; print('ISOLATED', sys.flags.isolated, flush=True)"
    )
    try:
        with ModelSession(OWN) as session:
            session.load(model_of(listing), "pickle")
            words = session.noise.decode()
    finally:
        os.close(secret)
    assert "OPEN 5 " in words  # 0, 1, 2, requests, results
    assert "PATH" not in words
    assert "ISOLATED 1" in words


def test_the_rules_grow_with_the_abi_and_never_shrink() -> None:
    sets = [landlock.ruleset(version, (), (), ()) for version in range(1, 9)]
    for older, newer in pairwise(sets):
        assert older.files & newer.files == older.files
        assert older.network <= newer.network
        assert older.scopes <= newer.scopes
    assert (sets[2].network, sets[3].network) == (0, landlock.TCP)
    assert (sets[4].scopes, sets[5].scopes) == (0, landlock.SCOPES)


def test_only_dev_null_may_be_written() -> None:
    place = describe(OWN)
    rules = landlock.ruleset(7, place.folders, place.files, place.programs).rules
    reading = landlock.READ_FILE | landlock.READ_DIR | landlock.EXECUTE
    assert [path for path, access in rules if access & ~reading] == ["/dev/null"]
    assert {"/", "/home", "/root", "/tmp", "/etc", "/proc"}.isdisjoint(path for path, _ in rules)


def test_the_interpreters_folders_are_found_without_running_it(tmp_path: Path) -> None:
    subprocess.run([OWN, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    place = describe(tmp_path / "venv/bin/python")
    assert place.interpreter == tmp_path / "venv/bin/python"
    assert tmp_path / "venv/lib" in place.folders
    assert place.files == (tmp_path / "venv/pyvenv.cfg",)
    assert place.programs[0] == (tmp_path / "venv/bin/python").resolve()
    assert all("ld" in loader.name for loader in place.programs[1:])


@pytest.mark.parametrize(
    ("layers", "lacking"),
    [
        (Layers(False, 7, True, True, True), ()),
        (Layers(True, None, True, True, True), ()),
        (Layers(False, None, True, True, True), ("Landlock or another uid",)),
        (Layers(True, 7, False, True, True), ("seccomp",)),
        (Layers(True, 7, True, False, True), ("rlimits",)),
        (Layers(True, 7, True, True, False), ("env",)),
    ],
)
def test_the_least_that_counts_as_a_sandbox(layers: Layers, lacking: tuple[str, ...]) -> None:
    assert layers.lacking == lacking


def test_every_architecture_is_covered_here() -> None:
    assert CHANGE_OF_UID.keys() == ARCHITECTURES.keys()
