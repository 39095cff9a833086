"""Subprocesses, each with a time limit."""
import fcntl
import re
import subprocess
import sys
import termios
import time

patience = 1  # what time limits are multiplied by: a machine may be slow, or emulated


def patient(seconds):
    """A time limit, as long as this machine needs."""
    return seconds * patience


class Failed(Exception):
    pass


class Result:
    def __init__(self, status, stdout, stderr, timed_out=False):
        self.status = status  # negative: died of that signal
        self.stdout = stdout
        self.stderr = stderr
        self.timed_out = timed_out


def true_status(status, stderr):
    """Negative where a process died of a signal that mapscope's supervisor made an error of: no test may take that for one."""
    death = re.search(r"^mapscope: .*: its reader (?:died of|was killed \()signal (\d+)", stderr, re.MULTILINE)
    return -int(death.group(1)) if death else status


def run(command, limit=60, stdin="", supervised=False, **options):
    """Never raises for what the command does; output is text, undecodable bytes replaced. `supervised` leaves the status as it is."""
    try:
        done = subprocess.run(command, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              timeout=patient(limit), errors="replace", **options)
    except subprocess.TimeoutExpired as expired:
        return Result(None, "", f"still running after {expired.timeout} s", True)
    return Result(done.returncode if supervised else true_status(done.returncode, done.stderr), done.stdout, done.stderr)


def must_run(command, limit=60, **options):
    result = run(command, limit, **options)
    if result.status != 0:
        raise Failed(f"{' '.join(command)}: status {result.status}: {result.stderr.strip()[-400:]}")
    return result


def children(pid):
    """Of its first thread."""
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as file:
            return [int(word) for word in file.read().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def state(pid):
    """The letter that the kernel has for it; "X" where there is none such any more."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return "X"


def reaches_state(pid, letters, limit=10):
    end = time.monotonic() + limit
    while state(pid) not in letters:
        if time.monotonic() > end:
            return False
        time.sleep(0.002)
    return True


def has_ended(pid):
    """Whether it ends soon; who has ended traces nobody."""
    return reaches_state(pid, "ZX")


def fills(pipe, limit=20):
    """Whether a pipe that nobody reads from gets full: what writes to it waits then."""
    end = time.monotonic() + patient(limit)
    most = fcntl.fcntl(pipe, fcntl.F_GETPIPE_SZ) - 4096
    while time.monotonic() < end:
        if int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)), sys.byteorder) >= most:
            return True
        time.sleep(0.01)
    return False
