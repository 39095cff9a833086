"""The plug-in in GDB: every command, on every kind of target, prints what the tool itself prints of the same target."""
import contextlib
import os
import re

from cases import gdb_prompt
from harness import gdb, gdbtarget, go, process

VERSIONS = ["1.17", "1.23", "1.26", "1.27"]
TARGETS = ["run", "live", "remote", "gcore", "core"]
PROMPT_VERSION = "1.26"  # nothing at the prompt depends on Go
# Every command is tried on these two; the others are only shown.
THOROUGH = ["main.hold:parameter", "main.hold:pointer.next.byID"]
KEYS = {"map[string]int": '"p7"', "map[int]string": "1"}
# Commands about all that there is.
WHOLE = ["list", "layout", "verify", "list --all", "list -g", "top", "top --by type", "who main.users", "who main.root.next.byID", "races"]
SHOWN = 64  # entries, where nobody asks for more
MOST_ROUND_TRIPS = 50  # to a gdbserver, for a small map
# What `set debug remote 1` writes of a packet that reads memory: address and length in hexadecimal.
READ = re.compile(r"Sending packet: \$[mx]([0-9a-f]+),([0-9a-f]+)#")
FRAME = "frame function main.hold"


def check(checks, tool, version, build):
    """One process of a Go version, and its cores, in all GDBs."""
    name = f"{version} gdb"
    parts = [f"{name} {part}" for part in ("prompt", *(f"{one} {target}" for one in ("gdb", "gdb-minimal") for target in TARGETS))]
    if version not in VERSIONS or not any(map(checks.wanted, parts)):
        return
    script = gdb.script(build)
    if not os.path.exists(script):
        checks.skip(name, f"{script} is not there: its build needs gdb/jit-reader.h (Debian package gdb)")
        return
    debuggers = list(available(checks, name))
    if version == PROMPT_VERSION:
        gdb_prompt.check(checks, tool, debuggers, version, build)
    for debugger in debuggers:
        check_registers(checks, debugger, script, version, f"{name} {debugger.name} run")
    held = gdbtarget.Held(gdbtarget.build(version, "noopt"))
    try:
        for target in targets(checks, version, held, name):
            for debugger in debuggers:
                target.check(checks, tool, debugger, script, f"{name} {debugger.name} {target.name}")
    finally:
        held.close()


def available(checks, name):
    for find in (gdb.installed, gdb.minimal):
        try:
            yield find()
        except go.Unavailable as reason:
            checks.skip(f"{name} {find.__name__}", str(reason))


# --- targets --------------------------------------------------------------------------------------------------------


class Target:
    """What GDB looks at, and how the tool is told of the same.

    `start` are words of GDB's command line, `options` words of the tool's. `has_hold`: GDB finds the frame of main.hold."""

    def __init__(self, name, held, start, options, is_remote=False, has_hold=True):
        self.name = name
        self.held = held
        self.start = start
        self.options = options
        self.is_remote = is_remote
        self.has_hold = has_hold
        self._said = {}

    def check(self, checks, tool, debugger, script, name):
        if not checks.wanted(name):
            return
        with self.connection(debugger) as connect:
            check_commands(checks, tool, debugger, script, self, connect, name)
        with self.connection(debugger) as connect:
            check_goroutines(checks, tool, debugger, script, self, connect, name)
        if self.is_remote:
            check_round_trips(checks, debugger, script, self, name)
        else:
            check_backtrace(checks, debugger, script, self, name)

    @contextlib.contextmanager
    def connection(self, debugger):
        """GDB's first commands, while there is somebody to connect to."""
        if not self.is_remote:
            yield []
            return
        server = gdb.Server(self.held.pid, debugger.server)
        try:
            yield ["file " + self.held.executable, "target remote " + server.address]
        finally:
            server.close()

    def says(self, tool, *words):
        """The tool's own output, asked for once."""
        if words not in self._said:
            result = tool.run(*words, *self.options)
            if result.status != 0 or not result.stdout:
                raise process.Failed(f"mapscope {' '.join(words)}: status {result.status}: {result.stderr}")
            self._said[words] = result.stdout
        return self._said[words]


def remote(held):
    return Target("remote", held, [], ["-p", str(held.pid)], is_remote=True)


def targets(checks, version, held, name):
    """One after the other: the last one is a core that the process dies for."""
    live = ["-p", str(held.pid)]
    yield Target("live", held, live, live)
    yield remote(held)
    checks.true(f"{name}: the process answers afterwards", held.answers(), "no pong")
    core = held.gdb_core()
    yield Target("gcore", held, [held.executable, core], ["-c", core, "-e", held.executable])
    os.remove(core)
    core = held.kernel_core()
    if core is None:
        checks.skip(f"{name} core", "core_pattern does not make a file in the working directory")
        return
    # GDB knows the frame of a signal by the name of the function that returns from it: runtime.sigreturn__sigaction, from Go 1.21 on
    yield Target("core", held, [held.executable, core], ["-c", core, "-e", held.executable], has_hold=go.minor_of(version) >= 21)


# --- commands -------------------------------------------------------------------------------------------------------


def questions(target):
    """[(what is typed behind `mapscope`, the tool's words, {what in the tool's answer stands for an expression: the expression}, length)]"""
    asked, held = [], target.held
    facts = (held.of("main.hold") if target.has_hold else []) + held.of(None)
    for fact in facts:
        own = address_of(fact)
        names = {own: fact.expression}
        asked.append((f"show {fact.expression}", ["show", own], names, fact.length))
        if f"{fact.function}:{fact.expression}" in THOROUGH:
            asked += [(f"{verb} {fact.expression}", [verb, own], names, fact.length) for verb in ("stat", "dump", "verify")]
            asked.append((f"trace {fact.expression} {KEYS[fact.type]}", ["trace", own, KEYS[fact.type]], names, fact.length))
    asked += blanks(held)
    several = [fact for fact in facts if fact.length != 0][:3]
    asked.append(("verify --replay 100 " + " ".join(fact.expression for fact in several),
                  ["verify", "--replay", "100", *map(address_of, several)], {address_of(fact): fact.expression for fact in several}, None))
    return asked + [(words, words.split(), {}, None) for words in WHOLE]


def blanks(held):
    """Types and keys that have some, where GDB ends its words."""
    places = next(fact for fact in held.of(None) if fact.expression == "main.places")
    own, key = address_of(places), "{X: 3, Y: 4}"
    return [(f"show {own}", ["show", own], {}, places.length),
            (f"show '{own}'", ["show", own], {}, places.length),
            (f"stat {own}", ["stat", own], {}, None),
            (f"trace {own} {key}", ["trace", own, key], {}, None),
            (f"trace main.places {key}", ["trace", "main.places", key], {}, None)]


def address_of(fact):
    return f"({fact.type})({fact.address:#x})"


def check_commands(checks, tool, debugger, script, target, connect, name):
    asked = questions(target)
    commands = [*connect, FRAME if target.has_hold else "frame 1", "frame"]
    first = len(commands)
    for typed, _, _, _ in asked:
        commands += [f"mapscope {typed}", "output $map_count"]
    commands += ["frame", "detach"]
    said = debugger.run(target.start, commands, script, limit=300)
    for i, (typed, words, names, length) in enumerate(asked):
        expected = target.says(tool, *words)
        for own, expression in names.items():
            expected = expected.replace(own, expression)
        found, count = said[first + 2 * i], said[first + 2 * i + 1]
        checks.equal(f"{name} {typed}", expected, found)
        if typed.startswith("show"):
            checks.equal(f"{name} {typed}: $map_count", str(length), count)
    checks.equal(f"{name}: the selected frame is still the same", said[first - 1], said[first + 2 * len(asked)])


def check_goroutines(checks, tool, debugger, script, target, connect, name):
    """Parked ones' stacks as GDB's frames."""
    goroutines = target.held.goroutines
    # what a command leaves behind in the plug-in's files is not to be in the way of the next one
    commands = [*connect, "bt", "mapscope stat main.users", "mapscope goroutines"]
    first = len(commands)
    for goroutine in goroutines:
        commands += [f"mapscope goroutine {goroutine.id}", "bt", f"frame function {goroutine.function}", "info locals", "mapscope show kept"]
    commands += ["mapscope thread", "bt", "mapscope goroutine 1", "bt"]
    said = debugger.run(target.start, commands, script, limit=300)
    numbers = re.findall(r"^ *(\d+)  \S", said[first - 1], re.MULTILINE)
    checks.true(f"{name} goroutines: each line has its number", numbers and len(numbers) == len(said[first - 1].splitlines()),
                said[first - 1][:500])
    for i, goroutine in enumerate(goroutines):
        _, trace, frame, variables, shown = said[first + 5 * i:first + 5 * i + 5]
        fact = target.held.of(goroutine.function)[0]
        own = address_of(fact)
        label = f"{name} goroutine in {goroutine.function}"
        checks.equal(f"{label}: bt", target.held.stacks[goroutine.id], functions(trace))
        checks.true(f"{label}: frame", f" in {goroutine.function} " in frame, frame)
        checks.true(f"{label}: info locals", f"kept = {fact.address:#x}" in variables, variables)
        checks.equal(f"{label}: show", target.says(tool, "show", own).replace(own, "kept"), shown)
        checks.true(f"{name} goroutines: {goroutine.function}", str(goroutine.id) in said[first - 1], said[first - 1][:500])
    checks.equal(f"{name} thread: bt as before", said[first - 3], said[-3])
    checks.true(f"{name} goroutine 1 is not parked: says so", "goroutine 1" in said[-2], said[-2])
    checks.equal(f"{name} goroutine 1 is not parked: bt as before", said[first - 3], said[-1])


def functions(trace):
    """Those of a parked goroutine as the runtime's traceback has them: neither the runtime's nor the compiler's for `go` statements.

    Behind runtime.goexit GDB sees a return address of 0: a frame of a function that it does not know."""
    found = re.findall(r"^#\d+ +0x[0-9a-f]+ in (\S+) \(", trace, re.MULTILINE)
    if found[-2:] == ["runtime.goexit", "??"]:
        found.pop()
    return [name for name in found if not re.search(r"^runtime\.|\.gowrap\d+$|·dwrap·\d+$", name)]


def check_backtrace(checks, debugger, script, target, name):
    """The plug-in's reader is asked at each frame, and says nothing."""
    without = debugger.run(target.start, ["thread apply all bt"])
    loaded = debugger.run(target.start, ["thread apply all bt"], script)
    checks.true(f"{name}: there is a backtrace", "main." in (without[0] or "") or not target.has_hold, without)
    checks.equal(f"{name}: backtraces with and without the plug-in", without, loaded)


def check_registers(checks, debugger, script, version, name):
    """At the entry of an optimised function, started by GDB: its parameters are in registers only."""
    if not checks.wanted(name):
        return
    said = debugger.run([gdbtarget.build(version, "plain")],
                        ["break main.inRegisters", "run </dev/null >/dev/null", "info address first", "mapscope show first",
                         "output $map_count", "mapscope show second", "output $map_count", "mapscope show (map[string]int)$rax", "kill"],
                        script)
    checks.true(f"{name}: the fixture has a map in a register", "in $rax" in said[2], said[2])
    for text, count, length, entry in ((said[3], said[4], 100, r'  "p(\d+)": \1'), (said[5], said[6], 2, '  [01]: "(zero|one)"')):
        entries = [line for line in text.splitlines() if re.fullmatch(entry, line)]
        checks.true(f"{name}: entries of a map in a register", len(entries) == min(length, SHOWN), text)
        checks.equal(f"{name}: $map_count", str(length), count)
    answer = said[3].partition("  ")[2]
    checks.true(f"{name}: a register as a map", "100 entries" in answer and said[7].endswith(answer), said[7])


def round_trips(debugger, script, target):
    """(command, how often memory was asked for, how many bytes of it) for small maps of a remote target."""
    typed = ["mapscope show local", "mapscope stat local", "mapscope show pointer.inner.byName", "mapscope trace local 7"]
    with target.connection(debugger) as connect:
        commands = [*connect, FRAME, "set debug remote 1", *typed]
        said = debugger.run(target.start, [*commands, "set debug remote 0", "detach"], script, limit=300)
    for command, text in zip(commands, said):
        if command in typed:
            lengths = [int(length, 16) for _, length in READ.findall(text)]
            yield command, len(lengths), sum(lengths)


def check_round_trips(checks, debugger, script, target, name):
    for command, trips, _ in round_trips(debugger, script, target):
        checks.true(f"{name} {command}: round trips", 0 < trips < MOST_ROUND_TRIPS, f"{trips}")
