/* Handing a handle to a process that knows of handoff, without a launcher. */
#include "handoff.h"

#include "heap.h"
#include "page.h"
#include "steal.h"

struct handoff_offering {
    struct page page;
    HANDLE duplicate;
};

struct handoff_offering *handoff_offer(HANDLE handle, wchar_t *token)
{
    struct handoff_offering *offering = allocate(sizeof *offering);
    struct text text = {.at = token, .capacity = HANDOFF_TOKEN_CAPACITY};
    DWORD code = ERROR_NOT_ENOUGH_MEMORY;

    _Static_assert(TOKEN_CAPACITY <= (int)HANDOFF_TOKEN_CAPACITY, "the caller's buffer is large enough");
    *token = L'\0';
    if (offering != NULL)
        code = copy(GetCurrentProcess(), handle_number(handle), FALSE, &offering->duplicate);
    if (code == ERROR_SUCCESS)
        code = page_make(&offering->page, 1);
    if (code == ERROR_SUCCESS) {
        struct token made = page_token(&offering->page);

        claim_offer(&offering->page.view->claims[0], handle_number(offering->duplicate));
        token_put(&text, &made);
        text_end(&text);
        return offering;
    }
    handoff_withdraw(offering);
    SetLastError(code);
    return NULL;
}

BOOL handoff_withdraw(struct handoff_offering *offering)
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
