"""Environments are built of wheels once, run nothing, and say in a sentence why they cannot be."""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from checks.environment.build import Builder, BuildError, cache_folder
from checks.environment.installed import installed
from checks.environment.wanted import Requirements, Wanted
from checks.sandbox import ModelSession
from checks.sandbox.interpreter import describe
from tests.checks.environment.registry import publish, served
from tests.checks.sandbox.environments import public_interpreter, require_real_root

if TYPE_CHECKING:
    from collections.abc import Iterator

TOUCH = "import pathlib; pathlib.Path({0!r}).write_text('here')\n"


def asked(*lines: str, constraints: tuple[str, ...] = ()) -> Requirements:
    """Requirements of these lines."""
    return Requirements(None, tuple(map(Wanted, lines)), tuple(map(Wanted, constraints)))


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[tuple[Path, Builder]]:
    """A registry's folder, and a builder that installs from it."""
    folder = tmp_path / "registry"
    folder.mkdir()
    with served(folder) as address:
        environ = {"PATH": os.environ["PATH"], "UV_DEFAULT_INDEX": address, "SECRET": "x"}
        yield folder, Builder(tmp_path / "cache", environ=environ)


def real(cache: Path, **environ: str) -> Builder:
    """A builder that installs from where this machine's owner does."""
    return Builder(cache, environ={**os.environ, **environ})


def refused(builder: Builder, requirements: Requirements) -> tuple[str, str]:
    """The sentence and what to do."""
    with pytest.raises(BuildError) as caught:
        builder.interpreter(requirements)
    left = [path for path in builder.cache.glob("environments/*") if path.is_dir()]
    assert left == [], "a failed environment was left behind"
    return str(caught.value), caught.value.fix


def test_packages_are_installed_and_found_again(shelf: tuple[Path, Builder]) -> None:
    folder, builder = shelf
    publish(folder, "one", {"one.py": "x = 1\n"})
    publish(folder, "two", {"two.py": ""}, version="2.5")
    python = builder.interpreter(asked("one", "two>=2"))
    found = installed(python)
    assert {name: found.versions[name] for name in ("one", "two")} == {"one": "1.0", "two": "2.5"}
    assert {"one", "two"} <= found.modules
    (folder / "one" / "index.html").unlink()
    assert builder.interpreter(asked("one", "two>=2")) == python
    assert builder.interpreter(asked("two>=2")) != python


def test_nothing_of_a_package_runs_before_the_sandbox(
    shelf: tuple[Path, Builder], tmp_path: Path
) -> None:
    folder, builder = shelf
    canary = tmp_path / "canary"
    publish(folder, "eager", {"eager.pth": TOUCH.format(str(canary))})
    python = builder.interpreter(asked("eager"))
    assert not canary.exists()
    with ModelSession(python):
        pass
    assert not canary.exists()
    subprocess.run([python, "-c", ""], check=True)
    assert canary.exists(), "the positive control had no effect"


@pytest.mark.parametrize("path", ["data/pyvenv.cfg", "scripts/python"])
def test_a_package_cannot_bring_another_interpreter(path: str, shelf: tuple[Path, Builder]) -> None:
    folder, builder = shelf
    publish(folder, "thief", {f"thief-1.0.data/{path}": "home = /root/.ssh\n"})
    said, _ = refused(builder, asked("thief"))
    assert "interpreter" in said or "could not be installed" in said


def test_a_package_that_is_no_wheel_is_named_with_the_python(tmp_path: Path) -> None:
    said, fix = refused(real(tmp_path), asked("docopt==0.6.2"))
    assert said.startswith("docopt 0.6.2 has no wheel for Python 3.")
    assert said.endswith("and nothing is built from source")
    assert "ask for a version that has one" in fix


def test_a_version_for_older_pythons_only_is_named_too(tmp_path: Path) -> None:
    said, _ = refused(real(tmp_path), asked("scikit-learn==0.24.0"))
    assert said.startswith("scikit-learn 0.24.0 has no wheel for Python 3.")


def test_contradictions_are_said(tmp_path: Path) -> None:
    said, _ = refused(real(tmp_path), asked("numpy==1.26.4", constraints=("numpy==2.0.0",)))
    assert said.startswith("the requirements contradict each other: ")
    assert "numpy==1.26.4" in said
    assert "numpy==2.0.0" in said


def test_what_does_not_exist_is_said(shelf: tuple[Path, Builder]) -> None:
    folder, builder = shelf
    publish(folder, "one", {})
    said, _ = refused(builder, asked("ono"))
    assert said == "the package registry has no ono"
    said, _ = refused(builder, asked("one==9"))
    assert said == "there is no one==9"


def test_other_bytes_than_the_digest_says_are_refused(shelf: tuple[Path, Builder]) -> None:
    folder, builder = shelf
    publish(folder, "one", {})
    wrong = Requirements(None, (Wanted("one==1.0", ("sha256:" + "0" * 64,)),))
    said, _ = refused(builder, wrong)
    assert said == "one==1.0 is not what the requirements' digests say"


def test_without_a_network_it_says_so(tmp_path: Path) -> None:
    with closing(socket.socket()) as unused:
        unused.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        proxy = f"http://127.0.0.1:{unused.getsockname()[1]}"
        said, fix = refused(real(tmp_path, HTTPS_PROXY=proxy, https_proxy=proxy), asked("six"))
    assert said.startswith("the model's packages cannot be downloaded (")
    assert "--no-environment" in fix
    said, _ = refused(real(tmp_path, UV_OFFLINE="1"), asked("six"))
    assert said == "the model's packages cannot be downloaded"


def test_a_build_has_a_time_limit(tmp_path: Path) -> None:
    with closing(socket.socket()) as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        environ = {"PATH": os.environ["PATH"], "UV_DEFAULT_INDEX": address}
        said, fix = refused(Builder(tmp_path, environ=environ, limit_s=3), asked("six"))
    assert "was not installed within 3 s" in said
    assert "model.requirements" in fix


def test_two_builders_at_once_make_one(shelf: tuple[Path, Builder]) -> None:
    folder, builder = shelf
    publish(folder, "one", {"one.py": ""})
    with ThreadPoolExecutor(2) as pool:
        paths = list(pool.map(builder.interpreter, [asked("one")] * 2))
    assert paths[0] == paths[1]
    folders = [path for path in builder.cache.glob("environments/*") if path.is_dir()]
    assert folders == [paths[0].parent.parent]


def test_a_builder_waits_for_another_and_not_for_ever(shelf: tuple[Path, Builder]) -> None:
    import fcntl  # noqa: PLC0415 - not everywhere

    folder, builder = shelf
    publish(folder, "one", {"one.py": ""})
    python = builder.interpreter(asked("one"))
    target = python.parent.parent
    target.rename(target.with_suffix(".away"))
    patient = Builder(builder.cache, environ=builder.environ, limit_s=0.5)
    with target.with_suffix(".lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(BuildError, match="another run has been building"):
            patient.interpreter(asked("one"))
    assert builder.interpreter(asked("one")) == python


def test_a_cache_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    said, fix = refused(real(tmp_path / "file"), asked("six"))
    assert "cannot be kept in" in said
    assert "HOLDPOINT_CACHE" in fix


def test_the_cache_folder() -> None:
    assert cache_folder({"HOLDPOINT_CACHE": "/a", "XDG_CACHE_HOME": "/b"}) == Path("/a/holdpoint")
    assert cache_folder({"XDG_CACHE_HOME": "/b", "HOLDPOINT_CACHE": ""}) == Path("/b/holdpoint")
    assert cache_folder({}) == Path.home() / ".cache" / "holdpoint"


def test_another_uid_is_used_only_where_it_may_read_the_environment(
    shelf: tuple[Path, Builder],
) -> None:
    require_real_root()
    folder, builder = shelf
    publish(folder, "one", {"one.py": ""})
    with tempfile.TemporaryDirectory(prefix="holdpoint-cache-") as name:
        Path(name).chmod(0o755)
        public = Builder(Path(name), public_interpreter(), builder.environ)
        before = os.umask(0o022)
        try:
            python = public.interpreter(asked("one"))
        finally:
            os.umask(before)
        assert describe(python).readable_to_others()
        with ModelSession(python) as session:
            assert {"uid", "landlock"} <= session.layers.names
        Path(name).chmod(0o700)
        assert not describe(python).readable_to_others()
        with ModelSession(python) as session:
            assert "uid" not in session.layers.names
            assert "landlock" in session.layers.names
