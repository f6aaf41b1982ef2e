#include "creation.h"

#include "clock.h"
#include "fdblock.h"
#include "function.h"
#include "inherited.h"

/* What the fields of STARTUPINFO say of streams, INVALID_HANDLE_VALUE included, counts only where handles are inherited
 * (rprichard/win32-console-docs, "CreateProcess (modern)"). With nothing to pass and no such stream nothing may be. */
static DWORD call_create_process(const struct creation *creation, const struct request *request, DWORD more_flags,
                                 PROCESS_INFORMATION *child)
{
    SECURITY_ATTRIBUTES process = {.nLength = sizeof process,
                                   .lpSecurityDescriptor = (void *)(UINT_PTR)request->process_descriptor},
                        thread = {.nLength = sizeof thread,
                                  .lpSecurityDescriptor = (void *)(UINT_PTR)request->thread_descriptor};

    return CreateProcessW(creation->program.at, creation->line.at, &process, &thread, creation->inherits,
                          request->creation_flags | CREATE_SUSPENDED | CREATE_UNICODE_ENVIRONMENT | more_flags,
                          creation->environment != NULL ? creation->environment
                                                        : (void *)(UINT_PTR)request->environment,
                          request->directory, (STARTUPINFOW *)(UINT_PTR)&creation->startup.StartupInfo, child)
               ? ERROR_SUCCESS
               : GetLastError();
}

typedef BOOL(WINAPI *initialize_function)(LPPROC_THREAD_ATTRIBUTE_LIST, DWORD, DWORD, SIZE_T *);
typedef BOOL(WINAPI *update_function)(LPPROC_THREAD_ATTRIBUTE_LIST, DWORD, DWORD_PTR, void *, SIZE_T, void *, SIZE_T *);

/* What the child inherits, its jobs, and what the caller gave. ERROR_CALL_NOT_IMPLEMENTED before Windows Vista. */
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
                                            creation->inherited * sizeof *creation->handles, NULL, NULL)))
        return GetLastError();
    if (creation->lists_jobs && !update(list, 0, ATTRIBUTE_JOB_LIST, creation->handles + creation->inherited,
                                        creation->jobs * sizeof *creation->handles, NULL, NULL)) {
        if (creation->needs_jobs) {
            creation->refused_attribute = request->attribute_count + 1;
            return GetLastError();
        }
        creation->lists_jobs = FALSE; /* before Windows 10 there is no such attribute */
    }
    for (uint32_t i = 0; i < request->attribute_count; i++) {
        const struct attribute *attribute = &request->attributes[i];

        if (!update(list, 0, attribute->id, (void *)(UINT_PTR)attribute->value, attribute->size, NULL, NULL)) {
            creation->refused_attribute = i + 1;
            return GetLastError();
        }
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

/* By plain inheritance, where there is no list of handles: an empty one is an error on Windows, and everything on
 * others. That is safe here, because the passes' handles become the only inheritable ones of this process, whatever
 * handles it was started with. FALSE with GetLastError(). */
static BOOL expose_passes(const struct creation *creation)
{
    if (!creation->inherits || (creation->has_list && creation->inherited > 0))
        return TRUE;
    handles_visit_inheritable(make_private);
    for (uint32_t i = 0; i < creation->inherited; i++) {
        if (!handle_set_inheritable(creation->handles[i], TRUE))
            return FALSE;
    }
    return TRUE;
}

DWORD creation_try(struct creation *creation, const struct request *request, DWORD more_flags,
                   PROCESS_INFORMATION *child)
{
    if (!expose_passes(creation))
        return GetLastError();
    if (creation->has_list)
        return create_with_attributes(creation, request, more_flags, child);
    creation->startup.StartupInfo.cb = sizeof creation->startup.StartupInfo;
    return call_create_process(creation, request, more_flags, child);
}

void child_end(const PROCESS_INFORMATION *child)
{
    TerminateProcess(child->hProcess, ERROR_PROCESS_ABORTED);
    WaitForSingleObject(child->hProcess, DEATH_TIMEOUT_MS);
    CloseHandle(child->hThread);
    CloseHandle(child->hProcess);
}

/* ---- the other ways, each of which is taken once at most ---- */

/* Whether the child cannot be had without a list. */
static BOOL needs_list(const struct creation *creation, const struct request *request)
{
    return request->attribute_count > 0 || creation->needs_jobs;
}

static void choose_best_way(struct creation *creation, const struct request *request)
{
    creation->lists_jobs = creation->jobs > 0;
    creation->has_list = creation->inherited > 0 || creation->lists_jobs || needs_list(creation, request);
    creation->pointer = fdblock_make(NULL, 0, 8, request) != 0 ? pointer_guess(creation->program.at) : 0;
}

/* Windows 7 and Server 2008 R2 refuse some console and pipe handles in a list (Git's compat/mingw.c;
 * rprichard/win32-console-docs). */
static BOOL goes_without_list(struct creation *creation, const struct request *request, DWORD code)
{
    if (!creation->has_list || needs_list(creation, request) ||
        (code != ERROR_CALL_NOT_IMPLEMENTED && code != ERROR_NO_SYSTEM_RESOURCES))
        return FALSE;
    creation->has_list = creation->lists_jobs = FALSE;
    return TRUE;
}

/* It is the job's refusal, or it comes again. */
static BOOL goes_without_jobs(struct creation *creation, const struct request *request, DWORD code)
{
    if (code != ERROR_ACCESS_DENIED || !creation->lists_jobs || creation->needs_jobs)
        return FALSE;
    creation->lists_jobs = FALSE;
    creation->has_list = creation->inherited > 0 || needs_list(creation, request);
    return TRUE;
}

/* If the guess was wrong the child, which has not run, is made anew with a block of the right width. */
static BOOL goes_with_other_width(struct creation *creation, DWORD code, const PROCESS_INFORMATION *child)
{
    uint32_t pointer;

    if (code != ERROR_SUCCESS || creation->pointer == 0)
        return FALSE;
    pointer = pointer_of(child->hProcess, creation->pointer);
    if (pointer == creation->pointer)
        return FALSE;
    child_end(child);
    creation->pointer = pointer;
    return TRUE;
}

static DWORD create_suspended(struct creation *creation, const struct request *request, PROCESS_INFORMATION *child)
{
    DWORD code;

    choose_best_way(creation, request);
    do {
        code = creation_make_block(creation, request);
        if (code == ERROR_SUCCESS)
            code = creation_try(creation, request, 0, child);
    } while (goes_without_list(creation, request, code) || goes_without_jobs(creation, request, code) ||
             goes_with_other_width(creation, code, child));
    return code;
}

BOOL creation_run(struct creation *creation, const struct request *request, PROCESS_INFORMATION *child,
                  struct failure *failure)
{
    DWORD code = create_suspended(creation, request, child);

    if (creation->refused_attribute != 0)
        return failure_set(failure, HANDOFF_STAGE_ATTRIBUTE, creation->refused_attribute - 1, code);
    return code == ERROR_SUCCESS || failure_set(failure, HANDOFF_STAGE_CREATE, HANDOFF_NO_PASS, code);
}
