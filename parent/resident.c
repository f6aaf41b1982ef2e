/* Launchers that stay. */
#include "transaction.h"

#include "heap.h"
#include "identity.h"
#include "query.h"
#include "pool.h"
#include "standing.h"

enum {
    /* What a resident launcher takes of one request, which is memory of 256 KB. */
    RESIDENT_PASSES = 4094,
    RESIDENT_ROOM = (1 << 18) - RESIDENT_PASSES * sizeof(struct claim) - sizeof(struct claim_page) -
                    sizeof(struct channel), /* bytes */
    DEFAULT_MOST = 16                       /* launchers */
};

/* A child that was handed over, and when that was done. */
struct committed {
    DWORD process_id;
    uint64_t when;
};

/* One launcher, of one spawn at a time. */
struct resident {
    struct seat seat; /* first, while it is idle */
    struct link link; /* without a launcher: to be opened */
    struct standing standing;

    /* Those that could be taken for a child of the spawn under way, by their creation time: as a rule none or
     * the last. */
    struct committed *committed;
    uint32_t committed_count, committed_room;
};

/* As many of them as spawns overlap. */
struct handoff_launcher {
    struct pool pool;
    wchar_t *path; /* NULL: the default */
};

/* For those who name none. */
static struct handoff_launcher *volatile general;

static DWORD open_resident(const struct handoff_launcher *residents, struct resident *resident, DWORD *stage)
{
    DWORD code;

    standing_read(&resident->standing); /* before: what changes meanwhile has changed */
    code = link_open(&resident->link, residents->path, TRUE, RESIDENT_PASSES, RESIDENT_ROOM, stage);
    if (code == ERROR_SUCCESS)
        standing_read_job(&resident->standing, resident->link.process_id);
    return code;
}

/* Whether it stands for this process as that is now. */
static BOOL is_current(const struct resident *resident)
{
    struct standing now;

    standing_read(&now);
    standing_read_job(&now, resident->link.process_id);
    return standing_equal(&resident->standing, &now);
}

static void free_resident(struct resident *resident)
{
    if (resident == NULL)
        return;
    link_close(&resident->link);
    release(resident->committed);
    release(resident);
}

static void free_idle(struct seat *seat)
{
    while (seat != NULL) {
        struct seat *next = seat->next;

        free_resident((struct resident *)seat);
        seat = next;
    }
}

/* ---- for the caller ---- */

/* Returns a Win32 code, with the stage that failed. */
static DWORD open_first_launcher(struct handoff_launcher *residents, const wchar_t *path, struct resident *first,
                                 DWORD *stage)
{
    *stage = HANDOFF_STAGE_PREPARE;
    if (!pool_make(&residents->pool, DEFAULT_MOST))
        return GetLastError();
    *stage = HANDOFF_STAGE_LAUNCHER;
    if (path != NULL)
        residents->path = full_path(path); /* more will be started, from other directories */
    return path != NULL && residents->path == NULL ? GetLastError() : open_resident(residents, first, stage);
}

/* Whom the thread impersonates is not to own the launcher. */
static DWORD open_as_process(struct handoff_launcher *residents, const wchar_t *path, struct resident *first,
                             DWORD *stage)
{
    HANDLE caller;
    DWORD code = identity_set_aside(&caller), put_back;

    *stage = HANDOFF_STAGE_PREPARE;
    if (code != ERROR_SUCCESS)
        return code;
    code = open_first_launcher(residents, path, first, stage);
    put_back = identity_put_back(&caller);
    if (put_back == ERROR_SUCCESS)
        return code;
    *stage = HANDOFF_STAGE_IDENTITY;
    return put_back;
}

/* All have the same time, so that many that hang take no longer than one. */
static void await_end(HANDLE process, const struct deadline *deadline)
{
    if (deadline_wait(deadline, 1, &process) != WAIT_OBJECT_0)
        end_process(process);
}

/* Nothing is left of an error, and no launcher either. */
static void end_resident(struct resident *resident)
{
    struct deadline deadline = deadline_in(DEATH_TIMEOUT_MS);

    if (resident != NULL && resident->link.process != NULL) {
        link_end(&resident->link);
        await_end(resident->link.process, &deadline);
    }
    free_resident(resident);
}

struct handoff_launcher *WINAPI handoff_launcher_open(const wchar_t *path, struct handoff_error *error)
{
    struct handoff_launcher *residents = allocate(sizeof *residents);
    struct resident *first = allocate(sizeof *first);
    struct handoff_error failed = {
        .stage = HANDOFF_STAGE_PREPARE, .pass = HANDOFF_NO_PASS, .code = ERROR_NOT_ENOUGH_MEMORY};

    if (residents != NULL && first != NULL)
        failed.code = open_as_process(residents, path, first, &failed.stage);
    if (failed.code == ERROR_SUCCESS) {
        pool_put(&residents->pool, &first->seat);
    } else {
        if (first != NULL)
            link_describe(&first->link, &failed);
        end_resident(first);
        handoff_launcher_close(residents);
        residents = NULL;
        if (error != NULL)
            *error = failed;
    }
    SetLastError(failed.code);
    return residents;
}

void WINAPI handoff_launcher_limit(struct handoff_launcher *residents, DWORD most)
{
    pool_limit(&residents->pool, most != 0 ? most : DEFAULT_MOST);
}

void WINAPI handoff_launcher_default(struct handoff_launcher *residents)
{
    InterlockedExchangePointer((void *volatile *)&general, residents);
}

void WINAPI handoff_launcher_close(struct handoff_launcher *residents)
{
    struct seat *all;
    struct deadline deadline = deadline_in(DEATH_TIMEOUT_MS);

    if (residents == NULL)
        return;
    InterlockedCompareExchangePointer((void *volatile *)&general, NULL, residents);
    all = pool_close(&residents->pool);
    for (struct seat *seat = all; seat != NULL; seat = seat->next)
        link_end(&((struct resident *)seat)->link);
    for (struct seat *seat = all; seat != NULL; seat = seat->next)
        await_end(((struct resident *)seat)->link.process, &deadline);
    free_idle(all);
    release(residents->path);
    release(residents);
}

/* ---- for the spawn ---- */

struct handoff_launcher *residents_of(const struct handoff_request *asked)
{
    return asked->resident == NULL && asked->launcher == NULL ? general : asked->resident;
}

static void forget_older(struct resident *resident, uint64_t began)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < resident->committed_count; i++) {
        if (resident->committed[i].when >= began)
            resident->committed[kept++] = resident->committed[i];
    }
    resident->committed_count = kept;
}

/* Room for one more, before there is a child that could not be noted. */
static BOOL make_room(struct resident *resident)
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

/* The launcher that was used last, or a place for another. */
static DWORD take_resident(struct transaction *t)
{
    struct seat *seat;
    DWORD code = pool_take(&t->residents->pool, &t->deadline, &seat);

    if (code != ERROR_SUCCESS)
        return code;
    t->resident = seat != NULL ? (struct resident *)seat : allocate(sizeof *t->resident);
    if (t->resident == NULL) {
        free_idle(pool_give(&t->residents->pool, NULL));
        return ERROR_NOT_ENOUGH_MEMORY;
    }
    t->link = &t->resident->link;
    return ERROR_SUCCESS;
}

/* A launcher that has died is replaced. So is one that stands for this process as it was before; and then the others,
 * which do too, are not to wait until they are used. */
static void close_unfit(struct transaction *t)
{
    if (WaitForSingleObject(t->link->process, 0) == WAIT_OBJECT_0) {
        link_close(t->link);
    } else if (!is_current(t->resident)) {
        link_close(t->link);
        free_idle(pool_empty(&t->residents->pool));
    }
}

static DWORD join_resident(struct transaction *t, DWORD *stage)
{
    DWORD code = take_resident(t);

    *stage = HANDOFF_STAGE_PREPARE;
    if (code != ERROR_SUCCESS)
        return code;
    if (deadline_left(&t->deadline) == 0)
        return ERROR_TIMEOUT; /* which is not the launcher's fault */
    t->began = system_time(); /* later than any child of an earlier spawn */
    forget_older(t->resident, t->began);
    if (!make_room(t->resident))
        return ERROR_NOT_ENOUGH_MEMORY;
    if (t->link->process != NULL)
        close_unfit(t);
    return t->link->process != NULL ? ERROR_SUCCESS : open_resident(t->residents, t->resident, stage);
}

static DWORD join_own(struct transaction *t, DWORD *stage)
{
    t->began = system_time();
    return link_open(&t->own, t->residents != NULL ? t->residents->path : t->asked->launcher, FALSE, t->most_passes,
                     t->most_size, stage);
}

BOOL join_link(struct transaction *t)
{
    DWORD stage, code;

    if (t->residents != NULL && t->most_passes <= RESIDENT_PASSES && t->most_size <= RESIDENT_ROOM)
        code = join_resident(t, &stage);
    else
        code = join_own(t, &stage);
    return code == ERROR_SUCCESS || set_error(t, stage, HANDOFF_NO_PASS, code);
}

BOOL is_committed(const struct transaction *t, DWORD process_id)
{
    const struct resident *resident = t->resident;

    for (uint32_t i = 0; resident != NULL && i < resident->committed_count; i++) {
        if (resident->committed[i].process_id == process_id)
            return TRUE;
    }
    return FALSE;
}

static void leave_resident(struct transaction *t)
{
    struct resident *resident = t->resident;
    BOOL stays = t->in_step && resident->link.process != NULL;

    if (t->child.hProcess != NULL)
        resident->committed[resident->committed_count++] =
            (struct committed){.process_id = t->child.dwProcessId, .when = system_time()};
    free_idle(pool_give(&t->residents->pool, stays ? &resident->seat : NULL));
    if (!stays)
        free_resident(resident);
}

void leave_link(struct transaction *t)
{
    if (t->resident != NULL)
        leave_resident(t);
    else
        link_close(&t->own);
}
