"""Programs without DWARF and symbols: the maps of the zoo are found, and every command says of them what the zoo says."""
import os
import re
import shutil
import tempfile

from cases import dump, maps, trace
from harness import allmaps, compare, go, heapscore, machines, zoo

# Of the suite; scripts/prove-stripped goes through all.
SAMPLE = ["stripped"]
# Go 1.N of which a program with symbols alone is looked at too.
SYMBOLS = 27
# Other machines that are looked at too, 386 live, else in a core; scripts/matrix-stripped looks at all.
MACHINES = {"1.23": ["386"], "1.26": ["s390x"]}
# Go 1.N of which testdata/allmaps is looked at too: all its maps are found, and of these at least so many have one settled type.
ALL = {20: 0.70, 26: 0.76}
NARROW_ALL = 26  # as 386 too
# Maps of which stat, show and dump are asked; every Nth.
EVERY = 40


def check(checks, tool, version, targets, modes=SAMPLE, every=EVERY):
    for mode in modes:
        label = f"{version} {mode}"
        if checks.wanted(label):
            check_mode(checks, tool, label, version, mode, targets, every)
            if go.minor_of(version) == 26:
                check_refused(checks, tool, version)
            if go.minor_of(version) == 24 and "live" in targets:
                check_nameless(checks, tool, version)
    if go.minor_of(version) == SYMBOLS and "live" in targets and checks.wanted(f"{version} symbols"):
        check_symbols(checks, tool, f"{version} symbols", version)
    for machine in MACHINES.get(version, []):
        if "live" in targets and checks.wanted(f"{version} stripped {machine}"):
            check_machine(checks, tool, f"{version} stripped {machine}", version, machine, every)
    if go.minor_of(version) in ALL and "live" in targets and checks.wanted(f"{version} stripped allmaps"):
        check_all(checks, tool, f"{version} stripped allmaps", version)
        if go.minor_of(version) == NARROW_ALL:
            check_all(checks, tool, f"{version} stripped allmaps 386", version, "386")


def check_all(checks, tool, name, version, machine=""):
    """Of thousands of maps among decoys all are found, and what is said of them is true."""
    program = allmaps.AllMaps(allmaps.build(version, go.Mode(*go.MODES["stripped"].flags, machine=machine)))
    try:
        check_all_target(checks, tool, name, ["-p", str(program.pid)], program.truth, ALL[go.minor_of(version)])
    finally:
        program.close()


def check_all_target(checks, tool, name, target, truth, typed):
    """`typed`: least share of maps with one settled type."""
    rows = tool.document(checks, name, "list", "--all", *target, "--format", "ndjson", lines=True, limit=120)
    if rows is None:
        return
    score = heapscore.Score(truth, rows, short=True)
    checks.note(f"{name}: {score.line()}")
    checks.true(f"{name}: found", not score.missed, f"{score.line()}; missed: {heapscore.by_place(score.missed)}")
    checks.true(f"{name}: no type is wrong", not score.wrong, heapscore.examples(score.wrong))
    checks.true(f"{name}: the true type is a candidate", not score.without_truth, heapscore.examples(score.without_truth))
    checks.true(f"{name}: types made by reflect", not any(fact["place"] == "type made by reflect" for fact, _ in score.untyped),
                heapscore.by_place(score.untyped))
    checks.true(f"{name}: one type", score.typed_share >= typed, score.line())
    checks.true(f"{name}: len", not score.wrong_len, heapscore.examples(score.wrong_len))
    checks.equal(f"{name}: decoys taken for maps", {}, dict(score.decoys))
    checks.true(f"{name}: no dead map is called live", not score.dead_as_live, str(score.dead_as_live[:3]))
    checks.equal(f"{name}: each once", 0, score.doubled)


def check_symbols(checks, tool, name, version):
    """Without DWARF, but with symbols (-w): a variable leads to its map and the map to its variable, whose type is settled where only one fits; the
    runtime's figures are there."""
    animal = zoo.Zoo(os.path.join(go.build(version, "nodwarf")[1], "zoo"), big=1000)
    target = ["-p", str(animal.pid)]
    try:
        check_target(checks, tool, name, target, animal.truth, EVERY)
        fact = animal.truth.maps["main.halfText"]
        shown = tool.document(checks, f"{name} stat", "stat", "main.halfText", *target, "--format", "json")
        if shown is not None:
            maps.check_head(checks, f"{name} stat main.halfText", shown, animal.truth, fact)
        check_names(checks, tool, name, target, animal.truth)
        top = tool.document(checks, f"{name} top", "top", *target, "--format", "json")
        checks.true(f"{name}: figures of the heap", top and top["live_heap"] and top["heap_goal"], str(top)[:200])
    finally:
        animal.close()


def check_names(checks, tool, name, target, truth):
    """Maps that variables lead to have the variables' names; what lies behind says through which variable it is reached."""
    rows = tool.document(checks, f"{name} list --all, names", "list", "--all", *target, "--format", "json")
    if rows is None:
        return
    found = {int(row["address"], 16): row for row in rows["maps"]}
    facts = [fact for fact in truth.maps.values() if fact["address"] and fact["listed"] and re.fullmatch(r"main\.\w+", fact["map"])
             and int(fact["address"], 16) in found and not fact["type"].startswith("sync.")]
    names = [(fact["map"], found[int(fact["address"], 16)]["name"]) for fact in facts]
    named = [said for right, said in names if said == right]
    checks.true(f"{name}: names", len(named) >= 20 and len(named) >= 0.9 * len(facts), f"{len(named)} of {len(facts)}: {names[:5]}")
    checks.equal(f"{name}: other names", [], [pair for pair in names if pair[1] not in (None, pair[0])][:5])
    paths = [row["path"] for row in rows["maps"] if row["path"].startswith("main.")]
    checks.true(f"{name}: paths", len(paths) > len(named), str(paths[:5]))


def check_machine(checks, tool, name, version, machine, every):
    try:
        words = machines.emulator(machine, version)
    except go.Unavailable as reason:
        checks.skip(name, str(reason))
        return
    executable = machines.build(version, machine, go.ZOO, "-ldflags=-s -w")
    animal = machines.Zoo(executable, words)
    try:
        target = ["-c", machines.core_of(animal, words), "-e", executable] if words else ["-p", str(animal.pid)]
        check_target(checks, tool, name, target, animal.truth, every)
    finally:
        animal.close()


def check_mode(checks, tool, label, version, mode, targets, every):
    executable = os.path.join(go.build(version, mode)[1], "zoo")
    animal = zoo.Zoo(executable, big=1000)
    try:
        if "live" in targets:
            check_target(checks, tool, f"{label} live", ["-p", str(animal.pid)], animal.truth, every)
            checks.true(f"{label} live: the target answers", animal.answers(), "no pong")
        if "gcore" in targets and shutil.which("gcore"):
            core = animal.gdb_core()
            check_target(checks, tool, f"{label} gcore", ["-c", core, "-e", executable], animal.truth, every)
        if "core" in targets:
            core = animal.kernel_core()
            if core:
                check_target(checks, tool, f"{label} core", ["-c", core, "-e", executable], animal.truth, every)
    finally:
        animal.close()


def check_target(checks, tool, name, target, truth, every):
    check_proof(checks, tool, name, target)
    rows = tool.document(checks, f"{name} list --all", "list", "--all", *target, "--format", "json")
    if rows is None:
        return
    found = {int(row["address"], 16): row for row in rows["maps"]}
    facts = [fact for fact in truth.maps.values() if fact["address"] and fact["listed"] and "header" in fact]
    for fact in facts:
        check_row(checks, f"{name} list --all {fact['map']}", found.get(int(fact["address"], 16)), fact)
    checks.equal(f"{name}: go", truth.go.split()[0].split("-")[0], rows["go"].split()[0].split("-")[0])
    for fact in facts[::every]:
        check_map(checks, tool, f"{name} {fact['map']}", target, truth, fact)


def check_proof(checks, tool, name, target):
    """Every run says what its layouts rest on, and that it was proved."""
    said = tool.run("top", *target).stderr
    proof = re.search(r"no DWARF: layouts are those of Go 1\.\d+ with (?:swiss|classic) maps, proved by (\d+) spans, (\d+) goroutines"
                      r" and the hashes of (\d+) keys in (\d+) maps", said)
    checks.true(f"{name}: proved", proof and all(int(number) >= 3 for number in proof.groups()), said.strip()[-300:])


def check_row(checks, name, row, fact):
    """Types that lie alike in memory and hash alike cannot be told apart: then the true one is among the candidates."""
    if row is None:
        checks.true(name, False, "not listed")
        return
    checks.equal(f"{name}: len", fact["len"], row["len"])
    if row["type"] is not None:
        checks.equal(f"{name}: type", compare.plain_type(fact["type"]), compare.plain_type(row["type"]))
    elif row["candidates"] is not None:
        plain = [compare.plain_type(candidate) for candidate in row["candidates"]]
        checks.true(f"{name}: candidates", compare.plain_type(fact["type"]) in plain, f"{fact['type']} not in {plain}")
    else:
        checks.equal(f"{name}: only an empty map can be of any type", 0, row["len"])


def check_map(checks, tool, name, target, truth, fact):
    """Named by its address and type, as package variables have no names."""
    named = dict(fact, map=f"({fact['type']})({fact['address']})")
    maps.check_show(checks, tool, f"{name} show", target, truth, named)
    maps.check_stat(checks, tool, f"{name} stat", target, truth, named)
    if "slots" in fact:
        dump.check(checks, tool, f"{name} dump", target, named, truth.implementation)
        trace.check_map(checks, tool, f"{name} trace", target, truth, named, set())
    document = tool.document(checks, f"{name} verify", "verify", named["map"], *target, "--format", "json")
    if document is not None:
        wrong = [check for check in document["checks"] if not check["ok"]]
        checks.true(f"{name} verify", document["ok"], str(wrong[:3]))


def check_refused(checks, tool, version):
    """What cannot be told is an error that says what was found: no function table, a newer Go, layouts of another version."""
    executable = os.path.join(go.build(version, "stripped")[1], "zoo")
    with open(executable, "rb") as file:
        image = file.read()
    full = go.toolchain(version)[0].encode()
    newer = b"1.99" + full[4:] if len(full) > 4 else full
    cases = {
        "obfuscated": (change(image, b"\xf1\xff\xff\xff\0\0", b"\xf2\xfe\xff\xff\0\0"), "no function table"),
        "newer": (image.replace(b"go" + full, b"go" + newer), "is newer than this mapscope has tables for"),
        "older": (image.replace(b"go" + full, b"go1.21" + full[4:]), "but its moduledata is laid out as that of Go"),
    }
    for name, (changed, message) in cases.items():
        with tempfile.NamedTemporaryFile() as file:
            file.write(changed)
            file.flush()
            result = tool.run("layout", "-e", file.name)
            checks.true(f"{version} stripped, {name}", result.status == 3 and message in result.stderr, f"{result.status}: {result.stderr[-300:]}")


def check_nameless(checks, tool, version):
    """Nothing says the version, and moduledata is that of Go 1.22 to 1.25: what is found in memory is of one of them only."""
    full, folder = go.build(version, "unknown")
    with open(os.path.join(folder, "zoo"), "rb") as file:
        image = file.read().replace(b"go" + full.encode(), b"xx" + b"." * len(full))
    path = os.path.join(folder, "nameless")
    with open(path, "wb") as file:
        file.write(image)
    os.chmod(path, 0o755)
    animal = zoo.Zoo(path, big=1000)
    try:
        result = tool.run("verify", "-p", str(animal.pid))
        checks.true(f"{version} stripped, nameless", result.status == 0 and "layouts are those of Go 1.24 with swiss maps, proved by" in result.stderr,
                    f"{result.status}: {result.stderr[-300:]}")
    finally:
        animal.close()


def change(image, old, new):
    """Of the function table; such bytes are in code too."""
    at = image.find(old, 4096)
    while at >= 0:
        image = image[:at] + new + image[at + len(old):]
        at = image.find(old, at)
    return image
