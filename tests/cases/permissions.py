"""Who may look at a process: with the right to trace it works for anybody, without it one line names the setting to change."""
import os
import shutil
import subprocess
import sys

from cases import pause, processes
from harness import process, zoo

NOBODY = 65534
USER = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
TRACER = [*USER, "--inh-caps=+sys_ptrace", "--ambient-caps=+sys_ptrace"]
READER = [*USER, "--inh-caps=+sys_ptrace,+dac_read_search,+kill", "--ambient-caps=+sys_ptrace,+dac_read_search,+kill"]
BINDER = [*USER, "--inh-caps=+net_bind_service", "--ambient-caps=+net_bind_service"]
NO_CAPABILITY = ["setpriv", "--bounding-set=-sys_ptrace", "--inh-caps=-sys_ptrace"]
NAMESPACE = ["unshare", "--user", "--map-root-user"]
CONTAINER = ["unshare", "--user", "--map-root-user", "--pid", "--mount", "--fork", "--kill-child", "--mount-proc"]
# ptrace() fails with EPERM, as by some containers' profiles: BPF_LD nr; BPF_JEQ (101 on amd64, 26 on i386); RET ERRNO | EPERM; RET ALLOW.
NO_PTRACE = [sys.executable, "-c", """
import ctypes, os, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
steps = [(0x20, 0, 0, 0), (0x15, 0, 1, int(sys.argv[1])), (6, 0, 0, 0x00050001), (6, 0, 0, 0x7fff0000)]
code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
program = struct.pack("HxxxxxxQ", len(steps), ctypes.addressof(code))
libc.prctl(38, 1, 0, 0, 0)
if libc.prctl(22, 2, ctypes.c_char_p(program), 0, 0) != 0:
    sys.exit("prctl: " + os.strerror(ctypes.get_errno()))
os.execv(sys.argv[2], sys.argv[2:])
"""]

# Who looks, whose the process is (a wrapper, or "": root's), and the words of the hint.
REFUSED = (("another user", USER, [], ["it belongs to user root", "run mapscope as root"]),
           ("root without the capability", NO_CAPABILITY, [], ["--cap-add=SYS_PTRACE"]),
           ("root of a user namespace", NAMESPACE, [], ["user namespace", "outside of it"]),
           ("the same user, with fewer capabilities", USER, BINDER, ["capabilities that mapscope has not (0x400)", "SYS_PTRACE"]))
# The last: whether snapshots may be read.
ALLOWED = (("the same user", USER, USER, True), ("a user with the capability", TRACER, [], False), ("a user with all capabilities that it takes", READER, [], True),
           ("the capability, of a process that has another", TRACER, BINDER, True))


def check(checks, tool, label, executable):
    """Once a run."""
    name = f"{label} permissions"
    if not checks.wanted(name) or not checks.first("permissions"):
        return
    if os.geteuid() != 0 or not all(map(shutil.which, ("setpriv", "unshare", "nsenter"))):
        checks.skip(name, "needs root, setpriv, unshare and nsenter")
        return
    case = Case(checks, tool, executable)
    for who, looks, owns, words in REFUSED:
        case.check_refused(f"{name}: {who}", looks, owns, words)
    for who, looks, owns, copies in ALLOWED:
        if tool.narrow and looks == TRACER and not owns:
            case.check_refused(f"{name}: {who}, by a program of 32 bits", looks, owns, ["DAC_READ_SEARCH"])
            continue
        case.check_allowed(f"{name}: {who}", looks, owns, copies)
    case.check_no_ptrace(f"{name}: ptrace is forbidden")
    case.check_container(f"{name}: in the process's own namespaces")


class Case:
    def __init__(self, checks, tool, executable):
        self.checks = checks
        self.tool = tool
        self.executable = executable
        self.modes = [["--no-stop"], []] + ([["--snapshot"]] if pause.makes_snapshots(tool, executable) else [])

    def animal(self, wrapper):
        return zoo.Zoo(self.executable, big=1000, wrapper=wrapper, anybody=True)

    def look(self, looks, pid, *options):
        return process.run([*looks, *self.tool.command, "show", "main.words", "-p", str(pid), *options], env=self.tool.environment)

    def check_refused(self, name, looks, owns, words):
        animal = self.animal(owns)
        try:
            for options in self.modes:
                result = self.look(looks, animal.pid, *options)
                title = f"{name} {' '.join(options)}"
                lines = result.stderr.splitlines()
                self.checks.equal(f"{title}: status", 3, result.status)
                self.checks.true(f"{title}: two lines", len(lines) == 2 and lines[0].startswith("mapscope: ") and lines[1].startswith("hint: "), lines)
                self.checks.true(title, all(word in lines[-1] for word in words), f"{words} are not in {lines[-1:]}")
            processes.check_free(self.checks, name, animal)
        finally:
            animal.close()

    def check_allowed(self, name, looks, owns, copies):
        animal = self.animal(owns)
        try:
            for options in self.modes:
                result = self.look(looks, animal.pid, *options)
                title = f"{name} {' '.join(options)}"
                if options == ["--snapshot"] and not copies:
                    pause.check_refused(self.checks, title, result, "open its memory as a file", "DAC_READ_SEARCH")
                else:
                    self.check_shown(title, result)
            pause.check_left(self.checks, name, animal)
        finally:
            animal.close()

    def check_shown(self, title, result):
        self.checks.equal(f"{title}: status", (0, ""), (result.status, result.stderr))
        self.checks.true(title, result.stdout.startswith("main.words  map[string]int"), result.stdout[:300])

    def check_no_ptrace(self, name):
        """Memory may be read, threads not be stopped."""
        animal = self.animal([])
        try:
            without = [*NO_PTRACE, "26" if self.tool.narrow else "101"]
            self.check_shown(f"{name} --no-stop", self.look(without, animal.pid, "--no-stop"))
            result = self.look(without, animal.pid)
            self.checks.equal(f"{name}: status", 3, result.status)
            self.checks.true(name, "cannot stop its thread" in result.stderr and "seccomp" in result.stderr.splitlines()[-1], result.stderr)
            processes.check_free(self.checks, name, animal)
        finally:
            animal.close()

    def check_container(self, name):
        """The program is process 1 of its PID namespace, as in a container, and mapscope comes to it (docker exec)."""
        try:
            animal = self.animal(CONTAINER)
        except zoo.Broken as why:
            self.checks.skip(name, f"no such namespaces here: {why}")
            return
        enter = ["nsenter", f"--target={process.children(animal.pid)[0]}", "--user", "--pid", "--mount", "--preserve-credentials"]
        try:
            for options in self.modes:
                self.check_shown(f"{name} {' '.join(options)}", self.look(enter, 1, *options))
            self.checks.equal(f"{name}: answers", True, animal.answers())
        finally:
            animal.close()
