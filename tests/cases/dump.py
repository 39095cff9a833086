"""The inside of a map, as dump shows it: header words and the address of every live slot."""
from harness import compare


def check(checks, tool, name, target, fact, implementation):
    if not checks.wanted(name):
        return
    document = tool.document(checks, name, "dump", fact["map"], *target, "--format", "json")
    if document is None:
        return
    header = fact.get("header")
    if header:
        check_header(checks, name, document.get("header"), header)
    expected = {(slot["key_address"], slot["elem_address"]) for slot in fact["slots"]}
    found = set(live_slots(document))
    checks.true(f"{name}: slot addresses", expected == found,
                f"{len(expected)} expected, {len(found)} found; missing {sorted(expected - found)[:2]},"
                f" surplus {sorted(found - expected)[:2]}")


def check_header(checks, name, found, expected):
    if not isinstance(found, dict):
        checks.true(f"{name}: header", False, f"expected an object, found {found!r}")
        return
    for field, value in expected.items():
        checks.equal(f"{name}: header.{field}", compare.word(value), compare.word(found.get(field, "0xdeadbeef")))


def live_slots(value):
    """(key address, elem address) of every live slot anywhere in the document."""
    if isinstance(value, list):
        for item in value:
            yield from live_slots(item)
    elif isinstance(value, dict):
        if "key_address" in value and value.get("state") in ("live", "full"):
            yield value["key_address"], value["elem_address"]
        for item in value.values():
            yield from live_slots(item)
