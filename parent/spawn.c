#include "handoff.h"

#include "heap.h"
#include "transaction.h"

/* The steps of the transaction, in their order; each only if all before it succeeded. */
static BOOL transact(struct transaction *t)
{
    struct report report;

    if (!plan_passes(t) || !duplicate_passes(t) || !open_channel(t) || !offer_duplicates(t) || !start_launcher(t) ||
        !send_request(t) || !receive_report(t, &report) || !check_taken(t) || !adopt_child(t, &report) ||
        !resume_child(t))
        return FALSE;
    send_commit(t);
    return TRUE;
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
    close_handle(&t->section);
    if (t->page != NULL)
        UnmapViewOfFile(t->page);
    release(t->launcher_path);
    release(t->duplicates);
    release(t->request.passes);
}

BOOL handoff_spawn(const struct handoff_request *request, PROCESS_INFORMATION *child, struct handoff_error *error)
{
    struct transaction t = {.asked = request, .started = GetTickCount()};
    BOOL done = transact(&t);

    if (!done)
        undo(&t);
    close_all(&t);
    *child = t.child;
    if (error != NULL)
        *error = t.error;
    SetLastError(t.error.code);
    return done;
}
