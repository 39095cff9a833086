"""What /proc tells of the threads and children of a process, and programs that trace or confine one."""
import os
import time

PTRACE_SEIZE = 0x4206
PTRACE_INTERRUPT = 0x4207

# Runs a program under a seccomp filter that allows everything (linux/filter.h: BPF_RET | BPF_K, SECCOMP_RET_ALLOW).
SECCOMP = """
import ctypes, os, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
code = ctypes.create_string_buffer(struct.pack("HBBI", 6, 0, 0, 0x7fff0000))
program = struct.pack("HxxxxxxQ", 1, ctypes.addressof(code))
libc.prctl(38, 1, 0, 0, 0)
if libc.prctl(22, 2, ctypes.c_char_p(program), 0, 0) != 0:
    sys.exit("prctl: " + os.strerror(ctypes.get_errno()))
os.execv(sys.argv[1], sys.argv[1:])
"""


def of(pid):
    """{tid: (state, tracer)} of all threads."""
    found = {}
    for tid in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{tid}/status") as file:
                fields = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has ended since
        found[int(tid)] = (fields["State"][0], int(fields["TracerPid"]))
    return found


def held(pid):
    """{tid: (state, tracer)} of those that are stopped or traced. Who reads dies a moment after its supervisor where that is killed."""
    for _ in range(100):
        found = {tid: state for tid, state in of(pid).items() if state[0] in "tT" or state[1] != 0}
        if not found:
            break
        time.sleep(0.02)
    return found


def children(pid):
    """{pid: state} of its children."""
    found = {}
    for tid in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{tid}/children") as file:
                words = file.read().split()
            for child in words:
                with open(f"/proc/{child}/stat") as stat:
                    found[int(child)] = stat.read().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has ended since
    return found


def settled_children(pid):
    """Those that live. Who holds them dies a moment after its supervisor."""
    for _ in range(100):
        living = {child: state for child, state in children(pid).items() if state != "Z"}
        if not living:
            break
        time.sleep(0.02)
    return living


def settled_states(pid):
    """Threads that were let go take a moment until they stand where SIGSTOP had them."""
    for _ in range(200):
        states = {state for state, _ in of(pid).values()}
        if states == {"T"}:
            break
        time.sleep(0.01)
    return states
