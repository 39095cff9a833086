"""What `meson install` puts in place, and the build tree: how GDB comes to know the commands."""
import json
import os
import shutil
import tempfile

from harness import gdb, process

SHORT = "mapscope show main.users"
ANSWER = "2 entries"


def check(checks, tool, debuggers, name, build, held):
    if not checks.wanted(name):
        return
    check_path(checks, tool, f"{name} build tree", build, held)
    for debugger in debuggers:
        check_no_reader(checks, debugger, f"{name} {debugger.name} without the reader", build, held)
    if not shutil.which("meson"):
        checks.skip(f"{name} installed", "there is no meson")
        return
    with tempfile.TemporaryDirectory(prefix="mapscope-gdb-") as folder:
        process.must_run(["meson", "install", "-C", build, "--no-rebuild", "--quiet", "--destdir", folder], limit=120)
        check_installed(checks, debuggers, f"{name} installed", build, folder, held)


def check_path(checks, tool, name, build, held):
    """README: gdb -ix $(mapscope gdb-script)"""
    result = tool.run("gdb-script")
    checks.equal(f"{name}: gdb-script", (0, os.path.realpath(gdb.script(build)) + "\n"), (result.status, result.stdout))
    result = tool.run("gdb-script", "nonsense")
    checks.equal(f"{name}: gdb-script nonsense", 2, result.status)


def check_no_reader(checks, debugger, name, build, held):
    """As in a GDB that cannot load shared objects: it says what to do instead."""
    with tempfile.TemporaryDirectory(prefix="mapscope-gdb-") as folder:
        copy = os.path.join(folder, "mapscope.gdb")
        with open(gdb.script(build)) as source, open(copy, "w") as file:
            file.write(source.read().replace("mapscope-gdb.so", "no-such.so"))
        said = debugger.run(["-p", str(held.pid)], [SHORT, "output $map_status", "print 6 * 7", "help mapscope show"], copy)
    checks.true(f"{name}: says so", "has not loaded mapscope's reader" in said[0] and "mapscope show -p PID" in said[0], said[0])
    checks.equal(f"{name}: GDB goes on", ["127", "$1 = 42\n"], said[1:3])
    checks.true(f"{name}: help", "Usage: mapscope show MAP" in said[3], said[3])


def check_installed(checks, debuggers, name, build, folder, held):
    """With the installed files in their places, for GDB alone: it sources gdbinit.d by itself."""
    prefix, sysconf = option(build, "prefix"), option(build, "sysconfdir")
    line = os.path.join(folder + os.path.join(prefix, sysconf), "gdb", "gdbinit.d", "mapscope.gdb")
    script = os.path.join(prefix, "share", "mapscope", "mapscope.gdb")
    with open(line) as file:
        checks.equal(f"{name}: the line in gdbinit.d", f"source {script}\n", file.read())
    mount = f"mount --bind {folder}{prefix} {prefix} && mount --bind {os.path.dirname(os.path.dirname(line))} /etc/gdb && exec \"$@\""
    private = ["unshare", "--mount", "sh", "-c", mount, "sh"]
    if not os.path.isdir("/etc/gdb") or process.run([*private, "true"]).status != 0:
        checks.skip(name, "no mounts of our own can be made here")
        return
    for debugger in debuggers:
        result = process.run([*private, *debugger.command, "-q", "-batch", "-p", str(held.pid), "-ex", "echo @@", "-ex", SHORT,
                              "-ex", "mapscope goroutines"], env=dict(debugger.environment, HOME=folder))
        answer = result.stdout.partition("@@")[2]
        checks.true(f"{name}: {debugger.name}", ANSWER in answer and "waiting" in answer, (answer + result.stderr)[-600:])
        result = process.run([*private, os.path.join(prefix, "bin", "mapscope"), "gdb-script"])
        checks.equal(f"{name}: gdb-script", script + "\n", result.stdout)


def option(build, name):
    for one in json.loads(process.must_run(["meson", "introspect", build, "--buildoptions"]).stdout):
        if one["name"] == name:
            return one["value"]
    raise process.Failed(f"meson knows no option {name}")
