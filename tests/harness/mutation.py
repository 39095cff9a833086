"""Damage to the maps of a running Go program (testdata/mutant), what Go itself then makes of them, and what `verify` says."""
import collections
import os
import random
import re
import select
import struct
import subprocess

from harness import compare, go

SOURCE = os.path.join(go.ROOT, "testdata", "mutant")
PATIENCE, LONG_PATIENCE = 0.5, 20  # seconds for an answer: lookups in a damaged map may never end
AGE = 250       # mutants that one process lives through; it frees no memory
HEADERS = ("runtime.hmap", "internal/runtime/maps.Map", "runtime.maps.Map")

PARTNERS = {"B": "buckets", "globalDepth": "dirLen"}

# what Go does not look at in keys: struct padded of testdata/mutant/maps.go
PADDING = {"main.structs": ((1, 8), (34, 40))}
ZERO_ELEMS = ("main.floats",)  # some are false, and the keys have no pointers
STRINGS = ("main.fewWords", "main.words", "main.sets", "main.halfWord")
INTERFACES = ("main.anys",)


class Died(Exception):
    """The program has ended, or does not answer any more."""


class Program:
    """One process of it."""

    def __init__(self, path):
        self._process = subprocess.Popen([path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                         env=dict(os.environ, GOGC="off", GOTRACEBACK="none"), bufsize=0)
        self.pid = self._process.pid
        self._buffer = b""
        self.age = 0
        self._line(20)
        self._memory = os.open(f"/proc/{self.pid}/mem", os.O_RDONLY)

    def _line(self, limit):
        while b"\n" not in self._buffer:
            if not select.select([self._process.stdout], [], [], limit)[0]:
                raise Died("no answer")
            piece = self._process.stdout.read(65536)
            if not piece:
                raise Died("ended")
            self._buffer += piece
        line, self._buffer = self._buffer.split(b"\n", 1)
        return line.decode(errors="replace")

    def ask(self, *words, limit=10):
        try:
            self._process.stdin.write(" ".join(words).encode() + b"\n")
        except OSError:
            raise Died("ended") from None
        return self._line(limit)

    def read(self, address, size):
        try:
            return os.pread(self._memory, size, address)
        except (OSError, OverflowError):
            return b""

    def word(self, address):
        return struct.unpack("<Q", self.read(address, 8))[0]

    def close(self):
        os.close(self._memory)
        self._process.kill()
        self._process.wait()
        self._process.stdin.close()
        self._process.stdout.close()


class Site:
    """Bytes of a map. `near`: ranges of addresses, one of which `verify` has to name where these bytes are wrong.

    `reach`: of a pointer to parts of the map, how many bytes of them lie behind it. `part`: what `verify` calls what it is of.
    `group`: of a control byte, how its group is named where the lookup of another slot's key ends there too early."""

    def __init__(self, field, address, size, near=(), part=None, reach=1, group=None):
        self.field = field
        self.address = address
        self.size = size
        self.near = [(address, address + size), *near]
        self.part = part
        self.reach = reach
        self.group = group


class Slot:
    """A live slot: where its key and elem are themselves, and the place of them in the unit."""

    def __init__(self, control, key, key_size, near, group):
        self.control = control
        self.key = key
        self.key_size = key_size
        self.near = near
        self.group = group


class Surveyor:
    """Lists the sites of one map from what `dump` and `layout` say."""

    def __init__(self, program, document, layout):
        self.program = program
        self.name = document["map"]
        self.sites = []
        self.slots = []
        self.classic = document["implementation"] == "classic"
        self.structs = layout["structs"]
        self.map_layout = layout["maps"][document["type"]]
        self.unit_layout = self.map_layout["bucket" if self.classic else "group"]
        self.header(document)
        for part in ("buckets_dump", "old_buckets_dump", "groups"):
            self.units(document.get(part, []))
        for table in document.get("tables", []):
            self.table(table)
            self.units(table["groups"])

    def add(self, *arguments, **more):
        self.sites.append(Site(*arguments, **more))

    def header(self, document):
        address = int(document["address"], 0)
        found = next(self.structs[name] for name in HEADERS if name in self.structs)
        self.header_size = found["size"]
        for name, field in found["fields"].items():
            # B and the array of buckets contradict each other: which of them is wrong cannot be told
            partner = address + found["fields"][PARTNERS.get(name, name)]["offset"]
            self.add(f"header {name}", address + field["offset"], field["size"], [(partner, partner + 1)], "header")
        directory = compare.word(document["header"].get("dirPtr"))
        for i in range(document["header"].get("dirLen", 0)):
            tables = [table for table in document["tables"] if table["directory_index"] <= i]
            owner, place = tables[-1]["directory_index"], int(tables[-1]["address"], 0)
            self.add("directory slot", directory + 8 * i, 8, [(place, place + 1)], f"table {owner}")

    def table(self, table):
        address = int(table["address"], 0)
        fields = dict(self.fields("table"))
        groups = fields.pop("groups", None)
        if groups:
            for name, field in self.fields("groupsReference"):
                fields["groups." + name] = dict(field, offset=groups["offset"] + field["offset"])
        for name, field in fields.items():
            self.add(f"table {name}", address + field["offset"], field["size"], [(address, address + 32)],
                     f"table {table['directory_index']}")

    def fields(self, suffix):
        return next(found["fields"] for name, found in self.structs.items() if name.endswith("." + suffix)).items()

    def units(self, units):
        for unit in units:
            self.unit(unit)

    def unit(self, unit):
        address, layout = int(unit["address"], 0), self.unit_layout
        for slot in unit["slots"]:
            self.slot(unit, address, slot)
        if not self.classic:
            return
        following = compare.word(unit["overflow"])
        near = [(address, address + layout["size"])]
        if following:
            near.append((following, following + layout["size"]))
        state = "set" if following else "nil"
        if unit["evacuated"] or unit["waiting"]:
            state += ", not in use"
        self.add(f"overflow pointer, {state}", address + layout["overflow_offset"], 8, near, reach=layout["size"])

    def slot(self, unit, address, slot):
        layout, number = self.unit_layout, slot["slot"]
        control = address + layout["tophash_offset" if self.classic else "control_offset"] + number
        key = address + layout["key_offset"] + number * layout["key_stride"]
        elem = address + layout["elem_offset"] + number * layout["elem_stride"]
        sizes = [8 if self.map_layout[f"{what}_indirect"] else self.map_layout[f"{what}_size"] for what in ("key", "elem")]
        near = [(control, control + 1), (key, key + max(sizes[0], 1)), (elem, elem + max(sizes[1], 1))]
        state = slot["state"]
        if unit.get("evacuated"):
            state = "evacuated"
        elif unit.get("waiting"):
            state = "not in use"
        group = None if self.classic else f"lookup ends in group {unit['index']}, which has an empty slot"
        self.add(("tophash, " if self.classic else "control, ") + state, control, 1, near, group=group)
        if state == "live":
            self.slots.append(Slot(control, key, sizes[0], near, group))
            self.key(key, near)
            self.elem(elem, near)

    def key(self, key, near):
        if self.map_layout["key_indirect"]:
            self.add("key pointer", key, 8, near)
            self.add("key behind its pointer", self.program.word(key), self.map_layout["key_size"], near)
        elif self.name in STRINGS:
            self.add("string key's pointer", key, 8, near)
            self.add("string key's length", key + 8, 8, near)
            self.add("string key's text", self.program.word(key), self.program.word(key + 8), near)
        elif self.name in INTERFACES:
            self.add("interface key's type", key, 8, near)
            self.add("interface key's data pointer", key + 8, 8, near)
            self.add("interface key's value", self.program.word(key + 8), 4, near)
        else:
            start = 0
            for begin, end in PADDING.get(self.name, ()):
                self.add("key", key + start, begin - start, near)
                self.add("key's padding", key + begin, end - begin, near)
                start = end
            if start < self.map_layout["key_size"]:
                self.add("key", key + start, self.map_layout["key_size"] - start, near)

    def elem(self, elem, near):
        if self.map_layout["elem_indirect"]:
            self.add("elem pointer", elem, 8, near)
        elif self.map_layout["elem_size"]:
            self.add("elem", elem, self.map_layout["elem_size"], near)


class Mutant:
    """`changes`: (address, bytes) to write."""

    def __init__(self, expression, field, what, changes, sites):
        self.expression = expression
        self.field = field
        self.what = what
        self.changes = changes
        self.near = [place for site in sites for place in site.near]
        self.groups = [site.group for site in sites if getattr(site, "group", None)]
        self.parts = [site.part for site in sites if getattr(site, "part", None)]
        # where a damaged pointer leads to is a right place too
        reach = max(getattr(site, "reach", 1) for site in sites)
        words = [struct.unpack("<Q", new)[0] for _, new in changes if len(new) == 8]
        self.near += [(word, word + reach) for word in words]

    def __str__(self):
        return f"{self.expression} {self.field}, {self.what} at {', '.join(f'0x{address:x}' for address, _ in self.changes)}"

    def names(self, wrong):
        """Whether what `verify` found wrong is here."""
        address, place = compare.word(wrong["address"]), wrong["place"]
        if any(start <= address < end for start, end in self.near) or any(group in wrong["found"] for group in self.groups):
            return True
        if self.parts == ["header"]:
            return place == "header"
        return any((place + ",").startswith(part + ",") or place == f"table of directory slot {part[6:]}" for part in self.parts)


class Outcome:
    """`go`: what Go answers. `verify`: the document; None where the command failed."""

    def __init__(self, mutant, answer, result):
        self.mutant = mutant
        self.answer = answer
        self.result = result
        self.document = compare.parse(result.stdout) if result.status in (0, 1) and not result.timed_out else None
        self.failed = self.document is None or self.document["ok"] != (result.status == 0)
        self.wrong = [wrong for check in (self.document or {"checks": []})["checks"] for wrong in check["wrong"]]
        self.caught = result.status == 1
        self.right = self.caught and any(mutant.names(wrong) for wrong in self.wrong)
        self.in_write = "caught in a write" in result.stdout
        self.changed = not answer.startswith("same")
        self.contradiction = not answer.endswith("; sound")

    @property
    def must_be_caught(self):
        """Lookups go wrong. A map that is sound in itself is another map, but a map."""
        return self.changed and self.contradiction and not self.in_write

    @property
    def missed(self):
        return self.must_be_caught and not self.caught

    @property
    def only_counted(self):
        """One entry too many, whose key and tophash or H2 are in their place: of what a deleted one left, or of zeroes. Or one too few, and it left
        only zeroes."""
        found = re.search(r"contradiction (\d+) entries come, len is (\d+)", self.answer)
        return bool(found) and (int(found[1]) > int(found[2]) or self.mutant.expression in ZERO_ELEMS) or self.found_by_some

    @property
    def found_by_some(self):
        """The same behind an emptyRest, where lookups stop, but for mapaccess1_fast32() and its like."""
        come = re.search(r"changed (\d+) entries come; contradiction ", self.answer)
        return bool(come) and self.mutant.field.startswith("tophash, empty") and \
            any(wrong["place"] == "header, count" and wrong["expected"] == f"{come[1]} live entries" for wrong in self.wrong) and \
            any(wrong["expected"].startswith("emptyOne: not all behind it") for wrong in self.wrong)

    def complaint(self):
        if self.failed:
            return f"verify fails: status {self.result.status}: {self.result.stderr[-200:]}"
        return "not caught" if self.missed else None


class Laboratory:
    """Makes mutants of the maps of one Go version, one at a time, in processes that come and go."""

    def __init__(self, tool, version, seed):
        self.tool = tool
        self.path = go.build_program(version, "mutant", SOURCE, go.Mode())
        self.random = random.Random(f"{version} {seed}")
        self.program = None
        self.layout = None
        self.surveys = {}
        self.names = []
        self.fields = collections.defaultdict(list)  # names of the maps that have such sites
        self.renew()
        for name in self.names:
            for field in dict.fromkeys(site.field for site in self.survey(name).sites):
                self.fields[field].append(name)
            for kind in OF_SLOTS:
                self.fields[kind].append(name)

    def close(self):
        if self.program:
            self.program.close()
        self.program = None

    def renew(self):
        self.close()
        self.program = Program(self.path)
        self.surveys = {}
        self.names = self.program.ask("maps").split()
        if self.layout is None:
            self.layout = self.ask("layout")

    def ask(self, *arguments):
        result = self.tool.run(arguments[0], "-p", str(self.program.pid), "--format", "json", *arguments[1:])
        if result.status != 0:
            raise RuntimeError(f"{arguments}: status {result.status}: {result.stderr}")
        return compare.parse(result.stdout)

    def survey(self, name):
        if name not in self.surveys:
            self.surveys[name] = Surveyor(self.program, self.ask("dump", name), self.layout)
        return self.surveys[name]

    # --- mutants

    def mutant(self, field):
        """A random one; None where the draw changes nothing."""
        name = self.random.choice(self.fields[field])
        survey = self.survey(name)
        if field in OF_SLOTS:
            what, changes, sites = self.of_slots(survey, field)
        else:
            sites = [site for site in survey.sites if site.field == field]
            if not sites:  # this process's map has none: seeds differ
                return None
            site = self.random.choice(sites)
            what, changes = self.random.choice(KINDS)(self, site, survey)
            sites = [site]
        if all(self.program.read(address, len(new)) == new for address, new in changes):
            return None
        return Mutant(name, field, what, changes, sites)

    def changed(self, site, what, offset, new):
        """All bytes of the site, with some of them new."""
        old = self.program.read(site.address, site.size)
        return what, [(site.address, old[:offset] + new + old[offset + len(new):])]

    def flip(self, site, _):
        offset, bit = self.random.randrange(site.size), self.random.randrange(8)
        old = self.program.read(site.address + offset, 1)[0]
        return self.changed(site, f"bit {bit} of byte {offset}", offset, bytes([old ^ 1 << bit]))

    def swap(self, site, _):
        """Two neighbouring bytes, where there are two."""
        offset = self.random.randrange(max(site.size - 1, 1))
        old = self.program.read(site.address + offset, min(site.size, 2))
        return self.changed(site, f"bytes {offset} and {offset + 1} swapped", offset, old[::-1])

    def replace(self, site, _):
        offset, value = self.random.randrange(site.size), self.random.randrange(256)
        return self.changed(site, f"byte {offset} is 0x{value:02x}", offset, bytes([value]))

    def special(self, site, survey):
        """What means something there: a mark of empty, deleted or evacuated slots; elsewhere a number next to it, or 0."""
        if "control" in site.field or "tophash" in site.field:
            value = self.random.choice((0, 1, 2, 3, 4) if survey.classic else (0x80, 0xfe))
        else:
            old = int.from_bytes(self.program.read(site.address, site.size), "little")
            value = self.random.choice((0, old + 1, old - 1)) & ((1 << 8 * site.size) - 1)
        return self.changed(site, f"is 0x{value:x}", 0, value.to_bytes(site.size, "little"))

    def copy(self, site, survey):
        """What another of its kind has."""
        other = self.random.choice([other for other in survey.sites if other.field == site.field and other.size == site.size])
        return self.changed(site, f"as at 0x{other.address:x}", 0, self.program.read(other.address, site.size))

    def of_slots(self, survey, kind):
        a, b = self.random.sample(survey.slots, 2)
        control_a, control_b = self.program.read(a.control, 1), self.program.read(b.control, 1)
        key_a, key_b = self.program.read(a.key, a.key_size), self.program.read(b.key, b.key_size)
        mark = self.random.choice(b"\0\1" if survey.classic else b"\x80\xfe").to_bytes(1, "little")
        if kind == UNMARKED:
            return kind, [(a.control, mark)], [a]
        changes = {"key copied from another slot": [(b.key, key_a)],
                   "key and control byte copied from another slot": [(b.key, key_a), (b.control, control_a)],
                   "keys of two slots swapped": [(a.key, key_b), (b.key, key_a)],
                   "control bytes of two slots swapped": [(a.control, control_b), (b.control, control_a)]}[kind]
        return kind, changes, [a, b]

    # --- trials

    def trial(self, field):
        """Damages, asks, and repairs; None where nothing was changed."""
        if self.program.age >= AGE:
            self.renew()
        mutant = self.mutant(field)
        if mutant is None:
            return None
        for address, new in mutant.changes:
            self.program.ask("mutate", f"{address:x}", new.hex())
        result = self.verify(mutant.expression)
        try:
            # a machine may be slow: what is not caught must not be called wrong for that
            answer = self.answer(mutant.expression, PATIENCE if result.status == 1 else LONG_PATIENCE)
            self.program.ask("restore")
            self.program.age += 1
        except Died as why:
            answer = f"changed: the program {why}; contradiction"
            self.renew()
        return Outcome(mutant, answer, result)

    def answer(self, expression, limit=LONG_PATIENCE):
        return self.program.ask("answer", expression, f"{self.survey(expression).header_size:x}", limit=limit)

    def verify(self, expression):
        return self.tool.run("verify", "-p", str(self.program.pid), "--format", "json", expression)

    def healthy(self):
        """The maps that `verify` finds something wrong with, though nothing is, or Go has another opinion of."""
        bad = [name for name in self.names if self.verify(name).status != 0]
        return bad + [name for name in self.names if self.answer(name) != "same; sound"]


KINDS = (Laboratory.flip, Laboratory.flip, Laboratory.swap, Laboratory.replace, Laboratory.special, Laboratory.copy)
UNMARKED = "live slot marked as empty"
OF_SLOTS = (UNMARKED, "key copied from another slot", "key and control byte copied from another slot", "keys of two slots swapped",
            "control bytes of two slots swapped")
