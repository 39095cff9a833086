"""The reference map beside Go's, byte for byte: docs/REFMAP.md. scripts/prove is the long run of the same."""
from harness import recorder

VARIANTS = {"plain": "plain", "noswissmap": "noswissmap"}  # by build mode of the zoo
OPERATIONS = (300, 2000, 100, 5000)


def check(checks, build, version, mode):
    name = f"{version} {mode} reference map"
    if mode not in VARIANTS or not checks.wanted(name):
        return
    variant = VARIANTS[mode]
    program = recorder.build(version, variant)
    lines = list(recorder.sequences(version, variant, OPERATIONS, recorder.PROFILES[:3]))
    lines += recorder.sequences(version, variant, OPERATIONS, recorder.PROFILES[3:], seed=len(lines))
    proof = recorder.Proof(build, program, lines)
    complaints = "; ".join(proof.complaints[:3])
    checks.true(name, (proof.status, proof.sequences, proof.differences) == (0, len(lines), 0),
                f"status {proof.status}, {proof.differences} of {proof.sequences} sequences differ: {complaints}")
    few = lines[::7]
    spoiled = recorder.Proof(build, program, few, spoil=True)
    checks.equal(f"{name}: a changed bit is seen", (1, len(few)), (spoiled.status, spoiled.differences))
