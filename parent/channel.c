#include "transaction.h"

#include "text.h"

static BOOL refuse_protocol(struct transaction *t, uint32_t spoken)
{
    struct text subject = {.at = t->error.subject, .capacity = ARRAYSIZE(t->error.subject)};

    set_error(t, HANDOFF_STAGE_VERSION, HANDOFF_NO_PASS, ERROR_REVISION_MISMATCH);
    text_format(&subject, "protocol %u; this library speaks %u", spoken, (uint32_t)PROTOCOL);
    text_end(&subject);
    return FALSE;
}

/* A launcher that did not even find its page says why with its exit code. */
BOOL exchange_error(struct transaction *t, DWORD code)
{
    uint32_t spoken = atomic_load(&t->link->channel->reached);
    DWORD exit_code;

    if (spoken != 0 && spoken != PROTOCOL)
        return refuse_protocol(t, spoken);
    if (code == ERROR_PROCESS_ABORTED && spoken == 0 &&
        WaitForSingleObject(t->link->launcher, remaining_ms(t)) == WAIT_OBJECT_0 &&
        GetExitCodeProcess(t->link->launcher, &exit_code) && exit_code != 0 && exit_code != STILL_ACTIVE)
        return set_error(t, HANDOFF_STAGE_CONNECT, HANDOFF_NO_PASS, exit_code);
    return set_error(t, HANDOFF_STAGE_EXCHANGE, HANDOFF_NO_PASS, code);
}

BOOL send_request(struct transaction *t)
{
    struct channel *channel = t->link->channel;
    size_t size = wire_encode(channel->request, t->link->room, &t->request);

    atomic_store(&channel->asked, (uint32_t)size);
    return SetEvent(t->link->heard) || exchange_error(t, GetLastError());
}

/*
 * Returns a Win32 code. A launcher may well answer and end, so what it wrote comes first. No wait begins after the
 * deadline, or a launcher could put that off with its event. A wait that times out before the deadline is repeated: up
 * to Windows 7 waits count the time that the machine slept, and the deadline does not (WaitForMultipleObjects).
 */
static DWORD await_answer(const struct transaction *t)
{
    HANDLE either[] = {t->link->answered, t->link->launcher};
    _Atomic uint32_t *answered = &t->link->channel->answered;
    DWORD left = INFINITE, ended = WAIT_TIMEOUT, code = ERROR_SUCCESS;

    while (atomic_load(answered) == FALSE && left > 0 && (ended == WAIT_OBJECT_0 || ended == WAIT_TIMEOUT)) {
        left = remaining_ms(t);
        ended = left > 0 ? WaitForMultipleObjects(ARRAYSIZE(either), either, FALSE, left) : WAIT_TIMEOUT;
        code = GetLastError();
    }
    if (channel_take(answered) != FALSE)
        return ERROR_SUCCESS;
    switch (ended) {
    case WAIT_TIMEOUT: return ERROR_TIMEOUT;
    case WAIT_FAILED: return code;
    default: return ERROR_PROCESS_ABORTED;
    }
}

BOOL receive_report(struct transaction *t, struct report *report)
{
    DWORD code = await_answer(t);

    if (code != ERROR_SUCCESS)
        return exchange_error(t, code);
    *report = t->link->channel->report; /* once: the launcher could write there again */
    /* What it could not even make sense of ends a launcher. */
    t->in_step = report->type == REPORT_FAILED && report->stage != HANDOFF_STAGE_EXCHANGE;
    if (report->type == REPORT_FAILED)
        return set_error(t, report->stage, report->pass, report->code);
    return report->type == REPORT_SPAWNED || exchange_error(t, ERROR_INVALID_DATA);
}

void send_commit(struct transaction *t)
{
    atomic_store(&t->link->channel->committed, TRUE);
    if (t->link == &t->own)
        link_end(t->link);
    else
        t->in_step = SetEvent(t->link->heard);
}
