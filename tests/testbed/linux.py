"""The few Linux calls that Python 3.11 does not have."""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct

CLONE_NEWNS = 0x00020000
CLONE_NEWUTS = 0x04000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_RDONLY = 0x1
MS_REMOUNT = 0x20
MS_BIND = 0x1000
MS_REC = 0x4000
MS_PRIVATE = 0x40000

_PR_SET_PDEATHSIG = 1
_SIOCGIFFLAGS, _SIOCSIFFLAGS = 0x8913, 0x8914
_SIOCSIFADDR, _SIOCSIFNETMASK = 0x8916, 0x891C
_IFF_UP = 0x1

_libc = ctypes.CDLL(None, use_errno=True)


def _checked(result: int, what: str) -> None:
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")


def unshare(flags: int) -> None:
    _checked(_libc.unshare(flags), f"unshare({flags:#x})")


def mount(source: str, target: str, kind: str = "", flags: int = 0, options: str = "") -> None:
    result = _libc.mount(
        source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags), options.encode()
    )
    _checked(result, f"mount {source} on {target}")


def die_with_parent(signal_number: int) -> None:
    """Ask for `signal_number` when the thread that created this process ends."""
    result = _libc.prctl(_PR_SET_PDEATHSIG, signal_number, 0, 0, 0)
    _checked(result, "prctl(PR_SET_PDEATHSIG)")


def _interface_request(name: str, request: int, value: bytes) -> bytes:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        packed = struct.pack("16s24s", name.encode(), value)
        return fcntl.ioctl(any_socket, request, packed)


def bring_up(interface: str) -> None:
    answer = _interface_request(interface, _SIOCGIFFLAGS, b"")
    (flags,) = struct.unpack_from("H", answer, 16)
    _interface_request(interface, _SIOCSIFFLAGS, struct.pack("H", flags | _IFF_UP))


def set_address(label: str, address: str, netmask: str) -> None:
    """Give an interface, or an alias such as `lo:1`, an IPv4 address and its netmask."""
    for request, text in ((_SIOCSIFADDR, address), (_SIOCSIFNETMASK, netmask)):
        value = struct.pack("HH4s", socket.AF_INET, 0, socket.inet_aton(text))
        _interface_request(label, request, value)
