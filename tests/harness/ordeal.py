"""A mutant's ordeal: every command on it ends, in time, with little memory, in an answer or an error."""
import signal
import subprocess
import tempfile
import threading

from harness import compare, process as processes

SECONDS = 10        # of the processor
WAITING = 6         # times as long may pass: others want the processor too
ADDRESS_SPACE = 4 << 30
HEAP = 200 << 20
EMULATOR = 1 << 30  # for an emulator itself: what it translates, tables of the pages that the program maps
OUTPUT = 1 << 30    # a dump of the whole heap, taken for buckets, stays below it
PARSED = 32 << 20   # larger documents are not parsed: Python would take too long
COMMANDS = (("show", "json"), ("show", "text"), ("stat", "json"), ("dump", "json"), ("dump", "text"), ("stat", "text"), ("show", "ndjson"))


def is_sanitized(path):
    with open(path, "rb") as file:
        return b"__asan_init" in file.read()


class Run:
    def __init__(self, status, stdout, stderr, timed_out):
        self.status = status
        self.stdout = stdout
        self.stderr = stderr
        self.timed_out = timed_out


class Ordeal:
    def __init__(self, tool, core, executable, memory):
        self.environment = tool.environment
        self.target = ["-c", core, "-e", executable]
        self.memory = memory
        # The address sanitizer maps terabytes of shadow, which a limit of address space forbids.
        self.sanitized = is_sanitized(tool.path)
        emulator = EMULATOR if tool.emulated else 0
        limits = [] if self.sanitized else [f"--as={ADDRESS_SPACE + emulator}", f"--data={HEAP + emulator}"]
        self.seconds = processes.patient(SECONDS) * (5 if self.sanitized else 1)
        self.command = ["prlimit", "--core=0", f"--cpu={self.seconds}:{self.seconds + 5}", *limits, *tool.command]
        self.entries = {}  # of the sound maps, by expression

    def run(self, *arguments):
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
            process = subprocess.Popen([*self.command, *arguments, *self.target], stdin=subprocess.DEVNULL, stdout=out,
                                       stderr=errors, env=self.environment)
            late = []
            timer = threading.Timer(self.seconds * WAITING, lambda: (late.append(1), process.kill()))
            timer.start()
            process.wait()
            timer.cancel()
            out.seek(0)
            errors.seek(0)
            stdout, stderr = out.read(OUTPUT), errors.read(OUTPUT).decode(errors="replace")
            status = processes.true_status(process.returncode, stderr)
            return Run(status, stdout, stderr, bool(late) or status == -signal.SIGXCPU)

    def ask(self, *arguments):
        """The document of a command on the sound core."""
        result = self.run(*arguments, "--format", "json")
        if result.status != 0:
            raise RuntimeError(f"{arguments} on the sound core: status {result.status}: {result.stderr}")
        return compare.parse(result.stdout.decode())

    def sound_entries(self, expression):
        if expression not in self.entries:
            self.entries[expression] = self.ask("show", expression)["entries"]
        return self.entries[expression]

    def trial(self, mutant, commands=COMMANDS):
        """Yields (command, format, run, complaint); complaint is None where all is well."""
        self.sound_entries(mutant.expression)
        try:
            for address, data in mutant.changes:
                self.memory.write(address, data)
            for command, form in commands:
                result = self.run(*([command] if command == "list" else [command, mutant.expression]), "--format", form)
                yield command, form, result, self.complaint(mutant, command, form, result)
        finally:
            self.memory.restore()

    def complaint(self, mutant, command, form, result):
        if result.timed_out:
            return "hangs"
        if result.status not in (0, 3, 4):
            return f"status {result.status}: {result.stderr[-1500:]}"
        if len(result.stdout) == OUTPUT:
            return f"writes {OUTPUT} bytes and more"
        if "no memory for" in result.stderr or "out of memory" in result.stderr:
            return f"wants more than {HEAP} bytes of memory: {result.stderr}"
        if result.status != 0 and not result.stderr:
            return f"status {result.status} without a word"
        if form == "text" or result.status == 3 or not result.stdout or len(result.stdout) > PARSED:
            return None
        try:
            text = result.stdout.decode()
            document = compare.parse_lines(text) if form == "ndjson" else compare.parse(text)
        except (ValueError, compare.Duplicate) as error:
            return f"not JSON: {error}: ...{result.stdout[-100:]!r}"
        if (command, form) == ("show", "json") and mutant.structural and result.status == 0:
            return self.difference(mutant, document["entries"])
        return None

    def difference(self, mutant, entries):
        """What `show` did not notice. Where a pointer leads astray and the count agrees, only hashes can tell, which `verify` looks at."""
        sound = self.sound_entries(mutant.expression)
        difference = compare.entries_difference(sound, entries)
        if difference and mutant.astray and len(entries) == len(sound) and self.run("verify", mutant.expression).status == 1:
            return None
        return difference and f"quietly wrong: {difference}"
