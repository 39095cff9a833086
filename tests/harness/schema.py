"""Checks JSON against the words of JSON Schema that docs/ uses; an unknown word is an error, so that nothing passes unread."""

TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None), "integer": int}
SILENT = {"$schema", "title", "description", "$defs"}


def problems(value, schema, root=None, where="$"):
    """What is wrong, each with where it is."""
    root = schema if root is None else root
    for word, rule in schema.items():
        if word not in SILENT:
            yield from _WORDS[word](value, rule, schema, root, where)


def _is(value, name):
    return isinstance(value, TYPES[name]) and not (name == "integer" and isinstance(value, bool))


def _type(value, rule, schema, root, where):
    names = [rule] if isinstance(rule, str) else rule
    if not any(_is(value, name) for name in names):
        yield f"{where}: {value!r} is not {' or '.join(names)}"


def _enum(value, rule, schema, root, where):
    if value not in rule:
        yield f"{where}: {value!r} is not one of {rule}"


def _const(value, rule, schema, root, where):
    if value != rule:
        yield f"{where}: {value!r} is not {rule!r}"


def _minimum(value, rule, schema, root, where):
    if isinstance(value, int) and value < rule:
        yield f"{where}: {value} is below {rule}"


def _required(value, rule, schema, root, where):
    for name in rule:
        if isinstance(value, dict) and name not in value:
            yield f"{where}: there is no {name}"


def _properties(value, rule, schema, root, where):
    for name, part in rule.items():
        if isinstance(value, dict) and name in value:
            yield from problems(value[name], part, root, f"{where}.{name}")


def _additional(value, rule, schema, root, where):
    for name, member in value.items() if isinstance(value, dict) else ():
        if name not in schema.get("properties", {}):
            yield from problems(member, rule, root, f"{where}.{name}")


def _items(value, rule, schema, root, where):
    for index, member in enumerate(value if isinstance(value, list) else ()):
        yield from problems(member, rule, root, f"{where}[{index}]")


def _all_of(value, rule, schema, root, where):
    for part in rule:
        yield from problems(value, part, root, where)


def _one_of(value, rule, schema, root, where):
    answers = [list(problems(value, part, root, where)) for part in rule]
    fitting = sum(not answer for answer in answers)
    if fitting != 1:
        yield f"{where}: {fitting} of {len(rule)} forms fit: {[answer[:1] for answer in answers]}"


def _reference(value, rule, schema, root, where):
    target = root
    for name in rule.removeprefix("#/").split("/"):
        target = target[name]
    yield from problems(value, target, root, where)


_WORDS = {"type": _type, "enum": _enum, "const": _const, "minimum": _minimum, "required": _required, "properties": _properties,
          "additionalProperties": _additional, "items": _items, "allOf": _all_of, "oneOf": _one_of, "$ref": _reference}
