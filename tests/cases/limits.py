"""Limits on what a target may have: each is met, named, and raised by its option."""
import os
import re

from harness import go

DOCUMENT = os.path.join(go.ROOT, "docs", "LIMITS.md")
# Limit, a value below what the zoo has, a command that meets it, the status.
MET = (("goroutines", 1, ["list", "--goroutines"], 4), ("threads", 1, ["list", "--goroutines"], 4), ("frames", 1, ["list", "--goroutines"], 0),
       ("spans", 1, ["top"], 4), ("types", 3, ["top"], 0), ("locals", 0, ["top"], 0), ("hops", 0, ["top"], 0), ("output", 100, ["list", "--all"], 4))


def check(checks, tool, label, animal):
    """Once a run."""
    if not checks.wanted(f"{label} limits") or not checks.first("limits"):
        return
    target = ["-p", str(animal.pid)]
    check_table(checks, tool, f"{label} limits")
    for limit, value, command, status in MET:
        name = f"{label} limits {limit}"
        met = tool.run(*command, *target, "--limit", f"{limit}={value}")
        checks.equal(f"{name}: status", status, met.status)
        checks.true(f"{name}: is named", re.search(rf"limit {limit}\b", met.stderr), met.stderr)
        raised = tool.run(*command, *target, "--limit", f"{limit}=1G")
        checks.equal(f"{name}: raised", (0, False), (raised.status, bool(re.search(rf"limit {limit}\b", raised.stderr))))


def check_table(checks, tool, name):
    """The document has each limit with its default."""
    rows = re.findall(r"^  (\S+) +(\d+)  (.*)$", tool.run("show", "--limit", "help").stdout, re.MULTILINE)
    with open(DOCUMENT) as file:
        document = re.findall(r"^\| `(\S+)` \| (\d+) \| (.*) \|$", file.read(), re.MULTILINE)
    checks.equal(f"{name}: the table of docs/LIMITS.md", rows, document)
    for wrong in ("nothing=1", "string", "string=", "string=-1", "string=1X", "=1", "string=1000000G"):
        result = tool.run("list", "--limit", wrong, "-p", "1")
        checks.true(f"{name}: {wrong}", result.status == 2 and "--limit help" in result.stderr or result.status == 2 and "not a size" in result.stderr,
                    result.stderr)
