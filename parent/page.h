/* Making a claim page: what is offered, for those who are told of it. */
#ifndef HANDOFF_PAGE_H
#define HANDOFF_PAGE_H

#include <windows.h>

#include "claim.h"

struct page {
    HANDLE section; /* non-inheritable */
    struct claim_page *view;
    uint64_t nonce;
};

/* A page with that many claims, at least one, none of them an offer yet, and with so many bytes behind them. Returns a
 * Win32 code; page_close() gives back what was made, in any case. */
DWORD page_make(struct page *page, uint32_t claims, size_t behind);
void page_close(struct page *page);

#endif
