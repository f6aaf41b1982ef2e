/*
 * What Windows refuses and Wine forgives, refused here: a test program includes this before the product's own
 * source files. Handle lists by rprichard/win32-console-docs (CreateProcess_InheritList.cc): no size of 0, no
 * NULL, nothing twice, nothing that is not inheritable or no handle, and none without inheritance. Streams are
 * copied unseen, so one that is not in the list would dangle. A batch file would get more than its list. And what
 * Windows does not ask for, but G1 does: nothing is inheritable here but what is listed.
 */
#ifndef HANDOFF_TESTS_STRICT_H
#define HANDOFF_TESTS_STRICT_H

#include <windows.h>

#include <string.h>

#include "batch.h"
#include "handle.h"
#include "handle_table.h"

static const HANDLE *strict_list;
static SIZE_T strict_count;

static BOOL refuse_strictly(DWORD code)
{
    SetLastError(code);
    return FALSE;
}

static BOOL WINAPI strict_update(LPPROC_THREAD_ATTRIBUTE_LIST list, DWORD flags, DWORD_PTR attribute, void *value,
                                 SIZE_T size, void *previous, SIZE_T *returned)
{
    if (size == 0 || size % sizeof(HANDLE) != 0)
        return refuse_strictly(ERROR_BAD_LENGTH);
    if (attribute == PROC_THREAD_ATTRIBUTE_HANDLE_LIST) {
        strict_list = value;
        strict_count = size / sizeof(HANDLE);
    }
    return UpdateProcThreadAttribute(list, flags, attribute, value, size, previous, returned);
}

static BOOL can_be_listed(HANDLE handle)
{
    DWORD flags;

    return handle_can_travel((uint64_t)(int64_t)(INT_PTR)handle) && GetHandleInformation(handle, &flags) &&
           (flags & HANDLE_FLAG_INHERIT) != 0;
}

static SIZE_T times_listed(HANDLE handle)
{
    SIZE_T times = 0;

    for (SIZE_T i = 0; i < strict_count; i++)
        times += strict_list[i] == handle;
    return times;
}

static BOOL others_are_private(void)
{
    struct table *table = query_table();
    BOOL private = table != NULL;

    for (ULONG_PTR i = 0; private && i < table->count; i++) {
        const struct table_entry *entry = &table->entries[i];

        private = entry->process_id != GetCurrentProcessId() || !can_be_listed((HANDLE)entry->handle) ||
                  times_listed((HANDLE)entry->handle) == 1;
    }
    free_table(table);
    return private;
}

static BOOL obeys_rules(const wchar_t *program, BOOL inherit, DWORD flags, const STARTUPINFOW *startup)
{
    const HANDLE streams[] = {startup->hStdInput, startup->hStdOutput, startup->hStdError};
    BOOL listed = strict_count > 0, closed = FALSE;

    for (size_t i = 0; (startup->dwFlags & STARTF_USESTDHANDLES) != 0 && i < ARRAYSIZE(streams); i++)
        closed = closed || streams[i] == INVALID_HANDLE_VALUE; /* which counts only where something may be inherited */
    if (program == NULL || path_is_batch(program) || inherit != (listed || closed) || !others_are_private())
        return FALSE;
    if (listed && (flags & EXTENDED_STARTUPINFO_PRESENT) == 0)
        return FALSE;
    for (SIZE_T i = 0; listed && i < strict_count; i++) {
        if (!can_be_listed(strict_list[i]) || times_listed(strict_list[i]) != 1)
            return FALSE;
    }
    for (size_t i = 0; (startup->dwFlags & STARTF_USESTDHANDLES) != 0 && i < ARRAYSIZE(streams); i++) {
        if (streams[i] != NULL && streams[i] != INVALID_HANDLE_VALUE && times_listed(streams[i]) != 1)
            return FALSE;
    }
    return TRUE;
}

static BOOL strict_create(const wchar_t *program, wchar_t *line, SECURITY_ATTRIBUTES *process,
                          SECURITY_ATTRIBUTES *thread, BOOL inherit, DWORD flags, void *environment,
                          const wchar_t *directory, STARTUPINFOW *startup, PROCESS_INFORMATION *child)
{
    if (!obeys_rules(program, inherit, flags, startup))
        return refuse_strictly(ERROR_INVALID_PARAMETER);
    return CreateProcessW(program, line, process, thread, inherit, flags, environment, directory, startup, child);
}

/* A NULL target is an error on Wine and closes the source on Windows; a NULL result leaks on Windows; a pseudo-handle
 * is the other process; without SAME_ACCESS the object may say no after the source was closed. */
static BOOL WINAPI strict_duplicate(HANDLE source, HANDLE handle, HANDLE target, HANDLE *duplicate, DWORD access,
                                    BOOL inheritable, DWORD options)
{
    if (source == NULL || target == NULL || duplicate == NULL || access != 0 ||
        (options & DUPLICATE_SAME_ACCESS) == 0 || !handle_can_travel((uint64_t)(int64_t)(INT_PTR)handle))
        return refuse_strictly(ERROR_INVALID_PARAMETER);
    return DuplicateHandle(source, handle, target, duplicate, access, inheritable, options);
}

#endif
