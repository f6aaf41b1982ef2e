/*
 * One spawn, as the parent sees it. Each step leaves what it made in here, and one place, at the
 * end of handoff_spawn(), gives everything back, whichever step was the last.
 *
 *   spawn.c        the order of the steps, and the clean-up
 *   identity.c     whom the calling thread impersonates, set aside
 *   attributes.c   what else the caller wants of the child
 *   security.c     who may open the child
 *   offer.c        what is passed: the request, the duplicates, what becomes of them
 *   own.c          what the child has of this process as any child would
 *   link.c         a launcher, and the page, the pipe and the events that it shares with us
 *   resident.c     launchers that stay
 *   standing.c     what they have of this process, and must not have kept
 *   pool.c         who may use one of them, and which stay
 *   channel.c      what is said to it and what it says, with a deadline
 *   process.c      the child, and the end of it and of the launcher
 *   transaction.c  what they share: the deadline and the error
 */
#ifndef HANDOFF_TRANSACTION_H
#define HANDOFF_TRANSACTION_H

#include "claim.h"
#include "clock.h"
#include "handoff.h"
#include "link.h"
#include "wire.h"

/* To know a child that was not reported, and to end it. */
enum { CLEAN_UP_ACCESS = PROCESS_TERMINATE | PROCESS_QUERY_INFORMATION | SYNCHRONIZE };

/* No request with more would be short enough, each having a length and a name. */
enum { MOST_PASSES = WIRE_MOST / 8 };

struct transaction {
    const struct handoff_request *asked; /* &whole, once that is there */
    struct handoff_request whole;        /* as this version knows it */
    struct handoff_error error;
    struct deadline deadline;
    LONGLONG clock; /* for the trace */
    HANDLE caller;  /* the token of whom the thread impersonates, while that is set aside */
    struct handoff_trace trace;

    /* offer.c. Duplicate i belongs to pass i, and to claim i of the link's page. Its numbers are kept
     * here because only here nobody else can write. */
    struct request request;
    wchar_t *line;        /* of the caller's arguments; NULL: there are none */
    wchar_t *program;     /* found for the first word of the line */
    wchar_t *directory;   /* with a resident launcher: where the parent is now */
    wchar_t *environment; /* and its environment, from GetEnvironmentStringsW */
    size_t most_size;     /* of the request as it is sent, in bytes */
    uint32_t most_passes; /* with the parent's own streams and descriptors, which come last */
    const HANDLE *jobs;   /* the caller's, which the child is created in; passes after those that were asked for */
    uint32_t job_count;
    HANDLE *duplicates; /* of what is stolen, which are the passes that were asked for and the jobs; NULL: of others */
    BOOL offered;       /* the launcher may take them */

    BOOL keeps_out; /* security.c: the child is created with another list of rights than it is to have */

    /* link.c, resident.c */
    struct handoff_launcher *residents; /* NULL: a launcher for this spawn alone */
    struct resident *resident;          /* the one of these that it uses; NULL: its own, after all */
    struct link *link;                  /* &own, or the resident's */
    struct link own;
    uint32_t request_size; /* as it was sent, in bytes */
    BOOL in_step;          /* the launcher waits for a request, and for nothing else */

    /* process.c */
    uint64_t began; /* FILETIME */
    PROCESS_INFORMATION child;
};

/* Records a failure to talk with the launcher, which may have left a code. Always FALSE. */
BOOL exchange_error(struct transaction *t, DWORD code);

/* Records the failure with the subject that its stage and pass suggest. Always FALSE. */
BOOL set_error(struct transaction *t, DWORD stage, DWORD pass, DWORD code);

/* Records ERROR_INVALID_PARAMETER of this field: of the request, or of that pass. Always FALSE. */
BOOL refuse_field(struct transaction *t, DWORD pass, const char *field);

/* Names what the error that is set is about: text_format() with one number at most. Always FALSE. */
BOOL name_subject(struct transaction *t, const char *format, uint32_t number);

/* Records the failure of an attribute of PROC_THREAD_ATTRIBUTE_LIST. Always FALSE. */
BOOL refuse_attribute(struct transaction *t, DWORD stage, DWORD_PTR id, DWORD code);

/* handoff_spawn() with streams that the child has as NULL: HANDOFF_STDIN | .... */
BOOL spawn_with(const struct handoff_request *request, DWORD null_streams, PROCESS_INFORMATION *child,
                struct handoff_error *error);

uint64_t system_time(void); /* FILETIME */

/* The resident launchers that the request names, or the default ones if it names none; NULL: there are none. */
struct handoff_launcher *residents_of(const struct handoff_request *asked);

/* Each returns FALSE with t->error set. */
BOOL take_attributes(struct transaction *t);
BOOL take_security(struct transaction *t);
BOOL plan_passes(struct transaction *t); /* allocates for the passes and checks the request */
BOOL duplicate_passes(struct transaction *t);
BOOL join_link(struct transaction *t); /* starts a launcher, unless a resident one is there */
BOOL put_own(struct transaction *t);   /* the parent's own streams and descriptors, into the launcher */
void offer_duplicates(struct transaction *t);
BOOL send_request(struct transaction *t);
BOOL receive_report(struct transaction *t, struct report *report);
BOOL check_taken(struct transaction *t); /* and tells the caller the numbers */
BOOL adopt_child(struct transaction *t, const struct report *report);
BOOL secure_child(struct transaction *t); /* gives it the list of rights that the caller wants */
BOOL resume_child(struct transaction *t);

/* The launcher's life is of no importance from here on, so this cannot fail. */
void send_commit(struct transaction *t);

/* Clean-up. What cannot be ended becomes the error, of HANDOFF_STAGE_CLEAN_UP. */
void withdraw_duplicates(struct transaction *t); /* closes those that nobody took or began to take */
void end_child(struct transaction *t);
void end_launcher(struct transaction *t);                         /* and whatever child it did not report */
BOOL is_committed(const struct transaction *t, DWORD process_id); /* a child of an earlier spawn, maybe */
void leave_link(struct transaction *t); /* after all: closes it, unless a resident launcher can go on */
DWORD count_unreclaimed(const struct transaction *t);

#endif
