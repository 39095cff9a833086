"""Attaching to a server (testdata/soak) over and over, in every mode and in awkward moments, while a client checks its answers."""
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time

from harness import go, threads

SOURCE = os.path.join(go.ROOT, "testdata", "soak")
MODES = {"stopped": [], "no-stop": ["--no-stop"], "snapshot": ["--snapshot"]}
NOBODY = 65534
# All that there are; SIGKILL, which nobody can prepare for, and those that mapscope turns into a flag more often.
STOPPING = (signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU)
SIGNALS = sorted(signal.valid_signals()) + 30 * [signal.SIGKILL] + 4 * [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT]


class Wrong(Exception):
    """What must not be. The soak goes on with the next scenario."""


class Program:
    """One of testdata/soak's, up and ready."""
    running = []

    @classmethod
    def end_all(cls):
        for program in cls.running:
            if program.process.poll() is None:
                program.process.kill()
                program.process.communicate()
        cls.running = []

    def __init__(self, executable, *arguments, wrapper=(), **options):
        self.process = subprocess.Popen([*wrapper, executable, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, **options)
        line = self.process.stdout.readline().split()
        if not line or line[0] != "READY":
            raise Wrong(f"{executable} {' '.join(arguments)} did not come up: {line}")
        self.words = line[1:]
        self.pid = self.process.pid
        Program.running.append(self)

    def end(self):
        """The last that it has to say."""
        try:
            return self.process.communicate("", 20)[0]
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            raise Wrong(f"process {self.pid} does not end") from None


def innermost(pid):
    """The process at the end of a chain of wrappers (unshare, sh)."""
    while True:
        with open(f"/proc/{pid}/task/{pid}/children") as file:
            children = file.read().split()
        with open(f"/proc/{pid}/comm") as file:
            if not children or file.read().strip() not in ("unshare", "sh"):
                return pid
        pid = int(children[0])


class Server:
    """A server under load. `end()` says how many answers there were, and raises for what is amiss."""

    def __init__(self, executable, extra=0, wrapper=(), loaded=True, **options):
        self.program = Program(executable, "serve", str(extra), wrapper=wrapper, **options)
        self.pid = innermost(self.program.pid) if wrapper else self.program.pid
        self.client = Program(executable, "load", self.program.words[0]) if loaded else None
        self.connection = None
        self.sent = 0
        if loaded:
            host, port = self.program.words[0].rsplit(":", 1)
            self.connection = socket.create_connection((host, int(port)), 30)
            self.answers = self.connection.makefile("rw")

    def signals(self):
        self.answers.write("signals\n")
        self.answers.flush()
        return int(self.answers.readline())

    def signal(self):
        """Sends one and sees to it that the last one came: two of a kind that wait become one."""
        self.await_signals()
        os.kill(self.pid, signal.SIGUSR1)
        self.sent += 1

    def await_signals(self):
        began = time.monotonic()
        while self.signals() != self.sent:
            if time.monotonic() - began > 10:
                raise Wrong(f"{self.sent} signals were sent, {self.signals()} came")
            time.sleep(0.001)

    def check_free(self):
        held = threads.held(self.pid)
        if held:
            raise Wrong(f"threads are left stopped or traced: {held}")

    def check_children(self, dead=0):
        """Programs that the server runs come and go; what is left of snapshots stays."""
        for _ in range(100):
            lasting = {child for child in silent_children(self.pid)}
            if len(lasting) <= dead:
                return
            time.sleep(0.02)
        raise Wrong(f"children are left: {lasting}")

    def end(self):
        if self.connection:
            self.await_signals()
            self.connection.close()
        answers, wrong, longest = (int(word) for word in self.client.end().split()) if self.client else (0, 0, 0)
        self.program.end()
        if wrong or self.program.process.returncode != 0:
            raise Wrong(f"{wrong} of {answers} answers were wrong, status {self.program.process.returncode}")
        return answers, longest


def silent_children(pid):
    """Snapshots: children that no signal will tell of (proc_pid_stat(5), exit_signal), and whether they live."""
    found = {}
    try:
        for child in list(threads.children(pid)):
            with open(f"/proc/{child}/stat") as file:
                fields = file.read().rpartition(")")[2].split()
            if fields[35] == "0":
                found[child] = fields[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return silent_children(pid)
    return found


def settled(pid, before):
    """How many snapshots there are in the end. Those that mapscope's other process clears away are gone soon."""
    for _ in range(50):
        count = len(silent_children(pid))
        if count <= before:
            break
        time.sleep(0.02)
    return count


class Soak:
    def __init__(self, tool, executable, say=print):
        self.tool = tool
        self.executable = executable
        self.say = say
        self.attached = 0
        self.wrong = 0

    def look(self, pid, mode, *words, statuses=(0,), user=None):
        """One attach and detach. A map that is being written may be told of, with status 4."""
        command = [*self.tool.command, "show", "main.table", "--max", "4", "-p", str(pid), *MODES[mode], *words]
        options = {"user": user, "group": user, "extra_groups": []} if user else {}
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120, env=self.tool.environment, text=True,
                              **options)
        self.attached += 1
        if done.returncode not in statuses:
            raise Wrong(f"{mode}: status {done.returncode}: {done.stderr.strip()[-300:]}")
        for key, value in re.findall(r"^ +(\d+): (\d+)$", done.stdout, re.M):
            if int(value) != int(key) ** 2 + 7 * int(key) + 3 and done.returncode == 0:
                raise Wrong(f"{mode}: {key}: {value} is not what the server has")
        return done

    def kill(self, pid, mode, number):
        """Whatever signal ends it, at whatever moment."""
        command = [*self.tool.command, "verify", "main.table", "-p", str(pid), *MODES[mode]]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=self.tool.environment)
        self.attached += 1
        time.sleep(random.random() * 0.03)
        process.send_signal(number)
        if number in STOPPING:
            time.sleep(0.01)
            process.kill()
        return process.wait(120) < 0

    # Each scenario returns what it has to tell beside its counts.

    def under_load(self, mode, count, extra=0):
        server = Server(self.executable, extra)
        for i in range(count):
            server.signal()
            self.look(server.pid, mode, statuses=(0, 4))
            if i % 20 == 0:
                server.check_free()
        server.check_free()
        server.check_children()
        answers, longest = server.end()
        return f"{answers} answers, the longest took {longest / 1000:.0f} ms; {server.sent} signals"

    def killed(self, mode, count):
        server = Server(self.executable)
        ended = zombies = 0
        for i in range(count):
            before = len(silent_children(server.pid))
            server.signal()
            ended += self.kill(server.pid, mode, random.choice(SIGNALS))
            zombies += max(0, settled(server.pid, before) - before)
            if i % 5 == 0:
                server.check_free()
                server.check_children(dead=1000000)
        for _ in range(100):
            if not any(silent_children(server.pid).values()):
                break
            time.sleep(0.02)
        else:
            raise Wrong("a snapshot lives on")
        while silent_children(server.pid):
            before = len(silent_children(server.pid))
            self.look(server.pid, "snapshot", statuses=(0, 4))
            if len(silent_children(server.pid)) >= before:
                raise Wrong(f"{before} zombies are not reaped")
        server.check_free()
        answers, longest = server.end()
        return f"{answers} answers, the longest took {longest / 1000:.0f} ms; {server.sent} signals; {ended} of the tools died of theirs, " \
               f"{zombies} zombies were left until the next snapshot"

    def frozen(self, mode, count):
        server = Server(self.executable, loaded=False)
        os.kill(server.pid, signal.SIGSTOP)
        for _ in range(count):
            self.look(server.pid, mode, statuses=(0, 4))
            if threads.settled_states(server.pid) != {"T"}:
                raise Wrong("it does not stay stopped")
        os.kill(server.pid, signal.SIGCONT)
        server.check_free()
        server.check_children()
        server.end()
        return "stopped before and after"

    def traced(self, mode, count):
        server = Server(self.executable, loaded=False)
        holder = subprocess.Popen([sys.executable, "-c", "import ctypes, os, time\n"
                                   f"trace = ctypes.CDLL(None).ptrace\n"
                                   f"print([trace({threads.PTRACE_SEIZE}, int(tid), None, None) for tid in os.listdir('/proc/{server.pid}/task')],"
                                   " flush=True)\ntime.sleep(1000)"], stdout=subprocess.PIPE, text=True)
        holder.stdout.readline()
        for _ in range(count):
            done = self.look(server.pid, mode, statuses=(3,) if mode == "snapshot" else (0, 4))
            if "traces it" not in done.stderr and "is traced by" not in done.stderr:
                raise Wrong(f"nothing is said of the tracer: {done.stderr}")
        holder.kill()
        holder.communicate()
        server.check_free()
        server.end()
        return "refused" if mode == "snapshot" else "read without attaching"

    def dying(self, mode, count):
        statuses = {}
        for _ in range(count):
            program = Program(self.executable, "count")
            done = self.look(program.pid, mode, statuses=(0, 3, 4))
            statuses[done.returncode] = statuses.get(done.returncode, 0) + 1
            if program.process.wait(20) != 0:
                raise Wrong(f"the program ended with {program.process.returncode}")
            program.process.communicate()
        return ", ".join(f"{number} times status {status}" for status, number in sorted(statuses.items()))

    def zombie(self, mode, count):
        program = Program(self.executable, "count")
        while [state for state, _ in threads.of(program.pid).values()] != ["Z"]:
            time.sleep(0.01)
        for _ in range(count):
            done = self.look(program.pid, mode, statuses=(3,))
            if "zombie" not in done.stderr:
                raise Wrong(done.stderr)
        program.process.communicate()
        return "refused"

    def namespaces(self, mode, count):
        server = Server(self.executable, wrapper=["unshare", "--pid", "--mount", "--user", "--map-root-user", "--fork", "--mount-proc"])
        for _ in range(count):
            self.look(server.pid, mode, statuses=(0, 4))
        server.check_free()
        server.check_children()
        server.connection.close()
        server.connection = None
        answers, longest = server.end()
        return f"{answers} answers, the longest took {longest / 1000:.0f} ms"

    def seccomp(self, mode, count):
        server = Server(self.executable, wrapper=[sys.executable, "-c", threads.SECCOMP])
        for _ in range(count):
            done = self.look(server.pid, mode, statuses=(3,) if mode == "snapshot" else (0, 4))
            if mode == "snapshot" and "seccomp" not in done.stderr:
                raise Wrong(done.stderr)
        server.check_free()
        server.end()
        return "refused" if mode == "snapshot" else ""

    def own(self, mode, count):
        """By a user who is not root, of a process of the same user."""
        server = Server(self.executable, user=NOBODY, group=NOBODY, extra_groups=[])
        for _ in range(count):
            self.look(server.pid, mode, statuses=(0, 4), user=NOBODY)
        server.check_free()
        server.check_children()
        server.end()
        return "as user nobody"

    def foreign(self, mode, count):
        """By a user who may not: one line says why, another what to change."""
        server = Server(self.executable, loaded=False)
        for _ in range(count):
            done = self.look(server.pid, mode, statuses=(3,), user=NOBODY)
            lines = done.stderr.strip().split("\n")
            if len(lines) != 2 or "not permitted" not in lines[0] or not lines[1].startswith("hint: "):
                raise Wrong(done.stderr)
        server.end()
        return lines[1]

    def crowded(self, mode, count):
        return self.under_load(mode, count, extra=500)

    def run(self, scenario, mode, count):
        began, attached = time.monotonic(), self.attached
        try:
            told = getattr(self, scenario)(mode, count)
        except (Wrong, subprocess.TimeoutExpired, OSError) as error:
            self.wrong += 1
            told = f"WRONG: {error}"
        Program.end_all()
        self.say(f"{scenario:12} {mode:9} {self.attached - attached:6}  {time.monotonic() - began:6.0f} s  {told}")


# Scenario, and what part of the count in each of the modes.
SCENARIOS = [("under_load", 0.6), ("crowded", 0.06), ("killed", 0.15), ("frozen", 0.04), ("traced", 0.02), ("dying", 0.04), ("zombie", 0.01),
             ("namespaces", 0.03), ("seccomp", 0.02), ("own", 0.02), ("foreign", 0.01)]


def build(version):
    return go.build_program(version, "soak", SOURCE, go.Mode())
