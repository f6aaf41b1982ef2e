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

/* Why a launcher has not found what it was given: see find_parent() in launcher/broker/service.c. */
static BOOL is_reason(DWORD exit_code)
{
    return exit_code == ERROR_INVALID_PARAMETER || exit_code == ERROR_NOT_FOUND || exit_code == ERROR_INVALID_DATA;
}

/* A launcher that did not even find its page says why with its exit code, and another program something else. */
BOOL exchange_error(struct transaction *t, DWORD code)
{
    uint32_t spoken = atomic_load(&t->link->channel->reached);
    DWORD exit_code;

    if (spoken != 0 && spoken != PROTOCOL)
        return refuse_protocol(t, spoken);
    if (code == ERROR_PROCESS_ABORTED && spoken == 0 &&
        deadline_wait(&t->deadline, 1, &t->link->process) == WAIT_OBJECT_0 &&
        GetExitCodeProcess(t->link->process, &exit_code) && exit_code != 0 && exit_code != STILL_ACTIVE)
        return is_reason(exit_code) ? set_error(t, HANDOFF_STAGE_CONNECT, HANDOFF_NO_PASS, exit_code)
                                    : set_error(t, HANDOFF_STAGE_LAUNCHER, HANDOFF_NO_PASS, ERROR_BAD_EXE_FORMAT);
    return set_error(t, HANDOFF_STAGE_EXCHANGE, HANDOFF_NO_PASS, code);
}

BOOL send_request(struct transaction *t)
{
    struct channel *channel = t->link->channel;

    t->request_size = (uint32_t)wire_encode(channel->request, t->link->room, &t->request);
    atomic_store(&channel->asked, t->request_size);
    return SetEvent(t->link->heard) || exchange_error(t, GetLastError());
}

/* Returns a Win32 code. A launcher may well report and end, so its word comes first. After the deadline is one look and
 * no more, or a launcher could put that off with its event. */
static DWORD await_report(const struct transaction *t)
{
    HANDLE either[] = {t->link->reported, t->link->process};
    _Atomic uint32_t *reported = &t->link->channel->reported;
    DWORD left = INFINITE, ended = WAIT_OBJECT_0, code = ERROR_SUCCESS;

    while (atomic_load(reported) == FALSE && left > 0 && ended == WAIT_OBJECT_0) {
        left = deadline_left(&t->deadline);
        ended = deadline_wait(&t->deadline, ARRAYSIZE(either), either);
        code = GetLastError();
    }
    if (channel_take(reported) != FALSE)
        return ERROR_SUCCESS;
    switch (ended) {
    case WAIT_OBJECT_0:
    case WAIT_TIMEOUT: return ERROR_TIMEOUT;
    case WAIT_FAILED: return code;
    default: return ERROR_PROCESS_ABORTED;
    }
}

/* Returns a Win32 code. What is not there yet is not waited for. */
static DWORD read_report(const struct transaction *t, struct report *report)
{
    DWORD size = 0;

    if (!PeekNamedPipe(t->link->report, NULL, 0, NULL, &size, NULL))
        return GetLastError() == ERROR_BROKEN_PIPE ? ERROR_PROCESS_ABORTED : GetLastError();
    if (size != sizeof *report)
        return ERROR_INVALID_DATA;
    if (!ReadFile(t->link->report, report, sizeof *report, &size, NULL))
        return GetLastError();
    return size == sizeof *report && report->size == REPORT_SIZE && report->request_size == t->request_size
               ? ERROR_SUCCESS
               : ERROR_INVALID_DATA;
}

BOOL receive_report(struct transaction *t, struct report *report)
{
    DWORD code = await_report(t);

    if (code == ERROR_SUCCESS)
        code = read_report(t, report);
    if (code != ERROR_SUCCESS)
        return exchange_error(t, code);
    /* A launcher that could not make sense of the request ends. */
    t->in_step = report->type == REPORT_FAILED && report->stage != HANDOFF_STAGE_EXCHANGE;
    if (report->type == REPORT_FAILED && report->stage == HANDOFF_STAGE_ATTRIBUTE)
        return refuse_attribute(t, report->stage,
                                report->pass < t->request.attribute_count ? t->request.attributes[report->pass].id
                                                                          : ATTRIBUTE_JOB_LIST,
                                report->code);
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
