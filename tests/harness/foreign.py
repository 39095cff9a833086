"""Go programs for other systems and machines, cross-built without cgo: they are looked at as files and never run."""
import functools
import os
import re

from harness import go, process

SYSTEMS = ["linux", "freebsd", "openbsd", "netbsd", "windows", "darwin"]
VERSIONS = ["1.11", "1.17", "1.20", "1.23", "1.24", "1.26", "1.27"]
BIG_ENDIAN = {"ppc64", "s390x", "mips", "mips64"}
NARROW = {"386", "arm", "mips", "mipsle"}
NOT_LINKED_BY_GO = {"darwin/arm"}  # iOS: Apple's linker is needed

# What mapscope says where its libbfd was built without a format.
LACKS = re.compile(r"this libbfd has no target [\w-]+")


@functools.lru_cache(maxsize=None)
def ports(version):
    """The GOOS/GOARCH of SYSTEMS that this Go version builds for."""
    root = go.toolchain(version)[1]
    command = ["env", f"GOROOT={root}", "GOTOOLCHAIN=local", "GOFLAGS=", os.path.join(root, "bin", "go"), "tool", "dist", "list"]
    listed = process.must_run(command, limit=120).stdout.split()
    return sorted((port for port in listed if port.split("/")[0] in SYSTEMS and port not in NOT_LINKED_BY_GO),
                  key=lambda port: SYSTEMS.index(port.split("/")[0]))


def build(version, port, *flags, source=go.MAP_TYPES):
    """The program of a folder for GOOS/GOARCH; its path."""
    if port not in ports(version):
        raise go.Unavailable(f"go{version} does not build for {port}")
    system, machine = port.split("/")
    name = "-".join([os.path.basename(source), system, machine])
    return go.build_program(version, name, source, go.Mode(*flags), GOOS=system, GOARCH=machine)
