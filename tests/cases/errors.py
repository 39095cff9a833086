"""Golden text: errors, usage and help, with the exit status."""
import os
import shutil
import subprocess
import tempfile

from harness import allmaps, foreign, go, golden, process, zoo

FOLDER = os.path.join(go.ROOT, "tests", "golden")
NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]


def check(checks, tool, options):
    wanted = [case for case in golden.cases(FOLDER) if checks.wanted(f"golden {case.name}")]
    if not wanted:
        return
    stage = Stage(tool, options)
    try:
        for case in wanted:
            check_case(checks, stage, case, options.update)
        checks.true("golden: the target answers", stage.zoo is None or stage.zoo.answers(), "no pong")
    finally:
        stage.close()


def check_case(checks, stage, case, update):
    name = f"golden {case.name}"
    if case.needs_process() and "live" not in stage.targets:
        checks.skip(name, "needs the target live")
        return
    values = {placeholder: stage.value(placeholder) for placeholder in golden.placeholders(case.command)}
    command = golden.arguments(case, values)
    environment = dict(os.environ, LC_ALL="C", COLUMNS="100", MAPSCOPE_TEST="1", DEBUGINFOD_URLS="")
    if command[0] == "nobody":
        if os.geteuid() != 0 or not shutil.which("setpriv"):
            checks.skip(name, "needs root and setpriv to become nobody")
            return
        command = [*NOBODY, stage.public_tool(), *command[2:]]
    else:
        command = [stage.tool.path, *command[1:]]
    result = process.run(command, 30, stdin=case.stdin, env=environment, cwd=stage.folder)
    values.update(stage.paths())
    stdout, stderr = (golden.normalise(text, values) for text in (result.stdout, result.stderr))
    if update and not result.timed_out and result.status >= 0:
        case.write(result.status, stdout, stderr)
        return
    checks.equal(f"{name}: status", case.status, result.status)
    checks.equal(f"{name}: stdout", case.stdout, stdout)
    checks.equal(f"{name}: stderr", case.stderr, stderr)


class Stage:
    """What the placeholders stand for, made when first asked for."""

    def __init__(self, tool, options):
        self.tool = tool
        self.version = options.versions[-1]
        self.targets = options.targets
        self.folder = tempfile.mkdtemp(prefix="mapscope-golden-")
        os.chmod(self.folder, 0o755)
        self.zoo = None
        self.allmaps = None
        self._values = {}
        self._processes = []

    def value(self, name):
        if name not in self._values:
            self._values[name] = self.gold(name) if name.startswith("GOLD_") else getattr(self, "make_" + name.lower())()
        return self._values[name]

    def paths(self):
        """What was made so far and is a file: its name may stand in a message about a process of it."""
        return {name: value for name, value in self._values.items() if isinstance(value, str) and value.startswith("/")}

    def _zoo(self):
        if self.zoo is None:
            self.zoo = zoo.Zoo(self.value("EXE"), big=1000)
        return self.zoo

    def make_pid(self):
        return self._zoo().pid

    def make_exe(self):
        return os.path.join(go.build(self.version, "plain")[1], "zoo")

    def make_other_exe(self):
        return os.path.join(go.build(self.version, "noopt")[1], "zoo")

    def make_nodwarf_exe(self):
        """Of one version: what is printed names it."""
        return os.path.join(go.build("1.26", "nodwarf")[1], "zoo")

    def make_allmaps_pid(self):
        if self.allmaps is None:
            self.allmaps = allmaps.AllMaps(allmaps.build(self.version))
            self._processes.append(self.allmaps)
        return self.allmaps.pid

    def gold(self, name):
        """The address of the map with this name in testdata/allmaps/named.go."""
        self.value("ALLMAPS_PID")
        place = "named: " + name.removeprefix("GOLD_").lower()
        return next(fact["address"] for fact in self.allmaps.truth.maps.values() if fact["place"] == place)

    def make_not_go_pid(self):
        self._values["NOT_GO_EXE"] = os.path.realpath(shutil.which("sleep"))
        sleeper = subprocess.Popen([self._values["NOT_GO_EXE"], "1000"], stdin=subprocess.DEVNULL)
        self._processes.append(sleeper)
        return sleeper.pid

    def make_core(self):
        core = os.path.join(self.folder, "core")
        os.rename(self._zoo().gdb_core(), core)
        return core

    def make_cut_core(self):
        """Without the last part, where the heap is."""
        cut = os.path.join(self.folder, "cut-core")
        shutil.copyfile(self.value("CORE"), cut)
        os.truncate(cut, 65536)
        return cut

    def make_text(self):
        path = os.path.join(self.folder, "text")
        with open(path, "w") as file:
            file.write("This is not an ELF file, but it is longer than an ELF header, to be fair to those who look.\n" * 3)
        return path

    def make_pe(self):
        return foreign.build(self.version, "windows/amd64")

    def make_stripped_pe(self):
        return foreign.build(self.version, "windows/amd64", "-ldflags=-s -w")

    def make_cut_pe(self):
        path = os.path.join(self.folder, "cut-pe")
        shutil.copyfile(self.value("PE"), path)
        os.truncate(path, 500000)
        return path

    def make_not_go_pe(self):
        return self._write("not-go-pe", foreign.small_pe())

    def make_pe_of_ia(self):
        return self._write("pe-of-ia", foreign.small_pe(0x200))

    def make_fat_macho(self):
        return self._write("fat-macho", foreign.fat_macho())

    def _write(self, name, data):
        path = os.path.join(self.folder, name)
        with open(path, "wb") as file:
            file.write(data)
        return path

    def make_esc(self):
        return "\x1b"

    def make_missing(self):
        return os.path.join(self.folder, "missing")

    def public_tool(self):
        """A copy that nobody may run."""
        path = os.path.join(self.folder, "mapscope")
        if not os.path.exists(path):
            shutil.copyfile(self.tool.path, path)
            os.chmod(path, 0o755)
        return path

    def close(self):
        for item in self._processes:
            if isinstance(item, zoo.Fixture):
                item.close()
            else:
                item.kill()
                item.wait()
        if self.zoo:
            self.zoo.close()
        shutil.rmtree(self.folder, ignore_errors=True)
