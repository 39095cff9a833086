"""tests/run: the one way to run the tests."""
import argparse
import multiprocessing
import os
import tempfile
import traceback
from concurrent.futures import ProcessPoolExecutor

from cases import (allmaps, core, errors, faults, foreign, fuzzed, gdb, heap, hostile, layout, limits, live, machines, mutants, newer, pause, permissions,
                   processes, races, refmap, replay, secrets, stackmaps, stacks, stripped, supervised, syncmaps, units)
from harness import go, process, zoo
from harness.checks import Checks
from harness.tool import Tool

DEFAULT_VERSIONS = "1.8 1.11 1.17 1.20 1.23 1.24 1.26 1.27"


def main(arguments):
    options = parse(arguments)
    with tempfile.TemporaryDirectory(prefix="mapscope-tests-") as claims:
        checks = Checks(options.filter, options.verbose, claims, options.skip)
        if not os.access(options.mapscope, os.X_OK):
            checks.true("mapscope", False, f"{options.mapscope} is not there: ninja -C build")
        else:
            options.targets = [target for target in options.targets if checks.possible(f"target {target}")]
            run_parts(checks, options)
    print(checks.summary())
    return 1 if checks.failed else 0


def run_parts(checks, options):
    """What is of no version, and each version, part by part, side by side in processes of their own."""
    tool = Tool(options.mapscope)
    parts = [(version, number) for version in [None, *options.versions] for number in range(len(parts_of(checks, tool, options, version)))]
    with ProcessPoolExecutor(min(options.jobs, len(parts)), multiprocessing.get_context("fork")) as pool:
        for part, outcome in [(part, pool.submit(run_part, checks, options, *part)) for part in parts]:
            try:
                checks.add_counts(*outcome.result())
            except Exception:  # the process is gone
                checks.true(f"{part[0] or 'once'}, part {part[1]}", False, traceback.format_exc())


def run_part(checks, options, version, number):
    """(passed, failed, skipped); a process runs several parts."""
    before = checks.counts()
    guarded(checks, *parts_of(checks, Tool(options.mapscope), options, version)[number])
    return [after - counted for after, counted in zip(checks.counts(), before)]


def parts_of(checks, tool, options, version):
    """[(name, function, its arguments...)]"""
    return parts_of_version(checks, tool, options, version) if version else parts_of_none(checks, tool, options)


def parts_of_none(checks, tool, options):
    return [
        ("units", units.check_there, checks, options.build),
        *((f"unit {name}", units.check, checks, name, command, options.build) for name, command in units.commands(options.build).items()),
        ("errors", errors.check, checks, tool, options),
        ("replay", replay.check, checks, tool),
        ("layout", layout.check_once, checks, tool),
        ("newer Go", newer.check, checks, tool, options.targets),
    ]


def parts_of_version(checks, tool, options, version):
    return [
        (f"{version} gdb", gdb.check, checks, tool, version, options.build),
        (f"{version} layouts", layout.check, checks, tool, version),
        (f"{version} made of tables", units.check_known_debug, checks, options.build, version),
        (f"{version} foreign", foreign.check, checks, tool, version),
        (f"{version} machines", machines.check, checks, tool, options.build, version, options.targets),
        (f"{version} stacks", stacks.check, checks, tool, options.build, version, options.targets),
        (f"{version} races", races.check, checks, tool, version, options.targets),
        (f"{version} allmaps", allmaps.check, checks, tool, version, options.targets),
        (f"{version} stripped", stripped.check, checks, tool, version, options.targets),
        (f"{version} heap spans", heap.check_spans, checks, options.build, version, options.targets),
        (f"{version} fuzzed", fuzzed.check, checks, tool, version, options.build),
        (f"{version} stack maps", stackmaps.check, checks, options.build, version, options.targets),
        *([(f"{version} faults", faults.check, checks, tool, version, options.build)] if "live" in options.targets else []),
        (f"{version} hostile", hostile.check, checks, tool, version, options.targets, options.build),
        (f"{version} secrets", secrets.check, checks, tool, version, options.targets, options.build),
        *((f"{version} {mode}", check_version, checks, tool, version, mode, options) for mode in options.modes),
    ]


def parse(arguments):
    parser = argparse.ArgumentParser(prog="tests/run", description="Runs the tests of mapscope on real Go programs.")
    parser.add_argument("--versions", default=os.environ.get("MAPSCOPE_GO_VERSIONS") or DEFAULT_VERSIONS,
                        help="Go versions such as 1.8,1.23 or all (default: $MAPSCOPE_GO_VERSIONS, else %(default)s)")
    parser.add_argument("--modes", default="plain", help="build modes, or all: " + ", ".join(go.MODES) + " (default: %(default)s)")
    parser.add_argument("--targets", default="live,gcore,core", help="of these (default: %(default)s)")
    parser.add_argument("--filter", metavar="REGEX", help="only checks with such a name")
    parser.add_argument("--skip", metavar=("REGEX", "REASON"), nargs=2, action="append", default=[],
                        help="not checks with such a name, nor a target such as 'target live': this machine cannot run them")
    parser.add_argument("--build", default=os.path.join(go.ROOT, "build"), help="meson's build folder")
    parser.add_argument("--mapscope", help="the program to test (default: the one in the build folder)")
    parser.add_argument("--big", type=int, default=1000000, help="entries of the large map (default: %(default)s)")
    parser.add_argument("--update", action="store_true", help="write the golden files anew from what mapscope prints")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="parts side by side (default: %(default)s, the processors)")
    parser.add_argument("--patience", type=int, default=1, metavar="N", help="time limits N times as long, for slow and emulated machines")
    parser.add_argument("--verbose", action="store_true", help="print checks that pass too")
    options = parser.parse_args(arguments)
    process.patience = options.patience
    for name, given in (("--versions", options.versions), ("--modes", options.modes), ("--targets", options.targets)):
        if not split(given, lambda: [given]):
            parser.error(f"argument {name}: it names none")
    options.build = os.path.abspath(options.build)
    options.mapscope = os.path.abspath(options.mapscope or os.path.join(options.build, "src", "command", "mapscope"))
    options.versions = split(options.versions, all_versions)
    options.targets = split(options.targets, list)
    options.modes = split(options.modes, lambda: list(go.MODES))
    return options


def split(text, everything):
    return everything() if text == "all" else text.replace(",", " ").split()


def all_versions():
    listed = process.must_run([os.path.join(go.ROOT, "scripts", "go-toolchain"), "--list"]).stdout.split()
    return [f"1.{go.minor_of(version)}" for version in listed]


def guarded(checks, name, function, *arguments):
    """A fixture that does not build or start fails the run, it is not skipped."""
    try:
        function(*arguments)
    except go.Unavailable as reason:
        checks.skip(name, str(reason))
    except (go.BuildFailed, zoo.Broken, process.Failed) as error:
        checks.true(name, False, f"{type(error).__name__}: {error}")
    except Exception:  # a member that a document lacks, say: this part has failed, the others go on
        checks.true(name, False, traceback.format_exc())


def check_version(checks, tool, version, mode, options):
    label = f"{version} {mode}"
    if not go.MODES[mode].dwarf:
        raise go.Unavailable("a build without DWARF only has its error, in the golden cases")
    full, folder = go.build(version, mode)
    checks.note(f"go{full} {mode}: built")
    units.check_facts(checks, options.build, label, os.path.join(folder, "zoo"))
    if mode == "plain":
        units.check_map_types(checks, options.build, version)
        guarded(checks, f"{version} syncmaps", syncmaps.check, checks, tool, version, options.targets)
    refmap.check(checks, options.build, version, mode)
    tool = Tool(tool.path, *go.MODES[mode].surroundings(folder))
    animal = zoo.Zoo(os.path.join(folder, "zoo"), options.big)
    try:
        heap.check(checks, options.build, label, animal, options.targets)
        if "live" in options.targets:
            units.check_sources(checks, options.build, label, animal.process.pid)
            supervised.check(checks, tool, options.build, label, animal)
            limits.check(checks, tool, label, animal)
        for target, check in (("live", live.check), ("gcore", core.check_gdb), ("core", core.check_kernel)):
            if target in options.targets:
                check(checks, tool, label, animal)
                checks.note(f"go{full} {mode}: {target} done")
    finally:
        animal.close()
    if "live" in options.targets:
        processes.check(checks, tool, label, os.path.join(folder, "zoo"))
        if mode in ("plain", "cgo"):
            pause.check(checks, tool, label, os.path.join(folder, "zoo"))
            permissions.check(checks, tool, label, os.path.join(folder, "zoo"))
        if mode == "plain":
            pause.check_soak(checks, tool, version)
            pause.check_hammer(checks, tool, version)
        mutants.check(checks, tool, version)
