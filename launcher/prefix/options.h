/*
 * The prefix's own part of its command line: options, then "--", then the command's line, which is nobody's but
 * its own. Reading that is here; what the options do is others'. No OS calls.
 */
#ifndef HANDOFF_OPTIONS_H
#define HANDOFF_OPTIONS_H

#include "fdblock.h"

enum option_kind {
    OPTION_FLAG,
    OPTION_OPTIONAL_PATH, /* --trace=json, --trace=json:PATH: as the next, read by line_path() */
    OPTION_OPTIONAL,      /* --help, --help=TOPIC: the value is in the same word or not there */
    OPTION_VALUE,         /* --timeout TIME: at most once */
    OPTION_PATH,          /* --dir PATH: the same, read by line_path() */
    OPTION_SOURCE,        /* --read NAME=WHAT: declares a pass */
    OPTION_STREAM,        /* --stdin NAME: at most once; an empty name: closed */
    OPTION_VARIABLE,      /* --env VARIABLE=TEXT */
    OPTION_REMOVAL,       /* --unset VARIABLE */
    OPTION_FD,            /* --fd NUMBER=NAME */
    OPTION_MARK           /* --sealed NAME: says something of a pass */
};

enum option {
    OPTION_HELP,
    OPTION_VERSION,
    OPTION_TRACE,
    OPTION_STDIN, /* the streams, in the order of enum STREAM_... */
    OPTION_ENV = OPTION_STDIN + STREAM_COUNT,
    OPTION_UNSET,
    OPTION_DESCRIPTOR,
    OPTION_ONLY_STREAMS,
    OPTION_SEAL,
    OPTION_SEALED,
    OPTION_OVERLAPPED,
    OPTION_READ,
    OPTION_WRITE,
    OPTION_APPEND,
    OPTION_EXTEND,
    OPTION_UPDATE,
    OPTION_PIPE,
    OPTION_LISTEN,
    OPTION_CONNECT,
    OPTION_EVENT,
    OPTION_MUTEX,
    OPTION_SEMAPHORE,
    OPTION_MAPPING,
    OPTION_PROCESS,
    OPTION_HANDLE,
    OPTION_PARENT,
    OPTION_STEAL,
    OPTION_COPY,
    OPTION_REPORT,
    OPTION_LOCK,
    OPTION_WAIT,
    OPTION_CODE,
    OPTION_QUIET,
    OPTION_DETACH,
    OPTION_KILL_ON_EXIT,
    OPTION_TIMEOUT,
    OPTION_WAIT_TREE,
    OPTION_RELAY,
    OPTION_TEE,
    OPTION_TEE_APPEND,
    OPTION_DIR,
    OPTION_DRY_RUN,
    OPTION_TRACE_JSON,
    OPTION_COUNT
};

/* What an option names, or does. */
enum option_trait {
    OPENS_PATH = 1 << 0, /* a file or a pipe by its path */
    IS_SOCKET = 1 << 1,
    MAY_BE_TAKEN = 1 << 2, /* another process may have it, and let it go: see is_worth_waiting() */
    MAY_OVERLAP = 1 << 3,  /* --overlapped is possible */
    IN_PARENT = 1 << 4,    /* a number in the process of --parent */
    TAKES_HANDLES = 1 << 5 /* is about handles of another process */
};

struct option_form {
    char name[16]; /* without its two dashes */
    uint8_t kind;
    uint8_t traits;
};

extern const struct option_form option_table[OPTION_COUNT];

enum origin {
    ORIGIN_OPTION, /* an option says what to open, or which number to take */
    ORIGIN_STREAM, /* a standard stream of this process */
    ORIGIN_PASS    /* a copy of another pass, for a second descriptor */
};

/* Where the handle of a pass comes from. */
struct source {
    enum origin origin;
    uint32_t option;     /* of ORIGIN_OPTION */
    uint32_t stream;     /* of ORIGIN_STREAM: STREAM_... */
    uint32_t original;   /* of ORIGIN_PASS: the index of that pass */
    const wchar_t *what; /* what stood after NAME=; the name of the stream or of the other pass */
    bool overlapped;     /* the option opens it for overlapped I/O */
    uint32_t port;       /* of a socket, once it is open; else 0 */
};

static inline bool source_has(const struct source *source, enum option_trait trait)
{
    return source->origin == ORIGIN_OPTION && (option_table[source->option].traits & trait) != 0;
}

/* An option that means something only when all names are known. */
struct mention {
    uint32_t option;
    wchar_t *text; /* NUMBER=NAME, of --fd; else a name */
};

struct options {
    const wchar_t *values[OPTION_COUNT]; /* of flags not NULL if given */
    const wchar_t *swallower;            /* the option whose value has what looks like the -- before the command */
    struct source *sources;              /* of the passes */
    struct mention *mentions;
    uint32_t mention_count;
    struct request request;   /* passes, closed streams, variables and command line */
    uint32_t escaped_streams; /* 1 << STREAM_..., for each whose name stands in double braces and nowhere else */
    uint32_t sealed_streams;  /* 1 << STREAM_..., for each of this process' own that is to be sealed in the command */
    struct fd_marks descriptors; /* that are given */
    struct fd_marks closed_fds;  /* of these, those that the command shall not have */
    uint32_t more_passes;        /* in: the passes get memory for so many more than the line declares */

    const wchar_t *after_help; /* what follows --help, where it was given */

    const char *fault; /* what is wrong, and with which of the words */
    const wchar_t *subject;
    const char *fault_option; /* the option whose value it is; NULL: the words say it */
    const char *remedy;       /* what may have been meant, for text_format() with the subject as %w; NULL: unknown */
    bool wants_name;          /* the subject should be one of the names */
};

/* Bytes that the parts of this command line need. */
size_t options_memory(const wchar_t *line, uint32_t more_passes);

/*
 * Reads a command line, its first word, the prefix's own name, included. `memory`, aligned for
 * pointers and zeroed, has options_memory() bytes; the options point into it and into the line. With
 * --help or --version nothing after it is read, and the request has no command line.
 * False with a fault if nobody can have meant the line. A pass that nothing uses is a fault.
 */
bool options_parse(struct options *options, const wchar_t *line, void *memory);

/* Fills the fault in and is false: for faults that are found after the parsing. The second is for the value of an
 * option, or for a part of it. */
bool options_refuse(struct options *options, const char *fault, const wchar_t *subject);
bool options_refuse_value(struct options *options, uint32_t option, const char *fault, const wchar_t *subject);

/* Whether any of the line's words, as far as it was understood or not, means to take handles out of a process. */
bool options_take_handles(const wchar_t *line);

#endif
