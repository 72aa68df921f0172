/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the user and the machine say, read once at the start and constant from then on. */
#ifndef VFIOALIGN_CONFIG_H
#define VFIOALIGN_CONFIG_H

#include <stdbool.h>

#include "align.h"

enum log_level {
	LOG_OFF,
	LOG_ERROR,
	LOG_INFO,
	LOG_DEBUG,
};

/**
 * struct config - what the library goes by
 * @act: false if VFIOALIGN or VFIOALIGN_ONLY leave this program alone
 * @idle: which of them does, "off" or "only"; NULL if none
 * @observe: VFIOALIGN=off with a report: the program's mappings are told, and left as they are
 * @placement: VFIOALIGN, the word
 * @mode: VFIOALIGN, what it means
 * @steer: VFIOALIGN_STEER
 * @relocate: VFIOALIGN_RELOCATE, where "auto" has been decided by the program's name
 * @sizes: the page sizes that the kernel maps BARs with
 * @aim: those that an address is to suit: @sizes, or more if VFIOALIGN asks for it
 * @log: VFIOALIGN_LOG
 * @log_file: VFIOALIGN_LOG_FILE, or NULL for stderr
 * @report_file: VFIOALIGN_REPORT, or NULL
 * @program: name of this process's executable
 */
struct config {
	bool act;
	const char *idle;
	bool observe;
	const char *placement;
	enum align_mode mode;
	bool steer;
	bool relocate;
	struct align_sizes sizes;
	struct align_sizes aim;
	enum log_level log;
	const char *log_file;
	const char *report_file;
	const char *program;
};

extern struct config config;

/**
 * config_read - fill in the configuration from the environment and the machine
 *
 * For the constructor. Says on stderr what it cannot use, one line a variable, and goes on
 * with the default. Answers VFIOALIGN_PROBE by printing name and version and exiting.
 * In a secure process (ld.so(8)) the environment counts for nothing.
 */
void config_read(void);

#endif
