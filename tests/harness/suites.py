"""Packages of other Debian suites, unpacked with all that they need, beside the system's."""
import glob
import os
import shutil

from harness import go, process

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


def unpacked(suite, *packages):
    """The folder that has them, named after the first; fetched where it is missing."""
    root = os.path.join(go.cache(), f"{packages[0]}-{suite}")
    with go.making(os.path.basename(root)):
        if not os.path.exists(root):
            _fetch(suite, packages, root)
    return root


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
