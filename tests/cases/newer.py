"""A program of a Go that is newer than is known: the newest known one's, which says that it is of the next."""
import os
import shutil
import tempfile

from harness import elfcore, go, process, zoo

MAP = "main.directory"  # of several tables
LARGE = 70000  # more entries than verify replays of a map of a known version
SEED = 8  # where a Swiss map's header has its hash seed


def newest():
    listed = process.must_run([os.path.join(go.ROOT, "scripts", "go-toolchain"), "--list"]).stdout.split()
    return go.minor_of(listed[-1])


def make(folder, minor):
    """The zoo of 1.`minor` and a copy of it, in which every mention of its version is of the next."""
    known = os.path.join(go.build(f"1.{minor}", "plain")[1], "zoo")
    copy = os.path.join(folder, "zoo")
    with open(known, "rb") as source, open(copy, "wb") as to:
        to.write(source.read().replace(b"go1.%d" % minor, b"go1.%d" % (minor + 1)))
    os.chmod(copy, 0o755)
    return known, copy


def by_key(entries):
    return sorted(entries, key=lambda entry: entry["key"])


def check(checks, tool, targets):
    if not checks.wanted("newer Go"):
        return
    minor = newest()
    folder = tempfile.mkdtemp(prefix="mapscope-newer-")
    try:
        known, copy = make(folder, minor)
        animal = zoo.Zoo(copy, LARGE)
        try:
            if "live" in targets:
                Case(checks, tool, "newer Go live", ["-p", str(animal.pid)], minor).check(animal.truth)
            if "gcore" in targets:
                core = animal.gdb_core()
                Case(checks, tool, "newer Go gcore", ["-c", core, "-e", copy], minor).check(animal.truth)
                check_contradiction(checks, tool, "newer Go contradiction", core, known, copy, minor)
        finally:
            animal.close()
    finally:
        shutil.rmtree(folder)


class Case:
    def __init__(self, checks, tool, name, target, minor):
        self.checks, self.tool, self.name, self.target, self.minor = checks, tool, name, target, minor

    def check(self, truth):
        fact = truth.maps[MAP]
        listed = {row["name"]: row["len"] for row in self.ask("list")["maps"] if row["name"] in truth.maps}
        self.checks.true(f"{self.name} list: maps", len(listed) > 50, str(len(listed)))
        self.checks.equal(f"{self.name} list", {name: truth.maps[name]["len"] for name in listed}, listed)
        shown = self.ask("show", MAP)
        self.checks.equal(f"{self.name} show: entries", by_key(fact["entries"]), by_key(shown["entries"]))
        self.checks.equal(f"{self.name} show: version", f"go1.{self.minor + 1}", shown["go"][:len("go1.nn")])
        self.checks.equal(f"{self.name} stat", fact["len"], self.ask("stat", MAP)["len"])
        self.ask("dump", MAP)
        self.checks.true(f"{self.name} top", any(row["owner"] == MAP and row["len"] == fact["len"] for row in self.ask("top", "--max", "0")["maps"]))
        self.check_verify()

    def ask(self, command, *arguments):
        """What it prints; it must warn, and find nothing."""
        name = f"{self.name} {command}"
        result = self.tool.run(command, *arguments, *self.target, "--format", "json", limit=120)
        warning = f"go1.{self.minor + 1}.0 is newer than this mapscope knows: layouts come from its DWARF"
        lines = result.stderr.splitlines()
        self.checks.true(f"{name}: one warning", len(lines) == 1 and warning in lines[0], result.stderr[-400:])
        return self.tool.document(self.checks, name, command, *arguments, *self.target, "--format", "json", limit=120)

    def check_verify(self):
        report = self.ask("verify", "main.big")
        self.checks.true(f"{self.name} verify: nothing is wrong", report["ok"], str([check for check in report["checks"] if not check["ok"]])[:400])
        details = {check["check"]: check["detail"] for check in report["checks"]}
        self.checks.true(f"{self.name} verify: all entries are replayed", str(LARGE) in details["replay"] and "sample" not in details["replay"],
                         details["replay"])
        self.checks.true(f"{self.name} verify: types against the newest table", f"the table of Go 1.{self.minor}" in details["type"], details["type"])
        report = self.ask("verify", "main.words", "main.users")
        self.checks.true(f"{self.name} verify: two maps", report["ok"])


def check_contradiction(checks, tool, name, core, known, copy, minor):
    """Another hash seed: for a known version show reads it as it is, for a newer one it holds the map against the rules first."""
    listed = tool.document(checks, name, "list", "-c", core, "-e", copy, "--format", "json")
    address = next(int(row["address"], 16) for row in listed["maps"] if row["name"] == MAP)
    memory = elfcore.CoreFile(core)
    try:
        memory.write(address + SEED, b"\x5a" * 8)
        for executable, status in ((known, 0), (copy, 4)):
            for command in ("show", "dump"):
                result = tool.run(command, MAP, "-c", core, "-e", executable)
                what = f"{name} {command} go1.{minor + (status != 0)}"
                checks.equal(f"{what}: status", status, result.status)
                checks.equal(f"{what}: a warning", status != 0, f"{MAP}: its placement is not that of a map of Go 1.{minor}" in result.stderr)
                checks.true(f"{what}: and the map", MAP in result.stdout, result.stdout[:200])
    finally:
        memory.restore()
        memory.close()
