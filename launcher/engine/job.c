/* A job that is joined, where the child cannot be created in it. Only the prefix has one. */
#include "creation.h"

#include <string.h>

/* Before Windows 8 a process has one job. The job of the Program Compatibility Assistant (Vista and 7) lets a child out
 * that asks for it: then another child replaces the child that cannot join. Otherwise the child stays outside. */
static BOOL replace_outside(struct creation *creation, const struct request *request, HANDLE job,
                            PROCESS_INFORMATION *child)
{
    PROCESS_INFORMATION other;
    BOOL joined;

    if (creation_try(creation, request, CREATE_BREAKAWAY_FROM_JOB, &other) != ERROR_SUCCESS)
        return FALSE;
    joined = AssignProcessToJobObject(job, other.hProcess);
    child_end(joined ? child : &other);
    if (joined)
        *child = other;
    return joined;
}

/* Returns a Win32 code: why the child is outside. */
static DWORD join_job(struct creation *creation, const struct request *request, PROCESS_INFORMATION *child)
{
    HANDLE job = creation->handles[creation->inherited]; /* the only one */
    DWORD code =
        creation->lists_jobs || AssignProcessToJobObject(job, child->hProcess) ? ERROR_SUCCESS : GetLastError();

    return code == ERROR_SUCCESS || replace_outside(creation, request, job, child) ? ERROR_SUCCESS : code;
}

BOOL create_child_in_job(struct request *request, PROCESS_INFORMATION *child, DWORD *job_code, struct failure *failure)
{
    struct creation creation;
    BOOL done;

    memset(&creation, 0, sizeof creation);
    done = creation_prepare(&creation, request, failure) && creation_run(&creation, request, child, failure);
    if (done)
        *job_code = join_job(&creation, request, child);
    done = done && creation_place(&creation, request, child, failure);
    creation_release(&creation);
    return done;
}
