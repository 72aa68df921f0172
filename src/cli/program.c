// SPDX-License-Identifier: LGPL-2.1-or-later
#define _GNU_SOURCE
#include <elf.h>
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
#include "program.h"

/* Scripts may be the interpreters of scripts, but no more of them: exec_binprm(), fs/exec.c. */
#define MOST_SCRIPTS 5

/* The start of a script counts: BINPRM_BUF_SIZE, include/uapi/linux/binfmts.h. */
#define SCRIPT_START 256

#define LOADER_SAYS 65536

/** struct file - an open file that is mapped for reading */
struct file {
	int fd;
	struct stat stat;
	const unsigned char *bytes;
	size_t size;
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
	file->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (file->fd < 0)
		return false;
	if (!fstat(file->fd, &file->stat) && S_ISREG(file->stat.st_mode)) {
		file->size = (size_t)file->stat.st_size;
		file->bytes = file->size ? mmap(NULL, file->size, PROT_READ, MAP_PRIVATE, file->fd, 0)
					 : MAP_FAILED;
		if (file->bytes != MAP_FAILED)
			return true;
		file->size = 0;
		file->bytes = (const unsigned char *)"";
		return true;
	}
	close(file->fd);
	errno = EINVAL;
	return false;
}

static void unmap_file(struct file *file)
{
	if (file->size)
		munmap((void *)(uintptr_t)file->bytes, file->size);
	close(file->fd);
}

/* The interpreter that a "#!" line names, if there is one, and whole: load_script(), fs/binfmt_script.c. */
static bool script_interpreter(const struct file *file, char *interpreter, size_t size)
{
	char line[SCRIPT_START + 1] = "";
	size_t length = file->size < SCRIPT_START ? file->size : SCRIPT_START;
	char *rest = line + 2;

	memcpy(line, file->bytes, length);
	if (strncmp(line, "#!", 2))
		return false;
	rest += strspn(rest, " \t");
	if (rest + strcspn(rest, " \t\n") == line + SCRIPT_START)
		return false;
	rest[strcspn(rest, " \t\n")] = '\0';
	return *rest && (size_t)snprintf(interpreter, size, "%s", rest) < size;
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

static const Elf64_Phdr *program_header(const struct file *file, uint32_t type)
{
	const Elf64_Ehdr *header = (const void *)file->bytes;

	if (header->e_phentsize != sizeof(Elf64_Phdr) || header->e_phoff % 8 ||
	    header->e_phoff > file->size ||
	    header->e_phnum > (file->size - header->e_phoff) / sizeof(Elf64_Phdr))
		return NULL;
	for (unsigned int i = 0; i < header->e_phnum; i++) {
		const Elf64_Phdr *segment = (const void *)(file->bytes + header->e_phoff);

		segment += i;
		if (segment->p_type == type && segment->p_offset <= file->size &&
		    segment->p_filesz <= file->size - segment->p_offset)
			return segment;
	}
	return NULL;
}

/* The machine that this program, and so the library, is built for. */
static uint16_t own_machine(void)
{
	struct file self;
	uint16_t machine = EM_NONE;

	if (!map_file(&self, "/proc/self/exe"))
		return machine;
	if (self.size >= sizeof(Elf64_Ehdr))
		machine = ((const Elf64_Ehdr *)(const void *)self.bytes)->e_machine;
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

static bool check_elf(struct program *program, const struct file *file)
{
	const Elf64_Ehdr *header = (const void *)file->bytes;
	const char *path = program->executable;
	const Elf64_Phdr *interpreter;

	if (file->size > EI_CLASS && file->bytes[EI_CLASS] == ELFCLASS32)
		return problem(program, cli_format("%s is a 32-bit program, and the library is for 64-bit "
						   "ones", path),
			       cli_format("use a 64-bit build of it: BARs with huge pages have no room "
					  "in 32 bits"));
	if (file->size < sizeof(*header) || header->e_machine != own_machine())
		return problem(program, cli_format("%s is a program for another machine than the library",
						   path),
			       cli_format("use a build of it for this machine"));
	interpreter = program_header(file, PT_INTERP);
	if (!interpreter || interpreter->p_filesz >= sizeof(program->loader))
		return problem(program,
			       cli_format("%s is %s: no dynamic loader runs in it that could load the library",
					  path, header->e_type == ET_DYN ? "statically linked (static-pie)"
									 : "statically linked"),
			       cli_format("use a dynamically linked build of it"));
	snprintf(program->loader, sizeof(program->loader), "%.*s", (int)interpreter->p_filesz,
		 (const char *)file->bytes + interpreter->p_offset);
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
		script = script_interpreter(&file, next, sizeof(next));
		if (!script && (file.size < SELFMAG || memcmp(file.bytes, ELFMAG, SELFMAG))) {
			/* execvp(3) gives what the kernel does not know to the shell. */
			script = true;
			strcpy(next, "/bin/sh");
		}
		if (!script)
			good = check_privileges(program, &file) && check_elf(program, &file);
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

/* "\t/usr/lib/libvfioalign.so (0x...)", of glibc; "\t/usr/lib/libvfioalign.so => ...", of musl */
static bool lists_library(const char *said, const char *library)
{
	/* It may be listed by another path, if LD_PRELOAD has it already. */
	const char *name = strrchr(library, '/');

	for (const char *at = said; (at = strstr(at, name)); at++) {
		const char *line = at;

		while (line > said && line[-1] != '\n')
			line--;
		if (*line == '\t' && at[strlen(name)] == ' ')
			return true;
	}
	return false;
}

/* The line of the loader's answer that says of the library what is wrong. */
static char *loaders_complaint(char *said, const char *library)
{
	for (char *line; (line = strsep(&said, "\n"));)
		if (*line != '\t' &&
		    (strstr(line, library) || strstr(line, "error") || strstr(line, "Error")))
			return line;
	return NULL;
}

/* gcc's "\tlibasan.so.8 => /usr/lib/libasan.so.8 (0x...)", clang's with -shared-libasan */
static void find_asan(struct program *program, const char *said)
{
	const char *gcc = strstr(said, "\tlibasan.so");
	const char *at = gcc ? gcc : strstr(said, "\tlibclang_rt.asan");
	const char *path = at ? strstr(at, "=> ") : NULL;

	if (path && path < at + strcspn(at, "\n"))
		snprintf(program->asan, sizeof(program->asan), "%.*s", (int)strcspn(path + 3, " \n"),
			 path + 3);
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
	find_asan(program, said);
	if (status == 0 && lists_library(said, library))
		return true;
	complaint = loaders_complaint(said, library);
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
