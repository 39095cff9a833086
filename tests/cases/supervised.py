"""libdw that dies, hangs or eats all memory (tests/unit/faulty_libdw.c is loaded before it): an error, and the target runs on."""
import os
import re
import signal
import subprocess
import time

from cases import processes
from harness import ordeal, process

DEADLY = {"segv": signal.SIGSEGV, "bus": signal.SIGBUS, "fpe": signal.SIGFPE, "abort": signal.SIGABRT, "kill": signal.SIGKILL}


def check(checks, tool, build, label, animal):
    """Once a run."""
    if not checks.wanted(f"{label} supervised") or not checks.first("supervised"):
        return
    Case(checks, tool, build, label, animal).check()


class Case:
    def __init__(self, checks, tool, build, label, animal):
        self.checks = checks
        self.tool = tool
        self.label = f"{label} supervised"
        self.animal = animal
        self.executable = os.path.realpath(f"/proc/{animal.pid}/exe")
        self.library = os.path.join(build, "tests", "unit", "faulty_libdw.so")

    def check(self):
        self.checks.true(f"{self.label}: there is a libdw that fails", os.path.exists(self.library), self.library)
        for fault in DEADLY:
            self.check_death(fault)
        self.check_held()
        self.check_other_signal()
        self.check_memory()
        self.check_deaf()
        self.check_killed()
        self.check_stopped()

    def environment(self, fault, at):
        options = os.environ.get("ASAN_OPTIONS", "")
        return dict(self.tool.environment, LD_PRELOAD=self.library, FAULT=fault, FAULT_AT=at, FAULT_PID=str(self.animal.pid),
                    ASAN_OPTIONS=f"{options}:verify_asan_link_order=0:detect_leaks=0")

    def run(self, fault, at, *arguments):
        return process.run([*self.tool.command, *arguments], 60, supervised=True, env=self.environment(fault, at))

    def start(self, fault, at, *arguments):
        """The tool, and the process in which it works, once that does."""
        tool = subprocess.Popen([*self.tool.command, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                                env=self.environment(fault, at))
        for _ in range(1000):
            worker = process.children(tool.pid)
            if worker and process.state(worker[0]) == "S":
                return tool, worker[0]
            time.sleep(0.01)
        raise process.Failed("mapscope has no child process that waits")

    def check_error(self, name, result, status, number):
        self.checks.equal(f"{name}: status", status, result.status)
        self.checks.true(f"{name}: error", re.search(rf"^mapscope: .*: its reader .*signal {number}\b", result.stderr, re.MULTILINE), result.stderr)

    def check_death(self, fault):
        for at, status in (("open", 3), ("9000", 4)):
            name = f"{self.label} {fault} {at}"
            result = self.run(fault, at, "list", "-e", self.executable)
            self.check_error(name, result, status, int(DEADLY[fault]))
            self.checks.true(f"{name}: names the file", self.executable in result.stderr, result.stderr)
            self.checks.equal(f"{name}: says what is missing", status == 4, "is not all" in result.stderr)

    def check_held(self):
        """While the process is stopped."""
        name = f"{self.label} held"
        result = self.run("segv", "held", "list", "--all", "-p", str(self.animal.pid))
        self.check_error(name, result, 4, int(signal.SIGSEGV))
        processes.check_free(self.checks, name, self.animal)

    def check_other_signal(self):
        result = self.run("usr1", "open", "list", "-e", self.executable)
        self.checks.equal(f"{self.label} usr1: dies as its reader did", -signal.SIGUSR1, result.status)

    def check_memory(self):
        if ordeal.is_sanitized(self.tool.path):
            return
        result = self.run("eat", "open", "list", "-e", self.executable, "--limit", "memory=100M")
        self.checks.equal(f"{self.label} memory: status", 3, result.status)
        self.checks.true(f"{self.label} memory: error", "--limit memory=" in result.stderr, result.stderr)

    def check_deaf(self):
        """A signal to the tool alone reaches its reader; where that does not end, a second one ends both."""
        tool, _ = self.start("hang", "held", "list", "--all", "-p", str(self.animal.pid))
        tool.terminate()
        time.sleep(2.1)
        tool.terminate()
        tool.communicate(timeout=20)
        self.checks.equal(f"{self.label} deaf: ends at the second signal", -signal.SIGTERM, tool.returncode)
        processes.check_free(self.checks, f"{self.label} deaf", self.animal)

    def check_killed(self):
        tool, worker = self.start("hang", "held", "list", "--all", "-p", str(self.animal.pid))
        tool.kill()
        tool.communicate(timeout=20)
        self.checks.true(f"{self.label} killed: its reader ends too", process.has_ended(worker), f"process {worker} is still there")
        processes.check_free(self.checks, f"{self.label} killed", self.animal)

    def check_stopped(self):
        """A reader that is stopped stops the tool, as a shell expects; both go on together."""
        tool, worker = self.start("hang", "open", "list", "-e", self.executable)
        os.kill(worker, signal.SIGSTOP)  # the kernel drops SIGTSTP where no shell waits for the job
        self.checks.true(f"{self.label} stopped: the tool too", process.reaches_state(tool.pid, "T"), process.state(tool.pid))
        os.kill(tool.pid, signal.SIGCONT)
        self.checks.true(f"{self.label} continued: the reader too", process.reaches_state(worker, "S"), process.state(worker))
        tool.kill()
        tool.communicate(timeout=20)
