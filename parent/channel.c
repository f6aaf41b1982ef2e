#include "transaction.h"

#include "heap.h"

/* Waits for the operation or the launcher's death or the deadline, and in the last two cases takes
 * the operation back, unless it was quicker: a launcher may well answer and end. */
static DWORD await(struct transaction *t, OVERLAPPED *operation, DWORD *moved)
{
    HANDLE handles[] = {t->link->event, t->link->launcher};
    DWORD ended = WaitForMultipleObjects(ARRAYSIZE(handles), handles, FALSE, remaining_ms(t));
    DWORD code = ended == WAIT_FAILED ? GetLastError() : ERROR_TIMEOUT;

    if (ended != WAIT_OBJECT_0)
        CancelIo(t->link->pipe);
    if (GetOverlappedResult(t->link->pipe, operation, moved, TRUE))
        return ERROR_SUCCESS;
    return ended == WAIT_TIMEOUT || ended == WAIT_FAILED ? code : GetLastError();
}

static DWORD finish(struct transaction *t, BOOL immediate, OVERLAPPED *operation, DWORD *moved)
{
    DWORD code = immediate ? ERROR_SUCCESS : GetLastError();

    if (code == ERROR_IO_PENDING)
        code = await(t, operation, moved);
    else if (immediate && !GetOverlappedResult(t->link->pipe, operation, moved, FALSE))
        code = GetLastError();
    switch (code) {
    case ERROR_BROKEN_PIPE: /* nobody has the other end any more */
    case ERROR_NO_DATA:
    case ERROR_PIPE_NOT_CONNECTED:
    case ERROR_OPERATION_ABORTED: /* taken back, because the launcher has ended */ return ERROR_PROCESS_ABORTED;
    default: return code;
    }
}

static DWORD write_frame(struct transaction *t, const void *frame, DWORD size)
{
    OVERLAPPED operation = {.hEvent = t->link->event};
    DWORD sent = 0;
    /* The count means nothing yet, but Windows 7 wants a place for it. */
    DWORD code = finish(t, WriteFile(t->link->pipe, frame, size, &sent, &operation), &operation, &sent);

    return code != ERROR_SUCCESS || sent == size ? code : ERROR_PROCESS_ABORTED;
}

/* Reads what is there, one byte at least. */
static DWORD read_some(struct transaction *t, void *to, DWORD most, DWORD *received)
{
    OVERLAPPED operation = {.hEvent = t->link->event};

    return finish(t, ReadFile(t->link->pipe, to, most, received, &operation), &operation, received);
}

/* A launcher that never had its end of the pipe says why with its exit code. */
BOOL exchange_error(struct transaction *t, DWORD code)
{
    DWORD exit_code;

    if (code == ERROR_PROCESS_ABORTED && atomic_load(&t->link->page.view->pipe) != 0 &&
        WaitForSingleObject(t->link->launcher, remaining_ms(t)) == WAIT_OBJECT_0 &&
        GetExitCodeProcess(t->link->launcher, &exit_code) && exit_code != 0 && exit_code != STILL_ACTIVE)
        return set_error(t, HANDOFF_STAGE_CONNECT, HANDOFF_NO_PASS, exit_code);
    return set_error(t, HANDOFF_STAGE_EXCHANGE, HANDOFF_NO_PASS, code);
}

BOOL send_request(struct transaction *t)
{
    size_t size = wire_encode_request(NULL, 0, &t->request);
    void *frame = allocate(size);
    DWORD code = ERROR_NOT_ENOUGH_MEMORY;

    if (frame != NULL) {
        wire_encode_request(frame, size, &t->request);
        code = write_frame(t, frame, (DWORD)size);
    }
    release(frame);
    return code == ERROR_SUCCESS || exchange_error(t, code);
}

static DWORD receive_frame(struct transaction *t, struct report *report)
{
    _Alignas(4) unsigned char frame[WIRE_REPORT_MAX + 1]; /* room to notice more than a report */
    DWORD have = 0, size = WIRE_HEADER;

    while (have < size) {
        DWORD received = 0;
        DWORD code = read_some(t, frame + have, (DWORD)sizeof frame - have, &received);

        if (code != ERROR_SUCCESS)
            return code;
        have += received;
        if (have >= WIRE_HEADER)
            size = wire_frame_size(frame, WIRE_REPORT_MAX);
        if (size == 0)
            return ERROR_INVALID_DATA;
    }
    return wire_decode_report(frame, have, report) ? ERROR_SUCCESS : ERROR_INVALID_DATA;
}

BOOL receive_report(struct transaction *t, struct report *report)
{
    DWORD code = receive_frame(t, report);

    if (code != ERROR_SUCCESS)
        return exchange_error(t, code);
    /* What it could not even read or make sense of ends a launcher. */
    t->in_step = report->type == WIRE_FAILED && report->stage != HANDOFF_STAGE_EXCHANGE;
    if (report->type == WIRE_FAILED)
        return set_error(t, report->stage, report->pass, report->code);
    return report->type == WIRE_SPAWNED || exchange_error(t, ERROR_INVALID_DATA);
}

void send_commit(struct transaction *t)
{
    _Alignas(4) unsigned char frame[WIRE_HEADER];

    wire_encode_report(frame, sizeof frame, &(struct report){.type = WIRE_COMMIT});
    t->in_step = write_frame(t, frame, sizeof frame) == ERROR_SUCCESS;
    /* A launcher that lives, and sees the pipe end without a commit, would end the child. */
    if (!t->in_step)
        end_process(t->link->launcher);
}
