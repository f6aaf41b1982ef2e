/*
 * --relay: the pipeline ends when the command ends, though another process still has its output open. --tee: and a file
 * gets the output too.
 *
 * A relay reads a piece of the output and gives it to its outlets, our own stream and the file, which write it at the
 * same time, each in a thread. It reads the next piece when both have written. So an outlet that is slow slows down the
 * command, as every pipe does, and nothing has to be kept or thrown away.
 *
 * An outlet may also take nothing for ever: a reader that does not read, a share that hangs. Without --timeout that is
 * waited for. With it such an outlet is given up when the time is up, and the other outlet gets what still lies in the
 * pipe. That the outlet given up has lost something is said, as where a write fails.
 */
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

static void add_relay_pass(struct request *request, HANDLE handle, uint32_t streams)
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

static BOOL make_outlet(struct outlet *outlet, struct sink sink)
{
    outlet->sink = sink;
    outlet->done = sink.to != NULL ? CreateEventW(NULL, TRUE, FALSE, NULL) : NULL;
    return sink.to == NULL || outlet->done != NULL;
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
    relay->buffer = allocate(BUFFER);
    relay->operation.hEvent = CreateEventW(NULL, TRUE, FALSE, NULL);
    if (relay->buffer == NULL || relay->operation.hEvent == NULL ||
        !make_outlet(&relay->outlets[OWN], sink_for(own, to)) ||
        !make_outlet(&relay->outlets[TEE], (struct sink){.to = tee}))
        return ERROR_NOT_ENOUGH_MEMORY;
    code = pipe_make(BUFFER, &relay->from, &far_end);
    if (code == ERROR_SUCCESS)
        add_relay_pass(request, far_end, streams);
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

/* ---- an outlet gets what its relay has read ---- */

static DWORD WINAPI pass_on(void *argument)
{
    struct outlet *outlet = argument;

    outlet->result = sink_write(&outlet->sink, outlet->bytes, outlet->size);
    SetEvent(outlet->done);
    return 0;
}

/* What has failed once is not tried again. */
static BOOL takes_more(const struct outlet *outlet)
{
    return outlet->sink.to != NULL && outlet->code == ERROR_SUCCESS;
}

/* By one of the pool's threads, which go when they have had nothing to do: a relay that waits has none. Where there is
 * no thread to be had, this one must not get stuck instead: what is lost then is said, as where a write fails. */
static void write_to_outlet(struct outlet *outlet, const char *bytes, DWORD size)
{
    if (!takes_more(outlet))
        return;
    outlet->busy = TRUE;
    outlet->bytes = bytes;
    outlet->size = size;
    ResetEvent(outlet->done);
    if (QueueUserWorkItem(pass_on, outlet, WT_EXECUTELONGFUNCTION))
        return;
    outlet->result = GetLastError();
    SetEvent(outlet->done);
}

static void settle_outlet(struct outlet *outlet)
{
    if (!outlet->busy || WaitForSingleObject(outlet->done, 0) != WAIT_OBJECT_0)
        return;
    outlet->busy = FALSE;
    if (outlet->code == ERROR_SUCCESS)
        outlet->code = outlet->result;
}

/* Its thread may still be writing. */
static void close_outlet(struct outlet *outlet, BOOL owned)
{
    if (outlet->stuck || outlet->sink.to == NULL)
        return;
    CloseHandle(outlet->done);
    if (owned)
        CloseHandle(outlet->sink.to);
}

/* ---- a relay reads, writes what it read, reads again ---- */

enum { ANY = MAXDWORD };

static void end_relay(struct relay *relay)
{
    CloseHandle(relay->from); /* a reader that has gone is the command's to notice, at its next write */
    CloseHandle(relay->operation.hEvent);
    release(relay->buffer);
    close_outlet(&relay->outlets[TEE], FALSE);
    close_outlet(&relay->outlets[OWN], TRUE); /* the last: a reader that sees the end finds nothing else open either */
    relay->from = NULL;
}

/* Other than by the end of what it reads, with what is then lost. */
static void fail_relay(struct relay *relay, DWORD code)
{
    if (relay->outlets[OWN].code == ERROR_SUCCESS)
        relay->outlets[OWN].code = code;
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

static void begin_write(struct relay *relay)
{
    relay->writing = TRUE;
    for (int i = 0; i < OUTLETS; i++)
        write_to_outlet(&relay->outlets[i], relay->buffer, relay->size);
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

/* As long as one of the outlets takes it, the command goes on. */
static void end_write(struct relay *relay)
{
    for (int i = 0; i < OUTLETS; i++)
        settle_outlet(&relay->outlets[i]);
    if (relay->outlets[OWN].busy || relay->outlets[TEE].busy)
        return;
    if (takes_more(&relay->outlets[OWN]) || takes_more(&relay->outlets[TEE]))
        begin_read(relay);
    else
        end_relay(relay);
}

static void continue_relay(struct relay *relay)
{
    if (relay->writing)
        end_write(relay);
    else
        end_read(relay);
}

/* What it waits for. */
static HANDLE event_of(const struct relay *relay)
{
    if (!relay->writing)
        return relay->operation.hEvent;
    return relay->outlets[relay->outlets[OWN].busy ? OWN : TEE].done;
}

/* Our own stream first: while that is busy, a file may be busy for the moment. Its thread keeps the buffer. */
static void abandon_relay(struct relay *relay)
{
    int which = relay->outlets[OWN].busy ? OWN : TEE;
    struct outlet *stuck = &relay->outlets[which], *other = &relay->outlets[!which];

    if (relay->from == NULL || !stuck->busy)
        return;
    stuck->busy = FALSE;
    stuck->stuck = TRUE;
    stuck->code = ERROR_SEM_TIMEOUT;
    relay->buffer = allocate(BUFFER);
    if (relay->buffer == NULL)
        other->code = ERROR_NOT_ENOUGH_MEMORY;
    end_write(relay);
}

/* What lies in the pipe when the process has ended is all that it wrote, and maybe what others did. A read
 * under way is taken back, lest it waits for what others write later. */
static void limit_relay(struct relay *relay)
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
static DWORD wait_for_any(const struct relay *relays, HANDLE process, const struct deadline *deadline)
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
        handles[count++] = event_of(&relays[i]);
    }
    if (count == 0)
        return WAIT_FAILED;
    answer = deadline_wait(deadline, count, handles);
    return answer < WAIT_OBJECT_0 + count ? whose[answer - WAIT_OBJECT_0] : answer;
}

BOOL relay_until_exit(struct relay *relays, HANDLE process, DWORD timeout_ms)
{
    const struct deadline deadline = deadline_in(timeout_ms);
    DWORD which;

    while ((which = wait_for_any(relays, process, &deadline)) < 2)
        continue_relay(&relays[which]);
    return which != WAIT_TIMEOUT;
}

void finish_relays(struct relay *relays, DWORD timeout_ms)
{
    limit_relay(&relays[0]);
    limit_relay(&relays[1]);
    while (!relay_until_exit(relays, NULL, timeout_ms)) {
        abandon_relay(&relays[0]);
        abandon_relay(&relays[1]);
        timeout_ms = GRACE_MS;
    }
}
