"""The program's own tables of functions (pclntab), damaged: frames told from them are right, or there is a finding; no run ends in a signal
or without end. A core of the kernel has no read-only data: a copy of the executable has the damage."""
import os
import random
import re
import shutil
import struct

from harness import process

SAMPLE = (20, 26)  # Go 1.N; the header is read here as 1.20 and later write it
TARGET = "main.local"  # 200 goroutines are in it
NOISE, NOISE_EMULATED = 40, 8
RECORD = 44  # bytes of a runtime._func
ALL_ONES = 0xffffffff


class Tables:
    """A copy of an executable and the places of its tables in it: cmd/link/internal/ld/pcln.go, runtime/symtab.go, runtime/runtime2.go."""

    def __init__(self, executable, path):
        self.path = shutil.copy(executable, path)
        with open(path, "rb") as file:
            self.sound = file.read()
        listing = process.must_run(["readelf", "-SW", executable]).stdout
        self.start, self.size = (int(word, 16) for word in re.search(r" \.gopclntab +PROGBITS +\w+ (\w+) (\w+) ", listing).groups())
        words = struct.unpack_from("<8Q", self.sound, self.start + 8)
        self.count, (self.names, _, self.files, self.values, self.functab) = words[0], (self.start + word for word in words[3:])

    def function(self, name):
        """(the place of its entry in functab, of its record)"""
        for i in range(self.count):
            place = self.functab + 8 * i
            record = self.functab + struct.unpack_from("<I", self.sound, place + 4)[0]
            at = self.names + struct.unpack_from("<I", self.sound, record + 4)[0]
            if self.sound[at:at + len(name) + 1] == name.encode() + b"\0":
                return place, record
        raise KeyError(name)

    def write(self, *changes):
        """[(place, bytes)]"""
        damaged = bytearray(self.sound)
        for place, content in changes:
            damaged[place:place + len(content)] = content
        with open(self.path, "wb") as file:
            file.write(damaged)


def targeted(tables):
    """[(what, changes, words of the finding)]"""
    place, record = tables.function(TARGET)
    sizes, files, lines = struct.unpack_from("<3I", tables.sound, record + 16)
    return [("a record behind the table", [(place + 4, struct.pack("<I", ALL_ONES))], "record is behind"),
            ("the record of another", [(place + 4, tables.sound[place + 12:place + 16])], "is one of"),
            ("frame sizes behind their end", [(record + 16, struct.pack("<I", ALL_ONES - 1))], "behind their end"),
            ("frame sizes that end at once", [(tables.values + sizes, b"\0\0\0\0")], "does not reach"),
            ("numbers without end", [(tables.values + sizes, b"\xff" * 12)], "does not reach"),
            ("lines that end at once", [(tables.values + lines, b"\0\0\0\0")], "does not reach"),
            ("a file that is not there", [(tables.values + files, b"\xfe\xff\xff\x0f\xff\xff\x03")], "not in the table of files"),
            ("lines behind their end", [(record + 24, struct.pack("<I", ALL_ONES - 1))], "behind their end"),
            ("more tables than there is room", [(record + 28, struct.pack("<I", 1 << 30))], ""),
            ("an odd frame size", [(tables.values + sizes, b"\x03" + tables.sound[tables.values + sizes + 1:tables.values + sizes + 2])], "")]


def inlined(tables, executable, output):
    """The same of the tree of calls that are inlined where some goroutine stands."""
    function, pc = re.search(r"^  #\d+ \S+ inlined \S+ pc=0x\w+ .*\n  #\d+ (\S+) \S+ pc=0x(\w+) ", output, re.MULTILINE).groups()
    symbols = {fields[2]: int(fields[0], 16) for fields in map(str.split, process.must_run(["nm", executable]).stdout.splitlines())
               if len(fields) == 3}
    _, record = tables.function(function)
    entry, tree = struct.unpack_from("<I", tables.sound, record)[0], record + RECORD + 4 * struct.unpack_from("<I", tables.sound, record + 28)[0] + 4 * 3
    rodata = re.search(r" \.rodata +PROGBITS +(\w+) (\w+) ", process.must_run(["readelf", "-SW", executable]).stdout)
    calls = symbols["go:func.*"] + struct.unpack_from("<I", tables.sound, tree)[0] - int(rodata[1], 16) + int(rodata[2], 16)
    itself = int(pc, 16) - 1 - symbols["runtime.text"] - entry
    whole = [struct.pack("<iIIi", 0, 0, value, 0) * 8 for value in (ALL_ONES, itself)]
    return [("an inlined call that stands elsewhere", [(calls, whole[0])], "stands at"),
            ("a call inlined into itself", [(calls, whole[1])], "are inlined into one another"),
            ("a tree that is nowhere", [(tree, struct.pack("<I", ALL_ONES - 15))], "")]


def check_run(checks, name, look, path, words=None):
    result, frames = look(path)
    checks.true(f"{name}: ends by itself", result.status in (0, 1) and not result.timed_out, f"{result.status}: {result.stderr[-200:]}")
    if words is not None:
        told = [line for line in result.stdout.splitlines() if line.startswith("finding ")]
        checks.true(f"{name}: is a finding", any(words in line for line in told), f"{words!r} is not in {told[:3]}")
    return result.stdout, frames


def check_damage(checks, tool, name, look, core, tables, changes, words):
    tables.write(*changes)
    _, frames = check_run(checks, name, look, tables.path, words)
    result = tool.run("races", "-c", core, "-e", tables.path, limit=60)
    checks.true(f"{name}: races", not result.timed_out and result.status in (0, 3, 4), f"{result.status}: {result.stderr[-200:]}")
    return frames


def check_noise(checks, name, look, tables, count):
    """Random bytes in functab and records, in values, everywhere."""
    chance = random.Random(name)
    areas = [(tables.functab, tables.start + tables.size), (tables.values, tables.functab), (tables.start, tables.start + tables.size)]
    for i in range(count):
        low, high = chance.choice(areas)
        places, length = chance.choice([20, 2000]), chance.choice([1, 4])
        tables.write(*[(chance.randrange(low, high - 8), bytes(chance.choice([0, 1, 0x7f, 0x80, 0xff, chance.randrange(256)])
                                                               for _ in range(length))) for _ in range(places)])
        check_run(checks, f"{name} noise {i}", look, tables.path)


def check(checks, tool, name, look, minor, core, executable):
    """`look`: what the frames of the core with another executable are: (a finished run, {goroutine: [(number, function, line)]})."""
    if minor not in SAMPLE:
        return
    tables = Tables(executable, os.path.join(os.path.dirname(core), "damaged"))
    output, sound = check_run(checks, f"{name} nothing", look, tables.path)
    others = {goroutine: stack for goroutine, stack in sound.items() if not any(function == TARGET for _, function, _ in stack)}
    checks.true(f"{name}: {TARGET} has goroutines, others too", 100 < len(others) + 100 < len(sound), f"{len(others)} of {len(sound)}")
    for what, changes, words in targeted(tables):
        frames = check_damage(checks, tool, f"{name} {what}", look, core, tables, changes, words)
        if all(place >= tables.functab for place, _ in changes):  # tables of values are shared where they are the same
            wrong = [goroutine for goroutine, stack in others.items() if frames.get(goroutine) != stack]
            checks.true(f"{name} {what}: other goroutines' frames", not wrong, str(wrong[:5]))
    for what, changes, words in inlined(tables, executable, output):
        check_damage(checks, tool, f"{name} {what}", look, core, tables, changes, words)
    check_noise(checks, name, look, tables, tool.fewer(NOISE, NOISE_EMULATED))
