/* Functions of Windows that are not on every one of its versions, or in no import library: looked up at run time. */
#ifndef HANDOFF_FUNCTION_H
#define HANDOFF_FUNCTION_H

#include <windows.h>

/* Of a module that every process has; NULL if it has none of that name. To be cast to what the function is. */
static inline void *function_of(const wchar_t *module, const char *name)
{
    return (void *)GetProcAddress(GetModuleHandleW(module), name);
}

#endif
