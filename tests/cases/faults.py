"""When the machine fails: no memory, full disks, closed pipes, disks that break, pages that nobody may read, calls that are interrupted. An
error and a status, what was printed is whole or says that it is not, and the target runs on."""
import errno
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile

from cases import processes
from harness import compare, go, process, zoo

SOURCE = os.path.join(go.ROOT, "testdata", "faults")
VERSIONS = ("1.23", "1.26")
WHOLE = 5000  # entries of main.words
UNREADABLE = {"texts": 3, "slices": 1, "keys": 1, "inner": 1}
PIPE = 1 << 16


def without_pause(text):
    """Without what looking at the process cost, which is never the same."""
    return re.sub(r'"process": \{[^}]*\}', "", text)


class Program(zoo.Fixture):
    def __init__(self, version):
        super().__init__(go.build_program(version, "faults", SOURCE, go.Mode()), lambda folder: [])


def check(checks, tool, version, build):
    if version not in VERSIONS or not checks.wanted(f"{version} faults"):
        return
    program = Program(version)
    try:
        case = Case(checks, tool, version, build, program)
        case.check_pages()
        case.check_output()
        if checks.first("faulty calls"):
            case.check_calls()
        case.check_core()
        checks.true(f"{version} faults: the target answers", program.answers(), "no pong")
    finally:
        program.close()


class Case:
    def __init__(self, checks, tool, version, build, program):
        self.checks = checks
        self.tool = tool
        self.label = f"{version} faults"
        self.program = program
        self.live = ["-p", str(program.pid)]
        self.libraries = {call: os.path.join(build, "tests", "unit", f"faulty_{call}.so") for call in ("calls", "malloc")}
        with open(tool.path, "rb") as file:
            self.sanitized = b"__asan_init" in file.read()

    def free(self, name):
        processes.check_free(self.checks, name, self.program)

    def marked(self, name, result, whole):
        """What a faulty run printed: all of it, or part of it that says so. JSON can be parsed in any case."""
        complaint = result.stderr.strip().splitlines()
        if result.status == -signal.SIGSEGV and "is not all" not in result.stderr:  # libdw that found no memory for a file's units: contained
            self.checks.equal(f"{name}: nothing is printed", "", result.stdout)
            return
        self.checks.true(f"{name}: a status", result.status in (0, 3, 4) and not result.timed_out, f"{result.status}: {complaint[-3:]}")
        if result.status == 0:
            self.checks.equal(f"{name}: all is there", without_pause(whole), without_pause(result.stdout))
            return
        self.checks.true(f"{name}: says why", any(line.startswith("mapscope: ") for line in complaint), result.stderr[:300])
        if result.status == 3 and "standard output:" in result.stderr:
            return  # where nothing can be written, nothing can be marked
        try:
            document = compare.parse(result.stdout) if result.stdout else {"complete": False}
        except (ValueError, compare.Duplicate, json.JSONDecodeError) as error:
            self.checks.true(f"{name}: JSON", False, f"{error}: {result.stdout[-200:]!r}")
            return
        self.checks.true(f"{name}: marked", result.status == 4 or document.get("complete") is False, str(document)[-300:])

    # --- pages ------------------------------------------------------------------------------------------------------

    def check_pages(self):
        """Values, keys, headers, and buckets in the middle of a map that cannot be read."""
        for expression, count in UNREADABLE.items():
            for option in ([], ["--no-stop"], ["--redact"]):
                name = f"{self.label} {expression} {' '.join(option)}"
                result = self.tool.run("show", f"main.{expression}", *self.live, "--format", "json", *option)
                self.checks.equal(f"{name}: status", 4, result.status)
                self.checks.equal(f"{name}: marked", count, str(compare.parse(result.stdout)["entries"]).count("'error'"))
        for address in self.units()[3:9:5]:
            self.check_page(address)
        self.free(f"{self.label} pages")

    def units(self):
        """Addresses of buckets or groups of main.numbers, of the first table at least, a page apart."""
        document = compare.parse(self.tool.run("dump", "main.numbers", *self.live, "--format", "json").stdout)
        found = sorted({int(unit["address"], 16) >> 12 << 12 for unit in units_of(document)})
        return found

    def check_page(self, address):
        name = f"{self.label} page of buckets"
        self.checks.equal(f"{name}: taken away", "ok", self.program.ask(f"protect {address:#x}"))
        for words in (["show", "--max", "0"], ["stat"], ["verify"], ["dump"], ["show", "--max", "0", "--no-stop"]):
            result = self.tool.run(words[0], "main.numbers", *self.live, "--format", "json", *words[1:])
            self.checks.true(f"{name} {words}: status", result.status in ((1, 4) if words[0] == "verify" else (4,)),
                             f"{result.status}: {result.stderr[-300:]}")
            self.checks.true(f"{name} {words}: says why", "not readable" in result.stderr + result.stdout, result.stderr[-300:])
            document = compare.parse(result.stdout)
            if words[0] == "show":
                values = {entry["key"]: entry["value"] for entry in document["entries"]}
                self.checks.true(f"{name} {words}: the others are right", 90000 < len(values) < 100000 and
                                 all(value == 3 * key for key, value in values.items()), str(len(values)))
        for words in (["top"], ["list", "--all"], ["who", "main.words"]):
            result = self.tool.run(*words, *self.live, "--format", "json")
            self.checks.true(f"{name} {words}: status", result.status in (0, 4), f"{result.status}: {result.stderr[-300:]}")
            compare.parse(result.stdout)
        self.checks.equal(f"{name}: given back", "ok", self.program.ask(f"release {address:#x}"))
        self.checks.equal(f"{name}: all is there again", 0, self.tool.run("stat", "main.numbers", *self.live).status)

    # --- output -----------------------------------------------------------------------------------------------------

    def check_output(self):
        show = [*self.tool.command, "show", "main.words", *self.live, "--max", "0", "--format", "json"]
        with open("/dev/full", "w") as full:
            done = subprocess.run(show, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False, env=self.tool.environment)
        self.checks.equal(f"{self.label} /dev/full: status", 3, done.returncode)
        self.checks.true(f"{self.label} /dev/full: says why", "standard output: No space left on device" in done.stderr, done.stderr)
        with tempfile.TemporaryDirectory(prefix="mapscope-faults-") as folder:
            path = os.path.join(folder, "output")
            done = process.run(["sh", "-c", 'ulimit -f 16; exec "$@"', "sh", *show, "-o", path], env=self.tool.environment)
            self.checks.equal(f"{self.label} a file that may not grow: status", 3, done.status)
            self.checks.true(f"{self.label} a file that may not grow: says why", "File too large" in done.stderr, done.stderr)
        done = process.run(["sh", "-c", '"$@" | head -n 1', "sh", *show], env=self.tool.environment)
        self.checks.equal(f"{self.label} closed pipe: nothing to complain of", ("{\n", ""), (done.stdout, done.stderr))
        done = process.run(["sh", "-c", 'exec "$@" >&-', "sh", *show], env=self.tool.environment)
        self.checks.equal(f"{self.label} no standard output: status", 3, done.status)
        self.free(f"{self.label} output")

    # --- calls that fail --------------------------------------------------------------------------------------------

    def faulty(self, arguments, call, at, number, last=None):
        environment = dict(self.tool.environment, LD_PRELOAD=self.libraries.get(call, self.libraries["calls"]), FAULTY_CALL=call, FAULTY_AT=str(at), FAULTY_ERROR=str(number),
                           FAULTY_LAST=str(last or at), ASAN_OPTIONS=os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0:detect_leaks=0")
        return process.run([*self.tool.command, *arguments], 60, env=environment)

    def check_calls(self):
        for path in self.libraries.values():
            self.checks.true(f"{self.label}: there is a library that fails", os.path.exists(path), path)
        live = ["show", "main.words", *self.live, "--max", "0", "--format", "json"]
        for call, number, most in (("readv", errno.ENOMEM, 12), ("readv", errno.EFAULT, 12), ("ptrace", errno.ESRCH, 6), ("pread", errno.EIO, 6),
                                   ("write", errno.EINTR, 3), ("write", errno.ENOSPC, 2)):
            if call == "readv" and self.tool.narrow:
                self.checks.skip(f"{self.label} {call}", "a program of 32 bits reads a process of 64 through /proc/PID/mem")
            else:
                self.sweep(live, call, number, range(1, most + 1))
        if self.sanitized:
            self.checks.skip(f"{self.label} out of memory", "a sanitizer has an allocator of its own")
            return
        for arguments in (live, ["top", *self.live, "--format", "json"], ["verify", "main.words", *self.live, "--format", "json"],
                          ["trace", "main.words", '"key 7"', *self.live, "--format", "json"]):
            self.sweep(arguments, "malloc", errno.ENOMEM, self.samples(arguments))

    def samples(self, arguments):
        """Of all allocations: about 40, the first ones and the last ones too."""
        low, high = 1, 1 << 22
        while low < high:  # the first that is not made any more
            middle = (low + high) // 2
            if self.faulty(arguments, "malloc", middle, errno.ENOMEM, 1 << 30).status == 0:
                high = middle
            else:
                low = middle + 1
        return sorted({*range(1, 8), *(low * part // 32 for part in range(1, 32)), low - 2, low - 1})

    def sweep(self, arguments, call, number, places):
        whole = self.tool.run(*arguments)
        self.checks.equal(f"{self.label} {arguments[0]}: status without faults", 0, whole.status)
        failed = 0
        for at in places:
            name = f"{self.label} {arguments[0]}: {call} {at} fails with {errno.errorcode[number]}"
            result = self.faulty(arguments, call, at, number)
            self.marked(name, result, whole.stdout)
            failed += result.status != 0
        self.checks.true(f"{self.label} {arguments[0]}: {call} was made to fail", failed > 0 or number == errno.EINTR, "all ended with status 0")
        self.free(f"{self.label} {arguments[0]}: {call}")

    # --- cores ------------------------------------------------------------------------------------------------------

    def check_core(self):
        if not shutil.which("gcore"):
            self.checks.skip(f"{self.label} core", "no gcore here (Debian package gdb)")
            return
        path = self.program.gdb_core()
        core = ["-c", path, "-e", self.program.executable]
        result = self.tool.run("show", "main.texts", *core, "--format", "json")  # gdb reads what is mapped and not readable
        self.checks.equal(f"{self.label} core: status", 4, result.status)
        show = ["show", "main.numbers", *core, "--max", "0", "--format", "json"]
        self.sweep(show, "pread", errno.EIO, range(1, 40, 4))
        if not self.sanitized:
            self.sweep(show, "mmap", errno.ENOMEM, range(1, 5))
        for form in ("json", "ndjson", "text"):
            self.check_cut(path, form)

    def check_cut(self, path, form):
        """A core that is cut while it is read: the reader waits for a full pipe meanwhile."""
        name = f"{self.label} core cut while it is read, {form}"
        cut = path + ".cut"
        subprocess.run(["cp", "--sparse=always", path, cut], check=True)
        command = [*self.tool.command, "show", "main.numbers", "-c", cut, "-e", self.program.executable, "--max", "0", "--format", form]
        with subprocess.Popen(command, bufsize=0, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self.tool.environment) as running:
            head = running.stdout.read(100)
            os.truncate(cut, 8192)
            rest, errors = running.communicate(timeout=60)
        text, errors = (head + rest).decode(), errors.decode()
        self.checks.equal(f"{name}: status", 4, running.returncode)
        self.checks.true(f"{name}: says why", "cut meanwhile" in errors, errors[-300:])
        self.checks.true(f"{name}: part of it", len(text) > PIPE, str(len(text)))
        if form == "json":
            document = compare.parse(text)
            self.checks.true(f"{name}: marked, and right", document.get("complete") is False and
                             all(entry["value"] == 3 * entry["key"] for entry in document["entries"] if len(entry) == 2 and entry["value"] is not None),
                             text[-200:])
        elif form == "ndjson":
            compare.parse_lines(text)
        os.remove(cut)


def units_of(node):
    """The objects with slots in a dump."""
    if isinstance(node, dict):
        if "slots" in node and node.get("address"):
            yield node
        node = list(node.values())
    if isinstance(node, list):
        for item in node:
            yield from units_of(item)
