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


def load_schema(name="layout"):
    with open(os.path.join(go.ROOT, "docs", f"{name}.schema.json")) as file:
        return json.load(file)


def check(checks, tool, version):
    name = f"{version} layouts"
    if not checks.wanted(name):
        return
    for label, program in builds(version):
        check_json(checks, tool, label, program)
        check_c(checks, tool, label, program)
        check_go(checks, tool, label, program)
    check_chosen(checks, tool, name, build(version))
    if go.minor_of(version) >= 10:  # before, DWARF has no constants
        check_reader(checks, tool, name, build(version))


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
