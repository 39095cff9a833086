"""What every command says about every map of a zoo, live or in a core, against the zoo's own truth."""
from cases import dump, memory
from harness import compare

# Maps inside a map are expanded to this many levels by default.
NESTED_LEVELS = 3

# These words differ between the tool's summary and the header's fields in name only.
CLASSIC_WORDS = {"b": "B", "noverflow": "noverflow", "flags": "flags", "hash0": "hash0"}
SWISS_WORDS = {"directory_len": "dirLen", "global_depth": "globalDepth", "seed": "seed", "writing": "writing"}


def is_large(fact):
    return "entries" not in fact


def is_growing(fact):
    return bool(fact.get("header", {}).get("oldbuckets"))


def check_all(checks, tool, label, target, truth, inside=True):
    """`target`: the options that name it. `inside`: also stat and dump of every map, not only of those in some state."""
    check_list(checks, tool, label, target, truth)
    for expression, fact in truth.maps.items():
        if inside or not is_large(fact):  # else ndjson below is enough: parsing a million entries takes Python seconds
            check_show(checks, tool, f"{label} show {expression}", target, truth, fact)
        if inside or "main.s" in expression or is_growing(fact):
            check_stat(checks, tool, f"{label} stat {expression}", target, truth, fact)
            if not is_large(fact):
                dump.check(checks, tool, f"{label} dump {expression}", target, fact, truth.implementation)
    for expression in ("main.words", "main.nilMap", "main.anyKeys") + (() if inside else ("main.big",)):
        check_lines(checks, tool, f"{label} ndjson {expression}", target, truth.maps[expression])


def check_show(checks, tool, name, target, truth, fact):
    if not checks.wanted(name):
        return
    document = tool.document(checks, name, "show", fact["map"], *target, "--format", "json", "--max", "0", limit=120)
    if document is None:
        return
    check_head(checks, name, document, truth, fact)
    checks.equal(f"{name}: go", truth.go.split()[0].split("-")[0], str(document.get("go")).split()[0].split("-")[0])
    entries = document.get("entries")
    if not isinstance(entries, list):
        checks.true(f"{name}: entries", False, f"expected a list, found {entries!r}")
    elif is_large(fact):
        checks.equal(f"{name}: checksum", fact["checksum"], compare.checksum(entries))
    else:
        check_entries(checks, name, fact, entries)


def check_head(checks, name, document, truth, fact):
    checks.equal(f"{name}: map", fact["map"], document.get("map", document.get("name")))
    checks.equal(f"{name}: type", compare.plain_type(fact["type"]), compare.plain_type(str(document.get("type"))))
    checks.equal(f"{name}: address", fact["address"], document.get("address"))
    checks.equal(f"{name}: len", fact["len"], document.get("len"))
    checks.equal(f"{name}: implementation", truth.implementation, document.get("implementation"))


def check_entries(checks, name, fact, entries):
    expected = compare.cut_maps(fact["entries"], NESTED_LEVELS)
    difference = compare.entries_difference(expected, entries)
    checks.true(f"{name}: entries", difference is None, difference)
    if difference is None and not is_growing(fact):
        keys = [compare.canonical(compare.cut_maps(slot["key"], NESTED_LEVELS)) for slot in fact["slots"]]
        checks.true(f"{name}: storage order", keys == [compare.canonical(entry["key"]) for entry in entries],
                    f"expected to begin with {keys[:3]}, found {entries[:3]}")


def check_lines(checks, tool, name, target, fact):
    """ndjson: an entry a line. A first line that describes the map, without a key, is no entry."""
    if not checks.wanted(name):
        return
    lines = tool.document(checks, name, "show", fact["map"], *target, "--format", "ndjson", "--max", "0", lines=True, limit=120)
    if lines is None:
        return
    entries = [line for line in lines if isinstance(line, dict) and "key" in line]
    if is_large(fact):
        checks.equal(f"{name}: checksum", fact["checksum"], compare.checksum(entries))
    else:
        difference = compare.entries_difference(compare.cut_maps(fact["entries"], NESTED_LEVELS), entries)
        checks.true(f"{name}: entries", difference is None, difference)


def check_list(checks, tool, label, target, truth):
    name = f"{label} list"
    if not checks.wanted(name):
        return
    document = tool.document(checks, name, "list", *target, "--format", "json")
    if document is None:
        return
    found = {entry["name"]: entry for entry in document["maps"]}
    checks.equal(f"{name}: names are there once", len(document["maps"]), len(found))
    for expression, fact in truth.maps.items():
        if not fact["listed"]:
            continue
        entry = found.get(expression)
        if entry is None:
            entry = same_map(fact, document["maps"])
            check_other_name(checks, tool, f"{name} {expression}", target, entry, fact)
        if entry:
            check_head(checks, f"{name} {expression}", dict(entry, map=expression), truth, fact)


def same_map(fact, maps):
    """A map that is reached by several ways is listed by one of them."""
    for entry in maps:
        if fact["address"] and entry["address"] == fact["address"]:
            return entry
    return None


def check_other_name(checks, tool, name, target, entry, fact):
    """The name that is listed in place of the expected one leads to the same map."""
    if entry is None:
        checks.true(name, False, f"not listed, nor another name of {fact['address']}")
        return
    document = tool.document(checks, name, "stat", entry["name"], *target, "--format", "json")
    if document is not None:
        checks.equal(f"{name} as {entry['name']}: address", fact["address"], document["address"])


def check_stat(checks, tool, name, target, truth, fact):
    if not checks.wanted(name):
        return
    document = tool.document(checks, name, "stat", fact["map"], *target, "--format", "json")
    if document is None:
        return
    check_head(checks, name, document, truth, fact)
    checks.equal(f"{name}: growing", is_growing(fact), document.get("growing"))
    chained = document.get("overflow_buckets", 0) + (document.get("old_buckets") or 0)
    checks.true(f"{name}: there is room for the entries", fact["len"] <= document["capacity"] + 8 * chained,
                f"capacity {document['capacity']} for {fact['len']} entries")
    checks.true(f"{name}: wasted_bytes <= bytes", 0 <= document["wasted_bytes"] <= document["bytes"],
                f"{document['wasted_bytes']} of {document['bytes']}")
    header = fact.get("header")
    if not header:
        return
    if fact["address"]:
        memory.check_map(checks, tool, name, target, fact["map"], int(truth.go.split(".")[1].split("-")[0].split(" ")[0]), document, truth.word)
    names = CLASSIC_WORDS if truth.implementation == "classic" else SWISS_WORDS
    for ours, runtimes in names.items():
        checks.equal(f"{name}: {ours}", header[runtimes], compare.word(document.get(ours)))
    if truth.implementation == "classic":
        check_chains(checks, name, document, fact)
    else:
        if document["probe_lengths"] is None:
            checks.true(f"{name}: says why there are no probe lengths", bool(document.get("no_probe_lengths")))
            return
        # A NaN hashes to something else each time: no probe leads to it.
        lost = sum('"NaN"' in compare.canonical(entry["key"]) for entry in fact.get("entries", []))
        probed = sum(document["probe_lengths"])
        checks.true(f"{name}: probe_lengths add up", fact["len"] - lost <= probed <= fact["len"],
                    f"{probed} probed of {fact['len']} entries with {lost} NaN keys")


def check_chains(checks, name, document, fact):
    header = fact["header"]
    checks.equal(f"{name}: buckets", 2 ** header["B"] if header["buckets"] else 0, document["buckets"])
    checks.equal(f"{name}: same_size_grow", bool(header["flags"] & 8), document["same_size_grow"])
    if is_growing(fact):
        old = document["buckets"] // (1 if header["flags"] & 8 else 2)
        checks.equal(f"{name}: old_buckets", old, document["old_buckets"])
        return
    chains = document["chain_lengths"]
    checks.equal(f"{name}: chain_lengths add up to the buckets", document["buckets"], sum(chains))
    checks.equal(f"{name}: chain_lengths add up to the overflow buckets",
                 document["overflow_buckets"], sum(i * count for i, count in enumerate(chains)))
