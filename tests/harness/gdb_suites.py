"""GDB and gdbserver of other Debian suites."""
import glob
import os

from harness import suites
from harness.gdb import Debugger, installed, minimal


def find(name):
    """By a name of scripts/gdb-matrix; its own name has its version then."""
    if name == "gdb":
        found = installed()
    elif name == "gdb-minimal":
        found = minimal()
    else:
        found = debugger(name.removeprefix("minimal-"), "gdb-minimal" if name.startswith("minimal-") else "gdb")
    found.name = f"{found.name.split(' ')[0]} {found.version()}"
    return found


def debugger(suite, package="gdb"):
    """That of "trixie": it runs with the C library and Python of its suite."""
    root = suites.unpacked(suite, package, "gdbserver")
    libraries = [os.path.join(root, folder) for folder in ("lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu")]
    loaders = glob.glob(os.path.join(root, "*lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"))
    loaders += glob.glob(os.path.join(root, "usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"))
    start = [loaders[0], "--library-path", ":".join(libraries)]
    found = Debugger(f"{package} {suite}",
                     [*start, os.path.join(root, "usr/bin/gdb"), "--data-directory", os.path.join(root, "usr/share/gdb")],
                     {"PYTHONHOME": os.path.join(root, "usr")}, [*start, os.path.join(root, "usr/bin/gdbserver")])
    found.name = f"{package} {found.version()}"
    return found
