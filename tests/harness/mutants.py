"""Damaged copies of a core: where the bytes of its maps are, and what to write there. Everything comes from one seed."""
import random
import struct

from harness import compare

# (offset, size) of the words of headers and tables on 64-bit machines: the zoo's own layout, testdata/zoo/layout.go.
CLASSIC_HEADER = {"count": (0, 8), "flags": (8, 1), "B": (9, 1), "noverflow": (10, 2), "hash0": (12, 4), "buckets": (16, 8),
                  "oldbuckets": (24, 8), "nevacuate": (32, 8), "extra": (40, 8)}
SWISS_HEADER = {"used": (0, 8), "seed": (8, 8), "dirPtr": (16, 8), "dirLen": (24, 8), "globalDepth": (32, 1),
                "globalShift": (33, 1), "writing": (34, 1)}
SWISS_TABLE = {"used": (0, 2), "capacity": (2, 2), "growthLeft": (4, 2), "localDepth": (6, 1), "index": (8, 8),
               "groups": (16, 8), "lengthMask": (24, 8)}
POINTERS = ("buckets", "oldbuckets", "dirPtr", "groups")  # of those words
WORDS = (0, 1, 7, 0x7f, 0xff, 0xffff, 1 << 20, 1 << 31, (1 << 32) - 1, 1 << 40, (1 << 62) + 1, (1 << 63) - 1, 1 << 63, (1 << 64) - 1)
CONTROLS = (0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x7f, 0x80, 0x81, 0xfe, 0xff)
DESCRIPTOR = 144  # bytes of a type descriptor that are copied and damaged: a map type's are the most, 136

STRUCTURES = ("main.words", "main.half", "main.halfText", "main.sameSizeText", "main.mostDeletedText", "main.smallDeletedText",
              "main.directoryText", "main.beforeGrowth", "main.afterGrowth", "main.bigBoth", "main.nestedMaps")
VALUES = ("main.words", "main.strangeStrings", "main.slices", "main.sliceOfSlices", "main.anyKeys", "main.anyElems", "main.stringers",
          "main.failures", "main.anyArrays", "main.anyStructs", "main.heapTypes", "main.nestedMaps", "main.slicesOfMaps",
          "main.forest", "main.nodes", "main.users", "main.bigBoth", "main.genericAny")


class Mutant:
    """`changes`: (address, bytes) to write. `structural`: keys and elems themselves are untouched. `astray`: one pointer to buckets or groups leads
    elsewhere; to some with as many entries, perhaps, so that the count agrees."""

    def __init__(self, expression, what, changes, structural, astray=False):
        self.expression = expression
        self.what = what
        self.changes = changes
        self.structural = structural
        self.astray = astray


class Unit:
    """A bucket or a group as dump shows it."""

    def __init__(self, found, size, classic):
        self.address = int(found["address"], 0)
        self.control = self.address
        self.overflow = self.address + size - 8 if classic else None
        self.live = [(int(slot["key_address"], 0), int(slot["elem_address"], 0)) for slot in found["slots"] if slot["state"] == "live"]


def live_counts(control, classic):
    """How many of eight control bytes say live: before and since Go 1.12, or in a Swiss map."""
    if classic:
        return {sum(byte >= least for byte in control) for least in (4, 5)}
    return {sum(byte < 0x80 for byte in control)}


class Map:
    """Where the parts of a map are."""

    def __init__(self, document, unit_sizes):
        self.expression = document["map"]
        self.header = int(document["address"], 0)
        self.words = document["header"]
        self.classic = document["implementation"] == "classic"
        size = unit_sizes.get(document["type"], 0)
        found = [document.get(name, []) for name in ("buckets_dump", "old_buckets_dump", "groups")]
        found += [table["groups"] for table in document.get("tables", [])]
        self.units = [Unit(unit, size, self.classic) for part in found for unit in part]
        # {address: (groups, entries)}
        self.tables = {int(table["address"], 0): (len(table["groups"]), sum(len(Unit(group, size, False).live) for group in table["groups"]))
                       for table in document.get("tables", [])}
        self.slots = [slot for unit in self.units for slot in unit.live]


def packed(value, size):
    return (value & ((1 << 8 * size) - 1)).to_bytes(size, "little")


class Breeder:
    """Makes mutants of one core. `ask` gives the JSON document of a command with its arguments."""

    def __init__(self, ask, memory, executable, expressions, seed):
        self.random = random.Random(seed)
        self.memory = memory
        self.executable = executable
        sizes = {name: next(part["size"] for key, part in layout.items() if key in ("bucket", "group"))
                 for name, layout in ask("layout")["maps"].items()}
        wanted = [name for name in dict.fromkeys((*STRUCTURES, *VALUES)) if name in expressions]
        self.maps = {name: Map(ask("dump", name), sizes) for name in wanted}
        self.scratch = [unit.address for unit in Map(ask("dump", "main.directoryText"), sizes).units]
        self.addresses = [address for found in self.maps.values()
                          for address in (found.header, *(unit.address for unit in found.units[:8]), *list(found.tables)[:4])]

    def word(self):
        """Something to put where a word was."""
        kind = self.random.randrange(5)
        if kind == 0:
            return self.random.getrandbits(64)
        if kind == 1:
            return self.random.choice(self.addresses) + self.random.choice((0, 0, 1, 4, 8, 16, 24, 4096))
        if kind == 2:
            return self.random.getrandbits(self.random.randrange(1, 64))
        return self.random.choice(WORDS)

    # --- headers, tables, directories

    def fields(self, found, prefix, base, fields):
        for field, (offset, size) in fields.items():
            values = {value & ((1 << 8 * size) - 1) for value in (*WORDS, base, *(self.word() for _ in range(3)))}
            if field in ("B", "globalDepth", "localDepth", "flags"):
                values |= set(range(0, 256, 1 if prefix == "" and field == "B" else 17)) | set(range(16))
            for value in sorted(values):
                yield Mutant(found.expression, f"{prefix}{field}=0x{value:x}", [(base + offset, packed(value, size))], True, field in POINTERS)

    def headers(self, found):
        yield from self.fields(found, "", found.header, CLASSIC_HEADER if found.classic else SWISS_HEADER)
        for table in list(found.tables)[:2]:
            yield from self.fields(found, "table.", table, SWISS_TABLE)
        yield from self.twins(found)

    def twins(self, found):
        """Tables that have the groups of another one with as many entries: the count agrees."""
        groups = SWISS_TABLE["groups"][0]
        for table, (size, live) in found.tables.items():
            twin = next((other for other, figures in found.tables.items() if other != table and figures == (size, live)), None)
            if twin is not None and live != 0:
                start = self.memory.read(twin + groups, 8)
                yield Mutant(found.expression, f"table.groups of 0x{table:x} another table's", [(table + groups, start)], True, True)

    def directory(self, found):
        start, length = compare.word(found.words["dirPtr"]), found.words["dirLen"]
        slots = list(struct.unpack(f"<{length}Q", self.memory.read(start, 8 * length))) if length else []
        if not slots:
            return
        for value in (0, 1, start, found.header, slots[0], slots[-1], 0xdeadbeef, (1 << 64) - 8):
            yield Mutant(found.expression, f"directory full of 0x{value:x}", [(start, packed(value, 8) * length)], True)
        for name, order in (("backwards", slots[::-1]), ("alternating", (slots[:1] + slots[-1:]) * (length // 2))):
            yield Mutant(found.expression, f"directory {name}", [(start, struct.pack(f"<{len(order)}Q", *order))], True)
        for slot in self.random.sample(range(length), min(length, 8)):
            value = self.random.choice((*slots, self.word()))
            yield Mutant(found.expression, f"directory[{slot}]=0x{value:x}", [(start + 8 * slot, packed(value, 8))], True)

    # --- buckets and groups

    def controls(self, found):
        for unit in found.units[:3] + found.units[-2:]:
            for control in CONTROLS:
                yield Mutant(found.expression, f"control bytes of 0x{unit.address:x} 0x{control:x}", [(unit.control, bytes([control]) * 8)], True)
            for _ in range(4):
                control = self.random.randbytes(8)
                # as many live slots as before, but others: the count agrees, and only the keys' hashes could tell
                agrees = len(unit.live) in live_counts(control, found.classic)
                yield Mutant(found.expression, f"control bytes of 0x{unit.address:x} random", [(unit.control, control)], not agrees)
        for control in CONTROLS:
            changes = [(unit.control, bytes([control]) * 8) for unit in found.units]
            yield Mutant(found.expression, f"all control bytes 0x{control:x}", changes, True)

    def chains(self, found):
        units = found.units
        if not found.classic or not units:
            return
        last = units[-1]
        rings = {"to themselves": lambda i: units[i].address, "to the next": lambda i: units[(i + 1) % len(units)].address,
                 "in rings of two": lambda i: units[min(i ^ 1, len(units) - 1)].address, "to the last": lambda i: last.address,
                 "into scratch": lambda i: self.scratch[0]}
        for name, target in rings.items():
            changes = [(unit.overflow, packed(target(i), 8)) for i, unit in enumerate(units)]
            yield Mutant(found.expression, f"overflow {name}", changes, True)
        # a ring outside the array, entered by all chains
        a, b = self.scratch[0], self.scratch[1]
        size = last.overflow - last.address
        changes = [(unit.overflow, packed(a, 8)) for unit in units] + [(a + size, packed(b, 8)), (b + size, packed(a, 8))]
        yield Mutant(found.expression, "overflow into a ring", changes, True)
        yield from self.exchanged(found)
        for unit in units[:3] + units[-2:]:
            for value in (*WORDS, 8, 0xdeadbeef, found.header, self.word()):
                yield Mutant(found.expression, f"overflow of 0x{unit.address:x}=0x{value:x}", [(unit.overflow, packed(value, 8))], True, True)

    def exchanged(self, found):
        """Chains that end in another map's bucket, of the same layout and with as many entries as their own: the count agrees."""
        own = {unit.address: unit for unit in found.units}
        others = [unit for other in self.maps.values() if other is not found and other.classic for unit in other.units
                  if unit.overflow - unit.address == found.units[0].overflow - found.units[0].address]
        for unit in found.units:
            last = own.get(self.memory.read_word(unit.overflow))
            for other in others:
                if last and not any(map(self.memory.read_word, (last.overflow, other.overflow))) and 0 < len(other.live) == len(last.live):
                    yield Mutant(found.expression, f"overflow of 0x{unit.address:x} another map's", [(unit.overflow, packed(other.address, 8))], True, True)
                    break

    # --- keys and elems

    def values(self, found):
        for key, elem in found.slots[:6]:
            for base in (key, elem):
                for offset in (0, 8, 16):
                    for value in (*self.random.sample(WORDS, 5), self.word(), self.word()):
                        yield Mutant(found.expression, f"0x{base:x}+{offset}=0x{value:x}", [(base + offset, packed(value, 8))], False)

    def descriptors(self, found):
        """Words that may be descriptors or itabs are led to damaged copies of what they lead to."""
        for key, elem in found.slots:
            for base in (key, elem):
                original = self.bytes_behind(base)
                if original is None:
                    continue
                for offset in (20, 23):  # tflag, kind: "the interface's word is the value itself"
                    copy = bytearray(original)
                    copy[offset] |= 1 << 5
                    place = self.scratch[0]
                    yield Mutant(found.expression, f"type of 0x{base:x} direct by byte {offset}",
                                 [(place, bytes(copy)), (base, packed(place, 8))], False)
                for _ in range(6):
                    copy = bytearray(original)
                    for _ in range(self.random.randrange(1, 4)):
                        self.damage(copy)
                    place = self.random.choice(self.scratch[:50])
                    yield Mutant(found.expression, f"type of 0x{base:x} damaged: {copy.hex()}",
                                 [(place, bytes(copy)), (base, packed(place, 8))], False)

    def bytes_behind(self, address):
        pointer = self.memory.read_word(address)
        for source in (self.memory, self.executable):
            try:
                return source.read(pointer, DESCRIPTOR)
            except KeyError:
                pass
        return None

    def damage(self, data):
        if self.random.randrange(2):
            data[self.random.randrange(64)] = self.random.choice((0, 1, 17, 20, 21, 23, 25, 0x20, 0x7f, 0xff, self.random.randrange(256)))
        else:
            struct.pack_into("<Q", data, 8 * self.random.randrange(DESCRIPTOR // 8), self.word() & ((1 << 64) - 1))

    def cycles(self, found):
        """Slices of interfaces that hold themselves, many times each: never more than a little output."""
        for key, elem in found.slots:
            behind = self.bytes_behind_value(elem)
            if behind is None:
                continue
            own = self.memory.read(elem, 16)
            for count in (1, 2, behind[1]):
                yield Mutant(found.expression, f"0x{elem:x} in itself {count} times", [(behind[0], own * count)], False)

    def bytes_behind_value(self, elem):
        """(data, length) of what may be a slice that an interface's data word leads to."""
        try:
            data, length, capacity = struct.unpack("<3Q", self.memory.read(self.memory.read_word(elem + 8), 24))
            self.memory.read(data, 16 * length if length <= 64 else 16)
        except KeyError:
            return None
        return (data, length) if 0 < length <= capacity <= 64 else None

    def flips(self, found, count):
        """Single bits anywhere in the header, the units and the first keys' surroundings."""
        for _ in range(count):
            address = self.random.choice((found.header, *(unit.address for unit in found.units))) + self.random.randrange(48)
            old = self.memory.read(address, 1)[0]
            yield Mutant(found.expression, f"bit flipped at 0x{address:x}", [(address, bytes([old ^ 1 << self.random.randrange(8)]))], False)

    def noise(self, found, count):
        """Several words and bytes at once."""
        for _ in range(count):
            changes = [(found.header + self.random.randrange(48), self.random.randbytes(1)) for _ in range(3)]
            for unit in self.random.sample(found.units, min(len(found.units), 4)):
                changes.append((unit.address + 8 * self.random.randrange(12), packed(self.word(), 8)))
            yield Mutant(found.expression, "noise", changes, False)

    # --- all of them

    def families(self):
        """{name: mutants}, each list in an order of its own."""
        structures = [self.maps[name] for name in STRUCTURES if name in self.maps]
        values = [self.maps[name] for name in VALUES if name in self.maps]
        families = {
            "header": [m for found in structures for m in self.headers(found)],
            "directory": [m for found in structures if not found.classic for m in self.directory(found)],
            "control": [m for found in structures for m in self.controls(found)],
            "overflow": [m for found in structures for m in self.chains(found)],
            "value": [m for found in values for m in self.values(found)],
            "type": [m for found in values if "any" in found.expression or "Types" in found.expression or found.expression in
                     ("main.stringers", "main.failures") for m in self.descriptors(found)],
            "cycle": [m for found in values if "any" in found.expression for m in self.cycles(found)],
            "bit": [m for found in structures + values for m in self.flips(found, 20)],
            "noise": [m for found in structures + values for m in self.noise(found, 20)],
        }
        for mutants in families.values():
            self.random.shuffle(mutants)
        return {name: mutants for name, mutants in families.items() if mutants}
