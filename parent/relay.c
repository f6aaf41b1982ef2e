/* --relay: the pipeline ends when the command ends, whoever else still has its output open. */
#include "command.h"

#include "heap.h"
#include "pipe.h"
#include "stream.h"

enum { BUFFER = 1 << 16 };

static BOOL is_console(HANDLE handle)
{
    DWORD mode;

    return GetConsoleMode(handle, &mode);
}

static void add_pass(struct command *command, HANDLE handle, DWORD streams)
{
    command->passes[command->pass_count++] = (struct handoff_pass){.handle = handle, .streams = streams};
}

/* The shell's 2>&1 makes a second handle of the first. Only Windows 10 and later tell; before, such streams
 * are relayed each by itself. */
static BOOL are_same(HANDLE a, HANDLE b)
{
    BOOL(WINAPI * compare)
    (HANDLE, HANDLE) = (BOOL(WINAPI *)(HANDLE, HANDLE))(void *)GetProcAddress(GetModuleHandleW(L"kernelbase.dll"),
                                                                              "CompareObjectHandles");

    return a == b || (compare != NULL && compare(a, b));
}

static DWORD make_relay(struct command *command, struct relay *relay, HANDLE own, DWORD streams)
{
    HANDLE self = GetCurrentProcess(), far_end;
    DWORD code;

    if (own == NULL || own == INVALID_HANDLE_VALUE || is_console(own))
        return ERROR_SUCCESS;
    if (!DuplicateHandle(self, own, self, &relay->to, 0, FALSE, DUPLICATE_SAME_ACCESS))
        return ERROR_SUCCESS; /* not open: the command does not have it either */
    code = pipe_make(PIPE_ACCESS_INBOUND, 0, BUFFER, &relay->from, &far_end);
    if (code == ERROR_SUCCESS)
        add_pass(command, far_end, streams);
    return code;
}

DWORD make_relays(struct command *command, struct relay *relays)
{
    HANDLE out = GetStdHandle(STD_OUTPUT_HANDLE), err = GetStdHandle(STD_ERROR_HANDLE);
    DWORD claimed = command->prefix.request.closed_streams, code = ERROR_SUCCESS;

    for (DWORD i = 0; i < command->pass_count; i++)
        claimed |= command->passes[i].streams;
    /* One pipe for both keeps their order. */
    if (are_same(out, err) && (claimed & (HANDOFF_STDOUT | HANDOFF_STDERR)) == 0)
        return make_relay(command, &relays[0], out, HANDOFF_STDOUT | HANDOFF_STDERR);
    if ((claimed & HANDOFF_STDOUT) == 0)
        code = make_relay(command, &relays[0], out, HANDOFF_STDOUT);
    if (code == ERROR_SUCCESS && (claimed & HANDOFF_STDERR) == 0)
        code = make_relay(command, &relays[1], err, HANDOFF_STDERR);
    return code;
}

/* Reads what comes before the process ends; 0 when the pipe or the process has ended. The process is asked
 * for first: somebody in the background may write so fast that there is always something to read. */
static DWORD read_some(const struct relay *relay, HANDLE event, char *buffer, BOOL *ended)
{
    OVERLAPPED operation = {.hEvent = event};
    HANDLE handles[] = {relay->process, event};
    DWORD size = 0;

    if (!ReadFile(relay->from, buffer, BUFFER, NULL, &operation) && GetLastError() != ERROR_IO_PENDING)
        return 0;
    *ended = WaitForMultipleObjects(ARRAYSIZE(handles), handles, FALSE, INFINITE) == WAIT_OBJECT_0;
    if (*ended)
        CancelIo(relay->from);
    return GetOverlappedResult(relay->from, &operation, &size, TRUE) ? size : 0;
}

static BOOL write_all(HANDLE to, const char *bytes, DWORD size)
{
    DWORD written;

    for (; size > 0; bytes += written, size -= written) {
        if (!WriteFile(to, bytes, size, &written, NULL) || written == 0)
            return FALSE;
    }
    return TRUE;
}

/* What lies in the pipe now that the process has ended is all that it wrote, and maybe what others did. */
static void drain(const struct relay *relay, HANDLE event, char *buffer)
{
    DWORD left = 0;

    if (!PeekNamedPipe(relay->from, NULL, 0, NULL, &left, NULL))
        return;
    while (left > 0) {
        OVERLAPPED operation = {.hEvent = event};
        DWORD size = 0;

        ReadFile(relay->from, buffer, left < BUFFER ? left : BUFFER, NULL, &operation);
        if (!GetOverlappedResult(relay->from, &operation, &size, TRUE) || size == 0 ||
            !write_all(relay->to, buffer, size))
            return;
        left -= size;
    }
}

/* A reader that has gone is the command's to notice: its next write to the closed pipe fails. */
static DWORD WINAPI run_relay(void *argument)
{
    struct relay *relay = argument;
    HANDLE event = CreateEventW(NULL, TRUE, FALSE, NULL);
    char *buffer = allocate(BUFFER);
    BOOL going = event != NULL && buffer != NULL, ended = FALSE;

    while (going && !ended) {
        DWORD size = read_some(relay, event, buffer, &ended);

        going = (size > 0 || ended) && write_all(relay->to, buffer, size);
    }
    if (going)
        drain(relay, event, buffer);
    CloseHandle(relay->from);
    CloseHandle(event);
    release(buffer);
    CloseHandle(relay->to); /* the last: a reader that sees the end finds nothing else open either */
    return 0;
}

DWORD start_relays(struct relay *relays, HANDLE process)
{
    for (int i = 0; i < 2; i++) {
        relays[i].process = process;
        if (relays[i].from == NULL)
            continue;
        relays[i].thread = CreateThread(NULL, 0, run_relay, &relays[i], 0, NULL);
        if (relays[i].thread == NULL)
            return GetLastError();
    }
    return ERROR_SUCCESS;
}

void finish_relays(struct relay *relays)
{
    for (int i = 0; i < 2; i++) {
        if (relays[i].thread != NULL)
            WaitForSingleObject(relays[i].thread, INFINITE);
    }
}
