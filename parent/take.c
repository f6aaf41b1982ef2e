#include "handoff.h"

#include "owner.h"
#include "steal.h"
#include "token.h"

/* It can be opened as long as anybody has a handle to it. */
static BOOL has_ended(HANDLE process)
{
    DWORD code;

    return GetExitCodeProcess(process, &code) && code != STILL_ACTIVE;
}

/* Maps the page that the token names: a copy, which hurts nobody if the number is another's by now. */
static DWORD open_page(HANDLE owner, const struct token *token, struct claim_page **page)
{
    HANDLE section;
    DWORD code = handle_copy(owner, token->page, FALSE, &section);

    if (code != ERROR_SUCCESS)
        return code;
    code = claim_page_map(section, token->nonce, page);
    CloseHandle(section);
    return code;
}

static DWORD take(const struct token *token, HANDLE *handle)
{
    struct claim_page *page;
    HANDLE owner;
    DWORD code = open_owner(token->process_id, token->created, &owner);

    if (code != ERROR_SUCCESS)
        return code == ERROR_INVALID_PARAMETER ? ERROR_PROCESS_ABORTED : code;
    code = open_page(owner, token, &page);
    if (code == ERROR_SUCCESS) {
        code = handle_steal_claimed(owner, &page->claims[0], FALSE, handle);
        UnmapViewOfFile(page);
    } else if (code == ERROR_INVALID_HANDLE || code == ERROR_INVALID_DATA || code == ERROR_ACCESS_DENIED) {
        code = ERROR_CANCELLED; /* the page is gone, and whatever has its number now is another */
    }
    if (code != ERROR_SUCCESS && has_ended(owner))
        code = ERROR_PROCESS_ABORTED;
    CloseHandle(owner);
    return code;
}

BOOL WINAPI handoff_take(const wchar_t *text, HANDLE *handle)
{
    struct token token;
    DWORD code = ERROR_INVALID_PARAMETER;

    if (handle != NULL) {
        *handle = NULL;
        if (text != NULL && token_parse(text, &token) && token.created != 0)
            code = take(&token, handle);
    }
    SetLastError(code);
    return code == ERROR_SUCCESS;
}
