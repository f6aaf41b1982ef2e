#include "handoff.h"

#include "transaction.h"

#include "cmdline.h"

enum { DEFAULT_TIMEOUT_MS = 30000 };

void *allocate(size_t size)
{
    return HeapAlloc(GetProcessHeap(), HEAP_ZERO_MEMORY, size);
}

void release(void *memory)
{
    if (memory != NULL)
        HeapFree(GetProcessHeap(), 0, memory);
}

DWORD remaining_ms(const struct transaction *t)
{
    DWORD timeout = t->asked->timeout_ms != 0 ? t->asked->timeout_ms : DEFAULT_TIMEOUT_MS;
    DWORD passed = GetTickCount() - t->started; /* right across the counter's wrap */

    if (timeout == INFINITE)
        return INFINITE;
    return passed < timeout ? timeout - passed : 0;
}

static void put_stream_names(struct text *text, DWORD streams)
{
    static const wchar_t *const names[STREAM_COUNT] = {L"stdin", L"stdout", L"stderr"};

    for (int i = 0; i < STREAM_COUNT; i++) {
        if ((streams >> i & 1) == 0)
            continue;
        if (text->length > 0)
            text_put_unit(text, L'+');
        text_put(text, names[i]);
    }
}

static void put_pass(struct text *text, const struct transaction *t, DWORD pass)
{
    if (t->request.passes[pass].name != NULL)
        text_put(text, t->request.passes[pass].name);
    else
        put_stream_names(text, t->request.passes[pass].streams);
}

static void put_program(struct text *text, const struct transaction *t)
{
    const wchar_t *line = t->request.command_line;
    wchar_t end;

    if (t->request.application != NULL) {
        text_put(text, t->request.application);
        return;
    }
    end = *line == L'"' ? *line++ : L' ';
    while (*line != L'\0' && *line != end)
        text_put_unit(text, *line++);
}

BOOL set_error(struct transaction *t, DWORD stage, DWORD pass, DWORD code)
{
    struct text subject = {.at = t->error.subject, .capacity = ARRAYSIZE(t->error.subject)};

    t->error.stage = stage;
    t->error.pass = pass < t->asked->pass_count ? pass : HANDOFF_NO_PASS;
    t->error.code = code;
    if (pass < t->request.pass_count)
        put_pass(&subject, t, pass);
    else if (stage == HANDOFF_STAGE_LAUNCHER && t->launcher_path != NULL)
        text_put(&subject, t->launcher_path);
    else if (stage == HANDOFF_STAGE_FIND || stage == HANDOFF_STAGE_CREATE)
        put_program(&subject, t);
    text_end(&subject);
    return FALSE;
}

/* The steps of the transaction, in their order; each only if all before it succeeded. */
static BOOL transact(struct transaction *t)
{
    struct report report;

    if (!plan_passes(t) || !duplicate_passes(t) || !open_channel(t) || !offer_duplicates(t) || !start_launcher(t) ||
        !send_request(t) || !receive_report(t, &report) || !check_taken(t) || !adopt_child(t, &report) ||
        !resume_child(t))
        return FALSE;
    send_commit(t);
    return TRUE;
}

static void undo(struct transaction *t)
{
    withdraw_duplicates(t);
    end_child(t);
    end_launcher(t);
    t->error.unreclaimed = count_unreclaimed(t);
}

static void close_handle(HANDLE *handle)
{
    if (*handle != NULL)
        CloseHandle(*handle);
    *handle = NULL;
}

static void close_all(struct transaction *t)
{
    close_handle(&t->pipe);
    close_handle(&t->event);
    close_handle(&t->launcher);
    close_handle(&t->section);
    if (t->page != NULL)
        UnmapViewOfFile(t->page);
    release(t->launcher_path);
    release(t->duplicates);
    release(t->request.passes);
}

BOOL handoff_spawn(const struct handoff_request *request, PROCESS_INFORMATION *child, struct handoff_error *error)
{
    struct transaction t = {.asked = request, .started = GetTickCount()};
    BOOL done = transact(&t);

    if (!done)
        undo(&t);
    close_all(&t);
    *child = t.child;
    if (error != NULL)
        *error = t.error;
    SetLastError(t.error.code);
    return done;
}
