#include "handoff.h"

#include "clock.h"
#include "heap.h"
#include "identity.h"
#include "transaction.h"

#include <stddef.h>

enum { DEFAULT_TIMEOUT_MS = 120000 }; /* virus scanners hold up a first start for half a minute */

static BOOL mark(const struct transaction *t, DWORD *us)
{
    *us = clock_us(t->clock);
    return TRUE;
}

/* The steps of the transaction, in their order; each only if all before it succeeded. */
static BOOL prepare(struct transaction *t)
{
    return plan_passes(t) && duplicate_passes(t) && mark(t, &t->trace.duplicated_us) && join_link(t) &&
           mark(t, &t->trace.launched_us);
}

static BOOL exchange(struct transaction *t, struct report *report)
{
    offer_duplicates(t);
    return put_own(t) && send_request(t) && receive_report(t, report) && check_taken(t) &&
           mark(t, &t->trace.created_us);
}

/* Whom the thread impersonates neither owns the launcher nor decides what can be opened. */
static BOOL go_on_as_process(struct transaction *t)
{
    DWORD code = identity_set_aside(&t->caller);

    return code == ERROR_SUCCESS || set_error(t, HANDOFF_STAGE_PREPARE, HANDOFF_NO_PASS, code);
}

static BOOL go_on_as_caller(struct transaction *t)
{
    DWORD code = identity_put_back(&t->caller);

    return code == ERROR_SUCCESS || set_error(t, HANDOFF_STAGE_IDENTITY, HANDOFF_NO_PASS, code);
}

/* The child runs only for a caller who is again who he was. */
static BOOL transact(struct transaction *t)
{
    struct report report;

    if (!prepare(t) || !exchange(t, &report) || !adopt_child(t, &report) || !mark(t, &t->trace.adopted_us) ||
        !secure_child(t) || !go_on_as_caller(t) || !resume_child(t))
        return FALSE;
    send_commit(t);
    return TRUE;
}

static void undo(struct transaction *t)
{
    withdraw_duplicates(t);
    end_child(t);
    if (!t->in_step || t->link == &t->own)
        end_launcher(t);
    t->error.unreclaimed = count_unreclaimed(t);
}

static void release_all(struct transaction *t)
{
    if (t->environment != NULL)
        FreeEnvironmentStringsW(t->environment);
    release(t->directory);
    release(t->program);
    release((void *)(UINT_PTR)t->request.process_descriptor);
    release((void *)(UINT_PTR)t->request.thread_descriptor);
    release(t->line);
    release(t->duplicates);
    release(t->request.passes);
}

/* What a change of them changes, request.cb must tell: see handoff.h. */
_Static_assert(sizeof(struct handoff_pass) == (sizeof(void *) == 8 ? 32 : 20), "a pass of every version");
_Static_assert(sizeof(struct handoff_error) == 208 && sizeof(struct handoff_trace) == 20,
               "an error and a trace of every version");

static BOOL is_of_a_version(DWORD cb)
{
    static const DWORD sizes[] = {offsetof(struct handoff_request, process_security), /* 0.1 */
                                  sizeof(struct handoff_request)};

    return cb == sizes[0] || cb == sizes[1];
}

static BOOL take_request(struct transaction *t, const struct handoff_request *request, const void *child)
{
    if (request == NULL)
        return refuse_field(t, HANDOFF_NO_PASS, "request");
    if (child == NULL)
        return refuse_field(t, HANDOFF_NO_PASS, "child");
    if (!is_of_a_version(request->cb))
        return refuse_field(t, HANDOFF_NO_PASS, "cb");
    CopyMemory(&t->whole, request, request->cb);
    if (t->whole.timeout_ms != 0)
        t->deadline.ms = t->whole.timeout_ms;
    t->residents = residents_of(&t->whole);
    return TRUE;
}

BOOL spawn_with(const struct handoff_request *request, DWORD null_streams, PROCESS_INFORMATION *child,
                struct handoff_error *error)
{
    struct transaction t = {.deadline = deadline_in(DEFAULT_TIMEOUT_MS), .clock = clock_now(), .in_step = TRUE};
    BOOL done;

    t.asked = &t.whole;
    t.link = &t.own;
    t.request.null_streams = null_streams;
    done = take_request(&t, request, child) && go_on_as_process(&t) && transact(&t);
    if (!done) {
        undo(&t);
        go_on_as_caller(&t);
    }
    t.trace.launcher_id = t.link->process_id;
    leave_link(&t);
    release_all(&t);
    if (child != NULL)
        *child = t.child;
    if (t.asked->trace != NULL)
        *t.asked->trace = t.trace;
    if (error != NULL)
        *error = t.error;
    SetLastError(t.error.code);
    return done;
}

BOOL WINAPI handoff_spawn(const struct handoff_request *request, PROCESS_INFORMATION *child,
                          struct handoff_error *error)
{
    return spawn_with(request, 0, child, error);
}
