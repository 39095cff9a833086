"""A running zoo: every command, and the zoo still answers afterwards."""
from cases import maps, options, trace, verify
from harness import compare


def check(checks, tool, label, zoo):
    target = ["-p", str(zoo.pid)]
    check_fixture(checks, f"{label} fixture", zoo.truth)
    maps.check_all(checks, tool, f"{label} live", target, zoo.truth)
    options.check(checks, tool, label, target, zoo.truth, zoo.executable)
    trace.check(checks, tool, f"{label} live", target, zoo.truth)
    verify.check_all(checks, tool, f"{label} live", target, zoo.truth)
    verify.check_at_rest(checks, tool, label, zoo.executable)
    verify.check_other_hash(checks, tool, label, zoo.executable)
    checks.true(f"{label} live: the target answers", zoo.answers(), "no pong")
    check_no_stop(checks, tool, f"{label} no-stop", target, zoo)


def check_fixture(checks, name, truth):
    """The zoo agrees with itself, and is in the states that its names promise."""
    for expression, fact in truth.maps.items():
        if maps.is_large(fact):
            continue
        entries = sorted(compare.canonical(entry["key"]) for entry in fact["entries"])
        slots = sorted(compare.canonical(slot["key"]) for slot in fact["slots"])
        checks.true(f"{name} {expression}: slots are the entries", entries == slots and len(entries) == fact["len"],
                    f"{len(entries)} entries, {len(slots)} slots, len {fact['len']}")
    if truth.implementation == "classic":
        for expression in ("half", "halfText", "halfWide", "halfWay", "halfWayText", "sameSize", "sameSizeText"):
            header = truth.maps["main." + expression]["header"]
            checks.equal(f"{name} main.{expression} is growing", True, bool(header["oldbuckets"]))
            checks.equal(f"{name} main.{expression} grows into itself", "sameSize" in expression, bool(header["flags"] & 8))
    else:
        for expression in ("directory", "directoryText"):
            header = truth.maps["main." + expression]["header"]
            checks.true(f"{name} main.{expression} has a directory", header["dirLen"] > 1, str(header))


def check_no_stop(checks, tool, name, target, zoo):
    if not checks.wanted(name):
        return
    fact = zoo.truth.maps["main.words"]
    document = tool.document(checks, name, "show", fact["map"], *target, "--no-stop", "--format", "json")
    if document is not None:
        maps.check_head(checks, name, document, zoo.truth, fact)
        maps.check_entries(checks, name, fact, document["entries"])
