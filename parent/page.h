/* Making a claim page: what is offered, for those who are told of it. */
#ifndef HANDOFF_PAGE_H
#define HANDOFF_PAGE_H

#include <windows.h>

#include "claim.h"
#include "token.h"

struct page {
    HANDLE section; /* non-inheritable; its number is in the token */
    struct claim_page *view;
    uint64_t nonce;
    uint64_t created; /* when this process was, for the token */
};

/* A page with that many claims, none of them an offer yet. Returns a Win32 code; page_close() gives back what
 * was made, in any case. */
DWORD page_make(struct page *page, uint32_t claims);
void page_close(struct page *page);

/* What another process needs to find it. */
struct token page_token(const struct page *page);

#endif
