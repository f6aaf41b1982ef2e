#include "transaction.h"

#include "cmdline.h"

enum { DEFAULT_TIMEOUT_MS = 30000 };

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
    else if ((stage == HANDOFF_STAGE_FIND || stage == HANDOFF_STAGE_CREATE) && t->request.application != NULL)
        text_put(&subject, t->request.application);
    else if (stage == HANDOFF_STAGE_FIND || stage == HANDOFF_STAGE_CREATE)
        line_program(&subject, t->request.command_line);
    text_end(&subject);
    return FALSE;
}
