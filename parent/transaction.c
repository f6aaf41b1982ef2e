#include "transaction.h"

#include "error.h"
#include "heap.h"
#include "text.h"

BOOL set_error(struct transaction *t, DWORD stage, DWORD pass, DWORD code)
{
    error_describe(&t->error, &t->request, stage, pass, code);
    if (pass >= t->request.pass_count || t->request.passes[pass].kind != PASS_ASKED)
        t->error.pass = HANDOFF_NO_PASS;
    link_describe(t->link, &t->error);
    return FALSE;
}

BOOL name_subject(struct transaction *t, const char *format, uint32_t number)
{
    struct text subject = {.at = t->error.subject, .capacity = ARRAYSIZE(t->error.subject)};

    text_format(&subject, format, number);
    text_end(&subject);
    return FALSE;
}

BOOL refuse_field(struct transaction *t, DWORD pass, const char *field)
{
    struct text subject = {.at = t->error.subject, .capacity = ARRAYSIZE(t->error.subject)};

    t->error.stage = HANDOFF_STAGE_REQUEST;
    t->error.pass = pass;
    t->error.code = ERROR_INVALID_PARAMETER;
    if (pass != HANDOFF_NO_PASS)
        text_format(&subject, "passes[%u].", (uint32_t)pass);
    text_put_ascii(&subject, field);
    text_end(&subject);
    return FALSE;
}

uint64_t system_time(void)
{
    FILETIME time;

    GetSystemTimeAsFileTime(&time);
    return (uint64_t)time.dwHighDateTime << 32 | time.dwLowDateTime;
}
