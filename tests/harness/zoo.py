"""A running zoo, its truth, and the cores made of it; the same for other test programs that wait."""
import fcntl
import glob
import os
import re
import resource
import select
import shutil
import signal
import subprocess
import tempfile
import time

from harness import compare, process


class Broken(Exception):
    """The fixture itself does not do what it must."""


class Truth:
    """What the zoo wrote: the program's line and one object for each map, by expression."""

    def __init__(self, path):
        with open(path) as file:
            text = file.read()
        if '"go":"go1.8' in text[:20]:
            # reflect.ArrayOf of 1.8 loses the first letter of the name it makes (reflect/type.go: tflagExtraStar).
            text = re.sub(r"(?<!\[)\b5\]main\.point", "[5]main.point", text)
        lines = [compare.parse(line) for line in text.split("\n") if line]
        self.go = lines[0]["go"]
        self.pid = lines[0]["pid"]
        self.word = lines[0]["word"]
        self.implementation = lines[0]["implementation"]
        self.maps = {line["map"]: line for line in lines[1:]}


class Fixture:
    """One process of a test program in a folder of its own, which is removed by close()."""

    def __init__(self, executable, arguments, environment=None, wrapper=(), anybody=False):
        """`arguments` are made from the folder, which anybody can write to where the process is another user's."""
        self.executable = executable
        self.folder = tempfile.mkdtemp(prefix="mapscope-zoo-")
        if anybody:
            os.chmod(self.folder, 0o777)
        with open(os.path.join(self.folder, "stderr"), "w") as errors:
            self.process = subprocess.Popen([*wrapper, executable, *arguments(self.folder)], cwd=self.folder,
                                            env=dict(os.environ, GOTRACEBACK="crash", **(environment or {})),
                                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors,
                                            preexec_fn=_allow_core)
        self._buffer = b""
        fcntl.fcntl(self.process.stdout, fcntl.F_SETFL, os.O_NONBLOCK)
        try:
            self._come_up()
        except BaseException:
            self.close()
            raise

    def _come_up(self):
        """Returns when the process is ready to be looked at."""
        while True:
            line = self._line(120)
            if line == "READY":
                return
            if line is None:
                raise Broken(f"{self.executable} did not come up: {self.errors()}")
            self._introduced(line)

    def _introduced(self, line):
        """What it says before that."""
        raise Broken(f"{self.executable} said {line!r}")

    @property
    def pid(self):
        return self.process.pid

    def errors(self):
        with open(os.path.join(self.folder, "stderr")) as file:
            return file.read()[-400:].strip()

    def _threads(self):
        """The states of the threads and who traces them, for a message."""
        found = []
        for path in glob.glob(f"/proc/{self.pid}/task/*/status"):
            with open(path) as file:
                fields = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
            found.append(fields["State"] + ", tracer " + fields["TracerPid"])
        return "; ".join(found)

    def _line(self, limit):
        """The next line of the zoo's output; None after `limit` seconds or at its end."""
        deadline = time.monotonic() + process.patient(limit)
        while b"\n" not in self._buffer:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                return None
            piece = self.process.stdout.read()
            if not piece:
                return None
            self._buffer += piece
        line, self._buffer = self._buffer.split(b"\n", 1)
        return line.decode()

    def ask(self, order, limit=10):
        """The answer to an order; None if there was none."""
        try:
            self.process.stdin.write(order.encode() + b"\n")
            self.process.stdin.flush()
        except OSError:
            return None
        return self._line(limit)

    def answers(self):
        return self.ask("ping") == "pong"

    def gdb_core(self):
        """The path of a core by gdb; the process goes on."""
        prefix = os.path.join(self.folder, "gcore")
        process.must_run(["gcore", "-o", prefix, str(self.pid)], limit=120)
        return f"{prefix}.{self.pid}"

    def kernel_core(self):
        """The path of the kernel's core, or None where cores do not come as files here. The process has died then."""
        with open("/proc/sys/kernel/core_pattern") as file:
            pattern = file.read().strip()
        if pattern.startswith("|") or "/" in pattern:
            return None
        self.ask("crash", limit=0)
        try:
            self.process.wait(process.patient(120))
        except subprocess.TimeoutExpired:
            raise Broken(f"it was told to crash and is still there; threads {self._threads()}: {self.errors()}") from None
        if self.process.returncode != -signal.SIGABRT:
            raise Broken(f"it ended with {self.process.returncode} instead of SIGABRT: {self.errors()}")
        cores = [path for path in glob.glob(os.path.join(self.folder, "*")) if _is_core(path)]
        if not cores:
            raise Broken("the kernel left no core")
        return cores[0]

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class Zoo(Fixture):
    """A zoo and its truth."""

    def __init__(self, executable, big=None, wrapper=(), anybody=False):
        environment = {} if big is None else {"ZOO_BIG": str(big)}
        super().__init__(executable, lambda folder: [os.path.join(folder, "truth.json")], environment, wrapper, anybody)

    def _come_up(self):
        super()._come_up()
        self.truth = Truth(os.path.join(self.folder, "truth.json"))


def _is_core(path):
    """An ELF file of type ET_CORE that gdb did not make."""
    if os.path.basename(path).startswith("gcore"):
        return False
    with open(path, "rb") as file:
        head = file.read(18)
    return head[:4] == b"\x7fELF" and head[16:18] == b"\x04\x00"


def _allow_core():
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))


