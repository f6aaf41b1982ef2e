/*
 * A parent that changes after it has started a resident launcher, so that its children would be others than those that
 * it starts itself.
 *
 *   changing-parent LAUNCHER CHILD KIND
 *
 *   privileges  it removes all privileges from its token
 *   dacl        it changes its token's default DACL
 *   integrity   it lowers its token's integrity
 *   ignore      it ignores Ctrl-C
 *   listen      it ignored Ctrl-C, and does so no more
 *   job         it joins a job
 *   inner       it is in a job, and joins one within that
 *   hidden      as privileges, but it may not read its own token
 *   nothing     it does not change
 *
 * Writes what each child has ("child.exe standing", and 0x1000 for being in the job): of the launcher before the
 * change, directly after it, of the launcher after it, and once more; whether the launcher of the last two was another
 * than before; and whether Windows says who is in its job. Ends with 2 if the change cannot be made, or nothing shows
 * that it was, and else with 0.
 */
#include <windows.h>

#include <stdio.h>
#include <string.h>
#include <wchar.h>

#include "handoff.h"

static const wchar_t *child_path;
static HANDLE job, token;
static DWORD last_launcher;

static BOOL finish(PROCESS_INFORMATION *child, DWORD *standing)
{
    BOOL in_job = FALSE, done = IsProcessInJob(child->hProcess, job, &in_job);

    ResumeThread(child->hThread);
    WaitForSingleObject(child->hProcess, INFINITE);
    done &= GetExitCodeProcess(child->hProcess, standing);
    CloseHandle(child->hProcess);
    CloseHandle(child->hThread);
    *standing |= in_job ? 0x1000u : 0;
    return done;
}

static BOOL start_directly(DWORD *standing)
{
    wchar_t line[] = L"child standing";
    STARTUPINFOW startup = {.cb = sizeof startup};
    PROCESS_INFORMATION child;

    return CreateProcessW(child_path, line, NULL, NULL, FALSE, CREATE_SUSPENDED, NULL, NULL, &startup, &child) &&
           finish(&child, standing);
}

static BOOL spawn(struct handoff_launcher *launcher, DWORD *standing, int *replaced)
{
    struct handoff_trace trace = {0};
    struct handoff_request request = {.cb = sizeof request,
                                      .application = child_path,
                                      .command_line = L"child standing",
                                      .creation_flags = CREATE_SUSPENDED,
                                      .resident = launcher,
                                      .trace = &trace};
    PROCESS_INFORMATION child;

    if (!handoff_spawn(&request, &child, NULL))
        return FALSE;
    *replaced = trace.launcher_id != last_launcher;
    last_launcher = trace.launcher_id;
    return finish(&child, standing);
}

static BOOL remove_privileges(void)
{
    static _Alignas(8) BYTE memory[4096];
    TOKEN_PRIVILEGES *privileges = (TOKEN_PRIVILEGES *)(void *)memory;
    DWORD size;

    if (!GetTokenInformation(token, TokenPrivileges, privileges, sizeof memory, &size))
        return FALSE;
    for (DWORD i = 0; i < privileges->PrivilegeCount; i++)
        privileges->Privileges[i].Attributes = SE_PRIVILEGE_REMOVED;
    return AdjustTokenPrivileges(token, FALSE, privileges, 0, NULL, NULL);
}

static BOOL change_dacl(void)
{
    SID everybody = {SID_REVISION, 1, {SECURITY_WORLD_SID_AUTHORITY}, {SECURITY_WORLD_RID}};
    _Alignas(8) BYTE list[64];
    TOKEN_DEFAULT_DACL dacl = {(ACL *)(void *)list};

    return InitializeAcl(dacl.DefaultDacl, sizeof list, ACL_REVISION) &&
           AddAccessAllowedAce(dacl.DefaultDacl, ACL_REVISION, GENERIC_ALL, &everybody) &&
           SetTokenInformation(token, TokenDefaultDacl, &dacl, sizeof dacl);
}

static BOOL change_token(BOOL (*change)(void))
{
    TOKEN_STATISTICS before, after;
    DWORD size;
    BOOL done = GetTokenInformation(token, TokenStatistics, &before, sizeof before, &size) && change() &&
                GetTokenInformation(token, TokenStatistics, &after, sizeof after, &size);

    return done && memcmp(&before.ModifiedId, &after.ModifiedId, sizeof before.ModifiedId) != 0;
}

static BOOL lower_integrity(void)
{
    SID low = {SID_REVISION, 1, {SECURITY_MANDATORY_LABEL_AUTHORITY}, {SECURITY_MANDATORY_LOW_RID}};
    TOKEN_MANDATORY_LABEL label = {{&low, SE_GROUP_INTEGRITY}};

    return SetTokenInformation(token, TokenIntegrityLevel, &label, sizeof label);
}

static BOOL join_job(void)
{
    job = CreateJobObjectW(NULL, NULL);
    return AssignProcessToJobObject(job, GetCurrentProcess());
}

/* Whether Windows says who is in the job of this process. */
static BOOL job_is_told(void)
{
    JOBOBJECT_BASIC_ACCOUNTING_INFORMATION accounting;

    return QueryInformationJobObject(NULL, JobObjectBasicAccountingInformation, &accounting, sizeof accounting, NULL);
}

/* From now on nobody may open it. */
static BOOL hide_token(void)
{
    SECURITY_DESCRIPTOR descriptor;
    HANDLE another;
    ACL nobody;

    return InitializeAcl(&nobody, sizeof nobody, ACL_REVISION) &&
           InitializeSecurityDescriptor(&descriptor, SECURITY_DESCRIPTOR_REVISION) &&
           SetSecurityDescriptorDacl(&descriptor, TRUE, &nobody, FALSE) &&
           SetKernelObjectSecurity(token, DACL_SECURITY_INFORMATION, &descriptor) &&
           !OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &another);
}

static BOOL prepare(const wchar_t *kind)
{
    if (!OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY | TOKEN_ADJUST_PRIVILEGES | TOKEN_ADJUST_DEFAULT | WRITE_DAC,
                          &token))
        return FALSE;
    if (wcscmp(kind, L"hidden") == 0)
        return hide_token();
    if (wcscmp(kind, L"listen") == 0)
        return SetConsoleCtrlHandler(NULL, TRUE);
    return wcscmp(kind, L"inner") == 0 ? join_job() : TRUE;
}

static BOOL change(const wchar_t *kind)
{
    if (wcscmp(kind, L"privileges") == 0 || wcscmp(kind, L"hidden") == 0)
        return change_token(remove_privileges);
    if (wcscmp(kind, L"dacl") == 0)
        return change_token(change_dacl);
    if (wcscmp(kind, L"integrity") == 0)
        return change_token(lower_integrity);
    if (wcscmp(kind, L"ignore") == 0)
        return SetConsoleCtrlHandler(NULL, TRUE);
    if (wcscmp(kind, L"listen") == 0)
        return SetConsoleCtrlHandler(NULL, FALSE);
    if (wcscmp(kind, L"job") == 0)
        return AssignProcessToJobObject(job, GetCurrentProcess());
    return wcscmp(kind, L"inner") == 0 ? join_job() : TRUE;
}

int wmain(int argc, wchar_t **argv)
{
    DWORD before, directly, after, again;
    int replaced[3];
    struct handoff_launcher *launcher;

    if (argc != 4)
        return 3;
    child_path = argv[2];
    job = CreateJobObjectW(NULL, NULL);
    if (!prepare(argv[3]))
        return 2;
    launcher = handoff_launcher_open(argv[1], NULL);
    if (launcher == NULL || !spawn(launcher, &before, &replaced[0]))
        return 3;
    if (wcscmp(argv[3], L"inner") == 0)
        before &= ~0x1000u; /* which was another job */
    if (!change(argv[3]))
        return 2;
    if (!start_directly(&directly) || !spawn(launcher, &after, &replaced[1]) || !spawn(launcher, &again, &replaced[2]))
        return 3;
    printf("%lx %lx %lx %lx %d %d %d\n", before, directly, after, again, replaced[1], replaced[2], job_is_told());
    handoff_launcher_close(launcher);
    return 0;
}
