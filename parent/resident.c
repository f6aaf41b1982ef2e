/* Launchers that stay. */
#include "transaction.h"

#include "heap.h"
#include "turn.h"

enum {
    RESIDENT_PASSES = 4094, /* of a request that a resident launcher takes: a page of 64 KB */
    PIPE_SIZE = 1 << 16,    /* a longer request waits for the launcher to read it */
};

/* A child that was handed over, and when that was done. */
struct committed {
    DWORD process_id;
    uint64_t when;
};

struct handoff_launcher {
    struct turn turn; /* one spawn at a time */
    wchar_t *path;    /* NULL: the default */
    struct link link; /* without a launcher: to be opened anew */

    /* Those that could be taken for a child of the spawn under way, by their creation time: as a rule none or
     * the last. */
    struct committed *committed;
    uint32_t committed_count, committed_room;
};

static DWORD open_resident(struct handoff_launcher *resident, DWORD *stage)
{
    return link_open(&resident->link, resident->path, TRUE, RESIDENT_PASSES, PIPE_SIZE, stage);
}

/* Returns a Win32 code, with the stage that failed. */
static DWORD make_resident(struct handoff_launcher *resident, const wchar_t *path, DWORD *stage)
{
    *stage = HANDOFF_STAGE_PREPARE;
    if (!turn_make(&resident->turn))
        return GetLastError();
    *stage = HANDOFF_STAGE_LAUNCHER;
    if (path != NULL)
        resident->path = full_path(path); /* it may be started again, from another directory */
    return path != NULL && resident->path == NULL ? GetLastError() : open_resident(resident, stage);
}

struct handoff_launcher *handoff_launcher_open(const wchar_t *path, struct handoff_error *error)
{
    struct handoff_launcher *resident = allocate(sizeof *resident);
    struct handoff_error failed = {.stage = HANDOFF_STAGE_PREPARE, .pass = HANDOFF_NO_PASS};

    failed.code = resident != NULL ? make_resident(resident, path, &failed.stage) : ERROR_NOT_ENOUGH_MEMORY;
    if (failed.code != ERROR_SUCCESS) {
        if (failed.stage == HANDOFF_STAGE_LAUNCHER)
            link_describe(&resident->link, &failed);
        handoff_launcher_close(resident);
        resident = NULL;
        if (error != NULL)
            *error = failed;
    }
    SetLastError(failed.code);
    return resident;
}

void handoff_launcher_close(struct handoff_launcher *resident)
{
    HANDLE launcher;

    if (resident == NULL)
        return;
    launcher = resident->link.launcher;
    resident->link.launcher = NULL;
    link_close(&resident->link); /* which a launcher takes for its end, unless it hangs */
    if (launcher != NULL) {
        if (WaitForSingleObject(launcher, DEATH_TIMEOUT_MS) != WAIT_OBJECT_0)
            TerminateProcess(launcher, ERROR_PROCESS_ABORTED);
        CloseHandle(launcher);
    }
    turn_close(&resident->turn);
    release(resident->committed);
    release(resident->path);
    release(resident);
}

/* ---- for the spawn ---- */

static void forget_older(struct handoff_launcher *resident, uint64_t began)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < resident->committed_count; i++) {
        if (resident->committed[i].when >= began)
            resident->committed[kept++] = resident->committed[i];
    }
    resident->committed_count = kept;
}

/* Room for one more, before there is a child that could not be noted. */
static BOOL make_room(struct handoff_launcher *resident)
{
    uint32_t room = 2 * resident->committed_room + 8;
    struct committed *larger;

    if (resident->committed_count < resident->committed_room)
        return TRUE;
    larger = allocate(room * sizeof *larger);
    if (larger == NULL)
        return FALSE;
    if (resident->committed_count > 0)
        CopyMemory(larger, resident->committed, resident->committed_count * sizeof *larger);
    release(resident->committed);
    resident->committed = larger;
    resident->committed_room = room;
    return TRUE;
}

static DWORD join_resident(struct transaction *t, DWORD *stage)
{
    struct handoff_launcher *resident = t->asked->resident;

    *stage = HANDOFF_STAGE_PREPARE;
    if (!turn_take(&resident->turn, remaining_ms(t)))
        return ERROR_TIMEOUT;
    t->link = &resident->link;
    if (remaining_ms(t) == 0)
        return ERROR_TIMEOUT; /* which is not the launcher's fault */
    t->began = system_time(); /* later than any child of an earlier spawn */
    forget_older(resident, t->began);
    if (!make_room(resident))
        return ERROR_NOT_ENOUGH_MEMORY;
    if (resident->link.launcher != NULL && WaitForSingleObject(resident->link.launcher, 0) == WAIT_OBJECT_0)
        link_close(&resident->link);
    return resident->link.launcher != NULL ? ERROR_SUCCESS : open_resident(resident, stage);
}

static DWORD join_own(struct transaction *t, DWORD *stage)
{
    const struct handoff_launcher *resident = t->asked->resident;
    DWORD size = (DWORD)t->most_size + WIRE_HEADER; /* and the commit */

    t->began = system_time();
    return link_open(&t->own, resident != NULL ? resident->path : t->asked->launcher, FALSE, t->most_passes, size,
                     stage);
}

BOOL join_link(struct transaction *t)
{
    DWORD stage, code;

    if (t->asked->resident != NULL && t->most_passes <= RESIDENT_PASSES)
        code = join_resident(t, &stage);
    else
        code = join_own(t, &stage);
    return code == ERROR_SUCCESS || set_error(t, stage, HANDOFF_NO_PASS, code);
}

BOOL is_committed(const struct transaction *t, DWORD process_id)
{
    const struct handoff_launcher *resident = t->asked->resident;

    for (uint32_t i = 0; t->link != &t->own && i < resident->committed_count; i++) {
        if (resident->committed[i].process_id == process_id)
            return TRUE;
    }
    return FALSE;
}

void leave_link(struct transaction *t)
{
    struct handoff_launcher *resident = t->asked->resident;

    if (t->link == &t->own) {
        link_close(&t->own);
        return;
    }
    if (t->child.hProcess != NULL)
        resident->committed[resident->committed_count++] =
            (struct committed){.process_id = t->child.dwProcessId, .when = system_time()};
    if (!t->in_step || resident->link.launcher == NULL)
        link_close(&resident->link);
    turn_give(&resident->turn);
}
