// SPDX-License-Identifier: LGPL-2.1-or-later
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "cli.h"
#include "image.h"
#include "loader.h"
#include "program.h"

/* Scripts may be the interpreters of scripts, but no more of them: exec_binprm(), fs/exec.c. */
#define MOST_SCRIPTS 5

#define LOADER_SAYS 65536

/** struct file - an open file that is mapped for reading */
struct file {
	int fd;
	struct stat stat;
	struct image image;
};

static bool problem(struct program *program, char *what, char *remedy)
{
	free(program->problem);
	free(program->remedy);
	program->problem = what;
	program->remedy = remedy;
	return false;
}

/* What execve(2) says of a file, so far as its inode tells. */
static int try_file(const char *path)
{
	struct stat stat_of;

	if (stat(path, &stat_of))
		return errno;
	return S_ISREG(stat_of.st_mode) && !access(path, X_OK) ? 0 : EACCES;
}

static int try_path(struct program *program, const char *directory, size_t length,
		    const char *name)
{
	int written = snprintf(program->path, sizeof(program->path), "%.*s%s%s", (int)length,
			       directory, length ? "/" : "", name);

	if (written < 0 || (size_t)written >= sizeof(program->path))
		return ENAMETOOLONG;
	return try_file(program->path);
}

int program_find(struct program *program, const char *name)
{
	const char *path = getenv("PATH");
	int result = ENOENT;

	if (strchr(name, '/') || !*name)
		return *name ? try_path(program, "", 0, name) : ENOENT;
	if (!path)
		path = "/bin:/usr/bin";
	for (;;) {
		size_t length = strcspn(path, ":");
		/* An empty entry is the current directory. */
		int err = try_path(program, length ? path : ".", length ? length : 1, name);

		if (!err)
			return 0;
		if (err == EACCES)
			result = EACCES;
		if (!path[length])
			return result;
		path += length + 1;
	}
}

static bool map_file(struct file *file, const char *path)
{
	struct image *image = &file->image;

	file->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (file->fd < 0)
		return false;
	if (!fstat(file->fd, &file->stat) && S_ISREG(file->stat.st_mode)) {
		image->size = (size_t)file->stat.st_size;
		image->bytes = image->size ? mmap(NULL, image->size, PROT_READ, MAP_PRIVATE, file->fd, 0)
					 : MAP_FAILED;
		if (image->bytes != MAP_FAILED)
			return true;
		image->size = 0;
		image->bytes = (const unsigned char *)"";
		return true;
	}
	close(file->fd);
	errno = EINVAL;
	return false;
}

static void unmap_file(struct file *file)
{
	if (file->image.size)
		munmap((void *)(uintptr_t)file->image.bytes, file->image.size);
	close(file->fd);
}

static bool gains_by_setid(const struct file *file)
{
	mode_t mode = file->stat.st_mode;

	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1)
		return false;
	return (mode & S_ISUID && file->stat.st_uid != getuid()) ||
	       ((mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) &&
		file->stat.st_gid != getgid());
}

static bool gains_by_capabilities(const struct file *file)
{
	return getuid() != 0 && prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1 &&
	       fgetxattr(file->fd, "security.capability", NULL, 0) > 0;
}

/* ld.so ignores LD_PRELOAD where execve(2) sets AT_SECURE, see ld.so(8). */
static bool check_privileges(struct program *program, const struct file *file)
{
	const char *path = program->executable;
	struct statvfs mount;

	if (!fstatvfs(file->fd, &mount) && mount.f_flag & ST_NOSUID)
		return true;
	if (gains_by_setid(file))
		return problem(program,
			       cli_format("%s is set%sid: the dynamic loader takes no LD_PRELOAD for "
					  "programs that gain privileges", path,
					  file->stat.st_mode & S_ISUID ? "u" : "g"),
			       cli_format("run it as its owner, or run a copy without that bit"));
	if (gains_by_capabilities(file))
		return problem(program,
			       cli_format("%s has file capabilities: the dynamic loader takes no LD_PRELOAD "
					  "for programs that gain privileges", path),
			       cli_format("run it as root, or take them off with \"setcap -r %s\" and give "
					  "them with setpriv --ambient-caps", path));
	return true;
}

/* The machine that this program, and so the library, is built for. */
static uint16_t own_machine(void)
{
	struct file self;
	uint16_t machine;

	if (!map_file(&self, "/proc/self/exe"))
		return 0;
	machine = image_machine(&self.image);
	unmap_file(&self);
	return machine;
}

/* Without its interpreter a program does not run, with the library or without. */
static bool check_interpreter(struct program *program, const char *interpreter)
{
	program->error = try_file(interpreter);
	return !program->error ||
	       problem(program, cli_format("%s cannot run, because of its interpreter %s: %s",
					   program->executable, interpreter,
					   strerror(program->error)),
		       cli_format("install %s", interpreter));
}

static bool check_elf(struct program *program, const struct image *image)
{
	const char *path = program->executable;
	enum image_kind kind = image_kind(image, own_machine(), program->loader,
					  sizeof(program->loader));

	switch (kind) {
	case IMAGE_32_BIT:
		return problem(program, cli_format("%s is a 32-bit program, and the library is for 64-bit "
						   "ones", path),
			       cli_format("use a 64-bit build of it: BARs with huge pages have no room "
					  "in 32 bits"));
	case IMAGE_FOREIGN:
		return problem(program, cli_format("%s is a program for another machine than the library",
						   path),
			       cli_format("use a build of it for this machine"));
	case IMAGE_STATIC:
	case IMAGE_STATIC_PIE:
		return problem(program,
			       cli_format("%s is %s: no dynamic loader runs in it that could load the library",
					  path, kind == IMAGE_STATIC ? "statically linked"
								     : "statically linked (static-pie)"),
			       cli_format("use a dynamically linked build of it"));
	case IMAGE_DYNAMIC:
		break;
	}
	return check_interpreter(program, program->loader);
}

/* Follows the interpreters of scripts to the executable that ld.so will load the library into. */
static bool check_file(struct program *program)
{
	for (int depth = 0; depth <= MOST_SCRIPTS; depth++) {
		char next[PATH_MAX];
		struct file file;
		bool script;
		bool good = true;

		if (!map_file(&file, program->executable))
			return problem(program, cli_format("%s cannot be read, to see whether the library would "
							   "load into it: %s", program->executable,
							   strerror(errno)),
				       cli_format("make it readable, or run this as root"));
		script = image_script(&file.image, next, sizeof(next));
		if (!script && !image_is_elf(&file.image)) {
			/* execvp(3) gives what the kernel does not know to the shell. */
			script = true;
			strcpy(next, "/bin/sh");
		}
		if (!script)
			good = check_privileges(program, &file) && check_elf(program, &file.image);
		unmap_file(&file);
		if (!script)
			return good;
		if (!check_interpreter(program, next))
			return false;
		strcpy(program->executable, next);
	}
	program->error = ELOOP;
	return problem(program, cli_format("%s cannot run: its interpreter is a script whose interpreter is "
					   "a script, and so on", program->path),
		       cli_format("run the program itself"));
}

static pid_t start_loader(const struct program *program, const char *preload, int output)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	if (dup2(output, STDOUT_FILENO) < 0 || dup2(output, STDERR_FILENO) < 0 ||
	    setenv("LD_PRELOAD", preload, 1))
		_exit(EXIT_RUN_FAILED);
	execl(program->loader, program->loader, "--list", program->executable, (char *)NULL);
	_exit(EXIT_RUN_MISSING);
}

static size_t read_all(int fd, char *buffer, size_t size)
{
	size_t length = 0;
	ssize_t part;

	while (length < size - 1 && (part = read(fd, buffer + length, size - 1 - length)) > 0)
		length += (size_t)part;
	buffer[length] = '\0';
	return length;
}

/* Sets *status to that of the loader, -1 if it could not be asked. */
static void ask_loader(const struct program *program, const char *preload, char *said, int *status)
{
	int ends[2];
	pid_t pid;

	*status = -1;
	*said = '\0';
	if (pipe2(ends, O_CLOEXEC))
		return;
	pid = start_loader(program, preload, ends[1]);
	close(ends[1]);
	if (pid > 0) {
		read_all(ends[0], said, LOADER_SAYS);
		close(ends[0]);
		if (waitpid(pid, status, 0) != pid)
			*status = -1;
		return;
	}
	close(ends[0]);
}

static bool check_loader(struct program *program, const char *library, const char *preload)
{
	static char said[LOADER_SAYS];
	char *complaint;
	int status;

	ask_loader(program, preload, said, &status);
	loader_asan(said, program->asan, sizeof(program->asan));
	if (status == 0 && loader_lists(said, library))
		return true;
	complaint = loader_complaint(said, library);
	return problem(program,
		       cli_format("the dynamic loader of %s, %s, does not load the library: %s",
				  program->executable, program->loader,
				  complaint ? complaint : "it does not say why"),
		       cli_format("use a library that was built for its libc"));
}

static bool check_library_path(struct program *program, const char *library)
{
	const char *bad = strpbrk(library, " :");

	if (!bad)
		return true;
	return problem(program, cli_format("the library's path has a %s in it, at which LD_PRELOAD is split: "
					   "%s", *bad == ':' ? "colon" : "space", library),
		       cli_format("move it to another directory"));
}

bool program_inspect(struct program *program, const char *library, const char *preload)
{
	program->error = 0;
	program->problem = NULL;
	program->remedy = NULL;
	program->asan[0] = '\0';
	program->loader[0] = '\0';
	strcpy(program->executable, program->path);
	return check_library_path(program, library) && check_file(program) &&
	       check_loader(program, library, preload);
}
