#include <pty.h>
#include <time.h>
#include <unistd.h>

#include "render/diagnostics.h"
#include "render/progress.h"
#include "test_render.h"
#include "util/error.h"

static char seen[4000];

/* Standard error goes into `fd` for the time being. */
static int redirect(int fd)
{
	int kept = dup(STDERR_FILENO);

	fflush(stderr);
	dup2(fd, STDERR_FILENO);
	return kept;
}

static void restore(int kept)
{
	dup2(kept, STDERR_FILENO);
	close(kept);
}

/* All that has been written to `in` up to now and comes out at `out`; of a terminal not at once: the kernel passes it on when it has time. */
static const char *read_seen(int in, int out)
{
	static const char end[] = "<end>";
	size_t length = 0;
	ssize_t got;
	char *found = NULL;

	CHECK(write(in, end, strlen(end)) == (ssize_t)strlen(end));
	while (found == NULL && (got = read(out, seen + length, sizeof(seen) - 1 - length)) > 0) {
		length += (size_t)got;
		seen[length] = '\0';
		found = strstr(seen, end);
	}
	if (CHECK(found != NULL))
		*found = '\0';
	return seen;
}

static void complain(void)
{
	struct error *error = error_new(ERROR_TARGET, "core \x1b[2J\xff: truncated\nreally");
	struct error *hinted = error_hint(error_new(ERROR_USAGE, "show: no map"), "try %s", "list");

	diagnostics_error(NULL);
	diagnostics_error(error);
	diagnostics_error(hinted);
	diagnostics_warning("slot %d: \a", 3);
	diagnostics_note("done");
	error_free(error);
	error_free(hinted);
}

static void test_plain(void)
{
	int ends[2];

	CHECK(pipe(ends) == 0);

	int kept = redirect(ends[1]);

	complain();
	restore(kept);
	CHECK_TEXT(read_seen(ends[1], ends[0]), "mapscope: core \\x1b[2J\\xff: truncated\\nreally\nmapscope: show: no map\nhint: try list\n"
				       "mapscope: warning: slot 3: \\a\nmapscope: note: done\n");
	close(ends[0]);
	close(ends[1]);
}

static void test_colour(void)
{
	int master, slave;

	if (openpty(&master, &slave, NULL, NULL, NULL) != 0) {
		fprintf(stderr, "skipped: no pseudo-terminal\n");
		return;
	}
	int kept = redirect(slave);

	diagnostics_warning("careful");
	setenv("NO_COLOR", "1", 1);
	diagnostics_warning("grey");
	restore(kept);
	CHECK_TEXT(read_seen(slave, master), "mapscope: \033[31mwarning: \033[39mcareful\r\nmapscope: warning: grey\r\n");
	close(master);
	close(slave);
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

/* Gives the seconds that it took: more than `seconds` on a busy machine. */
static double run_progress(double seconds, uint64_t total)
{
	double start = now(), took;
	struct progress *progress = progress_create("scanning \x1b heap");
	uint64_t done = 0;

	do {
		took = now() - start;
		/* that is how many calls there may be to a look at the clock, so there is one after `seconds` */
		for (int i = 0; i < 1 << 16; i++)
			progress_update(progress, ++done, total);
	} while (took < seconds);
	took = now() - start;
	diagnostics_note("meanwhile");
	progress_end(progress);
	progress_end(NULL);
	return took;
}

static void test_progress(void)
{
	int master, slave;

	if (openpty(&master, &slave, NULL, NULL, NULL) != 0) {
		fprintf(stderr, "skipped: no pseudo-terminal\n");
		return;
	}

	double took;
	int tries = 0, kept;

	do {
		kept = redirect(slave);
		took = run_progress(0.1, 0);
		restore(kept);
		read_seen(slave, master);
	} while (took >= 0.5 && ++tries < 50);
	CHECK_TEXT(seen, "mapscope: note: meanwhile\r\n");
	kept = redirect(slave);
	run_progress(0.7, UINT64_C(1) << 40);
	restore(kept);
	read_seen(slave, master);
	CHECK(strncmp(seen, "\r\033[?7lscanning \\x1b heap: 0%, ", 27) == 0);
	CHECK(strstr(seen, " of 1.1T, ") != NULL && strstr(seen, "/s, ") != NULL && strstr(seen, " left\033[?7h\033[K") != NULL);
	CHECK(strstr(seen, "\r\033[Kmapscope: note: meanwhile\r\n") != NULL);
	close(master);
	close(slave);
}

static void test_no_terminal(void)
{
	int ends[2];

	CHECK(pipe(ends) == 0);

	int kept = redirect(ends[1]);

	run_progress(0.6, 100);
	restore(kept);
	CHECK_TEXT(read_seen(ends[1], ends[0]), "mapscope: note: meanwhile\n");
	close(ends[0]);
	close(ends[1]);
}

int main(void)
{
	setenv("TERM", "xterm", 1);
	unsetenv("NO_COLOR");
	test_plain();
	test_colour();
	test_progress();
	test_no_terminal();
	return check_done();
}
