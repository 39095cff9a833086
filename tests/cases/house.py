#!/usr/bin/env python3
"""The house: layers, and that help, man pages, completion, README and NEWS say the same. A test of meson's, like those in C.

usage: tests/cases/house.py MAPSCOPE"""
import os
import re
import shutil
import sys
import tempfile

sys.dont_write_bytecode = True
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests"))

from harness import process  # noqa: E402
from harness.checks import Checks  # noqa: E402

LONG_OPTION = re.compile(r"(?<![\w-])--([a-z][a-z-]*)")
# What there is at the prompt of GDB only.
GDB_COMMANDS = {"goroutine", "goroutines", "thread"}


def main(arguments):
    checks = Checks()
    tool = os.path.abspath(arguments[0])
    commands = re.findall(r"^  ([a-z-]+) +[A-Z]", help_of(tool).split("Targets:")[0], re.MULTILINE)
    checks.true("house: there are commands", len(commands) >= 5, str(commands))
    options = {command: options_of_help(tool, command) for command in commands}
    check_layers(checks)
    check_man_pages(checks, tool, options)
    check_completion(checks, tool, options)
    check_readme(checks, options)
    check_news(checks, tool)
    print(f"{checks.passed} passed, {checks.failed} failed")
    return 1 if checks.failed else 0


def read(*path):
    with open(os.path.join(ROOT, *path)) as file:
        return file.read()


def help_of(tool, *command):
    environment = dict(os.environ, COLUMNS="200", LC_ALL="C")
    return process.must_run([tool, *command, "--help"], env=environment).stdout


def options_of_help(tool, command):
    """Those of the left column."""
    lines = re.findall(r"^ +(?:-., )? *--([a-z-]+)", help_of(tool, command), re.MULTILINE)
    return set(lines)


def check_layers(checks):
    script = os.path.join(ROOT, "scripts", "check-layers")
    result = process.run([script])
    checks.equal("house: layers", (0, ""), (result.status, result.stdout))
    breaches = {"util/a.c": '#include "map/map.h"\n', "map/b.c": "#include <dwarf.h>\n", "analysis/c.c": "int f(void) { exit(1); }\n",
                "render/d.c": 'int f(void) { return printf("x"); }\n', "other/e.c": "int e;\n"}
    folder = tempfile.mkdtemp(prefix="mapscope-house-")
    try:
        for name, text in breaches.items():
            os.makedirs(os.path.join(folder, os.path.dirname(name)), exist_ok=True)
            with open(os.path.join(folder, name), "w") as file:
                file.write(text)
        result = process.run([script, folder])
        checks.equal("house: breaches of layers are an error", 1, result.status)
        for name in breaches:
            checks.true(f"house: the breach in {name} is seen", name in result.stdout, result.stdout)
    finally:
        shutil.rmtree(folder)


def check_man_pages(checks, tool, options):
    main_page = read("man", "mapscope.1")
    checks.equal("house: commands in mapscope(1)", set(options), set(re.findall(r"^\.It Xr mapscope-([a-z-]+) 1", main_page, re.MULTILINE)))
    for command, expected in options.items():
        if not checks_file(checks, "man", f"mapscope-{command}.1"):
            continue
        page = read("man", f"mapscope-{command}.1")
        items = [line for line in page.splitlines() if line.startswith(".It Fl")]
        found = {option.replace("\\-", "-") for item in items for option in re.findall(r"Fl \\-([a-z\\-]+)", item)}
        checks.equal(f"house: options in mapscope-{command}(1)", expected, found)
        summary = re.search(r"^\.Nd (.*)$", page, re.MULTILINE).group(1)
        checks.true(f"house: mapscope-{command}(1) is in SEE ALSO", f".Xr mapscope-{command} 1" in main_page.split("SEE ALSO")[1])
        checks.true(f"house: mapscope-{command}(1) has a summary", len(summary) > 10, summary)
    if not shutil.which("mandoc"):
        checks.skip("house: mandoc -Tlint", "there is no mandoc")
        return
    for name in sorted(os.listdir(os.path.join(ROOT, "man"))):
        result = process.run(["mandoc", "-Tlint", "-Wwarning", os.path.join(ROOT, "man", name)])
        checks.equal(f"house: mandoc -Tlint {name}", "", result.stdout)


def checks_file(checks, *path):
    there = os.path.exists(os.path.join(ROOT, *path))
    checks.true(f"house: there is {'/'.join(path)}", there)
    return there


def complete(tool, *words):
    """What bash would offer for the last word."""
    script = ('PATH=$1:$PATH; source "$2"; shift 2; compopt() { :; }; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _mapscope mapscope;'
              'printf "%s\\n" "${COMPREPLY[@]}"')
    result = process.must_run(["bash", "-c", script, "bash", os.path.dirname(tool), os.path.join(ROOT, "completions", "mapscope.bash"),
                               "mapscope", *words])
    return set(result.stdout.split())


def check_completion(checks, tool, options):
    if not shutil.which("bash"):
        checks.skip("house: completion", "there is no bash")
        return
    checks.equal("house: completion of commands", set(options) | {"--help", "--version"}, complete(tool, ""))
    for command, expected in options.items():
        checks.equal(f"house: completion of {command}'s options", expected, {word[2:] for word in complete(tool, command, "--")})
    checks.equal("house: completion of formats", {"text", "json", "ndjson"}, complete(tool, "show", "--format", ""))
    checks.true("house: completion of processes", str(os.getpid()) in complete(tool, "show", "-p", ""))


def check_readme(checks, options):
    readme = read("README.md")
    for script in sorted(set(re.findall(r"(?<![\w/])((?:scripts|tests|\.ci)/[a-z-]+)(?![\w/])", readme))):
        checks.true(f"house: README's {script} can be run", os.access(os.path.join(ROOT, script), os.X_OK))
    named = set(re.findall(r"mapscope ([a-z]+) ", "\n".join(re.findall(r"```.*?```|`[^`\n]*`", readme, re.DOTALL))))
    checks.equal("house: README shows every command and no other", set(options), named - GDB_COMMANDS)
    known = set().union(*options.values()) | {"version"}
    ours = [line for line in readme.splitlines() if not re.search(r"docker|--cap-add|meson|tests/run", line)]
    checks.equal("house: options in README", set(), set(LONG_OPTION.findall("\n".join(ours))) - known)
    for path in sorted(set(re.findall(r"\]\(([^)#:]+)\)", readme))):
        checks.true(f"house: README's link to {path}", os.path.exists(os.path.join(ROOT, path)))


def check_news(checks, tool):
    version = process.must_run([tool, "--version"]).stdout.splitlines()[0]
    checks.equal("house: NEWS starts with this version", version, read("NEWS").splitlines()[0])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
