/* Sockets. ws2_32 is loaded only for them and left again, so that waiting costs as little as without. */
#include <winsock2.h>
#include <ws2tcpip.h>

#include "command.h"

enum { NO_HANDLE_INHERIT = 0x80 /* WSA_FLAG_NO_HANDLE_INHERIT, of Windows 7 SP1 */ };

struct winsock {
    HMODULE module;
    int(WINAPI *start)(WORD, WSADATA *);
    int(WINAPI *end)(void);
    int(WINAPI *error)(void);
    int(WINAPI *resolve)(const wchar_t *, const wchar_t *, const ADDRINFOW *, ADDRINFOW **);
    void(WINAPI *forget)(ADDRINFOW *);
    SOCKET(WINAPI *create)(int, int, int, WSAPROTOCOL_INFOW *, unsigned, DWORD);
    int(WINAPI *bind)(SOCKET, const struct sockaddr *, int);
    int(WINAPI *listen)(SOCKET, int);
    int(WINAPI *connect)(SOCKET, const struct sockaddr *, int);
    int(WINAPI *name)(SOCKET, struct sockaddr *, int *);
    int(WINAPI *close)(SOCKET);
};

static BOOL load(struct winsock *ws)
{
    static const char names[][16] = {"WSAStartup", "WSACleanup", "WSAGetLastError", "GetAddrInfoW", "FreeAddrInfoW",
                                     "WSASocketW", "bind",       "listen",          "connect",      "getsockname",
                                     "closesocket"};
    FARPROC *functions = (FARPROC *)(void *)&ws->start;
    WSADATA data;

    ws->module = LoadLibraryW(L"ws2_32.dll");
    for (size_t i = 0; i < ARRAYSIZE(names); i++) {
        functions[i] = ws->module != NULL ? GetProcAddress(ws->module, names[i]) : NULL;
        if (functions[i] == NULL)
            return FALSE;
    }
    return ws->start(MAKEWORD(2, 2), &data) == 0;
}

/* Cuts HOST:PORT in two; the host is NULL if it is empty. */
static BOOL split_address(wchar_t *address, wchar_t **host, wchar_t **port)
{
    wchar_t *colon = NULL, *end = address;

    for (; *end != L'\0'; end++) {
        if (*end == L':')
            colon = end;
    }
    if (colon == NULL || colon[1] == L'\0')
        return FALSE;
    *colon = L'\0';
    *port = colon + 1;
    if (*address == L'[' && colon > address + 1 && colon[-1] == L']') {
        colon[-1] = L'\0';
        address++;
    }
    *host = *address != L'\0' ? address : NULL;
    return TRUE;
}

/* Sockets are inheritable unless they are told, and before Windows 7 SP1 only afterwards. */
static SOCKET create(const struct winsock *ws, const ADDRINFOW *address)
{
    SOCKET s = ws->create(address->ai_family, address->ai_socktype, address->ai_protocol, NULL, 0,
                          WSA_FLAG_OVERLAPPED | NO_HANDLE_INHERIT);

    if (s == INVALID_SOCKET)
        s = ws->create(address->ai_family, address->ai_socktype, address->ai_protocol, NULL, 0, WSA_FLAG_OVERLAPPED);
    if (s != INVALID_SOCKET)
        SetHandleInformation((HANDLE)s, HANDLE_FLAG_INHERIT, 0);
    return s;
}

static BOOL use(const struct winsock *ws, SOCKET s, uint32_t option, const ADDRINFOW *address)
{
    if (option == OPTION_CONNECT)
        return ws->connect(s, address->ai_addr, (int)address->ai_addrlen) == 0;
    return ws->bind(s, address->ai_addr, (int)address->ai_addrlen) == 0 && ws->listen(s, SOMAXCONN) == 0;
}

static WORD local_port(const struct winsock *ws, SOCKET s)
{
    struct sockaddr_storage name;
    int size = sizeof name;

    if (ws->name(s, (struct sockaddr *)&name, &size) != 0)
        return 0;
    /* In both families it stands at the same place. */
    return (WORD)(((BYTE *)&name)[2] << 8 | ((BYTE *)&name)[3]);
}

static HANDLE open_first(const struct winsock *ws, uint32_t option, const ADDRINFOW *addresses, WORD *port, DWORD *code)
{
    for (const ADDRINFOW *address = addresses; address != NULL; address = address->ai_next) {
        SOCKET s = create(ws, address);

        if (s != INVALID_SOCKET && use(ws, s, option, address)) {
            *port = local_port(ws, s);
            return (HANDLE)s;
        }
        *code = (DWORD)ws->error();
        if (s != INVALID_SOCKET)
            ws->close(s);
    }
    return NULL;
}

HANDLE open_socket(uint32_t option, const wchar_t *text, WORD *port)
{
    ADDRINFOW hints = {.ai_flags = option == OPTION_LISTEN ? AI_PASSIVE : 0, .ai_socktype = SOCK_STREAM};
    ADDRINFOW *addresses = NULL;
    struct winsock ws;
    wchar_t *host, *service;
    DWORD code = ERROR_INVALID_PARAMETER;
    HANDLE handle = NULL;

    if (!split_address((wchar_t *)(UINT_PTR)text, &host, &service)) {
        SetLastError(ERROR_INVALID_PARAMETER);
        return NULL;
    }
    if (!load(&ws)) {
        SetLastError(ERROR_PROC_NOT_FOUND);
        return NULL;
    }
    code = (DWORD)ws.resolve(host, service, &hints, &addresses);
    if (code == ERROR_SUCCESS) {
        handle = open_first(&ws, option, addresses, port, &code);
        ws.forget(addresses);
    }
    SetLastError(code);
    return handle;
}
