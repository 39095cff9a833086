"""GDBs to test the plug-in with, and the one way to run one: commands in, a text for each command out."""
import glob
import os
import re
import shutil
import subprocess
import tempfile

from harness import go, process

MARK = "@@mapscope@@"
# GDB's own words on the way: none of them belongs to a command of ours.
# GDB's own complaint of cores from machines with more registers than it knows, each time it reads registers.
NOISE = re.compile(r"^warning: Section `\.reg-xstate/\d+' in core file too small\.\n", re.MULTILINE)
QUIET = ["set confirm off", "set pagination off", "set width 0", "set height 0", "set style enabled off", "set debuginfod enabled off"]


class Debugger:
    """How a GDB is started: the words of its command and what its environment needs."""

    def __init__(self, name, command, environment=None, server=None):
        self.name = name
        self.command = list(command)
        self.environment = dict(os.environ, TERM="dumb", LC_ALL="C.UTF-8", DEBUGINFOD_URLS="", **(environment or {}))
        self.server = server  # the words of the gdbserver to go with it; None: the installed one

    def has_python(self):
        return self.run([], ["python print(6 * 7)"]) == ["42\n"]

    def version(self):
        """"13.1": the last word of the first line."""
        result = process.run([*self.command, "-nx", "--version"], env=self.environment)
        return result.stdout.split("\n")[0].split(" ")[-1]

    def arguments(self, start, script=None):
        quiet = [word for command in QUIET for word in ("-iex", command)]
        return [*self.command, "-nx", "-q", *quiet, *(["-ix", script] if script else []), *start]

    def run(self, start, commands, script=None, limit=180):
        """What GDB prints to each command, errors among it; what it says before the first is left out.

        `start` are words of its command line. After a limit, or GDB's death, the texts of the rest are None."""
        words = [word for i, command in enumerate(commands) for word in ("-ex", f"echo \\n{MARK}{i}\\n", "-ex", command)]
        arguments = [*self.arguments(start, script), "-batch", *words, "-ex", f"echo \\n{MARK}{len(commands)}\\n"]
        text = self.read(arguments, subprocess.DEVNULL, limit)
        return [_between(text, i) for i in range(len(commands))]

    def read(self, arguments, typed, limit=60):
        """All that GDB prints, with such an open file as its standard input, until it ends or time is over."""
        with tempfile.TemporaryFile() as output:
            with subprocess.Popen(arguments, stdin=typed, stdout=output, stderr=output, env=self.environment) as running:
                try:
                    running.wait(limit)
                except subprocess.TimeoutExpired:
                    running.kill()
            output.seek(0)
            return output.read().decode(errors="replace")


def _between(text, number):
    _, found, rest = text.partition(f"\n{MARK}{number}\n")
    answer, ended, _ = rest.partition(f"\n{MARK}{number + 1}\n")
    return NOISE.sub("", answer) if found and ended else None


def script(build):
    """The script that runs the plug-in from the build tree."""
    return os.path.join(build, "plugin", "mapscope.gdb")


# --- GDBs of this machine and of Debian packages --------------------------------------------------------------------


def installed():
    path = shutil.which("gdb")
    if path is None:
        raise go.Unavailable("there is no gdb")
    return Debugger("gdb", [path])


def minimal():
    """Debian's GDB without Python. Its package conflicts with gdb, so it is unpacked beside the test programs."""
    folder = os.path.join(go.cache(), "gdb-minimal")
    program = os.path.join(folder, "usr", "bin", "gdb")
    with go.making("gdb-minimal"):
        if not os.path.exists(program):
            _unpack_package("gdb-minimal", folder)
    return Debugger("gdb-minimal", [program])


def _unpack_package(package, folder):
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        raise go.Unavailable(f"{package} is to be had on Debian only")
    os.makedirs(go.cache(), exist_ok=True)
    with tempfile.TemporaryDirectory(dir=go.cache()) as work:
        result = process.run(["apt-get", "-q", "download", package], limit=120, cwd=work)
        packages = glob.glob(os.path.join(work, "*.deb"))
        if result.status != 0 or not packages:
            raise go.Unavailable(f"{package} cannot be downloaded: {result.stderr.strip()[-200:]}")
        process.must_run(["dpkg-deb", "-x", packages[0], os.path.join(work, "root")])
        shutil.rmtree(folder, ignore_errors=True)
        os.rename(os.path.join(work, "root"), folder)


class Server:
    """gdbserver, attached to a process; `close()` lets the process go."""

    def __init__(self, pid, command=None):
        command = command or [shutil.which("gdbserver") or ""]
        if not command[0]:
            raise go.Unavailable("there is no gdbserver")
        self._process = subprocess.Popen([*command, "--once", "--attach", "localhost:0", str(pid)], stdin=subprocess.DEVNULL,
                                         stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.address = None
        for line in self._process.stderr:
            if line.startswith("Listening on port "):
                self.address = "localhost:" + line.split()[-1]
                return
        self.close()
        raise process.Failed(f"gdbserver does not attach to {pid}")

    def close(self):
        self._process.terminate()
        self._process.wait()
        self._process.stderr.close()
