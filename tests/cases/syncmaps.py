"""sync.Maps of a running program and its cores: in every state, damaged, and while they change."""
import os
import random

from cases import memory
from harness import compare, go, process, syncmaps, zoo

WORD = 8
NODE_SIZE, ENTRY_SIZE, TRIE_SIZE, CHILDREN = 152, 48, 48, 24  # of internal/sync/hashtriemap.go on amd64
DEAD, PARENT, OVERFLOW, KEY = 4, 16, 8, 16
LARGE = 20000
MUTANTS = 40  # per version


def check(checks, tool, version, targets):
    if go.minor_of(version) < 9 or not checks.wanted(f"{version} syncmaps"):
        return
    check_mode(checks, tool, version, f"{version} syncmaps", go.Mode(), targets)
    if go.minor_of(version) in (24, 25):
        check_mode(checks, tool, version, f"{version} syncmaps nosynchashtriemap", go.Mode(experiment="nosynchashtriemap"), targets[:1])


def check_mode(checks, tool, version, label, mode, targets):
    program = syncmaps.Program(version, mode)
    trie = go.minor_of(version) >= 24 and not mode.experiment
    try:
        if "live" in targets:
            target = ["-p", str(program.pid)]
            check_all(checks, tool, f"{label} live", program, target, trie)
            check_reading(checks, tool, f"{label} live", program, target)
            check_damage(checks, tool, f"{label} damage", program, target, trie)
            check_busy(checks, tool, f"{label} busy", program, target)
        if "gcore" in targets and zoo.shutil.which("gcore"):
            core = program.gdb_core()
            check_all(checks, tool, f"{label} gcore", program, ["-c", core, "-e", program.executable], trie)
            os.remove(core)
    finally:
        program.close()


def check_all(checks, tool, label, program, target, trie):
    for expression, fact in program.maps.items():
        name = f"{label} {expression}"
        check_show(checks, tool, name, target, fact)
        check_stat(checks, tool, name, target, fact, trie)
        check_dump(checks, tool, name, target, fact, trie)
        if len(fact["entries"]) != 0:
            memory.check_map(checks, tool, name, target, fact["map"], minor_of(program))
    check_list(checks, tool, f"{label} list", program, target)
    check_expressions(checks, tool, f"{label} MAP", target)
    check_large(checks, tool, f"{label} main.large", target)
    memory.check_dropped(checks, tool, f"{label} dropped", target, program.dropped, "-c" in target)
    report = tool.document(checks, f"{label} verify", "verify", *target, "--format", "json", limit=120)
    if report is not None:
        checks.equal(f"{label} verify: nothing is wrong", [], [check for check in report["checks"] if not check["ok"]])
        subjects = {check["subject"] for check in report["checks"]}
        # others are there too, by the first name that leads to them
        checks.true(f"{label} verify: a sync.Map is a subject", "main.large" in subjects, sorted(subjects))


def minor_of(program):
    return int(program.go.split(".")[1].split("-")[0].split(" ")[0])


# --- what is said of a map ----------------------------------------------------------------------------------------------


def check_head(checks, name, document, fact):
    head = (document["type"], document["implementation"], document["len"], document["address"])
    checks.equal(f"{name}: head", ("sync.Map", "sync", len(fact["entries"]), fact["address"]), head)


def check_show(checks, tool, name, target, fact):
    document = tool.document(checks, f"{name} show", "show", fact["map"], *target, "--format", "json")
    if document is None:
        return
    check_head(checks, f"{name} show", document, fact)
    difference = compare.entries_difference(fact["entries"], document["entries"])
    checks.true(f"{name} show: entries", difference is None, difference)
    lines = tool.document(checks, f"{name} ndjson", "show", fact["map"], *target, "--format", "ndjson", lines=True)
    checks.equal(f"{name} ndjson", document["entries"], lines)


def check_stat(checks, tool, name, target, fact, trie):
    document = tool.document(checks, f"{name} stat", "stat", fact["map"], *target, "--format", "json")
    if document is None:
        return
    check_head(checks, f"{name} stat", document, fact)
    checks.true(f"{name} stat: waste", 0 <= document["wasted_bytes"] <= document["bytes"], document)
    if trie:
        check_trie_figures(checks, f"{name} stat", document)
    else:
        check_inner_figures(checks, f"{name} stat", document, fact["inside"])


def check_trie_figures(checks, name, document):
    chains = sum((i + 1) * count for i, count in enumerate(document["chain_lengths"]))
    checks.equal(f"{name}: levels and chains", (document["len"], document["len"]), (sum(document["levels"]), chains))
    checks.equal(f"{name}: bytes", TRIE_SIZE + NODE_SIZE * document["nodes"] + ENTRY_SIZE * document["len"], document["bytes"])
    heads = document["len"] - document["overflow_entries"]
    used = heads + max(0, document["nodes"] - 1)
    checks.equal(f"{name}: child slots", (16 * document["nodes"], used), (document["child_slots"], document["child_slots_used"]))
    checks.equal(f"{name}: fill", (document["nodes"], used), (sum(document["fill"]), sum(i * n for i, n in enumerate(document["fill"]))))
    if "colliding" in document["map"]:
        checks.equal(f"{name}: ten keys of 12 numbers collide", 58 - 12, document["overflow_entries"])


def check_inner_figures(checks, name, document, inside):
    read, dirty = document["read"], document["dirty"]
    live = read["entries"] - read["deleted"] - read["expunged"]
    checks.equal(f"{name}: inside", inside, {"live": live, "deleted": read["deleted"], "expunged": read["expunged"],
                                             "dirty": dirty["entries"], "amended": document["amended"], "misses": document["misses"]})
    until = max(1, dirty["entries"] - document["misses"]) if document["amended"] else None
    checks.equal(f"{name}: misses until promotion", until, document["misses_until_promotion"])
    checks.true(f"{name}: bytes", document["bytes"] > read["bytes"] + dirty["bytes"], document)


def dumped_entries(document, trie):
    """All entries of a dump, the read map's and the dirty map's once each."""
    if trie:
        return [entry for node in document["nodes"] for child in node["children"] for entry in child["entries"]]
    return document["read"]["entries"] + document["dirty"]["entries"]


def check_dump(checks, tool, name, target, fact, trie):
    document = tool.document(checks, f"{name} dump", "dump", fact["map"], *target, "--format", "json")
    if document is None:
        return
    check_head(checks, f"{name} dump", document, fact)
    if trie:
        live = dumped_entries(document, trie)
    else:
        which = "dirty" if document["header"]["amended"] else "read"
        live = [entry for entry in document[which]["entries"] if entry["state"] == "live"]
        expunged = [entry for entry in document["read"]["entries"] if entry["state"] == "expunged"]
        checks.equal(f"{name} dump: expunged", fact["inside"]["expunged"], len(expunged))
    found = [{"key": entry["key"], "value": entry["value"]} for entry in live]
    difference = compare.entries_difference(fact["entries"], found)
    checks.true(f"{name} dump: entries", difference is None, difference)
    text = tool.run("dump", fact["map"], *target)
    checks.equal(f"{name} dump: text", 0, text.status)


def check_list(checks, tool, name, program, target):
    document = tool.document(checks, name, "list", *target, "--format", "json")
    if document is None:
        return
    rows = {row["name"]: row for row in document["maps"]}
    for expression, fact in program.maps.items():
        if "byMap" in expression:
            continue  # behind a map's key: list does not look into maps
        row = rows.get(expression, {})
        checks.equal(f"{name}: {expression}", (len(fact["entries"]), "sync", fact["address"]),
                     (row.get("len"), row.get("implementation"), row.get("address")))
    nested = [row for row in rows if row.startswith(("main.nested[", "(map[string]uint8)("))]
    checks.equal(f"{name}: maps inside a sync.Map",
                 ['main.nested["eu"]', "main.nested[float64(2.5)]", "main.nested[int16(3)][0]", "main.nested[int16(3)][1]", 'main.nested[main.name("typed")]'],
                 sorted(row for row in nested if row.startswith("main")))
    checks.equal(f"{name}: one by its address, as NaN finds nothing", 1, sum(row.startswith("(map[string]uint8)(") for row in nested))
    for row in nested:
        shown = tool.run("show", row, *target)
        checks.equal(f"{name}: {row} is a MAP", 0, shown.status)


def check_expressions(checks, tool, name, target):
    for expression, entries in (('main.nested["eu"]', 2), ('main.nested[main.name("typed")]', 1), ("main.nested[2.5]", 1),
                                ("main.nested[int16(3)][0]", 1), ("main.held", None), ("main.mixed[7]", None), ('main.nested["no"]', None)):
        result = tool.run("show", expression, *target, "--format", "json")
        if entries is None:
            checks.equal(f"{name}: {expression} is no map", 3, result.status)
        else:
            checks.true(f"{name}: {expression}", result.status == 0 and compare.parse(result.stdout)["len"] == entries, result.stderr)
    for command in ("trace",):
        result = tool.run(command, "main.held.Map", "1", *target)
        checks.equal(f"{name}: {command} does not look into a sync.Map", (3, True), (result.status, "does not look into" in result.stderr))
    result = tool.run("dump", "main.held.Map", "--bucket", "0", *target)
    checks.equal(f"{name}: a sync.Map has no buckets", 2, result.status)


def check_large(checks, tool, name, target, *more):
    document = tool.document(checks, name, "show", "main.large", *target, "--format", "json", *more)
    if document is None:
        return
    wrong = [entry for entry in document["entries"] if entry["value"]["value"] != entry["key"]["value"] ** 2]
    keys = {entry["key"]["value"] for entry in document["entries"]}
    checks.equal(f"{name}: entries", (LARGE, LARGE, []), (document["len"], len(keys & set(range(LARGE))), wrong[:3]))


def check_reading(checks, tool, label, program, target):
    """Ways of reading: without stopping, with a buffer that is too small, a few entries."""
    check_large(checks, tool, f"{label} --no-stop", target, "--no-stop")
    check_large(checks, tool, f"{label} small buffer", target, "--buffer", "64K")
    few = tool.document(checks, f"{label} --max", "show", "main.large", *target, "--format", "json", "--max", "5")
    if few is not None:
        checks.equal(f"{label} --max", (LARGE, 5), (few["len"], len(few["entries"])))
    text = tool.run("show", "main.large", *target)
    checks.true(f"{label} text", f"{LARGE} entries  sync" in text.stdout and f"{LARGE - 64} more" in text.stdout, text.stdout[-200:])
    check_show(checks, tool, f"{label} by address", target, dict(program.maps["main.expunged"], map=program.maps["main.expunged"]["address"]))
    check_show(checks, tool, f"{label} by type and address", target,
               dict(program.maps["main.boxed"], map=f"(sync.Map)({program.maps['main.boxed']['address']})"))
    for budget in ("1", "3", "5", "10"):  # wherever it is in the map by then
        for size in ("4K", "48M"):
            result = tool.run("verify", "main.large", "--format", "json", "--buffer", size, *target, "--pause-budget", budget)
            wrong = [check for check in compare.parse(result.stdout)["checks"] if not check["ok"]] if result.stdout else []
            checks.true(f"{label} --pause-budget {budget} --buffer {size}: a map that was not read to its end is not wrong",
                        result.status in (0, 3) and not wrong, f"{result.status}: {str(wrong)[:500]}")
    checks.true(f"{label}: the target answers", program.answers(), "no pong")


# --- damage -------------------------------------------------------------------------------------------------------------


def checked_words(tool, expression, target):
    """Which checks of `verify` found something wrong; the exit status. None where it did not end well."""
    result = tool.run("verify", expression, *target, "--format", "json", limit=30)
    if result.timed_out or result.status not in (0, 1):
        return result.status, result.stderr[-300:]
    report = compare.parse(result.stdout)
    return result.status, sorted({check["check"] for check in report["checks"] if not check["ok"]})


def trie_damage(document, entries, colliding):
    """(what, the map, address, value, size, the check that finds it) of a trie: main.amended, and main.colliding for chains."""
    root = document["nodes"][0]
    below = document["nodes"][1] if len(document["nodes"]) > 1 else None
    first = int(root["address"], 0) + CHILDREN + WORD * root["children"][0]["slot"]
    entry, other = (int(e["address"], 0) for e in entries[:2])
    chain = next(child["entries"] for node in colliding["nodes"] for child in node["children"] if len(child["entries"]) > 1)
    last = int(chain[-1]["address"], 0)
    free = next(slot for slot in range(16) if slot not in [child["slot"] for child in colliding["nodes"][-1]["children"]])
    yield "a child slot that leads to the root", "main.amended", first, int(root["address"], 0), 8, "structure"
    yield "a child slot that leads nowhere", "main.amended", first, 0x10, 8, "structure"
    yield "a child slot that is not aligned", "main.amended", first, entry + 1, 8, "structure"
    yield "isEntry that is neither", "main.amended", entry, 7, 1, "structure"
    yield "a key of another hash", "main.amended", entry + KEY + WORD, ("copy", other + KEY + WORD, WORD), WORD, "placement"
    yield "a root without inited", "main.amended", int(document["address"], 0), 0, 4, "header"
    yield "inited without a root", "main.amended", int(document["address"], 0) + 16, 0, 8, "header"
    yield "a seed that is another one", "main.amended", int(document["address"], 0) + 40, 1, 8, "placement"
    yield "a dead node", "main.amended", int(root["address"], 0) + DEAD, 1, 4, "slots"
    yield "a chain that leads back to itself", "main.colliding", last + OVERFLOW, last, 8, "structure"
    yield "a chain that ends in a node", "main.colliding", last + OVERFLOW, int(colliding["nodes"][0]["address"], 0), 8, "structure"
    yield "a key of two entries", "main.colliding", last + KEY, chain_key(chain[0]), 16, "duplicates"
    yield "an entry in a slot of another path", "main.colliding", int(colliding["nodes"][-1]["address"], 0) + CHILDREN + WORD * free, last, 8, "structure"
    if below:
        yield "a parent that is another one", "main.amended", int(below["address"], 0) + PARENT, 0, 8, "slots"


def chain_key(entry):
    """In place of a value: where it lies, to be copied."""
    return ("copy", int(entry["key_address"], 0), 16)


def inner_damage(document, program, version_minor):
    """The same of read and dirty: main.expunged."""
    read = int(document["header"]["read"], 0)
    address = int(document["address"], 0)
    misses = address + (32 if version_minor <= 19 else 24)
    dirty = misses - 8
    expunged = int(document["header"]["expunged"], 0)
    shared = next(e for e in document["read"]["entries"] if e["in_dirty"] and e["state"] == "live")
    alone = next(e for e in document["dirty"]["entries"] if not e["in_read"])
    marked = next(e for e in document["read"]["entries"] if e["state"] == "expunged")
    yield "an expunged entry in dirty", "main.expunged", int(shared["address"], 0), expunged, 8, "slots"
    yield "a live entry that dirty lacks", "main.expunged", int(marked["address"], 0), int(shared["value_address"], 0), 8, "slots"
    yield "amended without a dirty map", "main.expunged", dirty, 0, 8, "header"
    yield "a dirty map that leads nowhere", "main.expunged", dirty, 0x10, 8, "structure"
    yield "a dirty map that is not amended", "main.expunged", read + 8, 0, 1, "header"
    yield "a value that leads nowhere", "main.expunged", int(alone["address"], 0), 0x10, 8, "pointers"
    if version_minor >= 15:
        yield "misses that would have promoted it", "main.expunged", misses, 99999, 8, "header"


def check_damage(checks, tool, label, program, target, trie):
    minor = minor_of(program)
    if trie:
        amended = tool.document(checks, label, "dump", "main.amended", *target, "--format", "json")
        colliding = tool.document(checks, label, "dump", "main.colliding", *target, "--format", "json")
        cases = trie_damage(amended, dumped_entries(amended, trie), colliding)
    else:
        expunged = tool.document(checks, label, "dump", "main.expunged", *target, "--format", "json")
        cases = inner_damage(expunged, program, minor)
    with open(f"/proc/{program.pid}/mem", "rb") as memory:
        for what, expression, address, value, size, finder in cases:
            if isinstance(value, tuple):
                memory.seek(value[1])
                value = memory.read(value[2])
            checks.equal(f"{label}: {what}: written", "ok", program.write(address, value, size))
            status, wrong = checked_words(tool, expression, target)
            checks.true(f"{label}: {what}", status == 1 and finder in wrong, f"expected {finder} to be wrong, found {status}: {wrong}")
            for command in ("show", "stat", "dump", "list"):
                arguments = [expression] if command != "list" else []
                result = tool.run(command, *arguments, *target, "--format", "json", limit=30)
                checks.true(f"{label}: {what}: {command} ends", not result.timed_out and result.status in (0, 4), result.stderr[-300:])
            checks.equal(f"{label}: {what}: taken back", "ok", program.restore())
        check_random_damage(checks, tool, label, program, target, trie)
    status, wrong = checked_words(tool, "main.colliding", target)
    checks.equal(f"{label}: nothing is wrong afterwards", (0, []), (status, wrong))


def check_random_damage(checks, tool, label, program, target, trie):
    """Words of nodes and entries that become any other: every command ends, with what it can show."""
    chance = random.Random(7)
    document = tool.document(checks, label, "dump", "main.mixed", *target, "--format", "json")
    places = [int(document["address"], 0) + offset for offset in range(0, 40, 8)]
    for entry in dumped_entries(document, trie):
        places += [int(entry["address"], 0), int(entry["key_address"], 0), int(entry["key_address"], 0) + 8]
        if trie:
            places.append(int(entry["address"], 0) + OVERFLOW)
    for node in document.get("nodes", []):
        places += [int(node["address"], 0) + offset for offset in range(0, NODE_SIZE, 8)]
    for _ in range(MUTANTS):
        place = chance.choice(places)
        value = chance.choice([0, 1, 0x10, (1 << 64) - 1, 1 << 63, chance.choice(places), chance.choice(places) + 4, chance.getrandbits(64)])
        program.write(place, value)
        for command, statuses in (("show", (0, 3, 4)), ("dump", (0, 3, 4)), ("verify", (0, 1, 4))):
            result = tool.run(command, "main.mixed", *target, "--format", "json", limit=30)
            checks.true(f"{label}: {value:#x} at {place:#x}: {command} ends", not result.timed_out and result.status in statuses,
                        f"{result.status}: {result.stderr[-300:]}")
        program.restore()


def check_busy(checks, tool, label, program, target):
    """A map that several goroutines change: each stop shows one moment of it."""
    checks.equal(f"{label}: started", "ok", program.ask("busy"))
    for number in range(5):
        document = tool.document(checks, f"{label} {number}", "show", "main.busyMap", *target, "--format", "json")
        if document is not None:
            keys = [entry["key"]["value"] for entry in document["entries"]]
            checks.equal(f"{label} {number}: each key once", len(keys), len(set(keys)))
            checks.equal(f"{label} {number}: len", document["len"], len(keys))
            wrong = [e for e in document["entries"] if e["value"]["value"] % 5000 != e["key"]["value"]]
            checks.equal(f"{label} {number}: values", [], wrong[:3])
        status, wrong = checked_words(tool, "main.busyMap", target)
        checks.equal(f"{label} {number}: verify", (0, []), (status, wrong))
    result = process.run([*tool.command, "show", "main.busyMap", *target, "--no-stop", "--format", "json"], 60)
    checks.true(f"{label} --no-stop", result.status in (0, 4), f"{result.status}: {result.stderr[-300:]}")
    checks.true(f"{label}: the target answers", program.answers(), "no pong")
