#include "pipe.h"

#include "function.h"
#include "nonce.h"
#include "text.h"

typedef LONG(WINAPI *query_token_function)(HANDLE, TOKEN_INFORMATION_CLASS, void *, ULONG, ULONG *);

/* The pseudo-handle of the thread's token, or the process', is as old as app containers: where it is no handle there
 * are none. */
static BOOL in_app_container(void)
{
    const HANDLE effective_token = (HANDLE)(LONG_PTR)-6;
    query_token_function query = (query_token_function)function_of(L"ntdll.dll", "NtQueryInformationToken");
    ULONG is_container = 0, size;

    return query != NULL &&
           query(effective_token, TokenIsAppContainer, &is_container, sizeof is_container, &size) >= 0 &&
           is_container != 0;
}

static void make_name(struct text *name, const wchar_t *where)
{
    name->length = 0;
    text_put(name, where);
    text_put(name, L"handoff-");
    text_put_hex(name, GetCurrentProcessId());
    text_put_unit(name, L'-');
    text_put_hex(name, make_nonce());
    text_end(name);
}

static HANDLE create_pipe(const wchar_t *name, DWORD size)
{
    const DWORD mode = PIPE_TYPE_BYTE | PIPE_READMODE_BYTE | PIPE_WAIT;
    DWORD flags = PIPE_ACCESS_INBOUND | FILE_FLAG_OVERLAPPED | FILE_FLAG_FIRST_PIPE_INSTANCE;
    HANDLE pipe = CreateNamedPipeW(name, flags, mode | PIPE_REJECT_REMOTE_CLIENTS, 1, 0, size, 0, NULL);

    if (pipe == INVALID_HANDLE_VALUE && GetLastError() == ERROR_INVALID_PARAMETER) /* Windows before Vista */
        pipe = CreateNamedPipeW(name, flags, mode, 1, 0, size, 0, NULL);
    return pipe != INVALID_HANDLE_VALUE ? pipe : NULL;
}

/* Returns a Win32 code. */
static DWORD make_read_end(struct text *name, DWORD size, HANDLE *read_end)
{
    DWORD code;

    make_name(name, L"\\\\.\\pipe\\");
    *read_end = create_pipe(name->at, size);
    code = GetLastError();
    if (*read_end == NULL && code == ERROR_ACCESS_DENIED && in_app_container()) { /* which has names of its own */
        make_name(name, L"\\\\.\\pipe\\LOCAL\\");
        *read_end = create_pipe(name->at, size);
        code = GetLastError();
    }
    return *read_end != NULL ? ERROR_SUCCESS : code;
}

static DWORD connect_write_end(const wchar_t *name, HANDLE read_end, HANDLE *write_end)
{
    *write_end = CreateFileW(name, GENERIC_WRITE | FILE_READ_ATTRIBUTES, 0, NULL, OPEN_EXISTING,
                             SECURITY_SQOS_PRESENT | SECURITY_ANONYMOUS, NULL);
    if (*write_end == INVALID_HANDLE_VALUE) {
        *write_end = NULL;
        return GetLastError();
    }
    if (PeekNamedPipe(read_end, NULL, 0, NULL, NULL, NULL))
        return ERROR_SUCCESS;
    CloseHandle(*write_end);
    *write_end = NULL;
    return ERROR_PIPE_NOT_CONNECTED;
}

/*
 * One instance, made and connected here. If somebody has the name already, the creation fails; if somebody connects
 * first, our connection fails; and once we are connected nobody else can. Both ends are this process' own, so no
 * security descriptor is needed to keep others out. Not everywhere does FILE_FLAG_FIRST_PIPE_INSTANCE mean something
 * (Wine 8): then we may have connected to somebody else's pipe, and ours has nobody at its other end, which
 * PeekNamedPipe() tells.
 */
DWORD pipe_make(DWORD size, HANDLE *read_end, HANDLE *write_end)
{
    wchar_t memory[64];
    struct text name = {.at = memory, .capacity = ARRAYSIZE(memory)};
    DWORD code = make_read_end(&name, size, read_end);

    *write_end = NULL;
    return code == ERROR_SUCCESS ? connect_write_end(name.at, *read_end, write_end) : code;
}
