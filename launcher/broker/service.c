#include "service.h"

#include "channel.h"
#include "engine.h"
#include "fillers.h"
#include "heap.h"
#include "steal.h"
#include "text.h"
#include "wire.h"

/* The library's end of things, as seen from here. */
struct service {
    HANDLE parent; /* non-inheritable, so that it never reaches a child */
    HANDLE heard, reported;
    HANDLE report; /* the pipe */
    struct claim_page *page;
    struct channel *channel;
    struct fillers fillers;
    struct request request;
    void *text;    /* what the request points into */
    uint32_t size; /* of that, as the parent said it */
};

/* The parent has put the page's section here before this process ran: so its number is among the first. */
static BOOL find_page(struct service *service, uint64_t nonce)
{
    enum { PAST_NUMBERS = 0x1000 };

    for (uint32_t number = 4; number < PAST_NUMBERS; number += 4) {
        service->fillers.original = handle_from_number(number);
        if (claim_page_map(service->fillers.original, nonce, &service->page) == ERROR_SUCCESS)
            return TRUE;
    }
    return FALSE;
}

/* Returns a Win32 code. */
static DWORD find_parent(struct service *service, const wchar_t *text)
{
    uint64_t nonce;
    const wchar_t *end = text_parse_number(text, &nonce);

    if (end == NULL || *end != L'\0')
        return ERROR_INVALID_PARAMETER;
    if (!find_page(service, nonce))
        return ERROR_NOT_FOUND;
    service->channel = channel_of(service->page);
    if (service->channel == NULL)
        return ERROR_INVALID_DATA;
    if (service->channel->protocol > 1) /* a library of protocol 1 has none, and takes this for a launcher of its own */
        atomic_store(&service->channel->reached, PROTOCOL);
    if (service->channel->protocol != PROTOCOL)
        return ERROR_REVISION_MISMATCH;
    service->parent = handle_from_number(service->channel->parent);
    service->heard = handle_from_number(service->channel->heard_event);
    service->reported = handle_from_number(service->channel->reported_event);
    service->report = handle_from_number(service->channel->report_pipe);
    return ERROR_SUCCESS;
}

/*
 * Waits for a word of the parent's and takes it. 0 if it will never come, since all is over or the parent has died. But
 * a wait that fails says nothing: the child may run already, and be the parent's.
 */
static uint32_t hear(const struct service *service, _Atomic uint32_t *word)
{
    enum { MOST_FAILURES = 100 };
    HANDLE either[] = {service->heard, service->parent};
    DWORD ended = WAIT_OBJECT_0, failures = 0;

    while (atomic_load(word) == 0 && atomic_load(&service->channel->over) == FALSE && ended != WAIT_OBJECT_0 + 1 &&
           failures < MOST_FAILURES) {
        ended = WaitForMultipleObjects(ARRAYSIZE(either), either, FALSE, INFINITE);
        failures += ended == WAIT_FAILED;
    }
    return channel_take(word);
}

/* Out of the page, where the parent's other threads could reach it, and decodes it. */
static DWORD receive_request(struct service *service, uint32_t size)
{
    uint32_t unused;

    service->size = size;
    if (size > channel_room(service->page))
        return ERROR_INVALID_DATA;
    service->text = allocate(size);
    if (service->text == NULL)
        return ERROR_NOT_ENOUGH_MEMORY;
    CopyMemory(service->text, service->channel->request, size);
    service->request.passes = allocate((wire_pass_count(service->text, size) + 1) * sizeof *service->request.passes);
    if (service->request.passes == NULL)
        return ERROR_NOT_ENOUGH_MEMORY;
    if (!wire_decode(service->text, size, &service->request, service->request.passes) ||
        service->request.application == NULL || service->request.pass_count > service->page->count ||
        request_check(&service->request, &unused) != REQUEST_OK)
        return ERROR_INVALID_DATA;
    return ERROR_SUCCESS;
}

static void keep_wanted_numbers(struct service *service)
{
    for (uint32_t i = 0; i < service->request.pass_count; i++)
        keep_number(&service->fillers, service->request.passes[i].wanted);
}

static BOOL steal_pass(struct service *service, uint32_t i, struct failure *failure)
{
    struct pass *pass = &service->request.passes[i];
    BOOL way = pass->wanted != 0 && free_number(&service->fillers, &service->request, pass->wanted);
    HANDLE handle;
    DWORD code = handle_steal_claimed(service->parent, &service->page->claims[i], pass->kind != PASS_JOB, &handle);

    if (code != ERROR_SUCCESS)
        return failure_set(failure, HANDOFF_STAGE_STEAL, i, code);
    pass->number = (uint32_t)handle_number(way ? move_handle(handle, pass->wanted) : handle);
    if (pass->wanted != 0 && pass->number != pass->wanted) {
        pass->flags |= PASS_APART;
        keep_number(&service->fillers, pass->wanted); /* nothing else may come there */
    }
    return TRUE;
}

/* Steals the passes that the parent has not put here itself. Passes for which any number does come first, so that they
 * do not take a number that is freed for another pass. */
static BOOL steal_passes(struct service *service, struct failure *failure)
{
    struct request *request = &service->request;

    keep_wanted_numbers(service);
    for (int keeping = FALSE; keeping <= TRUE; keeping++) {
        for (uint32_t i = 0; i < request->pass_count; i++) {
            if (request->passes[i].kind != PASS_GIVEN && (request->passes[i].wanted != 0) == keeping &&
                !steal_pass(service, i, failure))
                return FALSE;
        }
    }
    return TRUE;
}

/* A report of which the parent cannot be told is taken back, unless it has looked already. */
static BOOL send_report(struct service *service, struct report report)
{
    DWORD written;

    report.size = REPORT_SIZE;
    report.request_size = service->size;
    if (!WriteFile(service->report, &report, sizeof report, &written, NULL) || written != sizeof report)
        return FALSE;
    atomic_store(&service->channel->reported, TRUE);
    return SetEvent(service->reported) || channel_take(&service->channel->reported) == FALSE;
}

static BOOL send_child(struct service *service, const PROCESS_INFORMATION *child)
{
    return send_report(service, (struct report){.type = REPORT_SPAWNED,
                                                .process_id = child->dwProcessId,
                                                .thread_id = child->dwThreadId,
                                                .process = handle_number(child->hProcess),
                                                .thread = handle_number(child->hThread)});
}

static BOOL send_failure(struct service *service, const struct failure *failure)
{
    return send_report(
        service,
        (struct report){.type = REPORT_FAILED, .stage = failure->stage, .pass = failure->pass, .code = failure->code});
}

static void close_child(const PROCESS_INFORMATION *child)
{
    CloseHandle(child->hThread);
    CloseHandle(child->hProcess);
}

/* From a request to a child that the parent has or to none. FALSE if there is nobody to go on for. */
static BOOL spawn_child(struct service *service)
{
    struct request *request = &service->request;
    struct failure failure;
    PROCESS_INFORMATION child;
    BOOL created = steal_passes(service, &failure) && create_child(request, &child, &failure);
    BOOL told, committed;

    close_passes(request, ~(1u << PASS_GIVEN)); /* nobody but the child has them when the parent hears of it */
    told = created ? send_child(service, &child) : send_failure(service, &failure);
    keep_wanted_numbers(service);
    close_passes(request, 1u << PASS_GIVEN);
    if (!created)
        return told;
    committed = told && hear(service, &service->channel->committed) != 0; /* or else nobody owns the child */
    if (!committed)
        TerminateProcess(child.hProcess, ERROR_PROCESS_ABORTED);
    close_child(&child);
    return committed;
}

static void forget_request(struct service *service)
{
    release(service->request.passes);
    release(service->text);
    ZeroMemory(&service->request, sizeof service->request);
    service->text = NULL;
}

/* TRUE while there may be a child that is nobody's yet, and from when this process is let end. */
static _Atomic uint32_t spawning;

/* Not by a critical section: its three imports do not fit into the file's size. */
static void begin_spawning(void)
{
    while (atomic_exchange(&spawning, TRUE) != FALSE)
        Sleep(1);
}

/* Ctrl-C and Ctrl-Break are the children's. A logoff may be another user's, of which services are told
 * (HandlerRoutine); where it is this one's, Windows ends us. On closing and shutdown FALSE is the end of this process,
 * between two spawns. */
static BOOL WINAPI outlive_console_event(DWORD event)
{
    if (event == CTRL_C_EVENT || event == CTRL_BREAK_EVENT || event == CTRL_LOGOFF_EVENT)
        return TRUE;
    begin_spawning(); /* of which there is no end */
    return FALSE;
}

/* FALSE if there is nobody to go on for, or one whose requests cannot be read. */
static BOOL answer(struct service *service, uint32_t size)
{
    DWORD code = receive_request(service, size);
    BOOL going = FALSE;

    begin_spawning();
    if (code == ERROR_SUCCESS)
        going = spawn_child(service);
    else
        send_failure(service, &(struct failure){HANDOFF_STAGE_EXCHANGE, HANDOFF_NO_PASS, code});
    atomic_store(&spawning, FALSE);
    forget_request(service);
    return going;
}

DWORD serve(const wchar_t *nonce)
{
    struct service service = {0};
    DWORD code;
    BOOL going;
    uint32_t size;

    /* A handler, because the other way, "ignore", would be inherited by the children. */
    SetConsoleCtrlHandler(outlive_console_event, TRUE);
    code = find_parent(&service, nonce);
    going = code == ERROR_SUCCESS;
    while (going) {
        size = hear(&service, &service.channel->asked);
        going = size != 0 && answer(&service, size);
    }
    return code; /* and the end of the process closes everything */
}
