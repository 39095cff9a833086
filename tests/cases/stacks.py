"""Goroutines, their frames and the maps in their local variables, on testdata/stacks: live, in the kernel's core, and damaged."""
import contextlib
import itertools
import json
import os
import random
import re
import signal

from cases import tabledamage
from harness import elfcore, go, process, zoo

SOURCE = os.path.join(go.ROOT, "testdata", "stacks")
MODES = {"optimised": go.Mode(), "noopt": go.Mode("-gcflags=all=-N -l"), "pie": go.Mode("-buildmode=pie", cgo=True), "386": go.Mode(machine="386")}
SAMPLE = {"386": (8, 16, 26)}  # modes that only these versions are tested in here; in all of them by scripts/prove-frames
PARKED = 200
DAMAGES, DAMAGES_EMULATED = 40, 8
LOOKS = 20
# What the compiler's own DWARF does not have, from a Go version on up to another: kind -> (first, last, modes).
NOT_DESCRIBED = {
    "decomposed": (8, 99, ("optimised", "pie", "386")),
    "result": (11, 99, ("optimised", "pie", "386")),
    "field": (15, 17, ("optimised", "pie", "386")),
    "inlined": (11, 16, ("optimised", "pie", "386")),
    "parameter": (11, 11, ("optimised", "pie", "386")),
    "reference": (11, 12, ("optimised", "pie", "386")),
    "deferred": (11, 12, ("optimised", "pie", "386")),
}


class Stacks(zoo.Fixture):
    """A running testdata/stacks and what it says of its maps."""

    def __init__(self, executable, wrapper=()):
        super().__init__(executable, lambda folder: [os.path.join(folder, "truth"), str(PARKED)], wrapper=wrapper)
        with open(executable, "rb") as file:
            self.word = 4 * file.read(5)[4]  # EI_CLASS
        self.truth_path = os.path.join(self.folder, "truth")
        with open(self.truth_path) as file:
            self.facts = [json.loads(line) for line in file]

    @contextlib.contextmanager
    def held(self):
        """It stands still, so that two looks see the same."""
        os.kill(self.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.pid, signal.SIGCONT)

    def traceback(self):
        """What the runtime says: {goroutine: [(function, line)]}, without the runtime's own frames."""
        self.ask("trace")
        found, frames = {}, None
        with open(self.truth_path + ".trace") as file:
            lines = file.read().splitlines()
        for line, following in zip(lines, lines[1:]):
            head = re.match(r"goroutine (\d+) ", line)
            if head:
                frames = found.setdefault(int(head[1]), [])
            elif re.match(r"\S.*\(.*\)$", line) and not line.startswith("created by") and frames is not None:
                name, where = line[:line.rindex("(")], re.search(r":(\d+)(?: |$)", following)
                if not name.startswith("runtime.") and name != "panic":
                    frames.append((name, int(where[1])))
        return found


def start(version, mode):
    return Stacks(go.build_program(version, f"stacks-{mode}", SOURCE, MODES[mode]))


def own_frames(program, *target, variables=False, find=None, by=None):
    """What tests/unit/stacks prints, and {goroutine: [(number, function, line)]}."""
    environment = dict(os.environ, **({"VARIABLES": "1"} if variables else {}), **({"FIND": find} if find else {}),
                       **({"FRAMES": by} if by else {}))
    result = process.run([program, *target], 60, env=environment)
    found, frames = {}, None
    for line in result.stdout.splitlines():
        head = re.match(r"goroutine (\d+) ", line)
        frame = re.match(r"  #(\d+) (.+?)(?: inlined)?(?: system)? (\S+):(\d+) pc=", line)
        if head:
            frames = found.setdefault(int(head[1]), [])
        elif frame:
            frames.append((int(frame[1]), frame[2], int(frame[4])))
    return result, found


def is_hidden(function):
    """The runtime does not show its own frames, nor wrappers that the compiler makes."""
    return function.startswith("runtime.") or "gowrap" in function or "dwrap" in function


def check_traceback(checks, name, animal, frames, lines=True):
    """Frames of goroutines that wait, against the runtime's own traceback."""
    wrong, count = differing(animal, frames, lines)
    checks.true(f"{name}: frames are those of the runtime's traceback", not wrong, f"{len(wrong)} of {count}: {wrong[:2]}")


def differing(animal, frames, lines=True):
    """Goroutines that wait and have other frames in the runtime's traceback; how many wait."""
    told = {goroutine: [(function, line if lines else 0) for function, line in stack] for goroutine, stack in animal.traceback().items()}
    waiting = {fact["goroutine"] for fact in animal.facts if fact["status"] == "waiting"}
    wrong = []
    for goroutine in sorted(waiting):
        ours = [(function, line if lines else 0) for _, function, line in frames.get(goroutine, []) if not is_hidden(function)]
        if ours != told.get(goroutine):
            wrong.append((goroutine, told.get(goroutine), ours))
    return wrong, len(waiting)


def frame_of(frames, fact):
    return next((number for number, function, _ in frames.get(fact["goroutine"], []) if function == fact["function"]), None)


def may_be_missing(fact, version, mode):
    first, last, modes = NOT_DESCRIBED.get(fact["kind"], (99, 0, ()))
    return first <= go.minor_of(version) <= last and mode in modes


def check_facts(checks, tool, name, target, animal, frames, version, mode):
    """Every fact in `list -g` under the name that leads to it, at the right address; or said to be optimised out."""
    document = tool.document(checks, f"{name} list", "list", "-g", *target, "--format", "json")
    if document is None:
        return
    rows = {row["name"]: row for row in document["maps"]}
    missing, wrong = [], []
    for fact in animal.facts:
        frame = frame_of(frames, fact)
        row = rows.get(f"goroutine {fact['goroutine']}: frame {frame}: {fact['expression']}")
        if row is None and fact["kind"] == "running":  # it may be deeper now than when its frames were asked for
            row = next((rows[name] for name in rows if name.startswith(f"goroutine {fact['goroutine']}: frame ") and
                        name.endswith(f": {fact['expression']}")), None)
        if fact["kind"] == "nested":
            continue
        if row is None or row.get("error") == "optimised out":
            if not may_be_missing(fact, version, mode):
                missing.append((fact["kind"], frame, row))
        elif (row["address"], row["len"], row["type"]) != (fact["address"], fact["len"], fact["type"]):
            # before 1.11 a variable has one place, used or not: a result that is not written yet
            if not (fact["kind"] in ("result", "decomposed") and go.minor_of(version) < 11):
                wrong.append((fact, row))
    checks.true(f"{name}: the maps of all facts are listed", not missing, str(missing[:6]))
    checks.true(f"{name}: none at a wrong address, of a wrong length or type", not wrong, str(wrong[:3]))


def check_show(checks, tool, name, target, frames, fact):
    """`show` of a fact's map by its goroutine and frame."""
    name = f"{name} show {fact['kind']}"
    document = tool.document(checks, name, "show", f"goroutine {fact['goroutine']}: frame {frame_of(frames, fact)}: {fact['expression']}",
                             *target, "--format", "json")
    if document is not None:
        entry = {"key": fact["key"], "value": fact["value"]}
        checks.true(f"{name}: the map", document["address"] == fact["address"] and document["len"] == fact["len"] and
                    entry in document["entries"], f"expected {fact}, found {str(document)[:300]}")


def check_show_running(checks, tool, name, program, target, own_target, animal, fact):
    """The same of a goroutine that runs: its depth changes, so it is held between the two looks at it."""
    with animal.held() if "-p" in own_target else contextlib.nullcontext():
        _, frames = own_frames(program, *own_target)
        check_show(checks, tool, name, target, frames, fact)


def check_commands(checks, tool, name, program, target, own_target, animal, frames):
    """Every command takes a local variable, by both spellings."""
    facts = {fact["kind"]: fact for fact in animal.facts}
    for kind in ("nested", "escaped", "local"):
        check_show(checks, tool, name, target, frames, facts[kind])
    check_show_running(checks, tool, name, program, target, own_target, animal, facts["running"])
    fact = facts["local"]
    option = ["-g", str(fact["goroutine"]), *target, "--format", "json"]
    for command, more in (("stat", []), ("dump", []), ("trace", [f'"{fact["key"]}"']), ("verify", [])):
        document = tool.document(checks, f"{name} {command}", command, fact["expression"], *more, *option)
        if document is not None and command != "verify":
            checks.equal(f"{name} {command}: the address", fact["address"], document["address"])
    by_frame = tool.document(checks, f"{name} show -f", "show", "-f", str(frame_of(frames, fact)), fact["expression"], *option)
    if by_frame is not None:
        checks.equal(f"{name} show -f: the address", fact["address"], by_frame["address"])


def check_roots(checks, name, program, target, animal):
    """The stacks as roots have every map that a variable holds directly."""
    wanted = [fact for fact in animal.facts if fact["kind"] in ("local", "inlined", "deep", "sleep", "mutex", "select", "syscall", "running")]
    path = os.path.join(animal.folder, "addresses")
    with open(path, "w") as file:
        file.write("\n".join(fact["address"] for fact in wanted))
    result, _ = own_frames(program, *target, find=path)
    found = set(re.findall(r"^root (0x[0-9a-f]+) goroutine (\d+)$", result.stdout, re.MULTILINE))
    missing = [fact for fact in wanted if (fact["address"], str(fact["goroutine"])) not in found]
    checks.true(f"{name}: roots lead to the maps", not missing, f"{len(missing)} of {len(wanted)}: {missing[:2]}")


def comparable(output, minor):
    """Without what the compiler's DWARF does not have."""
    lines = output.replace("./<autogenerated>", "<autogenerated>").splitlines()
    if minor == 9:  # calls that are inlined; where they stand is the function's line then
        lines = [re.sub(r"#\d+ (.*) \S+:\d+ pc=", r"\1 pc=", line) for line in lines if " inlined " not in line]
    if minor == 14:  # lines of assembly, and of a function's end
        lines = [re.sub(r" \S+:\d+ pc=", " pc=", line) for line in lines]
    return lines


def check_tables(checks, name, program, own_target, animal, version):
    """The program's own tables tell the same frames as the DWARF, in all that is printed of them."""
    live = "-p" in own_target
    with animal.held() if live else contextlib.nullcontext():
        by_dwarf, _ = own_frames(program, *own_target, by="dwarf")
        by_tables, frames = own_frames(program, *own_target, by="tables")
    told, expected = (comparable(run.stdout, go.minor_of(version)) for run in (by_tables, by_dwarf))
    differ = [pair for pair in itertools.zip_longest(expected, told) if pair[0] != pair[1]]
    checks.true(f"{name} tables: frames are those of the DWARF", len(told) > PARKED and not differ, f"{len(differ)}: {differ[:2]}")
    checks.true(f"{name} tables: no findings", by_tables.status == 0 and " ... " not in by_tables.stdout, by_tables.stderr[-300:])
    if live and go.minor_of(version) >= 14:
        check_traceback(checks, f"{name} tables", animal, frames)


def check_captures(checks, name, output, word):
    """What closures capture: by value and by reference (>= 1.23)."""
    for line in (f"capture captured map[string]int at {word}", f"capture m map[string]int at {word} by reference"):
        checks.true(f"{name}: {line}", re.search(rf"^ +{re.escape(line)}$", output, re.MULTILINE), "not there")


def check_target(checks, tool, name, program, animal, version, mode, target, own_target, tables=True):
    """`tables`: whether libdw knows this machine's frame tables, for comparing."""
    result, frames = own_frames(program, *own_target, variables=True)
    checks.true(f"{name}: every stack is seen to its end", result.status == 0 and " ... " not in result.stdout,
                re.findall(r"^(?: +\.\.\.|finding) .*$", result.stdout, re.MULTILINE)[:3] or result.stderr[-300:])
    checks.true(f"{name}: all goroutines", len(frames) >= PARKED + 20, f"{len(frames)}")
    if go.minor_of(version) >= 23:
        check_captures(checks, name, result.stdout, animal.word)
    check_facts(checks, tool, name, target, animal, frames, version, mode)
    check_commands(checks, tool, name, program, target, own_target, animal, frames)
    check_roots(checks, name, program, own_target, animal)
    if tables:
        check_tables(checks, name, program, own_target, animal, version)
    return frames


def check_live(checks, tool, name, program, animal, version, mode):
    target = ["-p", str(animal.pid)]
    frames = check_target(checks, tool, name, program, animal, version, mode, target, target)
    checks.true(f"{name}: the target answers", animal.answers(), "no pong")
    if go.minor_of(version) >= 14:  # before, the runtime cannot stop a loop without calls, and so not the world
        check_traceback(checks, name, animal, frames, lines=go.minor_of(version) != 14)
    running = next(fact for fact in animal.facts if fact["status"] == "running")
    check_running(checks, tool, name, target, running)


def check_running(checks, tool, name, target, running):
    """Refused with the reason, but in moments where the scheduler has just taken its thread away."""
    for _ in range(LOOKS):
        result = tool.run("show", f"goroutine {running['goroutine']}: m", *target, "--no-stop")
        if result.status != 0:
            break
    checks.true(f"{name} --no-stop: a goroutine that runs is refused with the reason",
                result.status == 3 and "registers not available" in result.stderr, f"{result.status}: {result.stderr[-300:]}")


def check_cgo(checks, tool, program, version):
    """Stacks through C and back: from goexit to the Go function that C called, or that called C."""
    name = f"{version} stacks cgo"
    if not checks.wanted(name):
        return
    executable = go.build_program(version, "stacks-cgo", os.path.join(go.ROOT, "testdata", "stackscgo"), go.Mode(cgo=True))
    animal = zoo.Fixture(executable, lambda folder: [])
    try:
        check_cgo_tables(checks, name, program, animal)
        result, frames = own_frames(program, "-p", str(animal.pid))
        functions = [[function for _, function, _ in stack] for stack in frames.values()]
        for wanted in (["main.sleeper", "runtime.goexit"], ["main.spinner", "runtime.goexit"], ["main.goBack", "main.caller", "runtime.goexit"]):
            checks.true(f"{name}: {wanted[0]}", any([word for word in stack if word in wanted] == wanted for stack in functions),
                        str(functions)[:500])
        checks.true(f"{name}: every stack is seen to its end", result.status == 0 and " ... " not in result.stdout,
                    re.findall(r"^(?: +\.\.\.|finding) .*$", result.stdout, re.MULTILINE)[:3] or result.stderr[-300:])
        if go.minor_of(version) >= 17:
            document = tool.document(checks, name, "list", "-g", "-p", str(animal.pid), "--format", "json") or {"maps": []}
            checks.true(f"{name}: the map of the function that C called", any(row["name"].endswith(": inner") and row["len"] == 5
                                                                           for row in document["maps"]), str(document)[:300])
        checks.true(f"{name}: the target answers", animal.answers(), "no pong")
    finally:
        animal.close()


def check_cgo_tables(checks, name, program, animal):
    """C's frames come from .eh_frame, as without DWARF."""
    os.kill(animal.pid, signal.SIGSTOP)
    try:
        runs = [own_frames(program, "-p", str(animal.pid), by=by)[0].stdout for by in ("dwarf", "tables")]
    finally:
        os.kill(animal.pid, signal.SIGCONT)
    expected, told = ([re.sub(r"^ .*? pc=", "  pc=", line) for line in run.splitlines()] for run in runs)
    checks.equal(f"{name} tables: frames are those of the DWARF", expected, told)


# --- damage ---------------------------------------------------------------------------------------------------------------


def symbols(executable):
    """{name: address}"""
    lines = map(str.split, process.must_run(["nm", executable]).stdout.splitlines())
    return {fields[2]: int(fields[0], 16) for fields in lines if len(fields) == 3}


def check_run(checks, tool, name, target, expected, words=""):
    for command in (["list", "-g"], ["races"]):
        result = tool.run(*command, *target, limit=60)
        checks.true(f"{name} {command[0]}", not result.timed_out and result.status in expected and words in result.stderr,
                    f"expected {expected} and {words!r}, found {result.status}: {result.stderr[-300:]}")


def check_damage(checks, tool, name, program, core, executable):
    """What is wrong with stacks and lists of goroutines is a finding; nothing ends in a signal or without end."""
    target = ["-c", core, "-e", executable]
    _, frames = own_frames(program, core, executable)
    output = process.run([program, core, executable], 60).stdout
    cfa = [int(word, 16) for word in re.findall(r"main\.local .* cfa=(0x[0-9a-f]+)", output)][0]
    memory = elfcore.CoreFile(core)
    known = symbols(executable)
    allgs, length = known["runtime.allgs"], known["runtime.allglen"]
    array = memory.read_word(allgs)
    last = array + 8 * (memory.read_word(allgs + 8) - 1)
    stored_first = "runtime.allgptr" in known  # before allglen is set, that is; allgs itself grows before
    words = [("a return address", [(cfa - 8, 0x1234)], (4,), "no function"),
             ("a g that is nowhere", [(array + 8, 0x1238)], (4,), "cannot be read"),
             ("a g twice", [(array + 8, memory.read_word(array + 16))], (4,), "twice"),
             ("the last g not stored yet", [(last, 0)], *(((4,), "cannot be read") if stored_first else ((0,), ""))),
             ("absurdly many", [(allgs + 8, 1 << 60), (length, 1 << 60)], (4,), "1152921504606846976"),
             ("none at all", [(allgs + 8, 0), (length, 0)], (0,), "")]
    for what, writes, expected, text in words:
        for address, value in writes:
            memory.write(address, value.to_bytes(8, "little"))
        check_run(checks, tool, f"{name}: {what}", target, expected, text)
        memory.restore()
    check_noise(checks, tool, name, target, memory, array, cfa)
    memory.close()


def check_noise(checks, tool, name, target, memory, array, cfa):
    """Random words in structs g and on a stack."""
    chance = random.Random(name)
    for i in range(tool.fewer(DAMAGES, DAMAGES_EMULATED)):
        g = memory.read_word(array + 8 * chance.randrange(20))
        for _ in range(4):
            value = chance.choice([0, 1, cfa, g, chance.getrandbits(64), chance.getrandbits(20), (1 << 64) - 8])
            place = chance.choice([g + 8 * chance.randrange(50), cfa - 8 * chance.randrange(60)])
            memory.write(place, value.to_bytes(8, "little"))
        check_run(checks, tool, f"{name}: noise {i}", target, (0, 3, 4))
        memory.restore()


def check(checks, tool, build, version, targets):
    program = os.path.join(build, "tests", "unit", "stacks")
    for mode in MODES:
        name = f"{version} stacks {mode}"
        if not checks.wanted(name) or go.minor_of(version) not in SAMPLE.get(mode, [go.minor_of(version)]):
            continue
        animal = start(version, mode)
        try:
            if "live" in targets:
                check_live(checks, tool, f"{name} live", program, animal, version, mode)
            if "core" in targets:
                check_core(checks, tool, f"{name} core", program, animal, version, mode)
        finally:
            animal.close()
        checks.note(f"go{version} stacks {mode}: done")
    if "live" in targets:
        check_cgo(checks, tool, program, version)


def check_core(checks, tool, name, program, animal, version, mode):
    core = animal.kernel_core()
    if core is None:
        checks.skip(name, "core_pattern does not make a file in the working directory")
        return
    target = ["-c", core, "-e", animal.executable]
    check_target(checks, tool, name, program, animal, version, mode, target, [core, animal.executable])
    if mode == "optimised":
        check_damage(checks, tool, f"{name} damaged", program, core, animal.executable)
        tabledamage.check(checks, tool, f"{name} damaged tables", lambda path: own_frames(program, core, path, by="tables"),
                          go.minor_of(version), core, animal.executable)
