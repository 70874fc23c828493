"""Fault M1 as a catalogue: what a hostile pickle tries, each with how its effect is seen.

An attack prints DONE once its act succeeded; where the world itself shows the effect, `evidence`
looks there and the attack's own word is not needed. All are harmless: canary files, local sockets,
a process that only sleeps.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.checks.sandbox.payloads import model_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.checks.sandbox.world import World

DONE = "THE-ATTACK-SUCCEEDED"
INHERITED = "HOLDPOINT_TEST_SECRET"
PREPARE = (
    "import ctypes, os, resource, signal, socket, time; libc = ctypes.CDLL(None, use_errno=True)"
)


@dataclass(frozen=True)
class Attack:
    """`body` is the text that runs on loading; `W` holds the world's values there."""

    body: str
    evidence: Callable[[World], bool] | None = None

    def payload(self, world: World) -> bytes:
        return model_of(
            f"W = {world.values()!r}\n{PREPARE}\n{self.body}\nprint({DONE!r}, flush=True)"
        )

    def had_effect(self, world: World, output: bytes) -> bool:
        """Whether it worked, by the world or by what it printed."""
        seen = self.evidence is not None and self.evidence(world)
        return seen or DONE.encode() in output or world.secret.encode() in output


def _size(world: World) -> int:
    return world.canary.stat().st_size if world.canary.exists() else 0


def _descriptors_taken(world: World) -> bool:
    lines = Path(f"/proc/{world.victim.pid}/limits").read_text().splitlines()
    return any(line.startswith("Max open files") and line.split()[3] == "3" for line in lines)


# What fails raises OSError, which ends the loading: DONE is printed only by what came through.
CALL = "result = libc.{}\nif result < 0: raise OSError(ctypes.get_errno(), 'refused')"

ATTACKS: dict[str, Attack] = {
    "write a file": Attack("open(W['canary'], 'w').close()", lambda w: w.canary.exists()),
    "write where only its owner may": Attack(
        "open(W['private'] + '/canary', 'w').close()", lambda w: (w.private / "canary").exists()
    ),
    "write a large file": Attack(
        "open(W['canary'], 'wb').write(bytes(8 << 20))", lambda w: _size(w) > 4 << 20
    ),
    "make a directory": Attack("os.mkdir(W['canary'])", lambda w: w.canary.exists()),
    "delete a file": Attack("os.unlink(W['public'])", lambda w: not w.public.exists()),
    "truncate a file": Attack("os.truncate(W['public'], 0)", lambda w: not w.public.stat().st_size),
    "change a file's mode": Attack(
        "os.chmod(W['public'], 0o604)", lambda w: w.public.stat().st_mode & 0o777 == 0o604
    ),
    "read what everybody may": Attack("print(open(W['public']).read(), flush=True)"),
    "read what only its owner may": Attack("print(open(W['owned']).read(), flush=True)"),
    "list a directory": Attack("assert 'public' in os.listdir(W['open'])"),
    "connect by TCP": Attack(
        "socket.create_connection(W['tcp'], 5).close()", lambda w: w.connected(w.tcp)
    ),
    "listen by TCP": Attack("s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen()"),
    "send by UDP": Attack(
        "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', W['udp'])",
        lambda w: w.received(),
    ),
    "connect to a daemon's socket": Attack(
        "socket.socket(socket.AF_UNIX).connect(W['unix'])", lambda w: w.connected(w.unix)
    ),
    "connect to an abstract socket": Attack(
        "socket.socket(socket.AF_UNIX).connect(W['abstract'])", lambda w: w.connected(w.abstract)
    ),
    "start a program": Attack(
        "os.execv('/usr/bin/touch', ['touch', W['canary']])", lambda w: w.canary.exists()
    ),
    "fork a daemon": Attack(
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    if os.fork() == 0:\n"
        "        print('daemon', os.getpid(), flush=True)\n"
        "        os.closerange(0, 64); time.sleep(600)\n"
        "    os._exit(0)\n"
        "os.wait()"
    ),
    "kill a process": Attack("os.kill(W['victim'], signal.SIGKILL)"),
    "trace a process": Attack(CALL.format("ptrace(16, W['victim'], None, None)")),
    "read a process's memory": Attack("open(f\"/proc/{W['victim']}/mem\", 'rb').close()"),
    "read a process's environment": Attack(
        "print(open(f\"/proc/{W['victim']}/environ\").read(), flush=True)"
    ),
    "limit a process": Attack(
        "resource.prlimit(W['victim'], resource.RLIMIT_NOFILE, (3, 3))", _descriptors_taken
    ),
    "make a user namespace": Attack(CALL.format("unshare(0x10000000)")),
    "keep a key in the kernel": Attack(
        # add_key(2) in the session's own keyring; 248 on x86_64, 217 on aarch64
        "number = 248 if os.uname().machine == 'x86_64' else 217\n"
        + CALL.format("syscall(number, b'user', b'holdpoint-test', b'x', 1, -2)")
    ),
    "read an inherited variable": Attack(f"print(os.environ[{INHERITED!r}], flush=True)"),
    "take a lot of memory": Attack("taken = bytearray(2 << 30)"),
    "burn processor time": Attack("while time.process_time() < 2.5: pass"),
    "open many files": Attack("held = [os.open('/dev/null', os.O_RDONLY) for _ in range(900)]"),
}

# What each layer stops with all the others off. The number is the Landlock ABI that it takes.
STOPPED_BY: dict[str, dict[str, int]] = {
    "seccomp": dict.fromkeys(
        [
            "connect by TCP",
            "listen by TCP",
            "send by UDP",
            "connect to a daemon's socket",
            "connect to an abstract socket",
            "start a program",
            "fork a daemon",
            "kill a process",
            "trace a process",
            "limit a process",
            "make a user namespace",
            "keep a key in the kernel",
            "change a file's mode",
        ],
        0,
    ),
    "landlock": {
        "write a file": 1,
        "write where only its owner may": 1,
        "write a large file": 1,
        "make a directory": 1,
        "delete a file": 1,
        "truncate a file": 3,
        "read what everybody may": 1,
        "read what only its owner may": 1,
        "list a directory": 1,
        "start a program": 1,
        "trace a process": 1,
        "read a process's memory": 1,
        "read a process's environment": 1,
        "connect by TCP": 4,
        "listen by TCP": 4,
        "connect to an abstract socket": 6,
        "kill a process": 6,
    },
    "uid": dict.fromkeys(
        [
            "write where only its owner may",
            "truncate a file",
            "read what only its owner may",
            "kill a process",
            "trace a process",
            "read a process's memory",
            "read a process's environment",
            "limit a process",
            "change a file's mode",
        ],
        0,
    ),
    "rlimits": dict.fromkeys(
        ["write a large file", "take a lot of memory", "burn processor time", "open many files"], 0
    ),
    "env": {"read an inherited variable": 0},
}
