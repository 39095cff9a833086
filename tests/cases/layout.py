"""What layout makes for other tools: C headers, Go source, JSON by its schema; and readers made from a header alone."""
import json
import os
import shutil
import subprocess
import tempfile

from harness import go, process, schema

SOURCE = os.path.join(go.ROOT, "testdata", "layouts")
READERS = os.path.join(go.ROOT, "tests", "layout")
TYPE = "map[uint64]uint64"
WARNINGS = ["-Wall", "-Wextra", "-Werror"]
# Compilers of a header, and what makes them include nothing of the system that is not theirs.
COMPILERS = [["gcc", "-std=c11"], ["clang", "-std=c11"], ["clang", "-target", "bpf", "-ffreestanding", "-O2", "-g"]]


def build(version, machine="amd64", experiment=""):
    return go.build_program(version, f"layouts-{machine}-{experiment}", SOURCE, go.Mode(experiment=experiment), GOARCH=machine)


def builds(version):
    """(label, program) of every machine and implementation that the table of versions knows."""
    for machine in ("amd64", "386"):
        for experiment in ("", "noswissmap") if go.minor_of(version) in (24, 25) else ("",):
            yield f"{version} layouts {machine} {experiment}".strip(), build(version, machine, experiment)


def ask(tool, program):
    """What layout says of it; `tool` is mapscope's path."""
    return json.loads(process.must_run([tool, "layout", "-e", program, "--format", "json"], 120).stdout)


def load_schema():
    with open(os.path.join(go.ROOT, "docs", "layout.schema.json")) as file:
        return json.load(file)


def check(checks, tool, version):
    name = f"{version} layouts"
    if not checks.wanted(name):
        return
    for label, program in builds(version):
        check_json(checks, tool, label, program)
        check_c(checks, tool, label, program)
        check_go(checks, tool, label, program)
        check_known(checks, tool, label, version, program)
    check_chosen(checks, tool, name, build(version))
    check_reader(checks, tool, name, build(version))
    check_expect(checks, tool, name, build(version))


def check_once(checks, tool):
    """What needs no program."""
    if checks.wanted("layout tables"):
        check_table(checks, tool, "layout tables")
    if checks.wanted("layout diff"):
        check_diff(checks, tool, "layout diff")


def part_of_schema(part):
    return dict(load_schema(), **{"$ref": f"#/$defs/{part}"})


def check_known(checks, tool, label, version, program):
    """The table of versions has what the DWARF of that version says: every struct, field, size and constant."""
    known = f"go1.{go.minor_of(version)}" + ("/386" if " 386" in label else "") + ("/classic" if label.endswith("noswissmap") else "")
    same = tool.run("layout", "diff", known, program)
    checks.equal(f"{label} table: as DWARF has it", (0, ""), (same.status, same.stdout[:300]))
    back = tool.run("layout", "diff", program, known)
    checks.equal(f"{label} table: the other way round", (0, ""), (back.status, back.stdout[:300]))


def check_table(checks, tool, name):
    document = tool.document(checks, f"{name}: json", "layout", "--version-table", "--format", "json")
    if document is None:
        return
    checks.equal(f"{name}: schema", [], list(schema.problems(document, part_of_schema("table")))[:5])
    rows = {(row["go"], row["arch"], row["implementation"]): row for row in document["versions"]}
    listed = process.must_run([os.path.join(go.ROOT, "scripts", "go-toolchain"), "--list"]).stdout.split()
    expected = {(f"go1.{minor}", arch, implementation) for minor in map(go.minor_of, listed) for arch in ("amd64", "386")
                for implementation, first, last in (("classic", 8, 25), ("swiss", 24, 99)) if first <= minor <= last}
    checks.equal(f"{name}: rows", expected, set(rows))
    checks.equal(f"{name}: g.goid of 1.23", 160, rows["go1.23", "amd64", "classic"]["structs"]["runtime.g"]["fields"]["goid"]["offset"])
    lines = tool.document(checks, f"{name}: ndjson", "layout", "--version-table", "--format", "ndjson", lines=True)
    checks.equal(f"{name}: ndjson", document["versions"], lines)
    text = tool.run("layout", "--version-table").stdout
    checks.true(f"{name}: text", "\nextra      1.9 ... 1.23     40    8  24    4\n" in text, text[:800])
    checks.equal(f"{name}: no target is needed, no argument taken", 2, tool.run("layout", "--version-table", "x").status)
    check_table_in_c(checks, tool, name, rows)


def check_table_in_c(checks, tool, name, rows):
    """The header compiles, and has the numbers of the JSON."""
    with tempfile.TemporaryDirectory(prefix="mapscope-layout-") as folder:
        write(folder, "layout.h", tool.run("layout", "--version-table", "--format", "c").stdout)
        lines = ['#include "layout.h"', "int main(void)", "{"]
        for (version, arch, implementation), row in rows.items():
            call = f"go_version_layout({version.split('.')[1]}, {8 if arch == 'amd64' else 4}, {int(implementation == 'swiss')})"
            for struct, field in (("runtime.g", "goid"), ("runtime.m", "curg"), ("runtime.hmap", "buckets"), ("runtime.moduledata", "types")):
                place = row["structs"].get(struct, {}).get("fields", {}).get(field)
                member = f"{struct.replace('.', '_')}_{field}.offset"
                lines.append(f"\tif ({call}->{member} != {place['offset'] if place else 'GO_ABSENT'})\n\t\treturn 1;")
        write(folder, "main.c", "\n".join([*lines, "\treturn go_version_layout(7, 8, 0) != 0;", "}", ""]))
        for compiler in COMPILERS:
            compile_with(checks, f"{name}: {' '.join(compiler[:3])}", compiler, folder, "main.c")
        program = os.path.join(folder, "main")
        process.must_run(["gcc", "-I", folder, os.path.join(folder, "main.c"), "-o", program])
        checks.equal(f"{name}: the header's numbers are those of the JSON", 0, process.run([program]).status)


def check_diff(checks, tool, name):
    same = tool.run("layout", "diff", "go1.22", "go1.22")
    checks.equal(f"{name}: same", (0, ""), (same.status, same.stdout))
    document = tool.document(checks, f"{name}: json", "layout", "diff", "go1.23", "go1.24/classic", "--format", "json", status=1)
    if document:
        checks.equal(f"{name}: schema", [], list(schema.problems(document, part_of_schema("diff")))[:5])
        found = {(entry["owner"], entry["name"]): (entry["change"], entry["a"], entry["b"]) for entry in document["differences"]}
        checks.equal(f"{name}: moved", ("moved", {"offset": 40, "size": 8}, {"offset": 48, "size": 8}), found.get(("runtime.hmap", "extra")))
        checks.equal(f"{name}: added", ("added", None, {"offset": 40, "size": 8}), found.get(("runtime.hmap", "clearSeq")))
        checks.equal(f"{name}: resized", ("resized", {"size": 48}, {"size": 56}), found.get(("runtime.hmap", None)))
    text = tool.run("layout", "diff", "go1.11/386", "go1.12/386")
    checks.true(f"{name}: text", text.status == 1 and "changed  runtime.minTopHash: 4 -> 5\n" in text.stdout, text.stdout[:300])
    for arguments, status, part in ((["go1.23"], 2, "diff takes two"), (["go1.7", "go1.23"], 3, "Go 1.7"), (["go1.99", "go1.23"], 3, "Go 1.99"),
                                    (["go1.26/classic", "go1.23"], 3, "no classic maps"), (["/nowhere", "go1.23"], 3, "/nowhere"),
                                    (["/dev/null", "go1.23"], 3, "/dev/null")):
        result = tool.run("layout", "diff", *arguments)
        checks.true(f"{name}: {' '.join(arguments)}", result.status == status and part in result.stderr, f"{result.status}: {result.stderr}")


def check_expect(checks, tool, name, program):
    """verify --expect: what was stored is found again; each way to change it is named."""
    with tempfile.TemporaryDirectory(prefix="mapscope-layout-") as folder:
        path = os.path.join(folder, "stored.json")
        stored = tool.run("layout", "-e", program, "--format", "json").stdout
        write(folder, "stored.json", stored)
        kept = tool.run("verify", "-e", program, "--expect", path)
        checks.true(f"{name} expect: kept", kept.status == 0 and "0 differences" in kept.stdout, kept.stdout[-300:] + kept.stderr)
        for change, place, expected in CHANGES:
            document = json.loads(stored)
            change(document)
            write(folder, "stored.json", json.dumps(document))
            report = tool.document(checks, f"{name} expect: {place}", "verify", "-e", program, "--expect", path, "--format", "json", status=1)
            wrong = [f"{check['subject']}: {wrong['place']}: {wrong['expected']}" for check in (report or {"checks": []})["checks"]
                     for wrong in check["wrong"] if check["subject"] != path]
            checks.equal(f"{name} expect: {place}", [f"{place}: {expected}"], wrong)
        document = json.loads(stored)
        del document["structs"]["runtime.m"], document["constants"]["runtime._Gscan"]
        document["maps"] = {}
        document["later"] = [{"unknown": [1.5, None, "x"]}]
        write(folder, "stored.json", json.dumps(document))
        checks.equal(f"{name} expect: less is kept too", 0, tool.run("verify", "-e", program, "--expect", path).status)
        for text in ("", "{", "[]", stored[:len(stored) // 2], stored + "x", '{"arch": "amd64"}', '{"structs": {"a": {"size": -1}}}', "\0", "{" * 99):
            write(folder, "stored.json", text)
            result = tool.run("verify", "-e", program, "--expect", path)
            checks.true(f"{name} expect: {text[:20]!r} is refused", result.status == 3 and path in result.stderr, f"{result.status} {result.stderr}")


def _set(*keys, value):
    def change(document):
        for key in keys[:-1]:
            document = document[key]
        document[keys[-1]] = value
    return change


# How a stored layout is changed; what is named then.
CHANGES = [
    (_set("structs", "runtime.g", "fields", "m", "offset", value=7), "runtime.g: m", "offset 7, 8 bytes"),
    (_set("structs", "runtime.slice", "size", value=23), "runtime.slice: struct", "23 bytes"),
    (_set("structs", "runtime.slice", "fields", "gone", value={"offset": 1, "size": 2, "type": "x"}), "runtime.slice: gone", "offset 1, 2 bytes"),
    (_set("structs", "runtime.gone", value={"size": 1, "fields": {}}), "runtime.gone: struct", "1 bytes"),
    (_set("constants", "runtime._Gscan", value=1), "runtime._Gscan: constant", "1"),
    (_set("maps", "map[uint64]uint64", "key_size", value=9), "map[uint64]uint64: key_size", "9"),
    (_set("arch", value="arm64"), "arch: head", "arm64"),
]


def check_json(checks, tool, label, program):
    document = tool.document(checks, f"{label} json", "layout", "-e", program, "--format", "json")
    if document is None:
        return
    checks.equal(f"{label} json: schema", [], list(schema.problems(document, load_schema()))[:5])
    minor = int(document["go"].split(".")[1])
    for struct, field in (("runtime.g", "goid"), ("runtime.m", "curg"), ("runtime.p", "status"), ("runtime.moduledata", "types"),
                          ("runtime.slice", "cap"), ("runtime.eface", "data"), ("runtime.hchan", "qcount"),
                          ("runtime._type" if minor < 21 else "internal/abi.Type", "str" if minor < 21 else "Str")):
        checks.true(f"{label} json: {struct}.{field}", field in document["structs"].get(struct, {}).get("fields", {}))
    damaged = json.loads(json.dumps(document))
    damaged["structs"]["runtime.g"]["size"] = -1
    checks.true(f"{label} json: the schema can fail", list(schema.problems(damaged, load_schema())))


def check_c(checks, tool, label, program):
    result = tool.run("layout", "-e", program, "--format", "c", TYPE, "map[string]int")
    checks.equal(f"{label} c: status", 0, result.status)
    checks.equal(f"{label} c: includes", ["#include <stdint.h>"], [line for line in result.stdout.splitlines() if "#include" in line])
    checks.true(f"{label} c: assertions", result.stdout.count("_Static_assert(") > 200, f"{result.stdout.count('_Static_assert(')}")
    with tempfile.TemporaryDirectory(prefix="mapscope-layout-") as folder:
        write(folder, "layout.h", result.stdout)
        write(folder, "twice.c", '#include "layout.h"\n#include "layout.h"\n')
        for compiler in COMPILERS:
            compile_with(checks, f"{label} c: {' '.join(compiler[:3])}", compiler, folder, "twice.c")
        # an assertion that can fail: a field that is not where the constant says
        moved = result.stdout.replace("_OFFSET = 8,", "_OFFSET = 9,", 1)
        write(folder, "layout.h", moved)
        broken = process.run(["gcc", "-fsyntax-only", os.path.join(folder, "twice.c")])
        checks.true(f"{label} c: a moved constant is refused", broken.status != 0 and "static assertion" in broken.stderr)


def compile_with(checks, name, compiler, folder, source):
    if not shutil.which(compiler[0]):
        checks.skip(name, f"there is no {compiler[0]}")
        return
    result = process.run([*compiler, *WARNINGS, "-I", folder, "-c", os.path.join(folder, source), "-o", os.path.join(folder, "out.o")])
    checks.true(name, result.status == 0, result.stderr[-400:])


def write(folder, name, text):
    with open(os.path.join(folder, name), "w") as file:
        file.write(text)


def check_go(checks, tool, label, program):
    """gofmt has nothing to change; go vet compiles it."""
    result = tool.run("layout", "-e", program, "--format", "go", TYPE)
    checks.equal(f"{label} go: status", 0, result.status)
    checks.true(f"{label} go: constants", result.stdout.count(" = ") > 200)
    with tempfile.TemporaryDirectory(prefix="mapscope-layout-") as folder:
        write(folder, "layout.go", result.stdout)
        write(folder, "go.mod", "module golayout\n\ngo 1.20\n")
        formatted = process.run(["gofmt", "-l", os.path.join(folder, "layout.go")])
        checks.equal(f"{label} go: gofmt", (0, "", ""), (formatted.status, formatted.stdout, formatted.stderr))
        environment = dict(os.environ, GOFLAGS="", GOTOOLCHAIN="local", GOWORK="off", GOCACHE=os.path.join(go.cache(), "go-build"))
        vetted = process.run(["go", "vet", "."], 300, cwd=folder, env=environment)
        checks.equal(f"{label} go: vet", (0, ""), (vetted.status, vetted.stderr[-300:]))


def check_chosen(checks, tool, name, program):
    """Structs by name; types by name; what is not there."""
    result = tool.run("layout", "-e", program, "runtime.g", "runtime.stack")
    headings = [line.split(",")[0] for line in result.stdout.splitlines() if line.endswith(" bytes")]
    checks.equal(f"{name} chosen: structs", ["runtime.g", "runtime.stack"], headings)
    document = tool.document(checks, f"{name} chosen: json", "layout", "-e", program, "runtime.slice", "--format", "json")
    if document:
        checks.equal(f"{name} chosen: json", (["runtime.slice"], {}), (list(document["structs"]), document["maps"]))
    missing = tool.run("layout", "-e", program, "map[uint8]complex64")
    checks.true(f"{name} chosen: no such type", missing.status == 3 and "no such map type" in missing.stderr, missing.stderr)
    refused = tool.run("show", "-e", program, "main.small", "--format", "c")
    checks.true(f"{name} chosen: c is for layouts", refused.status == 2 and "not text, json or ndjson" in refused.stderr, refused.stderr)


class Running:
    """testdata/layouts as it waits: {map: (address, set of "KEY VALUE")}."""

    def __init__(self, program):
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.maps = {}
        for line in self.process.stdout:
            words = line.split()
            if words == ["ready"]:
                break
            if len(words) == 3:
                entries = set()
                self.maps[words[0]] = (words[2], entries)
            elif len(words) == 2:
                entries.add(line.strip())

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


def check_reader(checks, tool, name, program):
    """A reader that was compiled against the header finds what the program says that it has."""
    with tempfile.TemporaryDirectory(prefix="mapscope-layout-") as folder:
        write(folder, "layout.h", tool.run("layout", "-e", program, "--format", "c", TYPE).stdout)
        for source in ("map_reader.h", "reader.c", "probe.c"):
            shutil.copy(os.path.join(READERS, source), folder)
        compile_with(checks, f"{name} reader: clang -target bpf", COMPILERS[2], folder, "probe.c")
        reader = os.path.join(folder, "reader")
        built = process.run(["gcc", "-O2", *WARNINGS, "-I", folder, os.path.join(folder, "reader.c"), "-o", reader])
        checks.true(f"{name} reader: gcc", built.status == 0, built.stderr[-400:])
        if built.status != 0:
            return
        running = Running(program)
        try:
            checks.equal(f"{name} reader: maps", {"small", "large", "deleted"}, set(running.maps))
            for map_name, (address, entries) in running.maps.items():
                lines = process.run([reader, str(running.process.pid), address]).stdout.splitlines()
                checks.true(f"{name} reader: {map_name} has entries", len(entries) > 1)
                checks.equal(f"{name} reader: {map_name}", (len(entries), entries), (len(lines), set(lines)))
        finally:
            running.close()
