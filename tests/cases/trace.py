"""trace: keys that are there are found where the runtime has them, others are not; the steps are those of the runtime."""
import json
import re
import resource

from harness import compare, process

# Keys of one map that are looked up, and the most of anyKeys and the like, whose keys are all of another type.
KEYS, KEYS_OF_ANY = 3, 60
# Looking for a key in a million entries: seconds of CPU.
MISSING_LIMIT = 0.06


class NoLiteral(Exception):
    """The key cannot be written as a KEY."""


def text_literal(value):
    if isinstance(value, dict):
        raise NoLiteral("not UTF-8")
    return json.dumps(value, ensure_ascii=False)


def complex_literal(value):
    if not all(isinstance(part, (int, float)) for part in value):
        raise NoLiteral("a part that is no number")
    return f"({float(value[0])!r}{float(value[1]):+})".replace(")", "i)")


def interface_literal(value):
    name = value["type"]
    if " " in name or name.startswith("map["):
        raise NoLiteral(f"a type of several words: {name}")
    inner = literal(value["value"], name)
    return name + inner if inner.startswith("{") else f"{name}({inner})"


def literal(value, name):
    """The key as Go source has it. `name`: its type's, as far as it is known."""
    if value is None:
        return "nil"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if name == "string" or isinstance(value, str) and not re.fullmatch(r"NaN|[+-]Inf|0x[0-9a-f]+", value):
        return text_literal(value)
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        if name.startswith("complex"):
            return complex_literal(value)
        return "{" + ", ".join(literal(v, part_of(name)) for v in value) + "}"
    if set(value) == {"type", "value"}:
        return interface_literal(value)
    if set(value) == {"base64"}:
        raise NoLiteral("not UTF-8")
    return "{" + ", ".join(f"{field}: {literal(v, '')}" for field, v in value.items()) + "}"


def part_of(name):
    return re.sub(r"^\[\d*\]", "", name)


def key_type(name):
    """K of map[K]V; of a named type nothing is known."""
    if not name.startswith("map["):
        return ""
    depth = 0
    for at, letter in enumerate(name[3:], 3):
        depth += (letter == "[") - (letter == "]")
        if depth == 0:
            return name[4:at]
    return ""


def has_nan(value):
    return '"NaN"' in compare.canonical(value)


def check(checks, tool, label, target, truth, inside=True):
    """`inside`: all maps, not a few."""
    seen = set()
    for expression, fact in truth.maps.items():
        if "entries" not in fact:
            check_large(checks, tool, f"{label} trace {expression}", target, fact)
        elif inside or expression in ("main.words", "main.anyKeys", "main.half", "main.directory", "main.bigBoth", "main.nilMap"):
            check_map(checks, tool, f"{label} trace {expression}", target, truth, fact, seen)
    kinds = set(CLASSIC_STEPS if truth.implementation == "classic" else SWISS_STEPS)
    if inside and checks.wanted(f"{label} trace steps") and checks.wanted(f"{label} trace main.half"):
        checks.equal(f"{label} trace steps: all kinds came", set(), kinds - seen)
        check_text(checks, tool, f"{label} trace text", target)


COMMON_STEPS = {"access", "hash", "small", "search", "found", "end"}
CLASSIC_STEPS = COMMON_STEPS | {"bucket", "tophash"}
SWISS_STEPS = COMMON_STEPS | {"split", "directory", "table"}


def check_map(checks, tool, name, target, truth, fact, seen):
    if not checks.wanted(name):
        return
    addresses = {compare.canonical(slot["key"]): slot["elem_address"] for slot in fact["slots"]}
    entries = fact["entries"]
    of_any = "interface" in fact["type"] or "Stringer" in fact["type"]
    step = max(1, len(entries) // (KEYS_OF_ANY if of_any else KEYS))
    written = key_type(fact["type"])
    tried = 0
    for entry in entries[::step]:
        try:
            key = literal(entry["key"], written)
        except NoLiteral:
            continue
        document = run(checks, tool, f"{name} {key}", target, fact, key)
        if document is None:
            continue
        tried += 1
        check_found(checks, f"{name} {key}", truth, document, entry, addresses)
        seen.update(found["step"] for found in document["steps"])
    checks.true(f"{name}: some key could be written", tried or not entries or cannot_write(fact), str(entries[:1]))
    for key in missing_keys(written, entries):
        document = run(checks, tool, f"{name} {key}", target, fact, key)
        if document is not None:
            checks.equal(f"{name} {key}: found", False, document["found"])
            checks.equal(f"{name} {key}: the last step", "end", document["steps"][-1]["step"])
            seen.update(found["step"] for found in document["steps"])


def cannot_write(fact):
    return key_type(fact["type"]) == ""


def run(checks, tool, name, target, fact, key):
    document = tool.document(checks, name, "trace", *target, "--format", "json", "--", fact["map"], key)
    if document is None:
        return None
    checks.equal(f"{name}: address", fact["address"], document["address"])
    checks.equal(f"{name}: len", fact["len"], document["len"])
    return document


def check_found(checks, name, truth, document, entry, addresses):
    if has_nan(entry["key"]):
        checks.equal(f"{name}: a NaN is not found", False, document["found"])
        return
    checks.equal(f"{name}: found", True, document["found"])
    if not document["found"]:
        return
    key = compare.canonical(entry["key"])
    checks.equal(f"{name}: key", key, compare.canonical(document["key"]))
    checks.equal(f"{name}: elem", compare.canonical(compare.cut_maps(entry["value"], 3)), compare.canonical(document["elem"]))
    checks.equal(f"{name}: elem_address", addresses[key], document["elem_address"])
    check_steps(checks, name, truth, document)


def check_steps(checks, name, truth, document):
    """The last unit that was searched has the key; what the hash decides follows from it."""
    steps = document["steps"]
    search = [step for step in steps if step["step"] == "search"][-1]
    equal = [slot for slot in search["slots"] if slot["result"] == "key equal"]
    checks.equal(f"{name}: one slot has the key", 1, len(equal))
    checks.equal(f"{name}: its key is ours", compare.canonical(document["key"]), compare.canonical(equal[0]["key"]))
    if document["hash"] is None:
        return
    value = int(document["hash"], 16)
    if truth.implementation == "classic":
        top, control = value >> (8 * truth.word - 8), equal[0]["tophash"]
        least = 4 if minor(truth) < 12 else 5
        checks.equal(f"{name}: tophash", top + least if top < least else top, control)
    else:
        checks.equal(f"{name}: H2", value & 0x7f, equal[0]["control"])


def minor(truth):
    return int(re.match(r"go1\.(\d+)", truth.go).group(1))


def missing_keys(name, entries):
    """Keys that no map of the zoo has, by the type's name."""
    there = {compare.canonical(entry["key"]) for entry in entries}
    if name == "string":
        return ['"no such key"', '"' + "a long key that is not there " * 4 + '"', '""'] if '""' not in there else []
    if name in ("int", "int32", "int64", "uint32", "uint64", "uint", "uintptr", "int16", "uint16"):
        return [str(value) for value in (77, 1234, 31999) if str(value) not in there]
    if name in ("float64", "float32", "main.Celsius"):
        return ["1234.5", "-0.125"]
    if name == "interface {}":
        return ["987654", "uint16(9)", '"nobody"', "main.point{9, 9}", "2.5", "'\\u2603'"]
    if name == "main.point":
        return ["{9, 9}"]
    return []


def check_large(checks, tool, name, target, fact):
    """A few keys of the map that is large, and what looking for one that is not there costs."""
    if not checks.wanted(name):
        return
    shown = tool.document(checks, name, "show", fact["map"], *target, "--format", "json", "--max", "2", limit=60)
    for entry in (shown or {}).get("entries", []):
        document = run(checks, tool, f"{name} {entry['key']}", target, fact, literal(entry["key"], "string"))
        if document is not None:
            checks.equal(f"{name} {entry['key']}: elem", entry["value"], document.get("elem"))
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    document = run(checks, tool, f"{name} missing", target, fact, '"no such key"')
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    if document is not None:
        checks.equal(f"{name} missing: found", False, document["found"])
        checks.true(f"{name} missing: CPU", spent <= process.patient(MISSING_LIMIT), f"{spent:.3f} s, at most {MISSING_LIMIT}")


def check_text(checks, tool, name, target):
    """What people read has the same answer as the JSON."""
    for key, last in (('"a"', r"found +elem at 0x[0-9a-f]+  1"), ('"nobody"', r"not found  \S.*")):
        result = tool.run("trace", "main.words", key, *target)
        checks.equal(f"{name} {key}: status", 0, result.status)
        lines = result.stdout.splitlines()
        checks.true(f"{name} {key}: the last line", bool(re.fullmatch(r" *\d+  " + last, lines[-1])), lines[-1])
        checks.true(f"{name} {key}: numbered", [int(n) for n in re.findall(r"^ ?(\d+)  ", result.stdout, re.MULTILINE)]
                    == list(range(1, 1 + len(re.findall(r"^ ?\d+  ", result.stdout, re.MULTILINE)))), result.stdout)
