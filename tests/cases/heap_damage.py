"""A core of testdata/allmaps whose tables of spans and goroutines, stacks and maps are damaged: every command that walks the
heap ends, in time, with bounded memory, in an answer or an error."""
import re

from harness import elfcore, go, heapdamage, ordeal

SEED = 1
EACH, EACH_EMULATED = 3, 1  # mutants of each family; scripts/mutate-heap makes more
COMMANDS = (("list", "--all", "--format", "ndjson"), ("top", "--format", "json"), ("who", "ADDRESS", "--format", "json"),
            ("races", "--format", "json"))
ERAS = (11, 20, 22, 24, 26)  # minor versions with which the heap's bitmaps or maps are others


def check(checks, tool, label, core, program, version):
    era = sum(go.minor_of(version) >= first for first in ERAS)
    if not checks.wanted(f"{label} damage") or not checks.first(("heap damage", era)):
        return
    for mutant, command, _, complaint in trials(tool, core, program, SEED, tool.fewer(EACH, EACH_EMULATED)):
        checks.true(f"{label} damage {mutant.family}, {mutant.what}: {command[0]}", complaint is None, complaint)


def trials(tool, core, program, seed, each, families=None):
    """Yields (mutant, command, run, complaint)."""
    memory = elfcore.CoreFile(core)
    try:
        trial = ordeal.Ordeal(tool, core, program.executable, memory)
        breeder = heapdamage.Breeder(memory, program.executable, program.truth, seed)
        commands = known(tool)
        for family in families or breeder.families:
            for _ in range(each):
                mutant = breeder.mutant(family)
                subject = f"0x{breeder.random.choice(breeder.headers):x}"
                for address, data in mutant.changes:
                    memory.write(address, data)
                for command in commands:
                    run = trial.run(*(subject if word == "ADDRESS" else word for word in command))
                    yield mutant, command, run, trial.complaint(mutant, command[0], command[-1], run)
                memory.restore()
    finally:
        memory.restore()
        memory.close()


def known(tool):
    there = re.findall(r"^  ([a-z-]+) ", tool.run("--help").stdout, re.MULTILINE)
    return [command for command in COMMANDS if command[0] in there]
