"""Options, forms of a map's name, layout and text output."""
import re

from cases import maps
from harness import compare

# Of map[string]int on 64-bit targets: 8 slots of a 16-byte key and an 8-byte elem.
CLASSIC_BUCKET = {"size": 208, "slots": 8, "key_offset": 8, "key_stride": 16, "elem_offset": 136, "elem_stride": 8,
                  "overflow_offset": 200}
SWISS_GROUP = {"size": 200, "slots": 8, "key_offset": 8, "key_stride": 24, "elem_offset": 24, "elem_stride": 24}
CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def check(checks, tool, label, target, truth, executable):
    check_layout(checks, tool, f"{label} layout", ["-e", executable], truth)
    check_layout(checks, tool, f"{label} layout live", target, truth)
    check_static_list(checks, tool, f"{label} list at rest", executable, truth)
    check_names(checks, tool, f"{label} name", target, truth)
    check_max(checks, tool, f"{label} max", target, truth)
    check_depth(checks, tool, f"{label} depth", target, truth)
    check_text(checks, tool, f"{label} text", target, truth)
    check_part(checks, tool, f"{label} part", target, truth)


def check_layout(checks, tool, name, target, truth):
    if not checks.wanted(name):
        return
    document = tool.document(checks, name, "layout", *target, "--format", "json")
    if document is None:
        return
    classic = truth.implementation == "classic"
    checks.equal(f"{name}: implementation", truth.implementation, document["implementation"])
    checks.equal(f"{name}: source", "dwarf", document["source"])
    words = document["maps"]["map[string]int"]
    expected = CLASSIC_BUCKET if classic else SWISS_GROUP
    unit = words["bucket" if classic else "group"]
    checks.equal(f"{name}: map[string]int", expected, {key: unit.get(key) for key in expected})
    for type_name, indirect in (("map[string]int", (False, False)), ("map[[40]int32]int8", (True, False)),
                                ("map[int8][40]int32", (False, True)), ("map[[17]int64][17]int64", (True, True))):
        entry = document["maps"].get(type_name, {})
        checks.equal(f"{name}: {type_name} indirect", indirect, (entry.get("key_indirect"), entry.get("elem_indirect")))
    struct = document["structs"]["runtime.hmap" if classic else "internal/runtime/maps.Map"]
    fields = {field: struct["fields"].get(field, {}).get("offset") for field in
              (("count", "B", "buckets", "oldbuckets") if classic else ("used", "seed", "dirPtr", "dirLen", "globalDepth"))}
    checks.equal(f"{name}: header fields", dict(count=0, B=9, buckets=16, oldbuckets=24) if classic else
                 dict(used=0, seed=8, dirPtr=16, dirLen=24, globalDepth=32), fields)


def check_static_list(checks, tool, name, executable, truth):
    """Without memory: the variables, without length and address."""
    if not checks.wanted(name):
        return
    document = tool.document(checks, name, "list", "-e", executable, "--format", "json")
    if document is None:
        return
    types = {entry["name"]: entry["type"] for entry in document["maps"]}
    for expression in ("main.words", "main.users", "main.nilMap", "main.big"):
        expected = compare.plain_type(truth.maps[expression]["type"])
        checks.equal(f"{name}: {expression}", expected, compare.plain_type(str(types.get(expression))))


def check_names(checks, tool, name, target, truth):
    """One map by its type and address, and by white space in between."""
    fact = truth.maps["main.words"]
    for expression in (f"(map[string]int)({fact['address']})", " main.words ", "(main.words)"):
        document = checks.wanted(name) and tool.document(checks, f"{name} {expression}", "show", expression, *target,
                                                         "--format", "json")
        if document:
            checks.equal(f"{name} {expression}: address", fact["address"], document["address"])
            maps.check_entries(checks, f"{name} {expression}", fact, document["entries"])


def check_max(checks, tool, name, target, truth):
    for limit, expected in (("2", 2), ("0", 3), ("3", 3), ("1000000000000", 3)):
        document = checks.wanted(name) and tool.document(checks, f"{name} {limit}", "show", "main.words", *target,
                                                         "--format", "json", "--max", limit)
        if document:
            checks.equal(f"{name} {limit}: entries", expected, len(document["entries"]))
            checks.equal(f"{name} {limit}: len", 3, document["len"])


def levels(value):
    """How deep maps with entries are nested in a value."""
    if isinstance(value, list):
        return max([levels(item) for item in value], default=0)
    if isinstance(value, dict):
        inner = max([levels(item) for item in value.values()], default=0)
        return inner + 1 if compare.is_map(value) and "entries" in value else inner
    return 0


def check_depth(checks, tool, name, target, truth):
    """A map that holds itself: as many levels as asked for. Every level more shows one more."""
    found = []
    for depth in ("1", "2", "5"):
        document = checks.wanted(name) and tool.document(checks, f"{name} {depth}", "show", "main.forest", *target,
                                                         "--format", "json", "--depth", depth)
        if document:
            found.append(levels(document["entries"]))
    if checks.wanted(name):
        checks.equal(f"{name}: levels at 1, 2 and 5", [1, 2, 5], found)


def check_text(checks, tool, name, target, truth):
    """Text for people: nothing of a string's bytes reaches the terminal as control characters."""
    for command in ("show", "stat", "dump"):
        for expression in ("main.strangeStrings", "main.words", "main.anyKeys"):
            if not checks.wanted(f"{name} {command} {expression}"):
                continue
            result = tool.run(command, expression, *target)
            checks.equal(f"{name} {command} {expression}: status", 0, result.status)
            control = CONTROL.search(result.stdout)
            checks.true(f"{name} {command} {expression}: no control characters", control is None,
                        f"{control and result.stdout[max(0, control.start() - 30):control.end() + 10]!r}")
            checks.true(f"{name} {command} {expression}: says something", len(result.stdout) > 20, repr(result.stdout))
    if checks.wanted(f"{name} show limit"):
        rows = [line for line in tool.run("show", "main.uint8ToUint32", *target).stdout.splitlines() if "42949" in line]
        checks.equal(f"{name} show limit: 64 rows by default", 64, len(rows))


def check_part(checks, tool, name, target, truth):
    """dump of one bucket, or one table's group, is a part of the whole dump."""
    if not checks.wanted(name):
        return
    part = ["--bucket", "3"] if truth.implementation == "classic" else ["--table", "0", "--group", "1"]
    whole = tool.run("dump", "main.directory", *target)
    some = tool.run("dump", "main.directory", *target, *part)
    checks.equal(f"{name}: status", (0, 0), (whole.status, some.status))
    checks.true(f"{name}: smaller than the whole", 0 < len(some.stdout) < len(whole.stdout) / 10,
                f"{len(some.stdout)} of {len(whole.stdout)} bytes")
