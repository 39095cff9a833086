"""A cgroup of the test's own, of either version (cgroups(7)), with one controller."""
import errno
import os
import time

MOUNT = "/sys/fs/cgroup"


class Unavailable(Exception):
    """None can be made here."""


# Controller: the file of its limit, of what is used, by version.
FILES = {"memory": {1: ("memory.limit_in_bytes", "memory.usage_in_bytes"), 2: ("memory.max", "memory.current")},
         "pids": {1: ("pids.max", "pids.current"), 2: ("pids.max", "pids.current")}}


class Cgroup:
    def __init__(self, controller):
        separate = os.path.join(MOUNT, controller)
        self.version = 1 if os.path.isdir(separate) else 2
        self.folder = os.path.join(separate if self.version == 1 else MOUNT, f"mapscope-test-{os.getpid()}")
        self.limit, self.usage = FILES[controller][self.version]
        try:
            os.mkdir(self.folder)
            with open(os.path.join(self.folder, self.limit)):
                pass
        except OSError as error:
            self.close()
            raise Unavailable(f"no cgroup for {controller} can be made: {error}") from None

    @property
    def wrapper(self):
        """Runs a program in it."""
        return ["sh", "-c", f'echo 0 > {self.folder}/cgroup.procs && exec "$@"', "sh"]

    def _spare(self):
        """Pages of files that the kernel gives up first."""
        try:
            with open(os.path.join(self.folder, "memory.stat")) as file:
                fields = dict(line.split() for line in file)
        except FileNotFoundError:
            return 0
        return int(fields.get("total_inactive_file") or fields["inactive_file"])

    def _leave(self, more):
        with open(os.path.join(self.folder, self.usage)) as file:
            used = int(file.read()) - self._spare()
        with open(os.path.join(self.folder, self.limit), "w") as file:
            file.write(str(used + more))

    def leave(self, more):
        """
        Sets the limit so that so much more may be used. The kernel refuses as long as it could not give up what is spare: it counts
        that every 2 s (mm/memcontrol.c, FLUSH_TIME), and what was used since it looks at once more.
        """
        for attempt in range(100):
            try:
                return self._leave(more)
            except OSError as error:
                if error.errno != errno.EBUSY or attempt == 99:
                    raise
                time.sleep(0.1)

    def close(self):
        for _ in range(100):
            try:
                os.rmdir(self.folder)
                return
            except FileNotFoundError:
                return
            except OSError:
                time.sleep(0.05)  # its last process is not quite gone
