"""A good core with header, bucket, group, value and type bytes damaged: every command ends, with an answer or an error."""
from harness import elfcore, mutants, ordeal

SEED = 1
EACH, EACH_EMULATED = 24, 2  # mutants of each family; scripts/mutate runs all of them
COMMANDS = (("show", "json"), ("stat", "json"), ("dump", "json"), ("show", "text"))


def check(checks, tool, label, core, executable, truth):
    """Once a run for each way of telling live cells: classic maps before and since 1.12, Swiss maps."""
    era = (truth.implementation, truth.implementation == "classic" and int(truth.go.split()[0].split(".")[1]) < 12)
    if not checks.wanted(label) or not checks.first(("corrupt", era)):
        return
    memory = elfcore.CoreFile(core)
    try:
        trial = ordeal.Ordeal(tool, core, executable, memory)
        breeder = mutants.Breeder(trial.ask, memory, elfcore.CoreFile(executable, "rb"), truth.maps, SEED)
        for family, found in breeder.families().items():
            for number, mutant in enumerate(found[:tool.fewer(EACH, EACH_EMULATED)]):
                check_mutant(checks, f"{label} {family} {number} {mutant.expression} {mutant.what[:60]}", trial, mutant)
        check_cut(checks, f"{label} count below what is shown", trial, breeder)
        check_list(checks, f"{label} list", trial, breeder)
        check_mutant(checks, f"{label} nothing", trial, mutants.Mutant("main.words", "nothing", [], True))
    finally:
        memory.restore()
        memory.close()


def check_mutant(checks, name, trial, mutant, commands=COMMANDS):
    for command, form, result, complaint in trial.trial(mutant, commands):
        checks.true(f"{name} {command} {form}", complaint is None, complaint)


def check_cut(checks, name, trial, breeder):
    """Where only the first entries are shown, a count below them is still a contradiction."""
    found = breeder.maps["main.directoryText"]
    for count in (7, 64):
        mutant = mutants.Mutant(found.expression, f"count {count}", [(found.header, mutants.packed(count, 8))], True)
        for _, _, result, complaint in trial.trial(mutant, (("show", "text"),)):
            checks.true(f"{name} {count}", complaint is None and result.status == 4 and b"184467" not in result.stdout,
                        f"{complaint}: status {result.status}, ends with {result.stdout[-60:]!r}")


def check_list(checks, name, trial, breeder):
    """All maps' headers damaged at once."""
    for value in mutants.WORDS:
        changes = [(found.header, mutants.packed(value, 8)) for found in breeder.maps.values()]
        changes += [(found.header + 16, mutants.packed(value, 8)) for found in breeder.maps.values()]
        mutant = mutants.Mutant("main.words", f"headers 0x{value:x}", changes, False)
        check_mutant(checks, f"{name} {mutant.what}", trial, mutant, (("list", "json"), ("list", "text")))
