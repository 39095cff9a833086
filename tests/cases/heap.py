"""Where addresses lie: heap/place.h on a running zoo and its core, by the program tests/unit/heap_places. All spans, pointer masks
and roots: heap/spans.h and roots.h on testdata/heapspans, by tests/unit/heap_spans."""
import os
import shutil

from cases import units
from harness import go, zoo

SPANS = os.path.join(go.ROOT, "testdata", "heapspans")
LIMIT = "200MiB"  # GOMEMLIMIT, for a goal below that of GOGC


def check(checks, build, label, zoo, targets):
    program = os.path.join(build, "tests", "unit", "heap_places")
    if "live" in targets and checks.wanted(f"{label} heap live"):
        units.check_program(checks, f"{label} heap live", [program, "-p", str(zoo.pid)], build)
        checks.true(f"{label} heap live: the target answers", zoo.answers(), "no pong")
    if "gcore" in targets and shutil.which("gcore") and checks.wanted(f"{label} heap gcore"):
        core = zoo.gdb_core()
        units.check_program(checks, f"{label} heap gcore", [program, "-c", core, zoo.executable], build)
        os.remove(core)


def check_spans(checks, build, version, targets):
    label = f"{version} heap spans"
    if not checks.wanted(label):
        return
    executable = go.build_program(version, "heapspans", SPANS, go.Mode())
    check_spans_of(checks, build, label, executable, targets, {})
    if go.minor_of(version) >= 19:
        check_spans_of(checks, build, f"{label} with a limit", executable, targets[:1], {"GOMEMLIMIT": LIMIT})


def check_spans_of(checks, build, label, executable, targets, environment):
    program = os.path.join(build, "tests", "unit", "heap_spans")
    target = zoo.Fixture(executable, lambda folder: [os.path.join(folder, "truth")], environment)
    truth = os.path.join(target.folder, "truth")
    try:
        if "live" in targets:
            units.check_program(checks, f"{label} live", [program, "-p", str(target.pid), truth], build)
        if "gcore" in targets and shutil.which("gcore"):
            core = target.gdb_core()
            units.check_program(checks, f"{label} gcore", [program, "-c", core, executable, truth], build)
            os.remove(core)
        if "live" in targets:
            checks.true(f"{label} churn: began", target.ask("churn") == "churning", "no answer")
            units.check_program(checks, f"{label} churn", [program, "--churn", str(target.pid), truth], build)
            checks.true(f"{label}: the target answers", target.answers(), "no pong")
    finally:
        target.close()
