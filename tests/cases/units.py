"""The test programs in C that meson builds: each ends by printing `N passed, N failed`."""
import json
import os
import re

from cases import layout
from harness import go, process


def commands(build):
    """{name: command line} as meson knows them: some take files of test vectors."""
    path = os.path.join(build, "meson-info", "intro-tests.json")
    if not os.path.exists(path):
        return {}
    with open(path) as file:
        return {test["name"]: test["cmd"] for test in json.load(file)}


def check_there(checks, build):
    checks.true("unit tests are there", bool(commands(build)), f"meson knows of none in {build}")


def check(checks, test, command, build):
    name = "unit " + test
    if not checks.wanted(name):
        return
    if not os.access(command[0], os.X_OK):
        checks.true(name, False, f"{command[0]} is not built: ninja -C build")
        return
    check_program(checks, name, command, build)


def check_facts(checks, build, label, binary):
    """What the source knows of Go versions by heart, against the DWARF of a program of that version."""
    name = f"{label} facts"
    if checks.wanted(name) and not label.endswith(("debuglink", "buildid", "debuginfod")):
        check_program(checks, name, [os.path.join(build, "tests", "unit", "facts"), binary], build)


def check_map_types(checks, build, version):
    """The same, and the three sources of `verify`, for maps of many types on a machine of 32 bits, and in groups of another shape."""
    minor = go.minor_of(version)
    for label, first, machine, experiment in (("386", 8, "386", ""), ("split groups", 27, "amd64", "mapsplitgroup"),
                                              ("386 split groups", 27, "386", "mapsplitgroup")):
        name = f"{version} map types {label}"
        if minor < first or not checks.wanted(name):
            continue
        program = go.build_map_types(version, machine, experiment)
        for test in ("facts", "sources"):
            check_program(checks, f"{name} {test}", [os.path.join(build, "tests", "unit", test), program], build)


def check_known_debug(checks, build, version):
    """The DWARF that is made from the tables of versions, against that of a program: all layouts, field by field."""
    name = f"{version} layouts made of tables"
    if not checks.wanted(name):
        return
    for label, program in layout.builds(version):
        check_program(checks, f"{label} made of tables", [os.path.join(build, "tests", "unit", "known_debug"), program], build)


def check_sources(checks, build, label, pid):
    """What DWARF, tables and descriptors say of a running program's maps; and changed, that it is seen."""
    name = f"{label} sources"
    if checks.wanted(name) and not label.endswith(("debuglink", "buildid", "debuginfod")):
        check_program(checks, name, [os.path.join(build, "tests", "unit", "sources"), str(pid)], build)


def check_program(checks, name, command, build, **environment):
    result = process.run(command, 120, cwd=build, env=dict(os.environ, **environment))
    counts = re.search(r"^(\d+) passed, (\d+) failed\s*\Z", result.stdout, re.MULTILINE)
    if not counts or result.status not in (0, 1):
        checks.true(name, False, f"status {result.status}, no counts: {(result.stdout + result.stderr)[-300:]}")
        return
    passed, failed = int(counts.group(1)), int(counts.group(2))
    checks.add_counts(passed, failed)
    if failed:
        print(f"FAIL {name}: {(result.stdout + result.stderr).strip()[-600:]}", flush=True)
    checks.true(f"{name}: status", (result.status != 0) == (failed > 0), f"status {result.status} with {failed} failed")
    checks.true(f"{name}: checks something", passed + failed > 0, "no checks in it")
