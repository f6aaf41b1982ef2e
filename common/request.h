/*
 * What one spawn asks for, whichever door it came through. No OS calls: Windows' own structures
 * are spelt with types of fixed width, because parent and launcher may differ in theirs.
 */
#ifndef HANDOFF_REQUEST_H
#define HANDOFF_REQUEST_H

#include "placeholder.h"

enum { STREAM_STDIN, STREAM_STDOUT, STREAM_STDERR, STREAM_COUNT };

/* Whether the set of streams, 1 << STREAM_... for each, has this one. */
static inline bool has_stream(uint32_t streams, int stream)
{
    return (streams >> stream & 1) != 0;
}

enum pass_kind {
    PASS_ASKED, /* somebody asked for it: the library's caller, or an option of the prefix */
    PASS_JOB,   /* not for the child: a job that it is created in */
    PASS_GIVEN, /* a copy of a stream or descriptor of the parent's (the prefix's) own, for which nobody asked */

    /* In the prefix only. */
    PASS_COPY,  /* once more what another pass is, for a second descriptor */
    PASS_RELAY, /* an end of a relay, as a stream */
    PASS_OWN    /* the prefix's own stream itself, no copy of it */
};

/* Unlike any of the caller's flags: HANDOFF_... of handoff.h. */
enum {
    PASS_SEALED = 0x100,   /* not inheritable in the child */
    PASS_OPTIONAL = 0x200, /* need not be mentioned anywhere; of a job: the child may be outside of it */
    PASS_APART = 0x400     /* not inherited: it could not be put under its number in the launcher */
};

/* One handle on its way to the child. */
struct pass {
    struct placeholder placeholder; /* first: see request_find(). Its name is NULL if it has none */
    uint32_t kind;                  /* PASS_ASKED, ... */
    uint32_t streams;               /* 1 << STREAM_..., for each stream that it becomes */
    uint32_t fd;                    /* of the child's C runtime; 0: none, since 0 to 2 are streams */
    uint32_t fd_flags;              /* of the descriptor; 0: as the handle's type suggests */
    uint32_t flags;                 /* PASS_SEALED, ... */
    uint32_t number;                /* in the launcher; 0: it is still to be stolen */
    uint32_t wanted;                /* in the child; 0: as in the launcher */
};

/* The number that the child finds it under. */
static inline uint32_t pass_number(const struct pass *pass)
{
    return pass->wanted != 0 ? pass->wanted : pass->number;
}

/* PROC_THREAD_ATTRIBUTE_JOB_LIST, of Windows 10, whose headers are not asked for. */
enum { ATTRIBUTE_JOB_LIST = 0x2000D };

/* An attribute of PROC_THREAD_ATTRIBUTE_LIST that is plain data: no pointers and no handles are in its value. Windows
 * numbers attributes from 0 to 31, and handles and jobs are two of them. */
enum { ATTRIBUTE_MOST = 30, ATTRIBUTE_SIZE_MOST = 1024 };

struct attribute {
    uint32_t id, size;
    const uint8_t *value; /* at an address that 8 divides */
};

/* STARTUPINFOW but for its streams, which are passes, and its strings. */
struct startup {
    uint32_t flags, x, y, x_size, y_size, x_chars, y_chars, fill, show;
};

/* Strings end with a NUL and are NULL if absent. Whoever filled the request owns them. */
struct request {
    const wchar_t *application;  /* the program's path; NULL: the line's first word is looked up */
    const wchar_t *command_line; /* with placeholders; NULL: the application's path */
    const wchar_t *directory;    /* NULL: the launcher's own, which is the parent's */
    const wchar_t *desktop;
    const wchar_t *title;
    const wchar_t *environment; /* a block with two NULs at its end; NULL: the launcher's, as the parent's is */
    const wchar_t *variables;   /* changes of the environment, as environment_edit() takes them; NULL: none */
    uint32_t closed_streams;    /* 1 << STREAM_..., for each that the child has as INVALID_HANDLE_VALUE */
    uint32_t null_streams;      /* and as NULL, which Windows makes a handle of the console where that is new */
    uint32_t stream_flags[STREAM_COUNT]; /* of descriptors 0 to 2 in the descriptor block; 0: not there */
    uint32_t refuse_batch;               /* the line was quoted for a C runtime, which cmd.exe is not */
    uint32_t creation_flags;
    struct startup startup;
    struct attribute attributes[ATTRIBUTE_MOST];
    uint32_t attribute_count;
    const uint8_t *process_descriptor, *thread_descriptor; /* security descriptors, self-relative; NULL: none */
    uint32_t process_descriptor_size, thread_descriptor_size;
    struct pass *passes;
    uint32_t pass_count;
    struct placeholder *names; /* of the passes, for line_rewrite(): see request_index() */
};

enum request_fault {
    REQUEST_OK,
    REQUEST_NAME, /* the pass's name is not letters, digits, '_', '-' and '.' */
    REQUEST_NAME_TWICE,
    REQUEST_STREAM, /* there is no such stream */
    REQUEST_STREAM_TWICE,
    REQUEST_DESCRIPTOR, /* no C runtime has so many, or two passes have it */
    REQUEST_NO_PLACE,   /* the pass has no name, stream, descriptor or number, so no child could find it */
    REQUEST_NO_PROGRAM  /* neither application nor command line */
};

/* Whether the request makes sense by itself. Where a pass does not, *pass is its index. Indexes the names. */
enum request_fault request_check(struct request *request, uint32_t *pass);

/*
 * Puts the names of the passes into a tree, with the numbers that the passes have now, so that each is found at once
 * however many there are. To be done again when a pass was added, moved or numbered. Returns the first pass whose name
 * an earlier one has, or pass_count.
 */
uint32_t request_index(struct request *request);

/* The pass of that name; NULL if none has it. */
struct pass *request_find(const struct request *request, const wchar_t *name);

/* The first pass without a stream, descriptor or number whose placeholder was not used though it has to be, or
 * pass_count. */
uint32_t request_find_unused(const struct request *request);

/* 1 << STREAM_..., for each stream that a pass becomes or that is none. */
uint32_t request_claimed_streams(const struct request *request);

#endif
