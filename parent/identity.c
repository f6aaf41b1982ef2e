#include "identity.h"

#include "function.h"
#include "status.h"

typedef LONG(WINAPI *open_process_token_function)(HANDLE, ACCESS_MASK, HANDLE *);
typedef LONG(WINAPI *query_token_function)(HANDLE, TOKEN_INFORMATION_CLASS, void *, ULONG, ULONG *);
typedef LONG(WINAPI *open_thread_token_function)(HANDLE, ACCESS_MASK, BOOLEAN, HANDLE *);
typedef LONG(WINAPI *set_information_thread_function)(HANDLE, int, const void *, ULONG);

/* All by ntdll.dll, since kernel32.dll has nothing to do it with; and Windows before 8 has no pseudo-handle of a token. */
DWORD identity_query(TOKEN_INFORMATION_CLASS kind, void *to, ULONG size)
{
    open_process_token_function open = (open_process_token_function)function_of(L"ntdll.dll", "NtOpenProcessToken");
    query_token_function query =
        open != NULL ? (query_token_function)function_of(L"ntdll.dll", "NtQueryInformationToken") : NULL;
    HANDLE token;
    LONG status;

    if (query == NULL)
        return GetLastError();
    status = open(GetCurrentProcess(), TOKEN_QUERY, &token);
    if (status < 0)
        return code_of_status(status);
    status = query(token, kind, to, size, &size);
    CloseHandle(token);
    return code_of_status(status);
}

/* NULL: none. */
static DWORD set_thread_token(HANDLE token)
{
    enum { THREAD_IMPERSONATION_TOKEN = 5 };
    set_information_thread_function set =
        (set_information_thread_function)function_of(L"ntdll.dll", "NtSetInformationThread");

    if (set == NULL)
        return GetLastError();
    return code_of_status(set(GetCurrentThread(), THREAD_IMPERSONATION_TOKEN, &token, sizeof token));
}

/* As this process, since whom the thread impersonates may not be allowed to open his own token; or else as him, since a
 * token may be one that this process was given a handle of and may not open. */
static DWORD open_thread_token(HANDLE *token)
{
    const LONG no_token = (LONG)0xC000007C, access_denied = (LONG)0xC0000022;
    open_thread_token_function open = (open_thread_token_function)function_of(L"ntdll.dll", "NtOpenThreadToken");
    LONG status;

    *token = NULL;
    if (open == NULL)
        return GetLastError();
    status = open(GetCurrentThread(), TOKEN_IMPERSONATE, TRUE, token);
    if (status == access_denied)
        status = open(GetCurrentThread(), TOKEN_IMPERSONATE, FALSE, token);
    return status != no_token ? code_of_status(status) : ERROR_SUCCESS;
}

DWORD identity_set_aside(HANDLE *token)
{
    DWORD code = open_thread_token(token);

    if (code != ERROR_SUCCESS || *token == NULL)
        return code;
    /* First it is put on once more: what Windows would not let this process put back is not taken off. */
    code = set_thread_token(*token);
    if (code == ERROR_SUCCESS)
        code = set_thread_token(NULL);
    if (code == ERROR_SUCCESS)
        return ERROR_SUCCESS;
    CloseHandle(*token);
    *token = NULL;
    return code;
}

DWORD identity_put_back(HANDLE *token)
{
    DWORD code;

    if (*token == NULL)
        return ERROR_SUCCESS;
    code = set_thread_token(*token);
    CloseHandle(*token);
    *token = NULL;
    return code;
}
