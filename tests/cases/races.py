"""`mapscope races` on testdata/races: cores of the three fatal errors of maps, and goroutines that are inside one nearly all of the time."""
import fnmatch
import json
import os
import resource
import signal
import subprocess
import tempfile

from harness import compare, go, machines, process, zoo

SOURCE = os.path.join(go.ROOT, "testdata", "races")
MESSAGES = {"write": "concurrent map writes", "readwrite": "concurrent map read and map write",
            "iterate": "concurrent map iteration and map write"}
STRIPPED = go.MODES["stripped"]
HELD = ("global", "local", "field")
FIRST_SCREEN = 24
ATTEMPTS = 10
MACHINES = {"1.26": ["arm"]}  # where Go passes parameters on the stack; scripts/matrix-programs looks at all
LOOKS = 20  # at goroutines that are between two operations now and then


class Crash:
    """One run of a race until its fatal error: the core, and what the goroutines said before. `words`: of an emulator, whose core it is then."""

    def __init__(self, executable, kind, held, words=()):
        self.folder = tempfile.TemporaryDirectory(prefix="mapscope-races-")
        truth = os.path.join(self.folder.name, "truth")
        with open(os.path.join(self.folder.name, "stderr"), "w") as errors:
            done = subprocess.run([*words, executable, kind, truth, held], cwd=self.folder.name, env=dict(os.environ, GOTRACEBACK="crash"),
                                  stdout=subprocess.DEVNULL, stderr=errors, timeout=process.patient(120), check=False, preexec_fn=allow_core)
        with open(os.path.join(self.folder.name, "stderr")) as file:
            self.errors = file.read()
        with open(truth) as file:
            self.facts = [json.loads(line) for line in file]
        names = [name for name in os.listdir(self.folder.name) if fnmatch.fnmatch(name, "qemu_*.core" if words else "core*")]
        if done.returncode != -signal.SIGABRT or not names:
            raise zoo.Broken(f"{executable} {kind}: ended with {done.returncode}, {names}: {self.errors[:300]}")
        self.core = os.path.join(self.folder.name, names[0])


def crash_of(executable, kind, held, words=()):
    """A run that ended by the fatal error of its kind: what a race does to memory can end a program in other ways before."""
    for _ in range(ATTEMPTS):
        crash = Crash(executable, kind, held, words)
        if f"fatal error: {MESSAGES[kind]}" in crash.errors:
            return crash
        crash.folder.cleanup()
    raise zoo.Broken(f"{executable} {kind}: {ATTEMPTS} runs ended in other ways, the last by: {crash.errors[:300]}")


def allow_core():
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))


def on_the_map(document, address):
    return {operation["goroutine"]: operation for operation in document["operations"] if operation["address"] == address}


def check_operation(checks, name, fact, operation):
    checks.equal(f"{name}: the operation", fact["operation"], operation["operation"])
    checks.equal(f"{name}: the type", fact["type"], operation["type"])
    functions = [frame["function"] for frame in operation["frames"]]
    checks.true(f"{name}: the frames that led there", fact["function"] in functions, f"expected {fact['function']}, found {functions}")
    key = operation.get("key")
    if key is not None:
        text = key["text"] if isinstance(key, dict) else key
        checks.true(f"{name}: the key", text.startswith(fact["key"]), f"expected {fact['key']}..., found {str(key)[:100]}")


def check_sides(checks, name, crash, document):
    """The first operation ended the program; the other goroutine is in the same map, or is said to have left it."""
    first = document["operations"][0] if document["operations"] else {}
    facts = {fact["goroutine"]: fact for fact in crash.facts}
    checks.true(f"{name}: the first operation ended the program", first.get("fatal") and first["goroutine"] in facts, str(first)[:300])
    if not first.get("fatal") or first["goroutine"] not in facts:
        return
    address = facts[first["goroutine"]]["address"]
    checks.equal(f"{name}: its map", address, first["address"])
    inside = on_the_map(document, address)
    for goroutine, operation in inside.items():
        if goroutine in facts:
            check_operation(checks, f"{name} goroutine {goroutine}", facts[goroutine], operation)
    other = next(goroutine for goroutine in facts if goroutine != first["goroutine"])
    held = [holder for holder in document["holders"] if holder.startswith(f"goroutine {other}: ")]
    checks.true(f"{name}: the other side", other in inside or held or first["name"] == "main.global",
                f"goroutine {other} is neither inside nor a holder: {document['holders']}")
    checks.true(f"{name}: others are in other maps", all(o["address"] != address or o["goroutine"] in facts for o in document["operations"]),
                str(document["operations"])[:300])


def check_first_screen(checks, tool, name, crash, target, document):
    text = tool.run("races", *target)
    screen = "\n".join(text.stdout.splitlines()[:FIRST_SCREEN])
    first = document["operations"][0]
    words = [document["message"], first["address"]] + [f"goroutine {o['goroutine']} " for o in document["operations"] if o["address"] == first["address"]]
    checks.true(f"{name}: the first screen has all of it", text.status == 0 and all(word in screen for word in words if word),
                f"{words} in {screen}")


def lacks_evidence(checks, tool, name, target, document):
    """Registers and slots of parameters may be used for something else by the time that the operation fails: that is said, then."""
    first = document["operations"][0] if document["operations"] else {}
    if first.get("address", "") is not None:
        return False
    checks.true(f"{name}: the first screen says what evidence is missing",
                first["missing"] and first["missing"] in tool.run("races", *target).stdout, str(first)[:300])
    return True


def check_crash(checks, tool, name, executable, kind, held, words=()):
    """Of three crashes one has the evidence: the parameters of 1 in 100 are gone (Go 1.17, mapiternext)."""
    for last in (False, False, True):
        crash = crash_of(executable, kind, held, words)
        target = ["-c", crash.core, "-e", executable]
        try:
            document = tool.document(checks, name, "races", *target, "--format", "json")
            if document is None or last or not lacks_evidence(checks, tool, name, target, document):
                return check_evidence(checks, tool, name, crash, target, document, kind, held)
        finally:
            crash.folder.cleanup()


def check_evidence(checks, tool, name, crash, target, document, kind, held):
    if document is not None:
        checks.equal(f"{name}: the message", MESSAGES[kind], document["message"])
        check_sides(checks, name, crash, document)
        if document["operations"]:
            check_first_screen(checks, tool, name, crash, target, document)
            check_name(checks, tool, name, target, document["operations"][0], held)
        lines = tool.document(checks, f"{name} ndjson", "races", *target, "--format", "ndjson", lines=True)
        if lines is not None:
            checks.equal(f"{name}: NDJSON has the same", document["operations"], lines)


def check_name(checks, tool, name, target, operation, held):
    """The map's name is one that other commands take."""
    if held == "global":
        checks.equal(f"{name}: the map's name", "main.global", operation["name"])
    if operation["name"] is None:
        return
    result = tool.run("stat", operation["name"], *target, "--format", "json")  # its figures may not fit: it was being written
    checks.true(f"{name}: stat takes the name", result.status in (0, 4) and compare.parse(result.stdout)["address"] == operation["address"],
                f"{operation['name']}: {result.status} {result.stderr[-200:]}")


def check_cores(checks, tool, version, executable):
    for kind in MESSAGES:
        for held in HELD:
            name = f"{version} races {kind} {held}"
            if checks.wanted(name):
                check_crash(checks, tool, name, executable, kind, held)


# --- without DWARF --------------------------------------------------------------------------------------------------------


def check_stripped(checks, tool, name, executable, kind, held, words=(), on_stack=False):
    """The same but for names of variables: both goroutines, what they were doing, where, on which map. `on_stack`: Go passes parameters there
    on this machine, so that those of both are known."""
    crash = crash_of(executable, kind, held, words)
    target = ["-c", crash.core, "-e", executable]
    try:
        document = tool.document(checks, name, "races", *target, "--format", "json")
        if document is None:
            return
        facts = {fact["goroutine"]: fact for fact in crash.facts}
        inside = {operation["goroutine"]: operation for operation in document["operations"] if operation["goroutine"] in facts}
        first = document["operations"][0] if document["operations"] else {}
        checks.equal(f"{name}: the message", MESSAGES[kind], document["message"])
        checks.true(f"{name}: the first operation ended the program", first.get("fatal") and first["goroutine"] in facts, str(first)[:300])
        if on_stack:
            checks.equal(f"{name}: maps of both", {goroutine: fact["address"] for goroutine, fact in facts.items()},
                         {goroutine: operation["address"] for goroutine, operation in inside.items()})
        for goroutine, operation in inside.items():
            checks.true(f"{name} goroutine {goroutine}: its map, or why it is not known",
                        operation["address"] == facts[goroutine]["address"] or (operation["address"] is None and operation["missing"]),
                        str(operation)[:300])
            checks.equal(f"{name} goroutine {goroutine}: no name", None, operation["name"])
            if operation["address"] is not None:
                check_operation(checks, f"{name} goroutine {goroutine}", facts[goroutine], operation)
        if first:
            check_first_screen(checks, tool, name, crash, target, document)
        check_no_variables(checks, tool, name, target, first)
    finally:
        crash.folder.cleanup()


def check_no_variables(checks, tool, name, target, operation):
    """Frames have no variables, and that is said."""
    result = tool.run("list", "-g", *target)
    checks.true(f"{name} list -g: says why there are none", result.status == 0 and "no DWARF tells the variables of" in result.stderr,
                f"{result.status}: {result.stderr[-300:]}")
    result = tool.run("show", f"goroutine {operation.get('goroutine')}: frame {operation.get('frame', 0) + 1}: m", *target)
    checks.true(f"{name} show m: says why there is none", result.status == 3 and "no DWARF tells its variables" in result.stderr,
                f"{result.status}: {result.stderr[-300:]}")


# --- live -----------------------------------------------------------------------------------------------------------------


class Busy(zoo.Fixture):
    def __init__(self, executable):
        super().__init__(executable, lambda folder: ["busy", os.path.join(folder, "truth")])
        with open(os.path.join(self.folder, "truth")) as file:
            self.facts = [json.loads(line) for line in file]


def check_live(checks, tool, name, executable):
    """Each of them is seen in its operation, on its map, sooner or later."""
    animal = Busy(executable)
    target = ["-p", str(animal.pid)]
    missing = {fact["goroutine"]: fact for fact in animal.facts}
    try:
        for _ in range(LOOKS):
            document = tool.document(checks, name, "races", *target, "--format", "json")
            if document is None or not missing:
                break
            for operation in document["operations"]:
                fact = missing.get(operation["goroutine"])
                if fact and operation["address"] == fact["address"]:
                    check_operation(checks, f"{name} {fact['function']}", fact, operation)
                    del missing[operation["goroutine"]]
        checks.true(f"{name}: every goroutine is seen in its operation", not missing, str(list(missing.values())))
        result = tool.run("races", *target, "--no-stop", "--format", "json")
        checks.true(f"{name} --no-stop: how many are not seen is said", result.status == 0 and compare.parse(result.stdout)["incomplete"] > 0,
                    f"{result.status}: {result.stderr[-300:]}")
        checks.true(f"{name}: the target answers", animal.answers(), "no pong")
    finally:
        animal.close()


def build(version, machine, *flags):
    return go.build_program(version, f"races-{machine}", SOURCE, go.Mode(*flags, machine=machine), GOOS="linux", **machines.FLOATS)


def check_machine(checks, tool, name, version, machine):
    """One race, with DWARF and without."""
    try:
        words = machines.emulator(machine, version)
    except go.Unavailable as reason:
        checks.skip(name, str(reason))
        return
    check_crash(checks, tool, name, build(version, machine), "write", "local", words)
    check_stripped(checks, tool, f"{name} stripped", build(version, machine, *STRIPPED.flags), "write", "local", words, on_stack=True)


def check(checks, tool, version, targets):
    name = f"{version} races"
    if not checks.wanted(name):
        return
    executable = go.build_program(version, "races", SOURCE, go.Mode())
    if "live" in targets:
        check_live(checks, tool, f"{name} live", executable)
        check_live(checks, tool, f"{name} live stripped", go.build_program(version, "races-stripped", SOURCE, STRIPPED))
    with open("/proc/sys/kernel/core_pattern") as file:
        pattern = file.read().strip()
    if "core" not in targets or pattern.startswith("|") or "/" in pattern:
        checks.skip(f"{name} cores", "no cores asked for, or core_pattern does not make a file in the working directory")
        return
    check_cores(checks, tool, version, executable)
    stripped = go.build_program(version, "races-stripped", SOURCE, STRIPPED)
    for kind, held in zip(MESSAGES, HELD):
        check_stripped(checks, tool, f"{version} races {kind} {held} stripped", stripped, kind, held)
    for machine in MACHINES.get(version, []):
        check_machine(checks, tool, f"{version} races {machine}", version, machine)
    checks.note(f"go{version} races: done")
