#include "pipe.h"

#include "nonce.h"
#include "text.h"

/*
 * One instance, made and connected here: who squats the name makes the creation fail, who connects
 * before us makes our connection fail, and once we are connected nobody else can. Both ends are
 * this process' own, so no security descriptor is needed to keep others out.
 *
 * Not everywhere does FILE_FLAG_FIRST_PIPE_INSTANCE mean something (Wine 8): then we may have connected to the
 * squatter's, and ours, which has nobody at its other end, tells.
 */
DWORD pipe_make(DWORD direction, DWORD out_size, DWORD in_size, HANDLE *near_end, HANDLE *far_end)
{
    DWORD far_access =
        direction == PIPE_ACCESS_DUPLEX ? GENERIC_READ | GENERIC_WRITE : GENERIC_WRITE | FILE_READ_ATTRIBUTES;
    wchar_t name[64];
    struct text text = {.at = name, .capacity = ARRAYSIZE(name)};

    text_put(&text, L"\\\\.\\pipe\\handoff-");
    text_put_hex(&text, GetCurrentProcessId());
    text_put_unit(&text, L'-');
    text_put_hex(&text, make_nonce());
    text_end(&text);
    *far_end = NULL;
    *near_end = CreateNamedPipeW(name, direction | FILE_FLAG_OVERLAPPED | FILE_FLAG_FIRST_PIPE_INSTANCE,
                                 PIPE_TYPE_BYTE | PIPE_READMODE_BYTE | PIPE_WAIT, 1, out_size, in_size, 0, NULL);
    if (*near_end == INVALID_HANDLE_VALUE)
        *near_end = NULL;
    if (*near_end != NULL)
        *far_end =
            CreateFileW(name, far_access, 0, NULL, OPEN_EXISTING, SECURITY_SQOS_PRESENT | SECURITY_ANONYMOUS, NULL);
    if (*far_end == INVALID_HANDLE_VALUE)
        *far_end = NULL;
    if (*far_end != NULL && !PeekNamedPipe(*near_end, NULL, 0, NULL, NULL, NULL)) {
        CloseHandle(*far_end);
        *far_end = NULL;
        return ERROR_PIPE_NOT_CONNECTED;
    }
    return *far_end != NULL ? ERROR_SUCCESS : GetLastError();
}
