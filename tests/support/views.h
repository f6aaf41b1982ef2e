/* The views of sections that this process has, for the tests: neither its heap nor its handles tell of them. */
#ifndef HANDOFF_TESTS_VIEWS_H
#define HANDOFF_TESTS_VIEWS_H

#include <windows.h>

/* In regions, of which a view is one or, where its protection differs, several. Programs are not among them. */
static inline unsigned count_views(void)
{
    MEMORY_BASIC_INFORMATION region;
    unsigned count = 0;

    for (const char *at = NULL; VirtualQuery(at, &region, sizeof region) != 0;
         at = (const char *)region.BaseAddress + region.RegionSize)
        count += region.Type == MEM_MAPPED;
    return count;
}

#endif
