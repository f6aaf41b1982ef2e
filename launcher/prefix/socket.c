/* Sockets. ws2_32 is loaded only for them. */
#include <winsock2.h>
#include <ws2tcpip.h>

#include "command.h"
#include "heap.h"

enum { NO_HANDLE_INHERIT = 0x80 /* WSA_FLAG_NO_HANDLE_INHERIT, of Windows 7 SP1 */ };

/* In the order of their names below. */
union winsock {
    FARPROC functions[11];
    struct {
        int(WINAPI *start)(WORD, WSADATA *);
        int(WINAPI *error)(void);
        int(WINAPI *resolve)(const wchar_t *, const wchar_t *, const ADDRINFOW *, ADDRINFOW **);
        void(WINAPI *forget)(ADDRINFOW *);
        SOCKET(WINAPI *create)(int, int, int, WSAPROTOCOL_INFOW *, unsigned, DWORD);
        int(WINAPI *bind)(SOCKET, const struct sockaddr *, int);
        int(WINAPI *listen)(SOCKET, int);
        int(WINAPI *connect)(SOCKET, const struct sockaddr *, int);
        int(WINAPI *name)(SOCKET, struct sockaddr *, int *);
        int(WINAPI *close)(SOCKET);
        int(WINAPI *set)(SOCKET, int, int, const char *, int);
    };
};

static BOOL load_winsock(union winsock *ws)
{
    static const char names[] = "WSAStartup\0WSAGetLastError\0GetAddrInfoW\0FreeAddrInfoW\0WSASocketW\0bind\0"
                                "listen\0connect\0getsockname\0closesocket\0setsockopt";
    WSADATA data;

    return load_functions(L"ws2_32.dll", names, ws->functions, ARRAYSIZE(ws->functions)) &&
           ws->start(MAKEWORD(2, 2), &data) == 0;
}

/* The last colon, which every address has before its port, or NULL. */
static const wchar_t *find_colon(const wchar_t *address)
{
    const wchar_t *colon = NULL;

    for (; *address != L'\0'; address++) {
        if (*address == L':')
            colon = address;
    }
    return colon;
}

/* A port may be a name, which begins with a letter; some resolvers take a number modulo 65536. */
BOOL address_is_good(const wchar_t *address)
{
    const wchar_t *colon = find_colon(address), *end;
    uint64_t number;

    if (colon == NULL || colon[1] == L'\0' || colon[1] == L'-' || colon[1] == L'+')
        return FALSE;
    end = text_parse_number(colon + 1, &number);
    return colon[1] > L'9' || (end != NULL && *end == L'\0' && number <= 0xFFFF);
}

/* Cuts a good address in two; the host is NULL if it is empty. */
static void split_address(wchar_t *address, wchar_t **host, wchar_t **port)
{
    wchar_t *colon = address + (find_colon(address) - address);

    *colon = L'\0';
    *port = colon + 1;
    if (*address == L'[' && colon > address + 1 && colon[-1] == L']') {
        colon[-1] = L'\0';
        address++;
    }
    *host = *address != L'\0' ? address : NULL;
}

/* Sockets are inheritable unless they are told, and before Windows 7 SP1 only afterwards. */
static SOCKET create_socket(const union winsock *ws, const struct source *source, const ADDRINFOW *address)
{
    DWORD flags = source->overlapped ? WSA_FLAG_OVERLAPPED : 0;
    SOCKET s =
        ws->create(address->ai_family, address->ai_socktype, address->ai_protocol, NULL, 0, flags | NO_HANDLE_INHERIT);

    if (s == INVALID_SOCKET)
        s = ws->create(address->ai_family, address->ai_socktype, address->ai_protocol, NULL, 0, flags);
    if (s != INVALID_SOCKET)
        SetHandleInformation((HANDLE)s, HANDLE_FLAG_INHERIT, 0);
    return s;
}

/* Without SO_EXCLUSIVEADDRUSE another process that sets SO_REUSEADDR could take the address as well. */
static BOOL attach_socket(const union winsock *ws, SOCKET s, uint32_t option, const ADDRINFOW *address)
{
    const int both = 0, alone = 1;

    if (option == OPTION_CONNECT)
        return ws->connect(s, address->ai_addr, (int)address->ai_addrlen) == 0;
    ws->set(s, IPPROTO_IPV6, IPV6_V6ONLY, (const char *)&both, sizeof both); /* IPv4 does not know it */
    return ws->set(s, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, (const char *)&alone, sizeof alone) == 0 &&
           ws->bind(s, address->ai_addr, (int)address->ai_addrlen) == 0 && ws->listen(s, SOMAXCONN) == 0;
}

static WORD local_port(const union winsock *ws, SOCKET s)
{
    struct sockaddr_storage name;
    int size = sizeof name;

    if (ws->name(s, (struct sockaddr *)&name, &size) != 0)
        return 0;
    /* In both families it stands at the same place. */
    return (WORD)(((BYTE *)&name)[2] << 8 | ((BYTE *)&name)[3]);
}

static HANDLE open_first(const union winsock *ws, struct source *source, const ADDRINFOW *addresses, DWORD *code)
{
    for (const ADDRINFOW *address = addresses; address != NULL; address = address->ai_next) {
        SOCKET s = create_socket(ws, source, address);

        if (s != INVALID_SOCKET && attach_socket(ws, s, source->option, address)) {
            source->port = local_port(ws, s);
            return (HANDLE)s;
        }
        *code = (DWORD)ws->error();
        if (s != INVALID_SOCKET)
            ws->close(s);
    }
    return NULL;
}

/* Every address is that of IPv6, which takes IPv4's callers too, or where there is no IPv6 that of IPv4. */
static DWORD open_family(struct source *source, int family, const wchar_t *host, const wchar_t *service, HANDLE *handle)
{
    ADDRINFOW hints = {
        .ai_flags = source->option == OPTION_LISTEN ? AI_PASSIVE : 0, .ai_family = family, .ai_socktype = SOCK_STREAM};
    ADDRINFOW *addresses = NULL;
    union winsock ws;
    DWORD code;

    if (!load_winsock(&ws))
        return ERROR_PROC_NOT_FOUND;
    code = (DWORD)ws.resolve(host, service, &hints, &addresses);
    if (code == ERROR_SUCCESS) {
        *handle = open_first(&ws, source, addresses, &code);
        ws.forget(addresses);
    }
    return code;
}

/* Windows' library keeps something for each number, which another socket may have later. */
void close_socket(HANDLE s)
{
    union winsock ws;

    if (load_winsock(&ws))
        ws.close((SOCKET)s);
}

static DWORD open_address(struct source *source, HANDLE *handle)
{
    size_t size = (text_length(source->what) + 1) * sizeof *source->what;
    wchar_t *address = allocate(size), *host, *service;
    BOOL every;
    DWORD code;

    *handle = NULL;
    if (address == NULL)
        return ERROR_NOT_ENOUGH_MEMORY;
    CopyMemory(address, source->what, size);
    split_address(address, &host, &service);
    every = host == NULL && source->option == OPTION_LISTEN;
    code = open_family(source, every ? AF_INET6 : AF_UNSPEC, host, service, handle);
    if (*handle == NULL && every)
        code = open_family(source, AF_INET, host, service, handle);
    release(address);
    return code;
}

/* ---- in time ---- */

struct attempt {
    struct source source;
    HANDLE handle;
    DWORD code;
};

static DWORD WINAPI make_attempt(void *argument)
{
    struct attempt *attempt = argument;

    attempt->code = open_address(&attempt->source, &attempt->handle);
    return 0;
}

/* Only connecting takes time: the look-up of a name cannot be given a limit before Windows 8, and packets that nobody
 * answers cost 20 seconds and more. So a thread makes the attempt. Where it is still at it when the time is up, it
 * keeps the attempt: this process is about to end. */
DWORD open_socket(struct source *source, DWORD timeout_ms, HANDLE *handle)
{
    struct attempt *attempt;
    HANDLE thread;
    DWORD code = WSAETIMEDOUT;

    if (timeout_ms == INFINITE || source->option != OPTION_CONNECT)
        return open_address(source, handle);
    *handle = NULL;
    attempt = allocate(sizeof *attempt);
    if (attempt == NULL)
        return ERROR_NOT_ENOUGH_MEMORY;
    attempt->source = *source;
    thread = CreateThread(NULL, 0, make_attempt, attempt, 0, NULL);
    if (thread == NULL) {
        code = GetLastError();
        release(attempt);
        return code;
    }
    if (WaitForSingleObject(thread, timeout_ms) == WAIT_OBJECT_0) {
        *source = attempt->source;
        *handle = attempt->handle;
        code = attempt->code;
        release(attempt);
    }
    CloseHandle(thread);
    return code;
}

BOOL server_may_come(DWORD code)
{
    static const WORD codes[] = {WSAENETDOWN,     WSAENETUNREACH,    WSAETIMEDOUT, WSAECONNREFUSED, WSAEHOSTDOWN,
                                 WSAEHOSTUNREACH, WSAHOST_NOT_FOUND, WSATRY_AGAIN, WSANO_DATA};
    size_t i = 0;

    while (i < ARRAYSIZE(codes) && codes[i] != code)
        i++;
    return i < ARRAYSIZE(codes);
}
