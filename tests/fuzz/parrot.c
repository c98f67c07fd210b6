/*
 * parrot.c - a subject and a load generator that say what is in a file, whatever they are told.
 *
 * `parrot --run` says what is in $FUZZ_TALK/subject, and on its standard error $FUZZ_TALK/errors; without an argument, as
 * the load generator is called, $FUZZ_TALK/loadgen. It reads nothing: what is said to it goes to a process that may have ended.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void say(int to, const char *name)
{
	char path[4096], piece[4096];
	ssize_t n;
	int fd;

	snprintf(path, sizeof path, "%s/%s", getenv("FUZZ_TALK"), name);
	fd = open(path, O_RDONLY);
	while (fd >= 0 && (n = read(fd, piece, sizeof piece)) > 0)
		for (ssize_t at = 0, done; at < n; at += done)
			if ((done = write(to, piece + at, (size_t)(n - at))) <= 0)
				return;
}

int main(int argc, char **argv)
{
	(void)argv;
	if (argc == 1) {
		say(STDOUT_FILENO, "loadgen");
		return 0;
	}
	say(STDERR_FILENO, "errors");
	say(STDOUT_FILENO, "subject");
	return 0;
}
