/*
 * What a spawn costs, beside a direct CreateProcessW of the same run.
 *
 *   bench.exe [--rounds N] [--spawns N] [--data FILE] [SECTION]...
 *
 * All ways start the same child, which has no C runtime and ends at once. They take turns in random order,
 * with pauses, and only what belongs to one round is compared, because the machine's speed drifts. The table
 * goes to stdout and the same figures, tab-separated, to FILE, from which draw.awk makes the picture.
 *
 *   main.c     arguments and sections
 *   ways.c     each way to start a child with handles
 *   figures.c  time, chance, medians
 *   process.c  handles and memory of a process
 *   latency.c  sections latency and steals: one spawn at a time
 *   crowd.c    sections pace, throughput and leaks: one thread after itself, and many at once
 *   curves.c   sections handles, line, table and spawns
 *   numbers.c  section numbers: handles that keep theirs
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

struct quartiles {
    double low, median, high;
};

struct quartiles quartiles_of(const double *values, size_t count);
double median_of(const double *values, size_t count);
void shuffle(unsigned *order, unsigned count);

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

struct options {
    unsigned rounds; /* of the latency; others derive theirs from it */
    unsigned spawns; /* on one resident launcher */
    FILE *data;
};

extern struct options options;

/* Say a figure and what it may be at most, or has to be at least. */
void print_target(const char *name, double value, double most);
void print_target_least(const char *name, double value, double least);

/* What one bare steal takes from a process that waits, in ms. */
double steal_some(HANDLE holder);

void measure_latency(void);
void measure_numbers(void);
void measure_pace(void);
void measure_throughput(void);
void measure_leaks(void);
void measure_handles(void);
void measure_line(void);
void measure_table(void);
void measure_spawns(void);
void measure_size(void);

#endif
