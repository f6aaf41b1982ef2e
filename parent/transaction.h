/*
 * One spawn, as the parent sees it. Each step leaves what it made in here, and one place, at the
 * end of handoff_spawn(), gives everything back, whichever step was the last.
 *
 *   spawn.c        the order of the steps, and the clean-up
 *   offer.c        what is passed: the request, the duplicates, what becomes of them
 *   page.c         the claim page
 *   channel.c      the control pipe: messages with a deadline
 *   process.c      the launcher's and the child's processes
 *   transaction.c  what they share: the deadline and the error
 */
#ifndef HANDOFF_TRANSACTION_H
#define HANDOFF_TRANSACTION_H

#include "claim.h"
#include "handoff.h"
#include "page.h"
#include "wire.h"

struct transaction {
    const struct handoff_request *asked;
    struct handoff_error error;
    DWORD started; /* GetTickCount() */
    LONGLONG clock;
    struct handoff_trace trace;

    /* offer.c. Duplicate 0 is the launcher's end of the pipe, duplicate i + 1 belongs to pass i. Its
     * numbers are kept here because only here nobody else can write. */
    struct request request;
    wchar_t *line; /* of the caller's arguments; NULL: there are none */
    HANDLE *duplicates;
    uint32_t duplicate_count;
    struct page page; /* without a view nobody has been told of the duplicates */

    /* channel.c */
    HANDLE pipe;  /* overlapped */
    HANDLE event; /* of the one operation that can be under way */

    /* process.c */
    wchar_t *launcher_path;
    HANDLE launcher;
    DWORD launcher_id;
    PROCESS_INFORMATION child;
};

/* Records the failure with the subject that its stage and pass suggest. Always FALSE. */
BOOL set_error(struct transaction *t, DWORD stage, DWORD pass, DWORD code);

/* What is left until the deadline; 0 once it has passed. */
DWORD remaining_ms(const struct transaction *t);

/* Each returns FALSE with t->error set. */
BOOL plan_passes(struct transaction *t); /* allocates for the passes and checks the request */
BOOL duplicate_passes(struct transaction *t);
BOOL offer_duplicates(struct transaction *t); /* needs the pipe: its far end is the first offer */
BOOL open_channel(struct transaction *t);
BOOL start_launcher(struct transaction *t);
BOOL send_request(struct transaction *t);
BOOL receive_report(struct transaction *t, struct report *report);
BOOL check_taken(struct transaction *t); /* and tells the caller the numbers */
BOOL adopt_child(struct transaction *t, const struct report *report);
BOOL resume_child(struct transaction *t);

/* The launcher's life is of no importance from here on, so this cannot fail. */
void send_commit(struct transaction *t);

/* Clean-up. */
void withdraw_duplicates(struct transaction *t); /* closes those that nobody took or began to take */
void end_child(struct transaction *t);
void end_launcher(struct transaction *t); /* and whatever child it did not report */
DWORD count_unreclaimed(const struct transaction *t);

#endif
