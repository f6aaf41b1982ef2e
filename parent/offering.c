/* Handing a handle to a process that knows of handoff, without a launcher. */
#include "handoff.h"

#include "heap.h"
#include "owner.h"
#include "page.h"
#include "steal.h"
#include "token.h"

struct handoff_offering {
    struct page page;
    HANDLE duplicate;
};

/* What another process needs to find the page. Returns a Win32 code. */
static DWORD write_token(const struct page *page, wchar_t *to)
{
    struct text text = {.at = to, .capacity = HANDOFF_TOKEN_CAPACITY};
    struct token token = {.process_id = GetCurrentProcessId(),
                          .created = creation_time(GetCurrentProcess()),
                          .page = handle_number(page->section),
                          .nonce = page->nonce};

    _Static_assert(TOKEN_CAPACITY <= (int)HANDOFF_TOKEN_CAPACITY, "the caller's buffer is large enough");
    if (token.created == 0)
        return GetLastError();
    token_put(&text, &token);
    text_end(&text);
    return ERROR_SUCCESS;
}

struct handoff_offering *WINAPI handoff_offer(HANDLE handle, wchar_t *token)
{
    struct handoff_offering *offering = token != NULL ? allocate(sizeof *offering) : NULL;
    DWORD code = token != NULL ? ERROR_NOT_ENOUGH_MEMORY : ERROR_INVALID_PARAMETER;

    if (token != NULL)
        *token = L'\0';
    if (offering != NULL)
        code = handle_copy(GetCurrentProcess(), handle_number(handle), FALSE, &offering->duplicate);
    if (code == ERROR_SUCCESS)
        code = page_make(&offering->page, 1, 0);
    if (code == ERROR_SUCCESS) {
        claim_offer(&offering->page.view->claims[0], handle_number(offering->duplicate));
        code = write_token(&offering->page, token);
    }
    if (code == ERROR_SUCCESS)
        return offering;
    handoff_withdraw(offering);
    SetLastError(code);
    return NULL;
}

BOOL WINAPI handoff_withdraw(struct handoff_offering *offering)
{
    BOOL mine = FALSE;

    if (offering == NULL)
        return FALSE;
    if (offering->duplicate != NULL)
        mine = offering->page.view == NULL || claim_withdraw(&offering->page.view->claims[0]);
    if (mine)
        CloseHandle(offering->duplicate);
    page_close(&offering->page);
    release(offering);
    return mine;
}
