/* --relay: the pipeline ends when the command ends, though another process still has its output open. --tee: and a file
 * gets the output too. */
#include "command.h"

#include "clock.h"
#include "function.h"
#include "heap.h"
#include "pipe.h"
#include "steal.h"
#include "stream.h"

enum { BUFFER = 1 << 16 };

static BOOL is_console(HANDLE handle)
{
    DWORD mode;

    return GetConsoleMode(handle, &mode);
}

static void add_pass(struct request *request, HANDLE handle, uint32_t streams)
{
    request->passes[request->pass_count++] =
        (struct pass){.kind = PASS_RELAY, .number = (uint32_t)handle_number(handle), .streams = streams};
}

typedef BOOL(WINAPI *compare_function)(HANDLE, HANDLE);

/* The shell's 2>&1 makes a second handle of the first. Only Windows 10 and later tell; before, such streams
 * are relayed each by itself. */
static BOOL are_same(HANDLE a, HANDLE b)
{
    compare_function compare = (compare_function)function_of(L"kernelbase.dll", "CompareObjectHandles");

    return a == b || (compare != NULL && compare(a, b));
}

static DWORD make_relay(struct request *request, struct relay *relay, HANDLE own, uint32_t streams, HANDLE tee)
{
    HANDLE self = GetCurrentProcess(), to, far_end;
    DWORD code;

    if (tee == NULL && is_console(own))
        return ERROR_SUCCESS;
    if (own == NULL || own == INVALID_HANDLE_VALUE ||
        !DuplicateHandle(self, own, self, &to, 0, FALSE, DUPLICATE_SAME_ACCESS))
        to = NULL;
    if (to == NULL && tee == NULL)
        return ERROR_SUCCESS; /* not open: the command does not have it either */
    relay->own = sink_for(own, to);
    relay->tee = (struct sink){.to = tee};
    relay->buffer = allocate(BUFFER);
    relay->operation.hEvent = CreateEventW(NULL, TRUE, FALSE, NULL);
    if (relay->buffer == NULL || relay->operation.hEvent == NULL)
        return ERROR_NOT_ENOUGH_MEMORY;
    code = pipe_make(BUFFER, &relay->from, &far_end);
    if (code == ERROR_SUCCESS)
        add_pass(request, far_end, streams);
    return code;
}

DWORD make_relays(struct request *request, struct relay *relays, HANDLE tee)
{
    enum { OF_STDOUT = 1 << STREAM_STDOUT, OF_STDERR = 1 << STREAM_STDERR };
    HANDLE out = GetStdHandle(STD_OUTPUT_HANDLE), err = GetStdHandle(STD_ERROR_HANDLE);
    uint32_t claimed = request_claimed_streams(request);
    DWORD code = ERROR_SUCCESS;

    /* One pipe for both keeps their order. */
    if ((are_same(out, err) || (is_console(out) && is_console(err))) && (claimed & (OF_STDOUT | OF_STDERR)) == 0)
        return make_relay(request, &relays[0], out, OF_STDOUT | OF_STDERR, tee);
    if ((claimed & OF_STDOUT) == 0)
        code = make_relay(request, &relays[0], out, OF_STDOUT, tee);
    if (code == ERROR_SUCCESS && (claimed & OF_STDERR) == 0)
        code = make_relay(request, &relays[1], err, OF_STDERR, tee);
    return code;
}

/* ---- a relay reads, writes what it read, reads again ---- */

enum { ANY = MAXDWORD };

static void end_relay(struct relay *relay)
{
    CloseHandle(relay->from); /* a reader that has gone is the command's to notice, at its next write */
    CloseHandle(relay->operation.hEvent);
    release(relay->buffer);
    if (relay->own.to != NULL)
        CloseHandle(relay->own.to); /* the last: a reader that sees the end finds nothing else open either */
    relay->from = NULL;
}

/* Other than by the end of what it reads, with what is then lost. */
static void fail_relay(struct relay *relay, DWORD code)
{
    if (relay->own_code == ERROR_SUCCESS)
        relay->own_code = code;
    end_relay(relay);
}

static void begin_read(struct relay *relay)
{
    DWORD most = relay->left < BUFFER ? relay->left : BUFFER;

    relay->writing = FALSE;
    if (most == 0)
        end_relay(relay);
    else if (!ReadFile(relay->from, relay->buffer, most, NULL, &relay->operation) && GetLastError() != ERROR_IO_PENDING)
        fail_relay(relay, GetLastError());
}

/* What has failed once is not tried again. */
static BOOL give(const struct relay *relay, const struct sink *sink, DWORD *code)
{
    if (sink->to != NULL && *code == ERROR_SUCCESS)
        *code = sink_write(sink, relay->buffer, relay->size);
    return sink->to != NULL && *code == ERROR_SUCCESS;
}

/* The reader may take its time, which must hold up neither the other relay, nor --timeout, nor what the file gets. As
 * long as one of the two takes it, the command goes on. */
static DWORD WINAPI pass_on(void *argument)
{
    struct relay *relay = argument;
    BOOL kept = give(relay, &relay->tee, &relay->tee_code);

    if (give(relay, &relay->own, &relay->own_code) || kept)
        relay->size = 0;
    SetEvent(relay->operation.hEvent);
    return 0;
}

/* One of the pool's threads, which go when they have had nothing to do: a relay that waits has none. */
static void begin_write(struct relay *relay)
{
    relay->writing = TRUE;
    ResetEvent(relay->operation.hEvent);
    if (!QueueUserWorkItem(pass_on, relay, WT_EXECUTELONGFUNCTION))
        pass_on(relay);
}

/* A writer of nothing, where a runtime flushes what is empty, ends a read without an end of the pipe. */
static void end_read(struct relay *relay)
{
    if (!GetOverlappedResult(relay->from, &relay->operation, &relay->size, TRUE)) {
        fail_relay(relay, GetLastError());
    } else if (relay->size == 0) {
        begin_read(relay);
    } else {
        relay->left -= relay->left != ANY ? relay->size : 0;
        begin_write(relay);
    }
}

static void go_on(struct relay *relay)
{
    if (!relay->writing)
        end_read(relay);
    else if (relay->size == 0)
        begin_read(relay);
    else
        end_relay(relay);
}

/* What lies in the pipe when the process has ended is all that it wrote, and maybe what others did. A read
 * under way is taken back, lest it waits for what others write later. */
static void limit(struct relay *relay)
{
    if (relay->from == NULL)
        return;
    if (!relay->writing) {
        CancelIo(relay->from);
        if (!GetOverlappedResult(relay->from, &relay->operation, &relay->size, TRUE))
            relay->size = 0;
    }
    if (!PeekNamedPipe(relay->from, NULL, 0, NULL, &relay->left, NULL))
        relay->left = 0;
    if (!relay->writing && relay->size > 0)
        begin_write(relay);
    else if (!relay->writing)
        begin_read(relay);
}

/* ---- both of them, and the process ---- */

void start_relays(struct relay *relays)
{
    for (int i = 0; i < RELAYS; i++) {
        if (relays[i].from == NULL)
            continue;
        relays[i].left = ANY;
        begin_read(&relays[i]);
    }
}

/* The process, if it is given, is asked for first: somebody in the background may write so fast that there is
 * always something to read. */
static DWORD wait_for_any(const struct relay *relays, HANDLE process, DWORD timeout_ms)
{
    HANDLE handles[3];
    DWORD whose[3], count = 0, answer;

    if (process != NULL) {
        whose[count] = 2;
        handles[count++] = process;
    }
    for (DWORD i = 0; i < RELAYS; i++) {
        if (relays[i].from == NULL)
            continue;
        whose[count] = i;
        handles[count++] = relays[i].operation.hEvent;
    }
    if (count == 0)
        return WAIT_FAILED;
    answer = WaitForMultipleObjects(count, handles, FALSE, timeout_ms);
    return answer < WAIT_OBJECT_0 + count ? whose[answer - WAIT_OBJECT_0] : answer;
}

BOOL relay_until_exit(struct relay *relays, HANDLE process, DWORD timeout_ms)
{
    const struct deadline deadline = {timeout_ms, stopwatch_start()};
    DWORD which;

    while ((which = wait_for_any(relays, process, deadline_left(&deadline))) < 2)
        go_on(&relays[which]);
    return which != WAIT_TIMEOUT;
}

BOOL finish_relays(struct relay *relays, DWORD timeout_ms)
{
    limit(&relays[0]);
    limit(&relays[1]);
    return relay_until_exit(relays, NULL, timeout_ms);
}
