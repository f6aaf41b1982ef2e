/*
 * A prefix is a command that runs another: handoff and handoff-launcher, each with options of its
 * own and some in common, then "--", then the other's command line, which is nobody's but its own.
 * Reading that is here; what the options do is theirs. No OS calls.
 */
#ifndef HANDOFF_PREFIX_H
#define HANDOFF_PREFIX_H

#include "request.h"

enum option_kind {
    OPTION_FLAG,
    OPTION_VALUE,    /* --parent PID: at most once */
    OPTION_SOURCE,   /* --read NAME=WHAT: declares a pass */
    OPTION_STREAM,   /* --stdin NAME: at most once; an empty name: closed */
    OPTION_VARIABLE, /* --env VARIABLE=TEXT */
    OPTION_REMOVAL,  /* --unset VARIABLE */
    OPTION_FD        /* --fd NUMBER=NAME */
};

struct option {
    char name[16]; /* without its two dashes */
    uint32_t kind;
};

/* Every table of options begins with these. */
#define OPTIONS_OF_BOTH                                                                                                \
    {"help", OPTION_FLAG}, {"version", OPTION_FLAG}, {"trace", OPTION_FLAG}, {"stdin", OPTION_STREAM},                 \
        {"stdout", OPTION_STREAM}, {"stderr", OPTION_STREAM}, {"env", OPTION_VARIABLE}, {"unset", OPTION_REMOVAL},     \
        {"fd", OPTION_FD},                                                                                             \
    {                                                                                                                  \
        "seal", OPTION_FLAG                                                                                            \
    }

enum {
    OPTION_HELP,
    OPTION_VERSION,
    OPTION_TRACE,
    OPTION_STDIN, /* the streams, in the order of enum STREAM_... */
    OPTION_ENV = OPTION_STDIN + STREAM_COUNT,
    OPTION_UNSET,
    OPTION_DESCRIPTOR,
    OPTION_SEAL,
    OPTION_OWN, /* the first of a command's own */
    OPTION_MOST = 32
};

/* Where the handle of a pass comes from. */
struct source {
    uint32_t option;
    const wchar_t *what; /* what stood after NAME= */
};

struct prefix {
    const struct option *options;
    uint32_t option_count;

    const wchar_t *values[OPTION_MOST]; /* by option; of flags not NULL if given */
    struct source *sources;             /* of the passes */
    wchar_t **mappings;                 /* NUMBER=NAME, of --fd */
    uint32_t mapping_count;
    struct request request; /* passes, closed streams, variables and command line */
    uint32_t room;          /* in: for so many passes more than the line declares */

    const wchar_t *after_help; /* what follows --help, where it was given */

    const char *fault; /* what is wrong, and with which of the words */
    const wchar_t *subject;
};

/* Bytes that the parts of this command line need, with `room` as below. */
size_t prefix_memory(const wchar_t *line, uint32_t room);

/*
 * Reads a command line, its first word, the prefix's own name, included. `memory`, aligned for
 * pointers and zeroed, has prefix_memory() bytes; the prefix points into it and into the line. With
 * --help or --version nothing after it is read, and the request has no command line.
 * False with a fault if it cannot be what somebody meant; a pass that nothing uses is such a fault.
 */
bool prefix_parse(struct prefix *prefix, const wchar_t *line, void *memory);

#endif
