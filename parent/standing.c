#include "standing.h"

#include "heap.h"
#include "identity.h"
#include "parameter.h"

void standing_read(struct standing *standing)
{
    enum { IGNORES_CTRL_C = 1 };
    TOKEN_STATISTICS token;

    ZeroMemory(standing, sizeof *standing);
    if (identity_query(TokenStatistics, &token, sizeof token) == ERROR_SUCCESS)
        standing->token = token.ModifiedId;
    standing->ignores_ctrl_c = ((UINT_PTR)own_parameter(PARAMETER_CONSOLE_FLAGS) & IGNORES_CTRL_C) != 0;
}

/* ---- jobs ---- */

enum {
    NO_JOB,
    JOB_OF_BOTH,
    JOB_LEFT_BY_CHILDREN, /* the launcher was let go from it, as any child is */
    JOB_UNTOLD,           /* there is one, and Windows does not say who is in it */
    JOB_OF_OTHERS         /* the launcher is not where a child would be */
};

/* Of the job that this process joined last, which is within the ones before (QueryInformationJobObject's page). NULL:
 * there is no memory, or Windows does not say. */
static JOBOBJECT_BASIC_PROCESS_ID_LIST *list_job(void)
{
    JOBOBJECT_BASIC_PROCESS_ID_LIST *list = NULL;
    DWORD room = 64;
    BOOL done = FALSE, more = TRUE;

    while (!done && more) {
        release(list);
        list = allocate(sizeof *list + room * sizeof *list->ProcessIdList);
        done =
            list != NULL && QueryInformationJobObject(NULL, JobObjectBasicProcessIdList, list,
                                                      sizeof *list + room * (DWORD)sizeof *list->ProcessIdList, NULL);
        more = list != NULL && GetLastError() == ERROR_MORE_DATA;
        room *= 2;
    }
    if (done)
        return list;
    release(list);
    return NULL;
}

static BOOL is_listed(const JOBOBJECT_BASIC_PROCESS_ID_LIST *list, DWORD process_id)
{
    for (DWORD i = 0; i < list->NumberOfProcessIdsInList; i++) {
        if (list->ProcessIdList[i] == process_id)
            return TRUE;
    }
    return FALSE;
}

/* From that job, and from those around it that say so too. */
static BOOL children_break_away(void)
{
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION limits;

    return QueryInformationJobObject(NULL, JobObjectExtendedLimitInformation, &limits, sizeof limits, NULL) &&
           (limits.BasicLimitInformation.LimitFlags & JOB_OBJECT_LIMIT_SILENT_BREAKAWAY_OK) != 0;
}

/* A process leaves no job. So what can have changed is that this one has joined one more, in which the launcher is not:
 * before Windows 8 its first, and later any, within the ones before. Where children break away the launcher is in none,
 * and it is by the comparison with before that a job shows which was joined since. */
void standing_read_job(struct standing *standing, DWORD process_id)
{
    JOBOBJECT_BASIC_PROCESS_ID_LIST *list;
    BOOL has_job = FALSE;

    if (!IsProcessInJob(GetCurrentProcess(), NULL, &has_job) || !has_job)
        return;
    list = list_job();
    if (list == NULL)
        standing->job = JOB_UNTOLD;
    else if (is_listed(list, process_id))
        standing->job = JOB_OF_BOTH;
    else
        standing->job = children_break_away() ? JOB_LEFT_BY_CHILDREN : JOB_OF_OTHERS;
    release(list);
}

/* A token that cannot be read may have given up anything meanwhile. */
static BOOL is_told(const struct standing *standing)
{
    return (standing->token.LowPart != 0 || standing->token.HighPart != 0) && standing->job != JOB_OF_OTHERS;
}

BOOL standing_equal(const struct standing *a, const struct standing *b)
{
    return is_told(a) && is_told(b) && a->token.LowPart == b->token.LowPart && a->token.HighPart == b->token.HighPart &&
           a->ignores_ctrl_c == b->ignores_ctrl_c && a->job == b->job;
}
