"""What holds the process that decodes: Landlock, a seccomp filter and limits, none of which asks for privileges.

Landlock (Linux 5.13) lets it open the files that it is given, for reading, and no other. The filter lets through the
system calls that decoding takes, threads among them, and answers all others with an error: no socket, no program, no
process, no change of any file, no signal, no sight of another process's memory. Neither can be taken off again.
"""

import ctypes
import os
import platform
import resource
import signal
import stat
import struct
import sys
from collections.abc import Iterable
from pathlib import Path

_LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT, _SECCOMP = 444, 445, 446, 317
_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
_GET_ACTION_AVAIL, _SET_MODE_FILTER = 2, 1
_RET_KILL_PROCESS, _RET_ERRNO, _RET_ALLOW = 0x8000_0000, 0x0005_0000, 0x7FFF_0000
_EPERM, _ENOSYS = 1, 38

_LOAD, _AND, _JUMP_IF_EQUAL, _JUMP_IF_ANY, _RETURN = 0x20, 0x54, 0x15, 0x45, 0x06
"""Instructions of the classic BPF (linux/bpf_common.h), operands constant."""

_X86_64 = 0xC000_003E
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT, _THIRD_ARGUMENT = 0, 4, 16, 32
"""Places in `struct seccomp_data` (linux/seccomp.h), of the arguments the lower halves."""

_CALLS = {
    "read": 0,
    "write": 1,
    "close": 3,
    "stat": 4,
    "fstat": 5,
    "lstat": 6,
    "poll": 7,
    "lseek": 8,
    "mmap": 9,
    "mprotect": 10,
    "munmap": 11,
    "brk": 12,
    "rt_sigaction": 13,
    "rt_sigprocmask": 14,
    "rt_sigreturn": 15,
    "pread64": 17,
    "readv": 19,
    "writev": 20,
    "access": 21,
    "sched_yield": 24,
    "mremap": 25,
    "madvise": 28,
    "nanosleep": 35,
    "getpid": 39,
    "exit": 60,
    "uname": 63,
    "getcwd": 79,
    "readlink": 89,
    "gettimeofday": 96,
    "getrusage": 98,
    "sysinfo": 99,
    "getuid": 102,
    "getgid": 104,
    "geteuid": 107,
    "getegid": 108,
    "sigaltstack": 131,
    "gettid": 186,
    "time": 201,
    "futex": 202,
    "sched_getaffinity": 204,
    "restart_syscall": 219,
    "clock_gettime": 228,
    "clock_getres": 229,
    "clock_nanosleep": 230,
    "exit_group": 231,
    "newfstatat": 262,
    "ppoll": 271,
    "set_robust_list": 273,
    "getrandom": 318,
    "membarrier": 324,
    "statx": 332,
    "rseq": 334,
}
"""What passes, by its number on x86-64 (asm/unistd_64.h)."""

_CLONE, _OPENAT, _CLONE3 = 56, 257, 435

_THREAD, _FLAGS_OF_A_THREAD = 0x1_0000, 0x7D_0F00
"""CLONE_THREAD, and all flags with which C libraries start a thread (linux/sched.h)."""

_FLAGS_OF_WRITING = os.O_ACCMODE | os.O_CREAT | os.O_TRUNC | os.O_APPEND | getattr(os, "O_TMPFILE", 0)

_READ_FILE = 1 << 2
_FILE_RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1}
_NETWORK_RIGHTS, _SCOPES = 3, 3
"""Landlock's rights (linux/landlock.h): those that files have, by the version that brought them; all of TCP, from
version 4 on; abstract sockets and signals, from version 6 on."""

_MOST_OPEN_FILES = 64


def obstacle() -> str | None:
    """Say what this system lacks to hold a process; None where it has all."""
    if sys.platform != "linux" or platform.machine() != "x86_64" or sys.maxsize < 1 << 32:
        return f"it needs Linux on x86-64, and this is {platform.system()} on {platform.machine()}"
    if _landlock_version() < 1:
        return "the kernel has no Landlock (Linux 5.13 and later), or it is switched off"
    action = ctypes.c_uint32(_RET_ERRNO)
    if _libc().syscall(_SECCOMP, _GET_ACTION_AVAIL, 0, ctypes.byref(action)) != 0:
        return "the kernel has no seccomp filters, or a container forbids them"
    return None


def end_with(parent: int) -> None:
    """Have the kernel kill this process as soon as the thread that started it has gone."""
    _check(_libc().prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0))
    if os.getppid() != parent:  # which had gone before
        os._exit(1)


def confine(readable: Iterable[Path], most_bytes: int) -> None:
    """Hold this process for good: from now on it opens the files that are named, for reading, and nothing else.

    `most_bytes` limits its address space. Raises OSError where the kernel refuses, and RuntimeError beside other
    threads, which Landlock would not hold.
    """
    if len(os.listdir("/proc/self/task")) > 1:
        raise RuntimeError("expected a process with one thread")
    for limit, most in (
        (resource.RLIMIT_AS, most_bytes),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, _MOST_OPEN_FILES),
    ):
        _lower(limit, most)
    _check(_libc().prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    _restrict_files(readable)
    _filter_calls()


def _lower(limit: int, most: int) -> None:
    hard = resource.getrlimit(limit)[1]
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(limit, (most, most))


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _check(result: int) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def _landlock_version() -> int:
    return int(_libc().syscall(_LANDLOCK_CREATE, None, ctypes.c_size_t(0), 1))


def _restrict_files(readable: Iterable[Path]) -> None:
    version = _landlock_version()
    rights = max(rights for since, rights in _FILE_RIGHTS.items() if since <= max(1, version))
    words = [rights, *([_NETWORK_RIGHTS] if version >= 4 else []), *([_SCOPES] if version >= 6 else [])]
    attributes = struct.pack(f"{len(words)}Q", *words)
    ruleset = _check(_libc().syscall(_LANDLOCK_CREATE, attributes, ctypes.c_size_t(len(attributes)), 0))
    for path in readable:
        _allow_reading(ruleset, path)
    _check(_libc().syscall(_LANDLOCK_RESTRICT, ruleset, 0))
    os.close(ruleset)


def _allow_reading(ruleset: int, path: Path) -> None:
    try:
        file = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:  # which is told when it is to be read
        return
    try:
        if stat.S_ISREG(os.fstat(file).st_mode):  # a folder's right would be one to all in it
            rule = struct.pack("=Qi", _READ_FILE, file)
            _check(_libc().syscall(_LANDLOCK_ADD, ruleset, 1, rule, 0))
    finally:
        os.close(file)


def _filter_calls() -> None:
    program = b"".join(struct.pack("HBBI", *instruction) for instruction in _instructions())
    buffer = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("HxxxxxxQ", len(program) // 8, ctypes.addressof(buffer))
    _check(_libc().syscall(_SECCOMP, _SET_MODE_FILTER, 0, header))


def _instructions() -> list[tuple[int, int, int, int]]:
    """Write the filter: operation, how many instructions to skip where a test holds and where not, operand."""
    refuse = (_RETURN, 0, 0, _RET_ERRNO | _EPERM)
    allow = (_RETURN, 0, 0, _RET_ALLOW)
    program = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_JUMP_IF_EQUAL, 1, 0, _X86_64),
        (_RETURN, 0, 0, _RET_KILL_PROCESS),
        (_LOAD, 0, 0, _NUMBER),
    ]
    for number in _CALLS.values():
        program += [(_JUMP_IF_EQUAL, 0, 1, number), allow]
    # A C library that is told that there is no clone3 starts threads with clone, whose flags can be looked at.
    program += [(_JUMP_IF_EQUAL, 0, 1, _CLONE3), (_RETURN, 0, 0, _RET_ERRNO | _ENOSYS)]
    program += [
        (_JUMP_IF_EQUAL, 0, 4, _OPENAT),
        (_LOAD, 0, 0, _THIRD_ARGUMENT),
        (_JUMP_IF_ANY, 0, 1, _FLAGS_OF_WRITING & ~os.O_DIRECTORY),
        refuse,
        allow,
    ]
    program += [
        (_JUMP_IF_EQUAL, 0, 6, _CLONE),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (_JUMP_IF_ANY, 0, 3, _THREAD),
        (_AND, 0, 0, ~_FLAGS_OF_A_THREAD & 0xFFFF_FFFF),
        (_JUMP_IF_EQUAL, 0, 1, 0),
        allow,
        refuse,
    ]
    return [*program, refuse]
