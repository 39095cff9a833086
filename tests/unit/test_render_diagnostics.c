#include <fcntl.h>
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

/* All that has been written up to now. */
static const char *read_seen(int fd)
{
	size_t length = 0;
	ssize_t got;

	fcntl(fd, F_SETFL, O_NONBLOCK);
	while ((got = read(fd, seen + length, sizeof(seen) - 1 - length)) > 0)
		length += (size_t)got;
	seen[length] = '\0';
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
	CHECK_TEXT(read_seen(ends[0]), "mapscope: core \\x1b[2J\\xff: truncated\\nreally\nmapscope: show: no map\nhint: try list\n"
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
	CHECK_TEXT(read_seen(master), "mapscope: \033[31mwarning: \033[39mcareful\r\nmapscope: warning: grey\r\n");
	close(master);
	close(slave);
}

static void run_progress(double seconds, uint64_t total)
{
	struct progress *progress = progress_create("scanning \x1b heap");
	struct timespec start, now;
	uint64_t done = 0;

	clock_gettime(CLOCK_MONOTONIC, &start);
	do {
		for (int i = 0; i < 1000; i++)
			progress_update(progress, ++done, total);
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while ((double)(now.tv_sec - start.tv_sec) + (double)(now.tv_nsec - start.tv_nsec) * 1e-9 < seconds);
	diagnostics_note("meanwhile");
	progress_end(progress);
	progress_end(NULL);
}

static void test_progress(void)
{
	int master, slave;

	if (openpty(&master, &slave, NULL, NULL, NULL) != 0) {
		fprintf(stderr, "skipped: no pseudo-terminal\n");
		return;
	}

	int kept = redirect(slave);

	run_progress(0.1, 0);
	restore(kept);
	CHECK_TEXT(read_seen(master), "mapscope: note: meanwhile\r\n");
	kept = redirect(slave);
	run_progress(0.7, UINT64_C(1) << 40);
	restore(kept);
	read_seen(master);
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
	CHECK_TEXT(read_seen(ends[0]), "mapscope: note: meanwhile\n");
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
