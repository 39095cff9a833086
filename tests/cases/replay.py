"""The command replay against Python's dictionaries: random operations in every Go version."""
import random

VERSIONS = range(8, 28)
OPERATIONS = 1500
# Go type, and how key and elem number i are written
TYPES = {
    "map[int]int": (str, str),
    "map[string]uint8": (lambda i: f'"key {i}"', lambda i: str(i % 256)),
    "map[[2]int16]struct{}": (lambda i: f"{{{i % 7}, {i}}}", lambda i: "{}"),
    "map[any]float64": (lambda i: f'"{i}"' if i % 2 else f"int32({i})", lambda i: f"{i}.5"),
    "map[struct{ A [130]byte; B string }]bool": (lambda i: f'{{B: "{i}"}}', lambda i: "true"),
}


def check(checks, tool):
    for version in VERSIONS:
        for go_type, (key, elem) in TYPES.items():
            name = f"replay 1.{version} {go_type}"
            if checks.wanted(name):
                check_type(checks, tool, name, version, go_type, key, elem)


def check_type(checks, tool, name, version, go_type, key, elem):
    generator = random.Random(name)
    lines, expected = play(generator, key, elem)
    documents = tool.document(checks, name, "replay", "--go", f"1.{version}", "--type", go_type, "--seed",
                              str(generator.getrandbits(64)), "--format", "ndjson", lines=True, stdin="\n".join(lines) + "\n")
    if documents is None:
        return
    checks.equal(f"{name}: operations", len(expected), len(documents))
    for i, (found, document) in enumerate(expected):
        checks.equal(f"{name}: line {i + 1}, {lines[i]}", (found, document),
                     (documents[i].get("found"), documents[i]["len"]))
        if found is not None and found != documents[i].get("found"):
            break


def play(generator, key, elem):
    """Lines, and for each (found: None where nothing is asked, length)."""
    lines, expected, entries = [], [], set()
    keys = generator.choice([12, 60, 400])
    for _ in range(OPERATIONS):
        i = generator.randrange(keys)
        found = None
        operation = generator.choices(["set", "delete", "get", "clear"], [50, 25, 25, 0.2])[0]
        if operation == "set":
            entries.add(key(i))
            lines.append(f"set {key(i)} {elem(i)}")
        elif operation == "delete":
            entries.discard(key(i))
            lines.append(f"delete {key(i)}")
        elif operation == "get":
            found = key(i) in entries
            lines.append(f"get {key(i)}")
        else:
            entries.clear()
            lines.append("clear")
        expected.append((found, len(entries)))
    return lines, expected
