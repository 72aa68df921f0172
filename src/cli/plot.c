// SPDX-License-Identifier: LGPL-2.1-or-later
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli.h"
#include "plot.h"
#include "program.h"

/* Where bars differ more than this, the smaller could not be seen beside the larger. */
#define LINEAR_RATIO 20.0

#define PANEL_WIDTH 420u
#define HEIGHT 520u

void plot_require(void)
{
	struct program gnuplot;

	if (program_find(&gnuplot, "gnuplot"))
		cli_fatal(EXIT_ERROR, "--plot needs gnuplot, which is not there: install it (Debian: "
				      "gnuplot-nox)");
}

/* In gnuplot's double quotes, where "_" and the like would be markup. */
static void write_quoted(FILE *gnuplot, const char *text)
{
	fputc('"', gnuplot);
	for (; *text; text++) {
		if (strchr("\\\"", *text))
			fputc('\\', gnuplot);
		if (*text >= ' ')
			fputc(*text, gnuplot);
	}
	fputc('"', gnuplot);
}

static void range_of(const struct plot_panel *panel, double *least, double *most)
{
	*least = INFINITY;
	*most = 0;
	for (unsigned int i = 0; i < panel->count; i++) {
		if (panel->stats[i].min > 0)
			*least = fmin(*least, panel->stats[i].min);
		*most = fmax(*most, panel->stats[i].max);
	}
}

static void write_panel(FILE *gnuplot, const struct plot_panel *panel)
{
	double least, most, bottom = 0;
	bool logarithmic;

	range_of(panel, &least, &most);
	logarithmic = most / least > LINEAR_RATIO;
	fputs("set title ", gnuplot);
	write_quoted(gnuplot, panel->title);
	if (logarithmic) {
		bottom = pow(10, floor(log10(least) - 0.3));
		fprintf(gnuplot, "\nset logscale y\nset format y '10^{%%T}'\nset yrange [%g:%g]\n", bottom,
			pow(10, ceil(log10(most) + 0.3)));
	} else {
		fprintf(gnuplot, "\nunset logscale y\nset format y '%%g'\nset yrange [0:%g]\n",
			most > 0 ? most * 1.25 : 1);
	}
	fputs("$bars << END\n", gnuplot);
	for (unsigned int i = 0; i < panel->count; i++) {
		const struct stats *stats = &panel->stats[i];
		char *label = isnan(stats->median) ? cli_format("none")
						   : stats->median >= 1000 ? stats_count(stats->median)
									   : stats_ratio(stats->median);

		fprintf(gnuplot, "%u ", i);
		write_quoted(gnuplot, panel->names[i]);
		if (isnan(stats->median))
			fprintf(gnuplot, " %g %g %g", bottom, bottom, bottom);
		else
			fprintf(gnuplot, " %.9g %.9g %.9g", fmax(stats->median, bottom),
				fmax(stats->min, bottom), fmax(stats->max, bottom));
		fputc(' ', gnuplot);
		write_quoted(gnuplot, label);
		fputc('\n', gnuplot);
	}
	fprintf(gnuplot, "END\n"
		"set xrange [-0.6:%u-0.4]\n"
		"plot $bars using 1:3:($1+1):xtic(2) with boxes lc variable fill solid 0.85 notitle, "
		"$bars using 1:3:4:5 with yerrorbars lc rgb fg lw 2 pt 7 ps 0.3 notitle, "
		"$bars using 1:5:6 with labels offset 0,0.9 tc rgb fg notitle\n", panel->count);
}

static void write_script(FILE *gnuplot, const char *output, const char *title,
			 const struct plot_panel *panels, unsigned int count, bool dark)
{
	fprintf(gnuplot, "fg = '%s'\n", dark ? "#e8e8e8" : "#202020");
	fprintf(gnuplot,
		"set terminal svg noenhanced size %u,%u background '%s' font 'sans-serif,20' linewidth 1.5\n"
		"set output ",
		PANEL_WIDTH * count, HEIGHT, dark ? "#16191d" : "#ffffff");
	write_quoted(gnuplot, output);
	fputs("\nset encoding utf8\nset termoption enhanced\nset border 3 lc rgb fg\nset tics nomirror tc rgb fg\n"
	      "set title tc rgb fg noenhanced\nset xtics noenhanced\nset boxwidth 0.6\nset pointintervalbox 0\nset bmargin 3\n"
	      "set linetype 1 lc rgb '#0072b2'\nset linetype 2 lc rgb '#e69f00'\n"
	      "set linetype 3 lc rgb '#009e73'\nset linetype 4 lc rgb '#d55e00'\n"
	      "set linetype 5 lc rgb '#cc79a7'\nset linetype 6 lc rgb '#56b4e9'\n",
	      gnuplot);
	fprintf(gnuplot, "set multiplot layout 1,%u title ", count);
	write_quoted(gnuplot, title);
	fputs(" noenhanced tc rgb fg\n", gnuplot);
	for (unsigned int i = 0; i < count; i++)
		write_panel(gnuplot, &panels[i]);
	fputs("unset multiplot\n", gnuplot);
}

void plot_write(struct file_new *file, const char *title, const struct plot_panel *panels,
		unsigned int count, bool dark)
{
	int ends[2], status = -1;
	FILE *script;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC))
		cli_fatal(EXIT_ERROR, "pipe: %s", strerror(errno));
	fflush(NULL);
	signal(SIGPIPE, SIG_IGN);
	pid = fork();
	if (!pid) {
		dup2(ends[0], STDIN_FILENO);
		/* The file says that it is UTF-8; in another locale gnuplot would complain. */
		setenv("LC_ALL", "C.UTF-8", 1);
		execlp("gnuplot", "gnuplot", "-", (char *)NULL);
		_exit(EXIT_RUN_MISSING);
	}
	close(ends[0]);
	script = fdopen(ends[1], "w");
	if (script) {
		write_script(script, file->temporary, title, panels, count, dark);
		fclose(script);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
		cli_fatal(EXIT_ERROR, "gnuplot failed (above): %s was not written", file->path);
	file_finish(file);
}
