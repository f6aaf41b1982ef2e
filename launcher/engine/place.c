#include "creation.h"

#include "number.h"
#include "steal.h"

/* ---- numbers ---- */

/* Of the passes that are still to be put into the child, the one with the lowest number; NULL: there is none. */
static struct pass *next_to_put(const struct request *request)
{
    struct pass *next = NULL;

    for (uint32_t i = 0; i < request->pass_count; i++) {
        struct pass *pass = &request->passes[i];

        if ((pass->flags & PASS_APART) != 0 && pass->number != 0 && (next == NULL || pass->wanted < next->wanted))
            next = pass;
    }
    return next;
}

/* Passes that could not be put under their number in this process, in the order of the numbers, because a new table
 * gives numbers in order. A handle that is in the child is closed here, and its pass has no number here any more. */
static BOOL put_passes(const struct request *request, HANDLE child, struct failure *failure)
{
    struct pass *pass;
    bool *notes = NULL;
    DWORD code = ERROR_SUCCESS;

    while (code == ERROR_SUCCESS && (pass = next_to_put(request)) != NULL) {
        if (notes == NULL)
            notes = make_notes();
        code = handle_put_at(child, handle_from_number(pass->number), (pass->flags & PASS_SEALED) == 0, pass->wanted,
                             notes);
        if (code == ERROR_SUCCESS) {
            CloseHandle(handle_from_number(pass->number));
            pass->number = 0;
        } else {
            failure_set(failure, HANDOFF_STAGE_NUMBER, (uint32_t)(pass - request->passes), code);
        }
    }
    close_noted(child, notes);
    return code == ERROR_SUCCESS;
}

/* ---- sealing ---- */

/* Takes what lies at `from` out of the child and puts it under its number again. */
static DWORD put_back(HANDLE child, HANDLE from, uint32_t number)
{
    HANDLE handle;
    DWORD code = handle_steal(child, handle_number(from), FALSE, &handle);

    if (code != ERROR_SUCCESS)
        return code;
    code = handle_put_at(child, handle, FALSE, number, NULL);
    CloseHandle(handle);
    return code;
}

/*
 * There is no way to clear the inherit flag of a handle in another process. But a copy that is not inheritable can
 * replace the handle. As a rule the copy gets the number that becomes free by that. On Windows 7 and before it does
 * not, and on others it does not where Windows gives another free number first.
 */
static DWORD seal(HANDLE child, uint32_t number)
{
    HANDLE there = NULL;

    if (!DuplicateHandle(child, handle_from_number(number), child, &there, 0, FALSE,
                         DUPLICATE_SAME_ACCESS | DUPLICATE_CLOSE_SOURCE))
        return GetLastError();
    return there == handle_from_number(number) ? ERROR_SUCCESS : put_back(child, there, number);
}

static BOOL seal_passes(const struct request *request, HANDLE child, struct failure *failure)
{
    for (uint32_t i = 0; i < request->pass_count; i++) {
        const struct pass *pass = &request->passes[i];
        DWORD code = ERROR_SUCCESS;

        if (pass->kind != PASS_JOB && (pass->flags & (PASS_SEALED | PASS_APART)) == PASS_SEALED)
            code = seal(child, pass->number);
        if (code != ERROR_SUCCESS)
            return failure_set(failure, HANDOFF_STAGE_SEAL, i, code);
    }
    return TRUE;
}

BOOL creation_place(const struct creation *creation, const struct request *request, const PROCESS_INFORMATION *child,
                    struct failure *failure)
{
    if (!put_passes(request, child->hProcess, failure) || !seal_passes(request, child->hProcess, failure)) {
        child_end(child);
        return FALSE;
    }
    if (creation->only_listed != 0)
        handle_close_in(child->hProcess, creation->only_listed);
    return TRUE;
}
