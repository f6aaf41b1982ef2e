#include "creation.h"

#include "fdblock.h"
#include "function.h"
#include "inherited.h"

/* With nothing to pass, nothing may be inherited: an empty handle list is an error on Windows
 * and means "everything" on others. */
static DWORD call_create_process(const struct creation *creation, const struct request *request, DWORD more_flags,
                                 PROCESS_INFORMATION *child)
{
    SECURITY_ATTRIBUTES process = {.nLength = sizeof process,
                                   .lpSecurityDescriptor = (void *)(UINT_PTR)request->process_descriptor},
                        thread = {.nLength = sizeof thread,
                                  .lpSecurityDescriptor = (void *)(UINT_PTR)request->thread_descriptor};

    return CreateProcessW(creation->program.at, creation->line.at, &process, &thread, creation->inherited > 0,
                          request->creation_flags | CREATE_SUSPENDED | CREATE_UNICODE_ENVIRONMENT | more_flags,
                          creation->environment != NULL ? creation->environment
                                                        : (void *)(UINT_PTR)request->environment,
                          request->directory, (STARTUPINFOW *)(UINT_PTR)&creation->startup.StartupInfo, child)
               ? ERROR_SUCCESS
               : GetLastError();
}

typedef BOOL(WINAPI *initialize_function)(LPPROC_THREAD_ATTRIBUTE_LIST, DWORD, DWORD, SIZE_T *);
typedef BOOL(WINAPI *update_function)(LPPROC_THREAD_ATTRIBUTE_LIST, DWORD, DWORD_PTR, void *, SIZE_T, void *, SIZE_T *);

#ifndef PROC_THREAD_ATTRIBUTE_JOB_LIST
#define PROC_THREAD_ATTRIBUTE_JOB_LIST 0x2000D /* of Windows 10, whose headers are not asked for */
#endif

/* The handle list and the job, each if there is one, and what the caller gave. ERROR_CALL_NOT_IMPLEMENTED before Windows Vista. */
static DWORD set_attributes(struct creation *creation, const struct request *request)
{
    initialize_function initialize =
        (initialize_function)function_of(L"kernel32.dll", "InitializeProcThreadAttributeList");
    update_function update = (update_function)function_of(L"kernel32.dll", "UpdateProcThreadAttribute");
    LPPROC_THREAD_ATTRIBUTE_LIST list = (LPPROC_THREAD_ATTRIBUTE_LIST)(void *)creation->attributes;
    SIZE_T size = sizeof creation->attributes;

    if (initialize == NULL || update == NULL)
        return ERROR_CALL_NOT_IMPLEMENTED;
    if (!initialize(list, 2 + request->attribute_count, 0, &size) ||
        (creation->inherited > 0 && !update(list, 0, PROC_THREAD_ATTRIBUTE_HANDLE_LIST, creation->handles,
                                            creation->inherited * sizeof *creation->handles, NULL, NULL)) ||
        (creation->jobs > 0 && !update(list, 0, PROC_THREAD_ATTRIBUTE_JOB_LIST, creation->handles + creation->inherited,
                                       creation->jobs * sizeof *creation->handles, NULL, NULL)))
        return GetLastError();
    /* Before Windows 10 there is no such attribute; there the prefix has another way. */
    if (creation->listed_job != NULL && !update(list, 0, PROC_THREAD_ATTRIBUTE_JOB_LIST, &creation->listed_job,
                                                sizeof creation->listed_job, NULL, NULL))
        creation->listed_job = NULL;
    for (uint32_t i = 0; i < request->attribute_count; i++) {
        const struct attribute *attribute = &request->attributes[i];

        if (!update(list, 0, attribute->id, (void *)(UINT_PTR)attribute->bytes, attribute->size, NULL, NULL))
            return GetLastError();
    }
    creation->startup.lpAttributeList = list;
    return ERROR_SUCCESS;
}

static DWORD create_with_attributes(struct creation *creation, const struct request *request, DWORD more_flags,
                                    PROCESS_INFORMATION *child)
{
    DWORD code = set_attributes(creation, request);

    if (code != ERROR_SUCCESS)
        return code;
    creation->startup.StartupInfo.cb = sizeof creation->startup;
    return call_create_process(creation, request, more_flags | EXTENDED_STARTUPINFO_PRESENT, child);
}

static void make_private(HANDLE handle)
{
    handle_set_inheritable(handle, FALSE);
}

/* By plain inheritance. That is safe here, because the passes' handles become the only inheritable ones of this
 * process, whatever it was given by whoever started it. */
static DWORD create_without_attributes(struct creation *creation, const struct request *request, DWORD more_flags,
                                       PROCESS_INFORMATION *child)
{
    creation->listed_job = NULL;
    creation->startup.StartupInfo.cb = sizeof creation->startup.StartupInfo;
    if (creation->inherited > 0) {
        handles_visit_inheritable(make_private);
        for (uint32_t i = 0; i < creation->inherited; i++) {
            if (!handle_set_inheritable(creation->handles[i], TRUE))
                return GetLastError();
        }
    }
    return call_create_process(creation, request, more_flags, child);
}

static DWORD create_suspended(struct creation *creation, const struct request *request, DWORD more_flags,
                              PROCESS_INFORMATION *child)
{
    BOOL with_more = request->attribute_count > 0 || creation->jobs > 0; /* than we can do without */
    DWORD code = ERROR_CALL_NOT_IMPLEMENTED;

    if (creation->inherited > 0 || creation->listed_job != NULL || with_more)
        code = create_with_attributes(creation, request, more_flags, child);
    /* Windows 7 and Server 2008 R2 refuse some console and pipe handles in a list (Git's
     * compat/mingw.c; rprichard/win32-console-docs). */
    if ((code == ERROR_CALL_NOT_IMPLEMENTED || code == ERROR_NO_SYSTEM_RESOURCES) && !with_more)
        code = create_without_attributes(creation, request, more_flags, child);
    return code;
}

void child_end(const PROCESS_INFORMATION *child)
{
    TerminateProcess(child->hProcess, ERROR_PROCESS_ABORTED);
    WaitForSingleObject(child->hProcess, 5000);
    CloseHandle(child->hThread);
    CloseHandle(child->hProcess);
}

/* ---- the job ---- */

/* Before Windows 8 a process has one job. Where ours is the Program Compatibility Assistant's (Vista and 7), which lets
 * go who asks for it, another child replaces the one that cannot join the job. Else the child stays outside. */
static BOOL replace_outside(struct creation *creation, const struct request *request, HANDLE job,
                            PROCESS_INFORMATION *child)
{
    PROCESS_INFORMATION other;
    BOOL joined;

    if (create_suspended(creation, request, CREATE_BREAKAWAY_FROM_JOB, &other) != ERROR_SUCCESS)
        return FALSE;
    joined = AssignProcessToJobObject(job, other.hProcess);
    child_end(joined ? child : &other);
    if (joined)
        *child = other;
    return joined;
}

static DWORD join(struct creation *creation, const struct request *request, HANDLE job, PROCESS_INFORMATION *child)
{
    DWORD code = AssignProcessToJobObject(job, child->hProcess) ? ERROR_SUCCESS : GetLastError();

    return code == ERROR_SUCCESS || replace_outside(creation, request, job, child) ? ERROR_SUCCESS : code;
}

static DWORD create_in_job(struct creation *creation, const struct request *request, const struct terms *terms,
                           PROCESS_INFORMATION *child)
{
    DWORD code;

    creation->listed_job = terms->job;
    code = create_suspended(creation, request, 0, child);
    if (code == ERROR_ACCESS_DENIED && creation->listed_job != NULL) { /* the job's refusal, or it comes again */
        creation->listed_job = NULL;
        code = create_suspended(creation, request, 0, child);
    }
    if (code == ERROR_SUCCESS && terms->job != NULL)
        *terms->job_code =
            creation->listed_job != NULL ? ERROR_SUCCESS : join(creation, request, terms->job, child);
    return code;
}

/* If the guess was wrong the child, which has not run, is made anew with the right width. */
static DWORD create_with_block(struct creation *creation, const struct request *request, const struct terms *terms,
                               PROCESS_INFORMATION *child)
{
    BOOL has_block = fdblock_make(NULL, 0, 8, request) != 0;
    uint32_t pointer = has_block ? pointer_guess(creation->program.at) : sizeof(void *);
    DWORD code = block_make(creation, request, pointer);

    if (code == ERROR_SUCCESS)
        code = create_in_job(creation, request, terms, child);
    if (code != ERROR_SUCCESS || !has_block || pointer_of(child->hProcess, pointer) == pointer)
        return code;
    child_end(child);
    code = block_make(creation, request, pointer ^ 4 ^ 8);
    return code == ERROR_SUCCESS ? create_in_job(creation, request, terms, child) : code;
}

BOOL creation_run(struct creation *creation, const struct request *request, const struct terms *terms,
                  PROCESS_INFORMATION *child, struct failure *failure)
{
    DWORD code = create_with_block(creation, request, terms, child);

    return code == ERROR_SUCCESS || fail(failure, HANDOFF_STAGE_CREATE, HANDOFF_NO_PASS, code);
}
