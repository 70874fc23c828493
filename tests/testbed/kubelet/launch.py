"""Runs as a process of its own and becomes the parent of one container's process.

Given a JSON file it makes the container's root folder (the image below, a scratch layer above,
the machine's own system folders read-only), changes into it in fresh process, mount and host name
namespaces, and runs the command as process 1 there. SIGTERM is handed on; when this process is
killed, the kernel kills the container whole. Ends with the command's exit code, 128+n for a
signal.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any

from tests.testbed import linux

START_FAILED = 128
# statvfs's flags that a read-only bind mount must repeat (nosuid, nodev, noexec, noatime,
# nodiratime): the kernel lets a user namespace add restrictions, never drop them.
_KEPT_FLAGS = 2 | 4 | 8 | 1024 | 2048
_HOST_FOLDERS = ("usr", "bin", "sbin", "lib", "lib32", "lib64", "etc")


def _bind(source: Path, target: Path, *, read_only: bool) -> None:
    if source.is_dir():
        target.mkdir(parents=True, exist_ok=True)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()
    linux.mount(str(source), str(target), flags=linux.MS_BIND | linux.MS_REC)
    if read_only:
        kept = os.statvfs(target).f_flag & _KEPT_FLAGS
        again = linux.MS_BIND | linux.MS_REMOUNT | linux.MS_RDONLY
        linux.mount("none", str(target), flags=again | kept)


def _host_folders(root: Path) -> None:
    for name in _HOST_FOLDERS:
        source, target = Path("/") / name, root / name
        if source.is_symlink():
            target.symlink_to(source.readlink())
        elif source.is_dir():
            _bind(source, target, read_only=True)
    _bind(Path("/dev"), root / "dev", read_only=False)


def _layered(image: Path, scratch: Path) -> Path:
    """The image with a writable layer in memory, which goes away with the container."""
    linux.mount("tmpfs", str(scratch), "tmpfs")
    upper, work, root = (scratch / name for name in ("upper", "work", "root"))
    for folder in (upper, work, root):
        folder.mkdir()
    linux.mount(
        "overlay", str(root), "overlay", 0, f"lowerdir={image},upperdir={upper},workdir={work}"
    )
    return root


def make_root(spec: dict[str, Any]) -> Path:
    linux.mount("none", "/", flags=linux.MS_REC | linux.MS_PRIVATE)
    root = _layered(Path(spec["image"]), Path(spec["scratch"]))
    _host_folders(root)
    (root / "tmp").mkdir(mode=0o1777, exist_ok=True)
    for volume in spec["volumes"]:
        target = root / volume["target"].lstrip("/")
        _bind(Path(volume["source"]), target, read_only=volume["read_only"])
    # Last: a volume at /tmp must not hide an interpreter of a checkout that lies there.
    for prefix in spec["interpreters"]:
        _bind(Path(prefix), root / prefix.lstrip("/"), read_only=True)
    (root / "proc").mkdir(exist_ok=True)
    return root


def _mount_proc(root: Path) -> None:
    try:
        linux.mount("proc", str(root / "proc"), "proc")
    except OSError:
        _bind(Path("/proc"), root / "proc", read_only=False)


def _become(spec: dict[str, Any], root: Path) -> None:
    """Run the command in this process. Returns only by raising."""
    linux.die_with_parent(signal.SIGKILL)
    _mount_proc(root)
    os.chroot(root)
    os.chdir(spec["workdir"])
    os.setsid()
    env: dict[str, str] = spec["env"]
    for folder in env["PATH"].split(":"):
        program = f"{folder}/{spec['command'][0]}"
        if "/" not in spec["command"][0] and os.access(program, os.X_OK):
            os.execve(program, spec["command"], env)
    os.execve(spec["command"][0], spec["command"], env)


def _child(spec: dict[str, Any], root: Path, report: int) -> None:
    try:
        _become(spec, root)
    except OSError as error:
        os.write(report, f"{' '.join(spec['command'])}: {error}".encode())
    finally:
        os._exit(START_FAILED)


def main() -> int:
    linux.die_with_parent(signal.SIGKILL)
    spec: dict[str, Any] = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    report = os.open(spec["report"], os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC)
    # A signal that arrives before there is a child to hand it to ends this process, as it should.
    try:
        linux.unshare(linux.CLONE_NEWNS | linux.CLONE_NEWPID | linux.CLONE_NEWUTS)
        socket.sethostname(spec["hostname"])
        root = make_root(spec)
    except OSError as error:
        os.write(report, f"The container's root could not be made: {error}".encode())
        return START_FAILED
    child = os.fork()
    if child == 0:
        _child(spec, root, report)
    signal.signal(signal.SIGTERM, lambda number, frame: os.kill(child, number))
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main())
