"""Cores of other machines than amd64, 32-bit and big-endian ones among them: every command on a zoo's and on those of testdata/stacks, against
their truth."""
import os

from cases import dump, maps, pause, stacks, trace, verify
from harness import foreign, go, machines

# What the ordinary run looks at, and of which maps; scripts/matrix-machines looks at all of them on all machines.
SAMPLE = {"1.20": ["mips"], "1.23": ["386"], "1.26": ["s390x", "arm64"]}
MAPS = ["main.words", "main.half", "main.directoryText", "main.anyKeys", "main.bigBoth", "main.float64ToFloat32", "main.complex64Keys", "main.structKeys",
        "main.strangeStrings", "main.nestedMaps"]


class Part:
    """Some of a zoo's truth, for commands that are run map by map."""

    def __init__(self, truth, expressions):
        self.go, self.word, self.implementation = truth.go, truth.word, truth.implementation
        self.maps = {expression: truth.maps[expression] for expression in expressions if expression in truth.maps}


def check(checks, tool, build, version, targets):
    for machine in SAMPLE.get(version, []):
        name = f"{version} machines {machine}"
        if not checks.wanted(name):
            continue
        try:
            machines.emulator(machine, version)
        except go.Unavailable as reason:
            checks.skip(name, str(reason))
            continue
        check_zoo(dict.fromkeys(PARTS, checks), tool, name, version, machine, MAPS, "live" in targets)
        check_stacks(dict.fromkeys(STACK_PARTS, checks), tool, name, build, version, machine)
        checks.note(f"go{version} {machine}: done")


def check_zoo(counts, tool, name, version, machine, expressions=None, live=True):
    """`counts`: a Checks for each part. `live`: whether the process is looked at too, where it is one of this machine."""
    words = machines.emulator(machine, version)
    executable = machines.build(version, machine, go.ZOO)
    animal = machines.Zoo(executable, words)
    part = Part(animal.truth, expressions or animal.truth.maps)
    try:
        if words:
            check_refused(counts["layout"], tool, f"{name} process", animal, words[0])
        elif live:
            check_parts(counts, tool, f"{name} live", ["-p", str(animal.pid)], animal.truth, part)
            pause.check_refused(counts["layout"], f"{name} snapshot", tool.run("list", "-p", str(animal.pid), "--snapshot"),
                                "for x86-64", "hint: --no-stop reads it")
        core = machines.core_of(animal, words)
        if core is None:
            counts["layout"].skip(name, "core_pattern does not make a file in the working directory")
            return
        check_layout(counts["layout"], tool, f"{name} layout", ["-e", executable], animal.truth, machine)
        check_parts(counts, tool, name, ["-c", core, "-e", executable], animal.truth, part)
    finally:
        animal.close()


def check_parts(counts, tool, name, target, truth, part):
    for command, (of_all, function) in PARTS.items():
        if function:
            function(counts[command], tool, f"{name} {command}", target, truth if of_all else part)


def check_refused(checks, tool, name, animal, emulator):
    """A process that is really qemu is no Go program of its own machine."""
    result = tool.run("list", "-p", str(animal.pid))
    checks.true(f"{name}: refused with the reason", result.status == 3 and f"{emulator}, which emulates the program" in result.stderr
                and "-g PORT" in result.stderr, f"{result.status}: {result.stderr[-300:]}")
    checks.true(f"{name}: it answers", animal.answers(), "no pong")


def check_layout(checks, tool, name, target, truth, machine):
    document = tool.document(checks, name, "layout", *target, "--format", "json")
    if document is not None:
        word, order = 4 if machine in foreign.NARROW else 8, "big" if machine in foreign.BIG_ENDIAN else "little"
        checks.equal(f"{name}: the machine", (machine, word, order, truth.implementation),
                     tuple(document[member] for member in ("arch", "word_size", "byte_order", "implementation")))


def check_list_all(checks, tool, name, target, truth):
    """Every map that the zoo names is among those that the heap walk finds, with its type."""
    document = tool.document(checks, name, "list", "--all", *target, "--format", "json", limit=120)
    if document is None:
        return
    found = {row["address"]: row for row in document["maps"]}
    for expression, fact in truth.maps.items():
        if fact["address"]:
            row = found.get(fact["address"], {"len": "it is not there", "type": None})
            checks.equal(f"{name} {expression}", (fact["len"], plain(fact["type"])), (row["len"], plain(str(row["type"]))))


def plain(type_name):
    return type_name.replace("interface {}", "any")


def check_top(checks, tool, name, target, truth):
    """The largest first, as list --all has them."""
    document = tool.document(checks, name, "top", *target, "--format", "json", limit=120)
    if document is not None:
        sizes = [row["bytes"] for row in document["maps"]]
        checks.true(f"{name}: in order", sizes and sizes == sorted(sizes, reverse=True), str(sizes[:20]))


def check_show(checks, tool, name, target, truth):
    for expression, fact in truth.maps.items():
        maps.check_show(checks, tool, f"{name} {expression}", target, truth, fact)


def check_stat(checks, tool, name, target, truth):
    for expression, fact in truth.maps.items():
        maps.check_stat(checks, tool, f"{name} {expression}", target, truth, fact)


def check_dump(checks, tool, name, target, truth):
    for expression, fact in truth.maps.items():
        if not maps.is_large(fact):
            dump.check(checks, tool, f"{name} {expression}", target, fact, truth.implementation)


def check_trace(checks, tool, name, target, truth):
    trace.check(checks, tool, name, target, truth, inside=False)


# command: (whether it is about all maps at once, what checks it)
PARTS = {
    "layout": (True, None),
    "list": (True, maps.check_list),
    "list --all": (True, check_list_all),
    "top": (True, check_top),
    "show": (False, check_show),
    "stat": (False, check_stat),
    "dump": (False, check_dump),
    "trace": (False, check_trace),
    "verify": (True, verify.check_all),
}

STACK_PARTS = ["list -g", "races"]
# The libdw of elfutils 0.188 knows no frame tables of these: there the frames come from the program's own.
WITHOUT_FRAME_TABLES = {"loong64", "mips", "mipsle", "mips64", "mips64le"}


def check_stacks(counts, tool, name, build, version, machine):
    words = machines.emulator(machine, version)
    executable = machines.build(version, machine, stacks.SOURCE)
    animal = stacks.Stacks(executable, words)
    try:
        core = machines.core_of(animal, words)
        if core is None:
            counts["races"].skip(name, "core_pattern does not make a file in the working directory")
            return
        target = ["-c", core, "-e", executable]
        stacks.check_target(counts["list -g"], tool, f"{name} list -g", os.path.join(build, "tests", "unit", "stacks"), animal, version,
                            "optimised", target, [core, executable], machine not in WITHOUT_FRAME_TABLES)
        document = tool.document(counts["races"], f"{name} races", "races", *target, "--format", "json")
        if document is not None:
            counts["races"].equal(f"{name} races: all stacks are seen to their ends, nobody is inside a map", (0, []),
                                  (document["incomplete"], document["operations"]))
    finally:
        animal.close()
