"""Golden cases: a command, its exit status and all it prints, one case a file in tests/golden/*.txt.

    # what the case is about
    $ mapscope show main.wrods -p {PID}
    status 3
    -- stdout
    -- stderr
    mapscope: main.wrods: no such map

Between the status and -- stdout may stand -- stdin and what the command is to read there.

{NAME} stands for what differs from run to run; the same words are put back into the output before it is compared.
`$ nobody mapscope ...` runs it as the user nobody. tests/run --update writes the expectation anew."""
import glob
import os
import re
import shlex

# Texts of the output that differ from run to run and are no parameter of the command.
VARYING = [
    (re.compile(r"\b[0-9a-f]{40}\b"), "{BUILD-ID}"),
    (re.compile(r"(?<=Go build ID )[\w/-]{60,}"), "{BUILD-ID}"),
    (re.compile(r"\b\d{7,10} bytes"), "{SIZE} bytes"),
    (re.compile(r"^mapscope \d+\.\d+\.\d+$", re.MULTILINE), "mapscope {VERSION}"),
    (re.compile(r"\b0x[0-9a-f]{6,16}\b"), "{ADDRESS}"),
    (re.compile(r"\bgoroutine (?:[2-9]|[1-9]\d{1,2})\b"), "goroutine {GOROUTINE}"),
    (re.compile(r"\bgo1\.\d+(\.\d+)?\b"), "{GO}"),
]


class Case:
    def __init__(self, path):
        self.path = path
        self.name = os.path.basename(path)[:-len(".txt")]
        with open(path) as file:
            text = file.read()
        head, _, self.stderr = text.partition("-- stderr\n")
        head, _, self.stdout = head.partition("-- stdout\n")
        head, _, self.stdin = head.partition("-- stdin\n")
        self.comment = "".join(line + "\n" for line in head.splitlines() if line.startswith("#"))
        self.command = next((line[2:] for line in head.splitlines() if line.startswith("$ ")), "")
        status = re.search(r"^status (\d+)$", head, re.MULTILINE)
        self.status = int(status.group(1)) if status else None

    def needs_process(self):
        """Whether it looks at one that the stage starts."""
        return any(placeholder.endswith("PID") for placeholder in placeholders(self.command))

    def write(self, status, stdout, stderr):
        stdin = f"-- stdin\n{self.stdin}" if self.stdin else ""
        with open(self.path, "w") as file:
            file.write(f"{self.comment}$ {self.command}\nstatus {status}\n{stdin}-- stdout\n{stdout}-- stderr\n{stderr}")


def cases(folder):
    return [Case(path) for path in sorted(glob.glob(os.path.join(folder, "*.txt")))]


def placeholders(text):
    return set(re.findall(r"\{([A-Z_]+)\}", text))


def arguments(case, values):
    """The words of the command, with the values in place."""
    return [re.sub(r"\{([A-Z_]+)\}", lambda match: str(values[match.group(1)]), word) for word in shlex.split(case.command)]


def normalise(text, values):
    """The output with placeholders for what differs from run to run; the longest values first."""
    values = {name: value for name, value in values.items() if len(str(value)) > 1}
    for name, value in sorted(values.items(), key=lambda item: -len(str(item[1]))):
        pattern = re.escape(str(value)) if not str(value).isdigit() else rf"\b{value}\b"
        text = re.sub(pattern, lambda match, name=name: "{" + name + "}", text)
    for pattern, replacement in VARYING:
        text = pattern.sub(replacement, text)
    return text
