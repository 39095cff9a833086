"""The test programs in C that meson builds: each ends by printing `N passed, N failed`."""
import glob
import os
import re

from harness import process


def check(checks, folder):
    programs = [path for path in sorted(glob.glob(os.path.join(folder, "test_*")))
                if os.access(path, os.X_OK) and os.path.isfile(path)]
    for path in programs:
        name = "unit " + os.path.basename(path)
        if not checks.wanted(name):
            continue
        result = process.run([path], 120)
        counts = re.search(r"^(\d+) passed, (\d+) failed$", result.stdout.strip().splitlines()[-1] if result.stdout.strip() else "")
        if not counts or result.status not in (0, 1):
            checks.true(name, False, f"status {result.status}, no counts: {(result.stdout + result.stderr)[-300:]}")
            continue
        passed, failed = int(counts.group(1)), int(counts.group(2))
        checks.add_counts(passed, failed)
        if failed:
            print(f"FAIL {name}: {result.stdout.strip()[-600:]}", flush=True)
        checks.true(f"{name}: status", (result.status != 0) == (failed > 0), f"status {result.status} with {failed} failed")
        checks.true(f"{name}: checks something", passed + failed > 0, "no checks in it")
