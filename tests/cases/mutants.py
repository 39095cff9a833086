"""verify and damaged maps of running programs: what changes a lookup's answer is found, and where.

scripts/mutate-verify is the long form."""
from harness import mutation

VERSIONS = ("1.11", "1.23", "1.27")  # tophash bytes before and since emptyRest; Swiss
MUTANTS = 150
# Fields of slots: there the slot has to be named.
SLOT_FIELDS = ("tophash", "control", "key", "string key", "interface key", "elem pointer", "keys of", "live slot")


def check(checks, tool, version):
    name = f"{version} mutants"
    if version not in VERSIONS or not checks.wanted(name) or not checks.first(("mutants", version)):
        return
    laboratory = mutation.Laboratory(tool, version, 1)
    try:
        checks.equal(f"{name}: nothing is wrong before", [], laboratory.healthy())
        check_mutants(checks, name, laboratory)
        checks.equal(f"{name}: nothing is wrong afterwards", [], laboratory.healthy())
    finally:
        laboratory.close()


def check_mutants(checks, name, laboratory):
    fields = list(laboratory.fields)
    outcomes = []
    for number in range(MUTANTS):
        outcome = laboratory.trial(fields[number % len(fields)])
        if outcome is not None:
            outcomes.append(outcome)
            check_outcome(checks, name, outcome)
    damaged = sum(outcome.must_be_caught for outcome in outcomes)
    checks.true(f"{name}: most of them do damage", damaged > MUTANTS / 3, f"{damaged} of {len(outcomes)}")


def check_outcome(checks, name, outcome):
    checks.true(f"{name} {outcome.mutant}", outcome.complaint() is None, f"{outcome.complaint()}; Go: {outcome.answer}")
    if outcome.must_be_caught and outcome.mutant.field.startswith(SLOT_FIELDS) and not outcome.only_counted:
        checks.true(f"{name} {outcome.mutant}: the place", outcome.right, f"Go: {outcome.answer}; verify: {outcome.wrong[:3]}")
