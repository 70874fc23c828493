"""The system calls that a child is refused, as classic BPF programs. Pure: bytes out, no call made.

Used by `spawn`, applied by `launcher` (`program`) and by `child` (`exec_program`, once the
interpreter has been started). Two rules shape the list. Landlock knows nothing of UDP, unix socket
paths, chmod, signals before ABI 6 or the limits of other processes, so all of these are refused
here. And no process can be made, only threads: what cannot fork cannot leave a daemon behind.

Numbers: the kernel's arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h.
"""

from __future__ import annotations

import errno
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

LOAD, EQUAL, GREATER, GREATER_EQUAL, ANY_BIT, RETURN = 0x20, 0x15, 0x25, 0x35, 0x45, 0x06
NUMBER_AT, ARCH_AT, ARGUMENTS_AT = 0, 4, 16  # offsets in struct seccomp_data
ALLOW: Final = 0x7FFF0000
KILL: Final = 0x80000000
DENY: Final = 0x00050000 | errno.EPERM
ABSENT: Final = 0x00050000 | errno.ENOSYS
X32_BIT: Final = 0x40000000
LAST_KNOWN: Final = (
    462  # mseal, Linux 6.10: what later kernels add is unknown here, so it is absent
)
CLONE_THREAD: Final = 0x00010000
CLONE_NAMESPACES: Final = 0x7E020080

# name: (x86_64, aarch64), None where the architecture has no such call
CALLS: Final[dict[str, tuple[int | None, int | None]]] = {
    # the network, and every other way to talk to a socket
    "socket": (41, 198), "socketpair": (53, 199), "connect": (42, 203), "bind": (49, 200),
    "listen": (50, 201), "accept": (43, 202), "accept4": (288, 242),
    # other processes
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "process_madvise": (440, 440), "process_mrelease": (448, 448), "kcmp": (312, 272),
    "pidfd_open": (434, 434), "pidfd_getfd": (438, 438), "pidfd_send_signal": (424, 424),
    "rt_sigqueueinfo": (129, 138), "rt_tgsigqueueinfo": (297, 240), "tkill": (200, 130),
    "setpriority": (141, 140), "sched_setparam": (142, 118), "sched_setscheduler": (144, 119),
    "sched_setattr": (314, 274), "ioprio_set": (251, 30), "migrate_pages": (256, 238),
    "move_pages": (279, 239),
    # new processes; a thread is let through below
    "fork": (57, None), "vfork": (58, None),
    # namespaces and mounts
    "unshare": (272, 97), "setns": (308, 268), "mount": (165, 40), "umount2": (166, 39),
    "open_tree": (428, 428), "move_mount": (429, 429), "fsopen": (430, 430), "fsconfig": (431, 431),
    "fsmount": (432, 432), "fspick": (433, 433), "mount_setattr": (442, 442),
    "pivot_root": (155, 41), "chroot": (161, 51), "statmount": (457, 457), "listmount": (458, 458),
    # the kernel's own machinery
    "bpf": (321, 280), "perf_event_open": (298, 241), "add_key": (248, 217),
    "request_key": (249, 218), "keyctl": (250, 219), "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426), "io_uring_register": (427, 427), "userfaultfd": (323, 282),
    "init_module": (175, 105), "finit_module": (313, 273), "delete_module": (176, 106),
    "kexec_load": (246, 104), "kexec_file_load": (320, 294), "reboot": (169, 142),
    "swapon": (167, 224), "swapoff": (168, 225), "acct": (163, 89), "quotactl": (179, 60),
    "quotactl_fd": (443, 443), "sethostname": (170, 161), "setdomainname": (171, 162),
    "settimeofday": (164, 170), "clock_settime": (227, 112), "clock_adjtime": (305, 266),
    "adjtimex": (159, 171), "iopl": (172, None), "ioperm": (173, None), "modify_ldt": (154, None),
    "personality": (135, 92), "vhangup": (153, 58), "syslog": (103, 116),
    "lookup_dcookie": (212, 18), "uselib": (134, None), "memfd_secret": (447, 447),
    # memory and queues shared with other processes
    "shmget": (29, 194), "shmat": (30, 196), "shmctl": (31, 195), "semget": (64, 190),
    "semop": (65, 193), "semctl": (66, 191), "semtimedop": (220, 192), "msgget": (68, 186),
    "msgsnd": (69, 189), "msgrcv": (70, 188), "msgctl": (71, 187), "mq_open": (240, 180),
    "mq_unlink": (241, 181),
    # what Landlock lets an owner do to files that it may not even open
    "chmod": (90, None), "fchmod": (91, 52), "fchmodat": (268, 53), "fchmodat2": (452, 452),
    "chown": (92, None), "fchown": (93, 55), "lchown": (94, None), "fchownat": (260, 54),
    "utime": (132, None), "utimes": (235, None), "utimensat": (280, 88), "futimesat": (261, None),
    "setxattr": (188, 5), "lsetxattr": (189, 6), "fsetxattr": (190, 7), "removexattr": (197, 14),
    "lremovexattr": (198, 15), "fremovexattr": (199, 16), "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265), "fanotify_init": (300, 262), "fanotify_mark": (301, 263),
    "inotify_init": (253, None), "inotify_init1": (294, 26), "inotify_add_watch": (254, 27),
}  # fmt: skip
# Calls whose answer depends on an argument.
SELF_ONLY: Final = {"kill": (62, 129), "tgkill": (234, 131)}
SELF_OR_ZERO: Final = {"prlimit64": (302, 261), "sched_setaffinity": (203, 122)}
CLONE: Final = (56, 220)
CLONE3: Final = (435, 435)
EXECUTE: Final = ((59, 221), (322, 281))  # execve, execveat


@dataclass(frozen=True)
class Architecture:
    """What a filter needs to know of a machine; `column` picks the numbers above."""

    audit: int  # AUDIT_ARCH_*
    column: int
    has_x32: bool


ARCHITECTURES: Final = {
    "x86_64": Architecture(0xC000003E, 0, True),
    "aarch64": Architecture(0xC00000B7, 1, False),
}

Instruction = tuple[int, int, int, int]  # code, jump if true, jump if false, operand


def program(machine: str, pid: int) -> bytes | None:
    """The filter for the process `pid` (as it sees itself), or None for an unknown machine.

    It refuses everything above, signals to any process but itself, and new processes. It still
    allows execve: the interpreter has to be started under it.
    """
    architecture = ARCHITECTURES.get(machine)
    if architecture is None:
        return None
    column = architecture.column
    lines = _entry(architecture)
    lines += _when(CLONE3[column], [_return(ABSENT)])  # ENOSYS: the C library then uses clone
    lines += _when(CLONE[column], _threads_only())
    for numbers in SELF_ONLY.values():
        lines += _when(numbers[column], _first_argument_in([pid]))
    for numbers in SELF_OR_ZERO.values():
        lines += _when(numbers[column], _first_argument_in([0, pid]))
    lines += _refuse(numbers[column] for numbers in CALLS.values())
    return _assemble([*lines, _return(ALLOW)])


def exec_program(machine: str) -> bytes | None:
    """The second filter, for the moment when the interpreter runs: no program is started again."""
    architecture = ARCHITECTURES.get(machine)
    if architecture is None:
        return None
    lines = _entry(architecture) + _refuse(numbers[architecture.column] for numbers in EXECUTE)
    return _assemble([*lines, _return(ALLOW)])


def _entry(architecture: Architecture) -> list[Instruction]:
    lines = [
        (LOAD, 0, 0, ARCH_AT),
        (EQUAL, 1, 0, architecture.audit),
        _return(KILL),  # another calling convention has other numbers
        (LOAD, 0, 0, NUMBER_AT),
    ]
    if architecture.has_x32:
        lines += [(GREATER_EQUAL, 0, 1, X32_BIT), _return(DENY)]
    return [*lines, (GREATER, 0, 1, LAST_KNOWN), _return(ABSENT)]


def _refuse(numbers: Iterable[int | None]) -> list[Instruction]:
    return [
        line for number in numbers if number is not None for line in _when(number, [_return(DENY)])
    ]


def _when(number: int, then: list[Instruction]) -> list[Instruction]:
    """`then` must end in a return: it may load an argument over the call's number."""
    return [(EQUAL, 0, len(then), number), *then]


def _threads_only() -> list[Instruction]:
    return [
        (LOAD, 0, 0, ARGUMENTS_AT),
        (ANY_BIT, 2, 0, CLONE_NAMESPACES),
        (ANY_BIT, 0, 1, CLONE_THREAD),
        _return(ALLOW),
        _return(DENY),
    ]


def _first_argument_in(values: list[int]) -> list[Instruction]:
    # A process id is an int, so the kernel looks at the low half of the argument only.
    lines: list[Instruction] = [(LOAD, 0, 0, ARGUMENTS_AT)]
    for value in values:
        lines += [(EQUAL, 0, 1, value), _return(ALLOW)]
    return [*lines, _return(DENY)]


def _return(action: int) -> Instruction:
    return (RETURN, 0, 0, action)


def _assemble(lines: list[Instruction]) -> bytes:
    return b"".join(struct.pack("<HBBI", *line) for line in lines)
