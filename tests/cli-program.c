// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * For the tests of "vfioalign run": says how it was started, as KEY=VALUE lines, on stdout or in
 * the file $SAY_IN. With $EXIT_WITH it exits with that, with $DIE_OF it sends itself that signal.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int has_library(void)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[8192];
	int found = 0;

	while (maps && !found && fgets(line, sizeof(line), maps))
		found = strstr(line, "/libvfioalign.so") != NULL;
	if (maps)
		fclose(maps);
	return found;
}

int main(int argc, char **argv)
{
	const char *name = getenv("SAY_IN"), *preload = getenv("LD_PRELOAD");
	const char *status = getenv("EXIT_WITH"), *death = getenv("DIE_OF");
	int is_open[3];
	FILE *out;

	for (int fd = 0; fd < 3; fd++)
		is_open[fd] = fcntl(fd, F_GETFD) >= 0;
	out = name ? fopen(name, "w") : stdout;
	if (!out)
		return 99;
	fprintf(out, "library=%s\npid=%d\npreload=%s\nname=%s\n", has_library() ? "yes" : "no", getpid(),
		preload ? preload : "", argv[0]);
	for (int i = 1; i < argc; i++)
		fprintf(out, "argument=%s\n", argv[i]);
	for (int fd = 0; fd < 3; fd++)
		fprintf(out, "fd%d=%s\n", fd, is_open[fd] ? "open" : "closed");
	for (char **variable = environ; *variable; variable++)
		if (!strncmp(*variable, "VFIOALIGN", 9))
			fprintf(out, "%s\n", *variable);
	fflush(out);
	if (death)
		kill(getpid(), atoi(death));
	return status ? atoi(status) : 0;
}
