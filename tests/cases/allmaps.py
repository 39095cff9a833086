"""list --all, top and who on testdata/allmaps: every live map is found, nothing else, with its type, and who holds it."""
import random
import shutil

from cases import heap_damage, progress
from harness import allmaps, go, heapscore

# What is asked for. Types: the least share that is exact. Kept: words that may be taken for
# pointers to dead maps: registers and system stacks of threads have no maps of what is alive. Others: live maps of the runtime and the library.
TYPED = 0.95
TYPED_OF_OLD = 0.90  # before 1.11 DWARF says no types of descriptors, before 1.17 less of locals
KEPT = 5
OTHERS = 200
OWNERS = 60
TOP = 50


def check(checks, tool, version, targets):
    label = f"{version} allmaps"
    if not checks.wanted(label):
        return
    program = allmaps.AllMaps(allmaps.build(version))
    try:
        if "live" in targets:
            target = ["-p", str(program.pid)]
            check_target(checks, tool, f"{label} live", target, program.truth, version)
            check_shared(checks, tool, f"{label} live who", target, program.truth)
            if checks.first(["progress"]):
                progress.check(checks, tool, f"{label} live progress", target)
            checks.true(f"{label} live: the target answers", program.answers(), "no pong")
        if "gcore" in targets and shutil.which("gcore"):
            core = program.gdb_core()
            check_target(checks, tool, f"{label} gcore", ["-c", core, "-e", program.executable], program.truth, version)
        if "core" in targets:
            core = program.kernel_core()
            if core:
                check_target(checks, tool, f"{label} core", ["-c", core, "-e", program.executable], program.truth, version)
                heap_damage.check(checks, tool, label, core, program, version)
    finally:
        program.close()


def check_target(checks, tool, name, target, truth, version):
    rows = tool.document(checks, f"{name} list --all", "list", "--all", *target, "--format", "ndjson", lines=True)
    if rows is None:
        return
    score = heapscore.Score(truth, rows)
    checks.note(f"{name}: {score.line()}")
    check_score(checks, name, score, TYPED if go.minor_of(version) >= 17 else TYPED_OF_OLD)
    check_garbage(checks, tool, name, target, truth)
    check_owners(checks, tool, name, target, score)
    check_top(checks, tool, name, target, score)


def check_score(checks, name, score, typed):
    at = heapscore.by_place
    checks.true(f"{name}: every live map is found", not score.missed, f"{len(score.missed)} are not: {at(score.missed)}")
    checks.true(f"{name}: no type is wrong", not score.wrong, f"{len(score.wrong)}: {heapscore.examples(score.wrong)}")
    checks.true(f"{name}: exact types", score.typed_share >= typed, f"{score.typed_share:.4f}, at least {typed}: {at(score.untyped)}")
    checks.true(f"{name}: the true type is a candidate", not score.without_truth,
                f"{len(score.without_truth)} not: {heapscore.examples(score.without_truth)}")
    checks.true(f"{name}: len", not score.wrong_len, heapscore.examples(score.wrong_len))
    checks.equal(f"{name}: decoys taken for maps", {}, dict(score.decoys))
    words = score.words_to_dead()
    checks.true(f"{name}: dead maps called live", len(words) <= KEPT and all(word.startswith("(goroutine") for word in words),
                f"{len(score.dead_as_live)}, by {words}")
    checks.true(f"{name}: other maps", len(score.others) <= OTHERS, f"{len(score.others)}: {score.others[:3]}")
    checks.equal(f"{name}: each once", 0, score.doubled)
    checks.true(f"{name}: only live ones", len(score.live) == len(score.rows), f"{len(score.rows) - len(score.live)} dead ones")


def check_garbage(checks, tool, name, target, truth):
    """Dead maps that nothing has swept yet are there, swept ones are not."""
    rows = tool.document(checks, f"{name} --garbage", "list", "--all", "--garbage", *target, "--format", "ndjson", lines=True)
    if rows is None:
        return
    score = heapscore.Score(truth, rows)
    listed, there = score.garbage_listed("fresh")
    checks.true(f"{name} --garbage: maps of after the last collection", listed >= there - KEPT, f"{listed} of {there}")
    listed, there = score.garbage_listed("swept")
    checks.true(f"{name} --garbage: swept maps", listed <= KEPT, f"{listed} of {there}")
    checks.true(f"{name} --garbage: live maps too", not score.missed, f"{len(score.missed)} missed")


def check_owners(checks, tool, name, target, score):
    """An owner is a way to the map: the map that it leads to is this one."""
    by_place = {}
    for address, row in score.live.items():
        if row["owner"] and address in score.truth.maps:
            by_place.setdefault(score.truth.maps[address]["place"], []).append(row)
    sample = [found[0] for found in by_place.values()]
    rest = [row for found in by_place.values() for row in found[1:]]
    sample += random.Random(1).sample(rest, min(len(rest), max(OWNERS - len(sample), 0)))
    checks.true(f"{name}: there are owners", len(by_place) > 10, str(sorted(by_place)))
    for row in sample:
        what = f"{name} owner {row['owner']}"
        shown = tool.document(checks, what, "stat", row["owner"], *target, "--format", "json")
        if shown is not None:
            checks.equal(f"{what}: address", row["address"], shown["address"])
            checks.equal(f"{what}: bytes", row["bytes"], shown["bytes"])


def check_top(checks, tool, name, target, score):
    for key, field in (("bytes", "bytes"), ("waste", "wasted_bytes"), ("len", "len")):
        what = f"{name} top --by {key}"
        document = tool.document(checks, what, "top", "--by", key, "--max", str(TOP), *target, "--format", "json")
        if document is None:
            continue
        found = [row[field] for row in document["maps"]]
        checks.equal(f"{what}: the largest of list --all, in order", sorted((row[field] for row in score.live.values()), reverse=True)[:TOP],
                     found)
    giants = {address for address, fact in score.truth.maps.items() if fact["place"] == "giant"}
    document = tool.document(checks, f"{name} top", "top", "--max", str(len(giants)), *target, "--format", "json")
    if document is not None:
        checks.equal(f"{name} top: the giants", giants, {int(row["address"], 16) for row in document["maps"]})
    check_types(checks, tool, f"{name} top --by type", target, score)
    check_least(checks, tool, f"{name} top --min", target, score)


def check_least(checks, tool, name, target, score):
    """Those with as much or more, however many: at the value of one of them, and above it."""
    for key, field in (("bytes", "bytes"), ("len", "len")):
        value = sorted((row[field] for row in score.live.values()), reverse=True)[TOP]
        for least in (value, value + 1):
            document = tool.document(checks, name, "top", "--by", key, "--min", str(least), "--max", "0", *target, "--format", "json")
            if document is not None:
                checks.equal(f"{name} --by {key}: those, and no other", {row["address"] for row in score.live.values() if row[field] >= least},
                             {row["address"] for row in document["maps"]})


def check_shared(checks, tool, name, target, truth):
    """The array on the way to a map that two slices share, and the map that no slice shares anything on the way to."""
    for place, slices in (("shelf", [["main.half", "main.shelf"]]), ("hall", [])):
        address = next(hex(address) for address, fact in truth.maps.items() if fact["place"] == "named: " + place)
        document = tool.document(checks, f"{name} {place}", "who", address, *target, "--format", "json")
        if document is not None:
            checks.equal(f"{name} {place}: slices that share an array", slices, [array["slices"] for array in document["shared_arrays"]])


def check_types(checks, tool, name, target, score):
    document = tool.document(checks, name, "top", "--by", "type", "--max", "0", *target, "--format", "json")
    if document is None:
        return
    expected = {}
    for row in score.live.values():
        total = expected.setdefault(row["type"], [0, 0, 0])
        for i, number in enumerate((1, row["len"], row["bytes"])):
            total[i] += number
    found = {row["type"]: [row["maps"], row["len"], row["bytes"]] for row in document["types"]}
    different = {kind: (total, found.get(kind)) for kind, total in expected.items() if kind and total != found.get(kind)}
    checks.equal(f"{name}: totals", {}, dict(list(different.items())[:3]))
