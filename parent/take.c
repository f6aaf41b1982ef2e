#include "handoff.h"

#include "steal.h"

static DWORD take(const struct token *token, HANDLE *handle)
{
    struct claim_page *page;
    HANDLE owner;
    DWORD code = open_owner(token->process_id, token->created, &owner);

    if (code != ERROR_SUCCESS)
        return code == ERROR_INVALID_PARAMETER ? ERROR_PROCESS_ABORTED : code;
    code = open_page(owner, token, &page);
    if (code == ERROR_SUCCESS) {
        code = steal_claimed(owner, &page->claims[0], FALSE, handle);
        UnmapViewOfFile(page);
    } else if (code == ERROR_INVALID_HANDLE || code == ERROR_INVALID_DATA) {
        code = ERROR_CANCELLED; /* the page is gone, and whatever has its number now is another */
    }
    CloseHandle(owner);
    return code;
}

BOOL handoff_take(const wchar_t *text, HANDLE *handle)
{
    struct token token;
    DWORD code = ERROR_INVALID_PARAMETER;

    *handle = NULL;
    if (token_parse(text, &token) && token.created != 0)
        code = take(&token, handle);
    SetLastError(code);
    return code == ERROR_SUCCESS;
}
