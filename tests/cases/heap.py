"""Where addresses lie: heap/place.h on a running zoo and its core, by the program tests/unit/heap_places."""
import os
import shutil

from cases import units


def check(checks, build, label, zoo, targets):
    program = os.path.join(build, "tests", "unit", "heap_places")
    if "live" in targets and checks.wanted(f"{label} heap live"):
        units.check_program(checks, f"{label} heap live", [program, "-p", str(zoo.pid)], build)
        checks.true(f"{label} heap live: the target answers", zoo.answers(), "no pong")
    if "gcore" in targets and shutil.which("gcore") and checks.wanted(f"{label} heap gcore"):
        core = zoo.gdb_core()
        units.check_program(checks, f"{label} heap gcore", [program, "-c", core, zoo.executable], build)
        os.remove(core)
