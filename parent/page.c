#include "page.h"

#include "nonce.h"

DWORD page_make(struct page *page, uint32_t claims, size_t behind)
{
    DWORD size = (DWORD)(claim_page_size(claims) + behind);

    page->section = CreateFileMappingW(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, size, NULL);
    if (page->section != NULL)
        page->view = MapViewOfFile(page->section, FILE_MAP_READ | FILE_MAP_WRITE, 0, 0, 0);
    if (page->view == NULL)
        return GetLastError();
    page->nonce = make_nonce();
    page->view->nonce = page->nonce;
    page->view->count = claims;
    page->view->size = size;
    return ERROR_SUCCESS;
}

void page_close(struct page *page)
{
    if (page->view != NULL)
        UnmapViewOfFile(page->view);
    if (page->section != NULL)
        CloseHandle(page->section);
}
