#include "heap.h"

#include <windows.h>

void *allocate(size_t size)
{
    return HeapAlloc(GetProcessHeap(), HEAP_ZERO_MEMORY, size);
}

void release(void *memory)
{
    if (memory != NULL)
        HeapFree(GetProcessHeap(), 0, memory);
}

bool text_allocate(struct text *text)
{
    size_t capacity = text->length + 1;

    *text = (struct text){.at = allocate(capacity * sizeof *text->at), .capacity = capacity};
    return text->at != NULL;
}
