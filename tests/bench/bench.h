/*
 * What a spawn costs, beside a direct CreateProcessW of the same run.
 *
 *   bench.exe [--seconds N] [--data FILE] [SECTION]...
 *
 * All ways start the same child, which has no C runtime and ends at once. They take turns in random order,
 * with pauses, and only what belongs to one round is compared, because the machine's speed drifts. Each section
 * takes as many rounds as fit in its time, so that a run is as long on a slow machine. Tables go to stdout. The same
 * figures and the targets go to FILE, tab-separated, for the scripts:
 *
 *   bench.sh       runs bench.exe and the scripts below
 *   requests.awk   counts what the section requests marked in a trace of wineserver
 *   verdicts.awk   each target, kept or missed
 *   figures.awk    the tables of README.md
 *   draw.awk       the picture
 *
 *   main.c     arguments, sections, targets
 *   ways.c     each way to start a child with handles
 *   figures.c  time, chance, medians
 *   process.c  handles and memory of a process
 *   latency.c  section latency: one spawn at a time
 *   crowd.c    sections pace, throughput and leaks: one thread after itself, and many at once
 *   curves.c   sections handles, line, table, environment and spawns
 *   numbers.c  section numbers: handles that keep theirs
 *   requests.c section requests: marks around single spawns
 *   size.c     section size: bytes, imports, memory
 *   nothing.c, count.c  the children
 */
#ifndef HANDOFF_BENCH_H
#define HANDOFF_BENCH_H

#include <windows.h>

#include <stdio.h>

#include "handoff.h"

/* ---- figures.c ---- */

double now_ms(void);
unsigned chance(unsigned below);

/* Back-to-back starts disturb each other under Wine: 10 to 30 ms. */
void pause_a_while(void);

void shuffle(unsigned *order, unsigned count);

/* The rounds of a measurement: as many as fit in its time, but never fewer than a median needs. */
struct rounds {
    double end; /* in the time of now_ms */
    unsigned done;
};

struct rounds begin_rounds(double seconds);
BOOL next_round(struct rounds *rounds);

/* One figure, measured once in each round. */
struct samples {
    double *values;
    size_t count, room;
};

void add_sample(struct samples *samples, double value);
void clear_samples(struct samples *samples);

struct quartiles {
    double low, median, high;
};

struct quartiles quartiles_of(const struct samples *samples);
struct quartiles divide_quartiles(struct quartiles quartiles, double by);

/* What the two make of each other, round by round. */
struct quartiles ratio_of(const struct samples *samples, const struct samples *base);

/* Ends the program: a benchmark that goes on without one of its parts says something wrong. */
void require(BOOL condition, const char *what);
void *allocate(size_t count, size_t size);

/* ---- process.c ---- */

DWORD handles_of(DWORD process_id);
SIZE_T private_bytes(HANDLE process);

/* ---- ways.c ---- */

enum { LINE_MOST = 32767, HANDLES_MOST = 1024 };

/* What the child is to get. */
struct order {
    HANDLE handles[HANDLES_MOST];
    DWORD count;
    const wchar_t *child;              /* path */
    DWORD length;                      /* of the command line, at least; 0: as short as it comes */
    BOOL exposed;                      /* the handles are inheritable all the time */
    BOOL keeps_numbers;                /* for handoff, one-shot and resident */
    struct handoff_launcher *resident; /* for the ways that need one */
    BOOL is_default;                   /* that is the program's default all the time */
    const wchar_t *variables;          /* changes of the environment, for handoff; or NULL */
    const wchar_t *environment;        /* the result of these changes, for the handle list; or NULL */
    struct scratch *scratch;
};

/* A child under way. */
struct child {
    HANDLE process;
    double began, held; /* when the parent asked for it, and had its handle */
};

enum way_id {
    WAY_DIRECT,
    WAY_LIST,
    WAY_LOCK,
    WAY_STUB,
    WAY_FLOOR,
    WAY_ONE_SHOT,
    WAY_RESIDENT,
    WAY_DROP_IN,
    WAY_REPORT,
    WAY_PREFIX,
    WAY_COMMAND,
    WAYS,
    WAY_FOREIGN = WAYS /* whoever else starts children in this process */
};

struct way {
    const char *name;
    BOOL (*start)(const struct order *order, struct child *child);
    BOOL gives_handle; /* or else what is waited for is not the child but who stands in for it */
};

extern const struct way ways[WAYS + 1];

struct latency {
    double held, ended; /* ms since the beginning */
    DWORD exit_code;
};

void prepare_ways(void);
void finish_ways(void);

/* With that many events as handles. */
void make_order(struct order *order, DWORD count);
void end_order(struct order *order);

/* Starts a child, whose process is the caller's to close. A start that Wine refuses for no reason is done again, and
 * counted. */
struct child start_way(enum way_id way, const struct order *order);

/* The same, and waits for its end. */
struct latency spawn(enum way_id way, const struct order *order);
extern volatile LONG refused_starts;

extern wchar_t path_of_nothing[MAX_PATH], path_of_count[MAX_PATH], path_of_launcher[MAX_PATH], path_of_prefix[MAX_PATH],
    path_of_windowed[MAX_PATH];

/* The resident launcher that served the order last. */
DWORD launcher_of(const struct order *order);

HANDLE start_program(const wchar_t *path, const wchar_t *arguments, DWORD flags, PROCESS_INFORMATION *process);

/* ---- the sections ---- */

/* One bare steal out of a process that waits, in ms. */
double steal_some(HANDLE holder);

extern FILE *data;

/* What is to be kept: by its median, at most or at least the limit. */
void tell_target(const char *name, struct quartiles value, double most);
void tell_target_least(const char *name, struct quartiles value, double least);

/* The same for what is counted once. */
void tell_count(const char *name, double count, double most);

/* A launcher that stays, or the end of the program. */
struct handoff_launcher *open_resident(void);

void measure_latency(double seconds);
void measure_numbers(double seconds);
void measure_pace(double seconds);
void measure_throughput(double seconds);
void measure_leaks(double seconds);
void measure_handles(double seconds);
void measure_line(double seconds);
void measure_table(double seconds);
void measure_environment(double seconds);
void measure_spawns(double seconds);
void measure_size(double seconds);
void mark_requests(double seconds);

#endif
