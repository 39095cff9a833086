#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test_render.h"
#include "util/error.h"

static void test_numbers(void)
{
	struct capture capture;
	char expected[64];

	capture_begin(&capture);
	for (int i = 0; i < 64; i++) {
		for (int64_t around = -2; around <= 2; around++) {
			uint64_t value = (UINT64_C(1) << i) + (uint64_t)around;

			output_unsigned(capture.output, value);
			output_char(capture.output, ' ');
			output_signed(capture.output, (int64_t)value);
			output_char(capture.output, ' ');
			output_address(capture.output, value);
			snprintf(expected, sizeof(expected), "%" PRIu64 " %" PRId64 " 0x%" PRIx64, value, (int64_t)value, value);
			CHECK_TEXT(capture_take(&capture), expected);
		}
	}
	capture_end(&capture);
}

/* Lengths around the size of the buffer, in all combinations with what is in it. */
static void test_lengths(void)
{
	static const size_t lengths[] = { 0, 1, 65535, 65536, 65537, 200000 };
	static uint8_t bytes[200000];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 31 >> 3);
	for (size_t i = 0; i < 6; i++) {
		for (size_t j = 0; j < 6; j++) {
			struct capture capture;

			capture_begin(&capture);
			output_bytes(capture.output, bytes, lengths[i]);
			output_bytes(capture.output, bytes, lengths[j]);
			output_char(capture.output, '!');
			output_flush(capture.output);
			CHECK_UINT(capture.buffer.length, lengths[i] + lengths[j] + 1);
			CHECK(memcmp(capture.buffer.bytes, bytes, lengths[i]) == 0);
			CHECK(memcmp(capture.buffer.bytes + lengths[i], bytes, lengths[j]) == 0);
			capture_end(&capture);
		}
	}
}

static void test_full_disk(void)
{
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

	if (fd < 0) {
		fprintf(stderr, "skipped: no /dev/full\n");
		return;
	}

	struct output *output = output_create(fd);

	output_text(output, "lost");
	CHECK(!output_failed(output));
	output_flush(output);
	CHECK(output_failed(output));
	output_text(output, "dropped");

	struct error *error = output_close(output);

	if (CHECK(error != NULL))
		CHECK_TEXT(error->message, "output: No space left on device");
	error_free(error);
	close(fd);
}

static void test_closed_pipe(void)
{
	int ends[2];

	signal(SIGPIPE, SIG_IGN);
	CHECK(pipe(ends) == 0);
	close(ends[0]);

	struct output *output = output_create(ends[1]);

	output_text(output, "nobody reads this");
	output_flush(output);
	CHECK(output_failed(output));
	CHECK(output_close(output) == NULL);
	close(ends[1]);
}

static void nothing(int number)
{
}

/* The child reads slowly from a full pipe that does not block, while signals come: all bytes must arrive. */
static void test_interrupted_pipe(void)
{
	struct sigaction action = { .sa_handler = nothing };
	const size_t total = 1 << 20;
	int ends[2];

	sigaction(SIGUSR1, &action, NULL);
	CHECK(pipe2(ends, O_NONBLOCK) == 0);

	pid_t parent = getpid(), child = fork();

	if (child == 0) {
		char bytes[20000];
		size_t seen = 0;
		ssize_t got;

		close(ends[1]);
		while ((got = read(ends[0], bytes, sizeof(bytes))) != 0) {
			seen += got > 0 ? (size_t)got : 0;
			kill(parent, SIGUSR1);
			usleep(200);
		}
		_exit(seen == total ? 0 : 1);
	}
	close(ends[0]);

	struct output *output = output_create(ends[1]);

	for (size_t i = 0; i < total; i++)
		output_char(output, (char)i);
	CHECK(output_close(output) == NULL);
	close(ends[1]);

	int status = -1;

	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		continue;
	CHECK(status == 0);
}

int main(void)
{
	test_numbers();
	test_lengths();
	test_full_disk();
	test_closed_pipe();
	test_interrupted_pipe();
	return check_done();
}
