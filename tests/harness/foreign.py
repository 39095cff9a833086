"""Go programs for other systems and machines, cross-built without cgo: they are looked at as files and never run."""
import functools
import os
import re
import struct

from harness import go, process

SYSTEMS = ["linux", "freebsd", "openbsd", "netbsd", "windows", "darwin"]
VERSIONS = ["1.11", "1.17", "1.20", "1.23", "1.24", "1.26", "1.27"]
BIG_ENDIAN = {"ppc64", "s390x", "mips", "mips64"}
NARROW = {"386", "arm", "mips", "mipsle"}
# Go 1.N up to which these are listed and do not build: iOS needs Apple's linker, and Go 1.11 to 1.13 had no compiler for riscv64.
UNBUILT = {"darwin/arm": 99, "darwin/arm64": 15, "linux/riscv64": 13}
UNREAD = {"windows/arm"}  # libbfd has no target for its CPU number, 0x1c4

# What mapscope says where its libbfd was built without a format.
LACKS = re.compile(r"this libbfd has no target [\w-]+")


@functools.lru_cache(maxsize=None)
def ports(version):
    """The GOOS/GOARCH of SYSTEMS that this Go version builds for."""
    root = go.toolchain(version)[1]
    command = ["env", f"GOROOT={root}", "GOTOOLCHAIN=local", "GOENV=off", "GOFLAGS=", os.path.join(root, "bin", "go"), "tool", "dist", "list"]
    listed = process.must_run(command, limit=120).stdout.split()
    return sorted((port for port in listed if port.split("/")[0] in SYSTEMS and port not in UNREAD and go.minor_of(version) > UNBUILT.get(port, 0)),
                  key=lambda port: SYSTEMS.index(port.split("/")[0]))


def build(version, port, *flags, source=go.MAP_TYPES):
    """The program of a folder for GOOS/GOARCH; its path."""
    if port not in ports(version):
        raise go.Unavailable(f"go{version} does not build for {port}")
    system, machine = port.split("/")
    name = "-".join([os.path.basename(source), system, machine])
    return go.build_program(version, name, source, go.Mode(*flags), GOOS=system, GOARCH=machine)


def small_pe(cpu=0x8664):
    """A PE executable of one section, not by Go."""
    file_header = struct.pack("<HHIIIHH", cpu, 1, 0, 0, 0, 240, 0x22)
    optional = struct.pack("<HBBIIIIIQII", 0x20B, 2, 0, 512, 0, 0, 0x1000, 0x1000, 0x140000000, 0x1000, 0x200)
    optional += struct.pack("<HHHHHHIIIIHH", 6, 0, 0, 0, 6, 0, 0, 0x2000, 0x200, 0, 3, 0)
    optional += struct.pack("<QQQQII", 0x100000, 0x1000, 0x100000, 0x1000, 0, 16) + bytes(16 * 8)
    section = struct.pack("<8sIIIIIIHHI", b".text", 512, 0x1000, 512, 512, 0, 0, 0, 0, 0x60000020)
    headers = b"MZ" + bytes(58) + struct.pack("<I", 64) + b"PE\0\0" + file_header + optional + section
    return headers.ljust(512, b"\0") + b"\xc3" * 512


def fat_macho():
    """The start of a fat Mach-O file for amd64 and arm64."""
    return struct.pack(">II5I5I", 0xCAFEBABE, 2, 0x01000007, 3, 4096, 4096, 12, 0x0100000C, 0, 8192, 4096, 12) + bytes(64)
