#include "handoff.h"

#include "clock.h"
#include "heap.h"
#include "transaction.h"

static BOOL mark(const struct transaction *t, DWORD *us)
{
    *us = clock_us(t->clock);
    return TRUE;
}

/* The steps of the transaction, in their order; each only if all before it succeeded. */
static BOOL transact(struct transaction *t)
{
    struct report report;
    BOOL done = plan_passes(t) && duplicate_passes(t) && open_channel(t) && offer_duplicates(t) &&
                mark(t, &t->trace.duplicated_us) && start_launcher(t) && mark(t, &t->trace.launched_us) &&
                send_request(t) && receive_report(t, &report) && check_taken(t) && mark(t, &t->trace.created_us) &&
                adopt_child(t, &report) && mark(t, &t->trace.adopted_us) && resume_child(t);

    if (done)
        send_commit(t);
    return done;
}

static void undo(struct transaction *t)
{
    withdraw_duplicates(t);
    end_child(t);
    end_launcher(t);
    t->error.unreclaimed = count_unreclaimed(t);
}

static void close_handle(HANDLE *handle)
{
    if (*handle != NULL)
        CloseHandle(*handle);
    *handle = NULL;
}

static void close_all(struct transaction *t)
{
    close_handle(&t->pipe);
    close_handle(&t->event);
    close_handle(&t->launcher);
    page_close(&t->page);
    release(t->launcher_path);
    release(t->line);
    release(t->duplicates);
    release(t->request.passes);
}

BOOL handoff_spawn(const struct handoff_request *request, PROCESS_INFORMATION *child, struct handoff_error *error)
{
    struct transaction t = {.asked = request, .started = GetTickCount(), .clock = clock_now()};
    BOOL done = transact(&t);

    if (!done)
        undo(&t);
    close_all(&t);
    *child = t.child;
    t.trace.launcher_id = t.launcher_id;
    if (request->trace != NULL)
        *request->trace = t.trace;
    if (error != NULL)
        *error = t.error;
    SetLastError(t.error.code);
    return done;
}
