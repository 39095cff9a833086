"""GDB and gdbserver of other Debian suites, unpacked with all that they need, beside the system's."""
import glob
import os
import shutil

from harness import go, process
from harness.gdb import Debugger, installed, minimal

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


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
    root = os.path.join(go.cache(), f"{package}-{suite}")
    if not os.path.exists(root):
        _fetch(suite, [package, "gdbserver"], root)
    libraries = [os.path.join(root, folder) for folder in ("lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu")]
    loaders = glob.glob(os.path.join(root, "*lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"))
    loaders += glob.glob(os.path.join(root, "usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"))
    start = [loaders[0], "--library-path", ":".join(libraries)]
    found = Debugger(f"{package} {suite}",
                     [*start, os.path.join(root, "usr/bin/gdb"), "--data-directory", os.path.join(root, "usr/share/gdb")],
                     {"PYTHONHOME": os.path.join(root, "usr")}, [*start, os.path.join(root, "usr/bin/gdbserver")])
    found.name = f"{package} {found.version()}"
    return found


def _mirror():
    """The Debian mirror that apt is configured for."""
    listed = process.must_run(["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages", "Label: Debian"]).stdout
    mirrors = listed.split()
    if not mirrors:
        raise go.Unavailable("apt has no Debian mirror")
    return mirrors[0]


def _fetch(suite, packages, root):
    """With lists, status and archives of apt's in a folder of our own: nothing of the system changes."""
    work = root + ".new"
    shutil.rmtree(work, ignore_errors=True)
    for folder in ("lists/partial", "archives/partial", "root"):
        os.makedirs(os.path.join(work, folder))
    with open(os.path.join(work, "sources.list"), "w") as file:
        file.write(f"deb [signed-by={KEYRING}] {_mirror()} {suite} main\n")
    with open(os.path.join(work, "status"), "w"):
        pass
    settings = {"Dir::Etc::SourceList": f"{work}/sources.list", "Dir::Etc::SourceParts": "/dev/null", "Dir::State::Lists": f"{work}/lists",
                "Dir::State::Status": f"{work}/status", "Dir::Cache": work, "Acquire::Languages": "none", "APT::Sandbox::User": "root"}
    apt = ["apt-get", "-q", *(word for name, value in settings.items() for word in ("-o", f"{name}={value}"))]
    for command in (["update"], ["-y", "-d", "--no-install-recommends", "install", *packages]):
        result = process.run([*apt, *command], limit=900)
        if result.status != 0:
            raise go.Unavailable(f"{suite}: apt-get {command[0]}: {result.stderr.strip()[-300:]}")
    for package in glob.glob(os.path.join(work, "archives", "*.deb")):
        process.must_run(["dpkg-deb", "-x", package, os.path.join(work, "root")])
    os.rename(os.path.join(work, "root"), root)
    shutil.rmtree(work)
