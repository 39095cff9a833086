"""Binaries at rest of other systems and machines: PE, Mach-O and ELF, of 32 and 64 bits, of both byte orders."""
import os
import random
import tempfile

from harness import foreign, go, process

COMMANDS = ["layout", "list", "verify"]
# What the ordinary run looks at; scripts/matrix-foreign looks at all.
SAMPLE = {
    "1.11": ["linux/mips", "darwin/amd64"],
    "1.17": ["windows/amd64"],
    "1.20": ["linux/s390x"],
    "1.23": ["freebsd/arm64"],
    "1.24": ["linux/ppc64", "netbsd/arm"],
    "1.26": ["windows/386", "openbsd/amd64"],
    "1.27": ["darwin/arm64", "windows/arm64", "linux/mipsle"],
}
TYPES = 24  # main.a to main.x of testdata/maptypes
CUTS, DAMAGES = 24, 40


def check(checks, tool, version):
    name = f"{version} foreign"
    if not checks.wanted(name):
        return
    for port in SAMPLE.get(version, []):
        program = foreign.build(version, port)
        for command in COMMANDS:
            why = check_command(checks, tool, f"{name} {port} {command}", command, version, port, program)
            if why:
                checks.skip(f"{name} {port}", why)
                break
        else:
            if not port.startswith(("linux", "freebsd", "openbsd", "netbsd")):
                check_damage(checks, tool, f"{name} {port} damaged", program)


def check_command(checks, tool, name, command, version, port, program):
    """Why it cannot be looked at in this build of mapscope; None: it was."""
    result = tool.run(command, "-e", program)
    lacking = foreign.LACKS.search(result.stderr)
    if lacking:
        checks.equal(f"{name}: status", 3, result.status)
        return lacking.group()
    checks.equal(f"{name}: status, stderr", (0, ""), (result.status, result.stderr))
    document = tool.document(checks, f"{name} json", command, "-e", program, "--format", "json")
    if document is not None:
        {"layout": check_layout, "list": check_list, "verify": check_verify}[command](checks, name, version, port, document)
    return None


def check_layout(checks, name, version, port, document):
    machine = port.split("/")[1]
    word = 4 if machine in foreign.NARROW else 8
    order = "big" if machine in foreign.BIG_ENDIAN else "little"
    checks.equal(f"{name}: machine", ("go" + go.toolchain(version)[0], machine, word, order),
                 tuple(document.get(member) for member in ("go", "arch", "word_size", "byte_order")))
    for type_name, expected in expected_units(go.minor_of(version), word).items():
        found = document["maps"].get(type_name, {})
        unit = found.get("bucket") or found.get("group") or {}
        checks.equal(f"{name}: {type_name}", expected,
                     tuple(unit.get(member) for member in ("size", "key_offset", "key_stride", "elem_offset", "elem_stride")) +
                     (found.get("elem_indirect"),))


def expected_units(minor, word):
    """size, offset and stride of keys and elems, whether elems are indirect: by the rules that Go's compiler follows."""
    if minor < 24:  # [8]uint8, [8]key, [8]elem, the overflow pointer
        return {"map[string]int": (8 + 24 * word + word, 8, 2 * word, 8 + 16 * word, word, False),
                "map[uint8]uint64": (8 + 8 + 64 + word, 8, 1, 16, 8, False),
                "map[uint8]main.big": (8 + 8 + 8 * word + word, 8, 1, 16, word, True)}
    # uint64, [8]struct { key; elem }; uint64 is aligned to a word
    return {"map[string]int": (8 + 24 * word, 8, 3 * word, 8 + 2 * word, 3 * word, False),
            "map[uint8]uint64": (8 + 8 * (word + 8), 8, word + 8, 8 + word, word + 8, False),
            "map[uint8]main.big": (8 + 16 * word, 8, 2 * word, 8 + word, 2 * word, True)}


def check_list(checks, name, version, port, document):
    names = {entry["name"]: entry["type"] for entry in document["maps"] if entry["name"].startswith("main.")}
    checks.equal(f"{name}: names", [f"main.{chr(ord('a') + i)}" for i in range(TYPES)], sorted(names))
    checks.equal(f"{name}: types", ("map[string]int", "map[uintptr]map[string]bool"), (names.get("main.a"), names.get("main.w")))


def check_verify(checks, name, version, port, document):
    checks.equal(f"{name}: ok", True, document["ok"])
    details = {entry["subject"]: entry["detail"] for entry in document["checks"] if entry["check"] == "type"}
    described = sum("descriptor at 0x" in detail for detail in details.values())  # the runtime's own maps need not be
    checks.true(f"{name}: descriptors", described >= TYPES, f"{described}: {details}")
    offsets = [entry["detail"] for entry in document["checks"] if entry["check"] == "offsets"]
    checks.true(f"{name}: offsets", len(offsets) >= 3 and all("DWARF against the table" in detail for detail in offsets), str(offsets))


def check_damage(checks, tool, name, program):
    """A file that is cut short or has wrong bytes is an error like any other, and soon."""
    with open(program, "rb") as file:
        whole = file.read()
    chance = random.Random(f"{name} {len(whole)}")
    with tempfile.TemporaryDirectory(prefix="mapscope-foreign-") as folder:
        path = os.path.join(folder, "damaged")
        for length in [chance.randrange(64, len(whole)) for _ in range(CUTS)] + [64, 65, 512, 1024, 4096]:
            check_one(checks, tool, f"{name}: cut at {length}", path, whole[:length])
        for i in range(DAMAGES):
            check_one(checks, tool, f"{name}: bytes {i}", path, damage(whole, chance, 4096 if i % 2 else len(whole)))


def damage(whole, chance, span):
    """Some bytes among the first `span` are others."""
    data = bytearray(whole)
    for _ in range(chance.choice([1, 2, 8, 64])):
        at = chance.randrange(min(span, len(data)))
        data[at] = chance.choice([0, 0x7F, 0x80, 0xFF, chance.randrange(256)])
    return bytes(data)


def check_one(checks, tool, name, path, data):
    with open(path, "wb") as file:
        file.write(data)
    result = process.run([tool.path, "verify", "-e", path], 120)
    checks.true(name, result.status in (0, 1, 3, 4) and not result.timed_out and (result.status != 3 or result.stderr.startswith("mapscope: ")),
                f"status {result.status}: {result.stderr[-300:]}")
