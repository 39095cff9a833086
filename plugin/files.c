#include "files.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

static bool create(int number)
{
	if (fcntl(number, F_GETFD) >= 0)
		return false; /* somebody else's */

	int fd = memfd_create("mapscope", MFD_CLOEXEC);

	if (fd < 0)
		return false;

	bool good = dup3(fd, number, O_CLOEXEC) >= 0;

	close(fd);
	return good;
}

bool files_open(void)
{
	int fd = PLUGIN_FIRST;

	while (fd < PLUGIN_END && create(fd))
		fd++;
	if (fd == PLUGIN_END)
		return true;
	while (fd > PLUGIN_FIRST)
		close(--fd);
	return false;
}

void files_close(void)
{
	for (int fd = PLUGIN_FIRST; fd < PLUGIN_END; fd++)
		close(fd);
}

void file_empty(int fd)
{
	if (ftruncate(fd, 0) == 0)
		lseek(fd, 0, SEEK_SET);
}

/* By lseek(), for fstat() is a new symbol of glibc 2.33: GDBs beside an older one could not load us. */
off_t file_size(int fd)
{
	off_t size = lseek(fd, 0, SEEK_END);

	return size > 0 ? size : 0;
}
