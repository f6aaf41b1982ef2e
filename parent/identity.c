#include "identity.h"

#include "function.h"
#include "status.h"

typedef LONG(WINAPI *open_process_token_function)(HANDLE, ACCESS_MASK, HANDLE *);
typedef LONG(WINAPI *query_token_function)(HANDLE, TOKEN_INFORMATION_CLASS, void *, ULONG, ULONG *);
typedef LONG(WINAPI *open_thread_token_function)(HANDLE, ACCESS_MASK, BOOLEAN, HANDLE *);
typedef LONG(WINAPI *set_information_thread_function)(HANDLE, int, const void *, ULONG);

/* All by ntdll.dll, since kernel32.dll has nothing to do it with; and Windows before 8 has no pseudo-handle of a
 * token. */
static DWORD query_token(HANDLE token, TOKEN_INFORMATION_CLASS kind, void *to, ULONG size)
{
    query_token_function query = (query_token_function)function_of(L"ntdll.dll", "NtQueryInformationToken");

    return query != NULL ? code_of_status(query(token, kind, to, size, &size)) : GetLastError();
}

DWORD identity_query(TOKEN_INFORMATION_CLASS kind, void *to, ULONG size)
{
    open_process_token_function open = (open_process_token_function)function_of(L"ntdll.dll", "NtOpenProcessToken");
    HANDLE token = NULL;
    DWORD code = open != NULL ? code_of_status(open(GetCurrentProcess(), TOKEN_QUERY, &token)) : GetLastError();

    if (code != ERROR_SUCCESS)
        return code;
    code = query_token(token, kind, to, size);
    CloseHandle(token);
    return code;
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
 * token may be one that this process was given a handle of and may not open. *token is NULL if there is none. */
static DWORD open_thread_token(HANDLE *token)
{
    static const ACCESS_MASK wanted[] = {TOKEN_IMPERSONATE | TOKEN_QUERY, TOKEN_IMPERSONATE};
    const LONG no_token = (LONG)0xC000007C, access_denied = (LONG)0xC0000022;
    open_thread_token_function open = (open_thread_token_function)function_of(L"ntdll.dll", "NtOpenThreadToken");
    LONG status = access_denied;

    *token = NULL;
    if (open == NULL)
        return GetLastError();
    for (int i = 0; i < 4 && status == access_denied; i++)
        status = open(GetCurrentThread(), wanted[i / 2], i % 2 == 0, token);
    return status != no_token ? code_of_status(status) : ERROR_SUCCESS;
}

/* SecurityAnonymous where it cannot be told. */
static SECURITY_IMPERSONATION_LEVEL level_of(HANDLE token)
{
    TOKEN_STATISTICS statistics = {.ImpersonationLevel = SecurityAnonymous};

    return query_token(token, TokenStatistics, &statistics, sizeof statistics) == ERROR_SUCCESS
               ? statistics.ImpersonationLevel
               : SecurityAnonymous;
}

/* A process that may no longer impersonate whom it likes is told of success by Windows since XP SP2, and its thread has
 * a copy of the level SecurityIdentification (SetThreadToken's page; ReactOS, PsImpersonateClient). */
static BOOL is_lowered(HANDLE token)
{
    SECURITY_IMPERSONATION_LEVEL level = level_of(token);
    HANDLE worn;
    BOOL lowered;

    if (level == SecurityAnonymous)
        return FALSE;
    lowered = open_thread_token(&worn) != ERROR_SUCCESS || worn == NULL || level_of(worn) < level;
    if (worn != NULL)
        CloseHandle(worn);
    return lowered;
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
    BOOL done;

    if (*token == NULL)
        return ERROR_SUCCESS;
    done = set_thread_token(*token) == ERROR_SUCCESS && !is_lowered(*token);
    CloseHandle(*token);
    *token = NULL;
    return done ? ERROR_SUCCESS : ERROR_NO_IMPERSONATION_TOKEN;
}
