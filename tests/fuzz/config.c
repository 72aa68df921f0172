// SPDX-License-Identifier: LGPL-2.1-or-later
/* The environment: variables of any value, and the names of files in them. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../../src/config.h"
#include "../../src/report.h"
#include "../../src/sink.h"
#include "fuzz.h"

#define MOST_VALUE 2000

static const char *const names[] = {
	"VFIOALIGN", "VFIOALIGN_STEER", "VFIOALIGN_RELOCATE", "VFIOALIGN_LOG", "VFIOALIGN_PROBE",
	"VFIOALIGN_ONLY", "VFIOALIGN_LOG_FILE", "VFIOALIGN_REPORT",
};

enum { CHOICES = 5, ONLY = CHOICES, LOG_FILE, REPORT, VARIABLES };

static const char *const accepted[CHOICES] = {
	"|auto|off|1G|2M|misalign|", "|on|off|", "|auto|on|off|", "|off|error|info|debug|", "|0|1|",
};

static char settings[VARIABLES][MOST_VALUE + 40];
static const char *values[VARIABLES];
static char *fake_environment[VARIABLES + 1];
static unsigned int complaints;

static bool is_accepted(int variable)
{
	char word[32];

	if (strlen(values[variable]) > 20 || strchr(values[variable], '|'))
		return false;
	snprintf(word, sizeof(word), "|%s|", values[variable]);
	return strstr(accepted[variable], word) != NULL;
}

/* text.c is compiled to call this. A complaint is one harmless line, on stderr. */
long fuzz_syscall(long number, ...);

long fuzz_syscall(long number, ...)
{
	const char *line;
	size_t length;
	va_list ap;
	int fd;

	va_start(ap, number);
	fd = va_arg(ap, int);
	line = va_arg(ap, const char *);
	length = va_arg(ap, size_t);
	va_end(ap);
	FUZZ_CHECK(number == SYS_write && fd == STDERR_FILENO, "system call %ld, fd %d", number, fd);
	FUZZ_CHECK(length > 1 && length <= 1024 && line[length - 1] == '\n', "%zu bytes", length);
	for (size_t i = 0; i < length - 1; i++)
		FUZZ_CHECK(line[i] >= ' ' && line[i] <= '~', "byte %#x", (unsigned char)line[i]);
	FUZZ_CHECK(!strncmp(line, "libvfioalign: VFIOALIGN", 23), "%.*s", (int)length, line);
	complaints++;
	return (long)length;
}

/* What the kernel says of the size of a PMD. */
static char pmd_size[32];

/* config.c and sink.c are compiled to call these. */
int fuzz_open(const char *path, int flags, ...);
ssize_t fuzz_read(int fd, void *to, size_t size);
int fuzz_close(int fd);

#define PMD_FD 1000

static const char *pattern;

/* The name is the one that was asked for: "%p" is the pid, and nothing is cut. */
static void check_name(const char *path)
{
	const char *expected = pattern, *at = path;
	char pid[24];

	snprintf(pid, sizeof(pid), "%d", getpid());
	while (*expected) {
		bool is_pid = !strncmp(expected, "%p", 2);
		size_t length = is_pid ? strlen(pid) : 1;

		FUZZ_CHECK(!strncmp(at, is_pid ? pid : expected, length), "\"%s\" of \"%s\"", path,
			   pattern);
		at += length;
		expected += is_pid ? 2 : 1;
	}
	FUZZ_CHECK(!*at, "\"%s\" of \"%s\"", path, pattern);
}

int fuzz_open(const char *path, int flags, ...)
{
	va_list ap;
	mode_t mode;

	if (!strncmp(path, "/sys/", 5) && flags == (O_RDONLY | O_CLOEXEC))
		return *pmd_size ? PMD_FD : -1;
	va_start(ap, flags);
	mode = va_arg(ap, mode_t);
	va_end(ap);
	FUZZ_CHECK(flags == (O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY |
			     O_NONBLOCK), "%#x", flags);
	FUZZ_CHECK(mode == 0600, "%o", mode);
	check_name(path);
	errno = ENOENT;
	return -1;
}

ssize_t fuzz_read(int fd, void *to, size_t size)
{
	size_t length = strlen(pmd_size);

	FUZZ_CHECK(fd == PMD_FD, "fd %d", fd);
	length = length < size ? length : size;
	memcpy(to, pmd_size, length);
	return (ssize_t)length;
}

int fuzz_close(int fd)
{
	FUZZ_CHECK(fd == PMD_FD, "fd %d", fd);
	return 0;
}

static void set_variable(struct fuzz_input *input, int variable, char ***setting)
{
	static const char *const likely[] = {
		"auto", "off", "1G", "2M", "misalign", "on", "error", "info", "debug", "0",
	};
	uint8_t kind = fuzz_byte(input);
	char *start = settings[variable];
	int length;

	values[variable] = NULL;
	if (kind < 32)
		return;
	length = sprintf(start, "%s=", names[variable]);
	if (kind < 128)
		strcpy(start + length, likely[kind % (sizeof(likely) / sizeof(likely[0]))]);
	else
		fuzz_string(input, start + length, MOST_VALUE);
	/* It would end the fuzzer. */
	if (!strcmp(start, "VFIOALIGN_PROBE=1"))
		return;
	**setting = start;
	++*setting;
	if (start[length])
		values[variable] = start + length;
}

static bool has_name(const char *word)
{
	return word && strlen(word) < 10;
}

static void check_config(void)
{
	unsigned int bad = 0;

	for (int i = 0; i < CHOICES; i++)
		bad += values[i] && !is_accepted(i);
	FUZZ_CHECK(complaints == bad, "%u complaints of %u", complaints, bad);
	FUZZ_CHECK(has_name(config.placement), "placement");
	FUZZ_CHECK(config.mode <= ALIGN_OFF_BY_A_PAGE, "mode %d", (int)config.mode);
	FUZZ_CHECK(config.log <= LOG_DEBUG, "log %d", (int)config.log);
	FUZZ_CHECK(config.act == !config.idle, "act");
	FUZZ_CHECK(config.log_file == values[LOG_FILE] && config.report_file == values[REPORT], "files");
	FUZZ_CHECK(!config.observe || (config.report_file && !strcmp(config.placement, "off")), "observe");
	FUZZ_CHECK(values[ONLY] || config.act == !!strcmp(config.placement, "off"), "only");
	for (int level = 0; level < ALIGN_LEVELS; level++)
		FUZZ_CHECK(!(config.sizes.huge[level] & (config.sizes.huge[level] - 1)), "%#llx",
			   (unsigned long long)config.sizes.huge[level]);
	FUZZ_CHECK(config.sizes.page && config.sizes.huge[1] > config.sizes.page, "sizes");
}

static void check_file(const char *file)
{
	struct sink sink;

	if (!file)
		return;
	pattern = file;
	FUZZ_CHECK(!sink_open(&sink, file) && sink.fd == -1, "fd %d", sink.fd);
	FUZZ_CHECK(errno == ENOENT || errno == ENAMETOOLONG, "errno %d", errno);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = { data, size };
	char **setting = fake_environment, **real = environ;

	for (int i = 0; i < VARIABLES; i++)
		set_variable(&input, i, &setting);
	*setting = NULL;
	fuzz_string(&input, pmd_size, sizeof(pmd_size));
	complaints = 0;
	environ = fake_environment;
	config_read();
	environ = real;
	check_config();
	check_file(config.log_file);
	check_file(config.report_file);
	return 0;
}
