/*
 * The prefix on a system that refuses what Windows does (strict.h), and copies a handle's attributes when asked
 * to, as Windows does and Wine 8 does not: there the number in the variable HANDOFF_PROTECTED is that of a
 * handle of the parent that is protected from being closed.
 */
#include "strict.h"

#include <stdlib.h>

enum { COPY_ATTRIBUTES = 4 };

/* 0: there is none. No C runtime was started here, so no getenv(). */
static UINT_PTR protected_number(void)
{
    char number[16];

    return GetEnvironmentVariableA("HANDOFF_PROTECTED", number, sizeof number) != 0 ? strtoul(number, NULL, 10) : 0;
}

static BOOL WINAPI duplicate_with_attributes(HANDLE source, HANDLE handle, HANDLE target, HANDLE *duplicate,
                                             DWORD access, BOOL inheritable, DWORD options)
{
    if (!strict_duplicate(source, handle, target, duplicate, access, inheritable, options & ~(DWORD)COPY_ATTRIBUTES))
        return FALSE;
    if ((options & COPY_ATTRIBUTES) != 0 && protected_number() == (UINT_PTR)handle)
        SetHandleInformation(*duplicate, HANDLE_FLAG_PROTECT_FROM_CLOSE, HANDLE_FLAG_PROTECT_FROM_CLOSE);
    return TRUE;
}

static FARPROC find_function(HMODULE module, const char *name)
{
    return strcmp(name, "UpdateProcThreadAttribute") == 0 ? (FARPROC)(void *)strict_update
                                                          : GetProcAddress(module, name);
}

#define CreateProcessW strict_create
#define DuplicateHandle duplicate_with_attributes
#define GetProcAddress find_function

#include "../common/take.c"
#include "../launcher/engine.c"
#include "../launcher/prefix/parent.c"
