"""Reading JSON without losing anything a check is about, and comparing Go values."""
import collections
import hashlib
import json
import math
import re

EXACT = 2 ** 53


class Duplicate(Exception):
    """An object has a member twice."""


def _object(pairs):
    result = dict(pairs)
    if len(result) != len(pairs):
        raise Duplicate("a member appears twice: " + ", ".join(name for name, _ in pairs))
    return result


def _integer(text):
    return -0.0 if text == "-0" else int(text)


def _constant(text):
    raise ValueError(f"{text} is not JSON")


def parse(text):
    """-0 stays negative, doubled members and the NaN that is not JSON are errors."""
    return json.loads(text, object_pairs_hook=_object, parse_int=_integer, parse_constant=_constant)


def parse_lines(text):
    return [parse(line) for line in text.split("\n") if line]


def _number(value):
    """One text for every way to write the same number: 1, 1.0 and 1e0."""
    if isinstance(value, float):
        if value == 0:
            return "-0" if math.copysign(1, value) < 0 else "0"
        return str(int(value)) if value.is_integer() else repr(value)
    return str(value)


def canonical(value):
    """A text that is the same for equal Go values. The order of a struct's fields counts, that of a map's entries not."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return json.dumps(value)
    if isinstance(value, (int, float)):
        return _number(value)
    if isinstance(value, list):
        return "[" + ",".join(canonical(v) for v in value) + "]"
    if is_map(value):
        entries = sorted(canonical(e) for e in value["entries"]) if "entries" in value else ["..."]
        return f"map({value['address']},{value['type']},{value['len']},{','.join(entries)})"
    return "{" + ",".join(json.dumps(k) + ":" + canonical(v) for k, v in value.items()) + "}"


def is_map(value):
    return isinstance(value, dict) and {"address", "type", "len"} <= set(value) <= {"address", "type", "len", "entries"}


def cut_maps(value, depth):
    """The value with maps nested more than `depth` levels deep without their entries."""
    if isinstance(value, list):
        return [cut_maps(v, depth) for v in value]
    if is_map(value):
        cut = {name: value[name] for name in ("address", "type", "len")}
        if depth > 0 and "entries" in value:
            cut["entries"] = cut_maps(value["entries"], depth - 1)
        return cut
    if isinstance(value, dict):
        return {k: cut_maps(v, depth) for k, v in value.items()}
    return value


def entries_difference(expected, found):
    """None, or what the multisets of entries do not have in common, in a line."""
    want = collections.Counter(canonical(e) for e in expected)
    have = collections.Counter(canonical(e) for e in found)
    if want == have:
        return None
    missing, surplus = list((want - have).elements()), list((have - want).elements())
    return (f"{len(expected)} expected, {len(found)} found; {len(missing)} missing, {len(surplus)} surplus;"
            f" expected {_short(missing)} found {_short(surplus)}")


def _short(texts):
    return texts[0][:300] if texts else "nothing"


def plain_type(name):
    """A type's name as reflect spells it: import paths cut to their last part, spaces as gofmt has them not."""
    return re.sub(r"(?:[\w.~-]+/)+", "", name)


def checksum(entries):
    """The zoo's checksum of large maps: see checksum in testdata/zoo/truth.go."""
    total = 0
    for entry in entries:
        text = json.dumps({"key": entry["key"], "value": entry["value"]}, separators=(",", ":"), ensure_ascii=False)
        total += int.from_bytes(hashlib.sha1(text.encode()).digest()[:8], "big")
    return f"{total % 2 ** 64:016x}"


def word(value):
    """A machine word as a number, however it is written: 5, "0x5", null."""
    if value is None:
        return 0
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, str):
        return int(value, 0)
    return value
