"""A good core with header, bucket and group bytes damaged: every command ends, with an answer or an error."""
import random
import resource

from harness import compare, elfcore

COMMANDS = ("show", "stat", "dump")
MEMORY = 1 << 32
WORDS = (0, 1, 7, 0x7f, 1 << 20, 1 << 31, 1 << 40, (1 << 62) + 1, (1 << 63) - 1, (1 << 64) - 1, 0xc000000001)

# (offset, size) of the words of a header: the zoo's own layout, testdata/zoo/layout.go.
CLASSIC_HEADER = {"count": (0, 8), "flags": (8, 1), "B": (9, 1), "noverflow": (10, 2), "buckets": (16, 8),
                  "oldbuckets": (24, 8), "nevacuate": (32, 8), "extra": (40, 8)}
SWISS_HEADER = {"used": (0, 8), "seed": (8, 8), "dirPtr": (16, 8), "dirLen": (24, 8), "globalDepth": (32, 1),
                "globalShift": (33, 1), "writing": (34, 1)}
SWISS_TABLE = {"used": (0, 2), "capacity": (2, 2), "growthLeft": (4, 2), "localDepth": (6, 1), "index": (8, 8),
               "groups": (16, 8), "lengthMask": (24, 8)}
BUCKET_SIZE = 8 + 8 * 16 + 8 * 8 + 8  # of map[string]*int


def check(checks, tool, label, core, executable, truth):
    """Once a run for each way of telling live cells: classic maps before and since 1.12, Swiss maps."""
    era = (truth.implementation, truth.implementation == "classic" and int(truth.go.split()[0].split(".")[1]) < 12)
    if not checks.wanted(label) or not checks.first(("corrupt", era)):
        return
    memory = elfcore.CoreFile(core)
    try:
        subject = Subject(checks, tool, label, core, executable, memory)
        for expression in ("main.words", "main.halfText", "main.directoryText", "main.mostDeletedText"):
            damage_header(subject, truth.maps[expression], truth.implementation)
            damage_at_random(subject, truth.maps[expression])
        if truth.implementation == "classic":
            damage_chains(subject, truth.maps["main.halfText"])
        else:
            damage_tables(subject, truth.maps["main.directoryText"])
        damage_strings(subject, truth.maps["main.words"])
        subject.damage("nothing", truth.maps["main.words"], [], allowed=(0,))
    finally:
        memory.restore()
        memory.close()


class Subject:
    def __init__(self, checks, tool, label, core, executable, memory):
        self.checks = checks
        self.tool = tool
        self.label = label
        self.target = ["-c", core, "-e", executable, "--format", "json"]
        self.memory = memory
        with open(tool.path, "rb") as file:
            sanitized = b"__asan_init" in file.read()
        # The address sanitizer maps terabytes of shadow, which a limit of address space forbids.
        self.limit = None if sanitized else limit_memory

    def damage(self, what, fact, changes, allowed=(0, 3, 4)):
        """`changes`: (address, bytes) to write before the commands run; they are put back afterwards."""
        for address, data in changes:
            self.memory.write(address, data)
        for command in COMMANDS:
            name = f"{self.label} {fact['map']} {what} {command}"
            result = self.tool.run(command, fact["map"], *self.target, "--max", "100000", limit=20, preexec_fn=self.limit) \
                if command == "show" else self.tool.run(command, fact["map"], *self.target, limit=20, preexec_fn=self.limit)
            good = not result.timed_out and result.status in allowed
            self.checks.true(name, good, f"expected status {allowed}, found {result.status}: {result.stderr[-200:]}")
            if good and result.status in (0, 4) and result.stdout:
                self.checks.true(f"{name}: JSON", is_json(result.stdout), result.stdout[-200:])
            if good and result.status != 0:
                self.checks.true(f"{name}: says why", result.stderr != "", f"status {result.status} without a word")
        self.memory.restore()


def is_json(text):
    try:
        compare.parse(text)
        return True
    except (ValueError, compare.Duplicate):
        return False


def limit_memory():
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def packed(value, size):
    return (value & ((1 << 8 * size) - 1)).to_bytes(size, "little")


def damage_fields(subject, fact, prefix, base, fields):
    for field, (offset, size) in fields.items():
        for value in sorted({word & ((1 << 8 * size) - 1) for word in (*WORDS, base)}):
            subject.damage(f"{prefix}{field}=0x{value:x}", fact, [(base + offset, packed(value, size))])


def damage_header(subject, fact, implementation):
    fields = CLASSIC_HEADER if implementation == "classic" else SWISS_HEADER
    damage_fields(subject, fact, "", int(fact["address"], 0), fields)


def damage_chains(subject, fact):
    """Overflow pointers to the bucket itself, to its neighbour and back, into nowhere."""
    for array in ("buckets", "oldbuckets"):
        first = compare.word(fact["header"][array])
        links = [first + i * BUCKET_SIZE + BUCKET_SIZE - 8 for i in range(4)]
        subject.damage(f"{array} linked to themselves", fact, [(link, packed(link - BUCKET_SIZE + 8, 8)) for link in links])
        subject.damage(f"{array} linked in a ring", fact,
                       [(links[0], packed(first + BUCKET_SIZE, 8)), (links[1], packed(first, 8))])
        for value in (1, 8, 0xdeadbeef, (1 << 64) - 8):
            subject.damage(f"{array} linked to 0x{value:x}", fact, [(link, packed(value, 8)) for link in links])
        for state in (0, 1, 2, 3, 4, 5, 255):
            subject.damage(f"{array} tophash {state}", fact, [(first + i * BUCKET_SIZE, bytes([state]) * 8) for i in range(4)])


def damage_tables(subject, fact):
    """The directory and the first table behind it."""
    directory, length = compare.word(fact["header"]["dirPtr"]), fact["header"]["dirLen"]
    for value in (0, 1, directory, 0xdeadbeef, (1 << 64) - 8):
        subject.damage(f"directory full of 0x{value:x}", fact, [(directory, packed(value, 8) * length)])
    table = subject.memory.read_word(directory)
    damage_fields(subject, fact, "table.", table, SWISS_TABLE)
    groups = subject.memory.read_word(table + 16)
    for control in (0x00, 0x7f, 0x80, 0xfe, 0xff, 0x81):
        subject.damage(f"control bytes 0x{control:x}", fact, [(groups + 200 * i, bytes([control]) * 8) for i in range(4)])


def damage_strings(subject, fact):
    """The first key's string header: address and length."""
    key = int(fact["slots"][0]["key_address"], 0)
    for value in (0, 1, 0xdeadbeef, 1 << 40, (1 << 63) - 1, (1 << 64) - 1):
        subject.damage(f"key's length 0x{value:x}", fact, [(key + 8, packed(value, 8))])
        subject.damage(f"key's address 0x{value:x}", fact, [(key, packed(value, 8))])


def damage_at_random(subject, fact, rounds=8):
    """Bytes of the header and around the first slots, by a generator that begins alike each time."""
    generator = random.Random(fact["map"])
    header, key = int(fact["address"], 0), int(fact["slots"][0]["key_address"], 0)
    for i in range(rounds):
        changes = [(header + generator.randrange(48), bytes([generator.randrange(256)])) for _ in range(3)]
        changes += [(key + generator.randrange(128), bytes([generator.randrange(256)])) for _ in range(8)]
        subject.damage(f"random {i}", fact, changes)
