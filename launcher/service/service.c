#include "service.h"

#include "engine.h"
#include "fillers.h"
#include "heap.h"
#include "steal.h"
#include "text.h"
#include "wire.h"

enum { FIRST_READ = 1 << 14 };

/* The library's end of things, as seen from here. */
struct service {
    HANDLE parent; /* non-inheritable, so that it never reaches a child */
    struct claim_page *page;
    HANDLE pipe;
    struct fillers fillers;
    struct request request;
    void *frame; /* what the request points into */
};

/* The parent has put the page's section here before this process ran: so its number is among the first. */
static BOOL find_page(struct service *service, uint64_t nonce)
{
    enum { PAST_NUMBERS = 0x1000 };

    for (uint32_t number = 4; number < PAST_NUMBERS; number += 4) {
        service->fillers.original = handle_from_number(number);
        if (map_page(service->fillers.original, nonce, &service->page) == ERROR_SUCCESS)
            return TRUE;
    }
    return FALSE;
}

/* Returns a Win32 code. */
static DWORD reach_parent(struct service *service, const wchar_t *text)
{
    uint64_t nonce;
    const wchar_t *end = text_parse_number(text, &nonce);

    if (end == NULL || *end != L'\0')
        return ERROR_INVALID_PARAMETER;
    if (!find_page(service, nonce))
        return ERROR_NOT_FOUND;
    service->parent = handle_from_number(service->page->parent);
    service->pipe = handle_from_number(atomic_exchange(&service->page->pipe, 0));
    return ERROR_SUCCESS;
}

/* Reads until there are so many bytes; maybe more, up to `most`, but only what was there already. Returns a
 * Win32 code: ERROR_BROKEN_PIPE at the end. */
static DWORD read_until(HANDLE pipe, void *to, DWORD *have, DWORD wanted, DWORD most)
{
    DWORD read;

    for (; *have < wanted; *have += read) {
        if (!ReadFile(pipe, (unsigned char *)to + *have, most - *have, &read, NULL))
            return GetLastError();
        if (read == 0)
            return ERROR_BROKEN_PIPE;
    }
    return ERROR_SUCCESS;
}

static BOOL enlarge_frame(struct service *service, DWORD have, DWORD size)
{
    void *larger = allocate(size);

    if (larger == NULL)
        return FALSE;
    CopyMemory(larger, service->frame, have);
    release(service->frame);
    service->frame = larger;
    return TRUE;
}

/* Nothing follows a request before it is answered, so the first read may ask for more than the header: for
 * most requests it is the only one. Returns a Win32 code. */
static DWORD receive_frame(struct service *service, uint32_t *size)
{
    DWORD have = 0, code;

    service->frame = allocate(FIRST_READ);
    if (service->frame == NULL)
        return ERROR_NOT_ENOUGH_MEMORY;
    code = read_until(service->pipe, service->frame, &have, WIRE_HEADER, FIRST_READ);
    if (code != ERROR_SUCCESS)
        return code;
    *size = wire_frame_size(service->frame, WIRE_REQUEST_MAX);
    if (*size == 0 || have > *size)
        return ERROR_INVALID_DATA;
    if (*size > FIRST_READ && !enlarge_frame(service, have, *size))
        return ERROR_NOT_ENOUGH_MEMORY;
    return read_until(service->pipe, service->frame, &have, *size, *size);
}

static DWORD decode_request(struct service *service, uint32_t size)
{
    struct pass *passes = allocate((wire_pass_count(service->frame, size) + 1) * sizeof *passes);
    uint32_t pass;

    if (passes == NULL)
        return ERROR_NOT_ENOUGH_MEMORY;
    if (!wire_decode_request(service->frame, size, &service->request, passes) || service->request.application == NULL ||
        service->request.pass_count > service->page->count || request_check(&service->request, &pass) != REQUEST_OK)
        return ERROR_INVALID_DATA;
    return ERROR_SUCCESS;
}

static BOOL receive_request(struct service *service, struct failure *failure)
{
    uint32_t size = 0;
    DWORD code = receive_frame(service, &size);

    if (code == ERROR_SUCCESS)
        code = decode_request(service, size);
    return code == ERROR_SUCCESS || fail(failure, HANDOFF_STAGE_EXCHANGE, HANDOFF_NO_PASS, code);
}

static void keep_numbers(struct service *service)
{
    for (uint32_t i = 0; i < service->request.pass_count; i++)
        keep_number(&service->fillers, service->request.passes[i].wanted);
}

static BOOL steal_pass(struct service *service, uint32_t i, struct failure *failure)
{
    struct pass *pass = &service->request.passes[i];
    BOOL way = pass->wanted != 0 && free_number(&service->fillers, &service->request, pass->wanted);
    HANDLE handle;
    DWORD code = steal_claimed(service->parent, &service->page->claims[i], (pass->flags & PASS_JOB) == 0, &handle);

    if (code != ERROR_SUCCESS)
        return fail(failure, HANDOFF_STAGE_STEAL, i, code);
    pass->number = (uint32_t)handle_number(way ? move_handle(handle, pass->wanted) : handle);
    if (pass->wanted != 0 && pass->number != pass->wanted) {
        pass->flags |= PASS_APART;
        keep_number(&service->fillers, pass->wanted); /* nothing else may come there */
    }
    return TRUE;
}

/* Of those that the parent has not put here itself: first the ones for which any number does, so that they cannot come
 * to lie under one that is freed for another. */
static BOOL steal_passes(struct service *service, struct failure *failure)
{
    struct request *request = &service->request;

    keep_numbers(service);
    for (int keeping = FALSE; keeping <= TRUE; keeping++) {
        for (uint32_t i = 0; i < request->pass_count; i++) {
            if (request->passes[i].number == 0 && (request->passes[i].wanted != 0) == keeping &&
                !steal_pass(service, i, failure))
                return FALSE;
        }
    }
    return TRUE;
}

static BOOL send_report(struct service *service, const struct report *report)
{
    _Alignas(4) unsigned char frame[WIRE_REPORT_MAX];
    DWORD size = (DWORD)wire_encode_report(frame, sizeof frame, report);
    DWORD written;

    return WriteFile(service->pipe, frame, size, &written, NULL) && written == size;
}

static BOOL send_child(struct service *service, const PROCESS_INFORMATION *child)
{
    return send_report(service, &(struct report){.type = WIRE_SPAWNED,
                                                 .process_id = child->dwProcessId,
                                                 .thread_id = child->dwThreadId,
                                                 .process = handle_number(child->hProcess),
                                                 .thread = handle_number(child->hThread)});
}

static BOOL send_failure(struct service *service, const struct failure *failure)
{
    return send_report(
        service,
        &(struct report){.type = WIRE_FAILED, .stage = failure->stage, .pass = failure->pass, .code = failure->code});
}

/* Anything but a commit, the end of the pipe above all, means that nobody owns the child. But a read that fails
 * says nothing: the child may run already, and be the parent's. */
static BOOL receive_commit(struct service *service)
{
    enum { MOST_TRIES = 100 };
    _Alignas(4) unsigned char frame[WIRE_HEADER];
    struct report report;
    DWORD have = 0, tries = 0, code;

    do
        code = read_until(service->pipe, frame, &have, sizeof frame, sizeof frame);
    while (code != ERROR_SUCCESS && code != ERROR_BROKEN_PIPE && ++tries < MOST_TRIES);
    return code == ERROR_SUCCESS && wire_decode_report(frame, sizeof frame, &report) && report.type == WIRE_COMMIT;
}

static void close_child(const PROCESS_INFORMATION *child)
{
    CloseHandle(child->hThread);
    CloseHandle(child->hProcess);
}

/* The parent's own streams and descriptors come last; it has put them here. */
static uint32_t count_stolen(const struct request *request)
{
    uint32_t count = 0;

    while (count < request->pass_count && request->passes[count].number == 0)
        count++;
    return count;
}

/* A constant that the compiler sees: so this program has nothing of what only the prefix wants. */
static const struct terms no_terms;

/* From a request to a child that the parent has or to none. FALSE if there is nobody to go on for. */
static BOOL spawn(struct service *service)
{
    struct request *request = &service->request;
    uint32_t stolen = count_stolen(request);
    struct failure failure;
    PROCESS_INFORMATION child;
    BOOL created = steal_passes(service, &failure) && create_child(request, &no_terms, &child, &failure);
    BOOL told, committed;

    close_passes(request, 0, stolen); /* nobody but the child has them when the parent hears of it */
    told = created ? send_child(service, &child) : send_failure(service, &failure);
    keep_numbers(service);
    close_passes(request, stolen, request->pass_count);
    if (!created)
        return told;
    committed = told && receive_commit(service);
    if (!committed)
        TerminateProcess(child.hProcess, ERROR_PROCESS_ABORTED);
    close_child(&child);
    return committed;
}

static void forget_request(struct service *service)
{
    release(service->request.passes);
    release(service->frame);
    ZeroMemory(&service->request, sizeof service->request);
    service->frame = NULL;
}

DWORD serve(const wchar_t *nonce)
{
    struct service service = {0};
    struct failure failure;
    DWORD code = reach_parent(&service, nonce);
    BOOL going = code == ERROR_SUCCESS;

    while (going) {
        going = receive_request(&service, &failure);
        if (going)
            going = spawn(&service);
        else if (failure.code != ERROR_BROKEN_PIPE)
            send_failure(&service, &failure);
        forget_request(&service);
    }
    return code; /* and the end of the process closes everything */
}
