/*
 * The launcher's prefix door on a system that refuses what Windows does (strict.h), and copies a handle's
 * attributes when asked to, as Windows does and Wine 8 does not: there the number in the variable
 * HANDOFF_PROTECTED is that of a handle of the parent that is protected from being closed.
 */
#include "strict.h"

#include <stdlib.h>

enum { COPY_ATTRIBUTES = 4 };

static BOOL WINAPI duplicate_with_attributes(HANDLE source, HANDLE handle, HANDLE target, HANDLE *duplicate,
                                             DWORD access, BOOL inheritable, DWORD options)
{
    const char *number = getenv("HANDOFF_PROTECTED");

    if (!strict_duplicate(source, handle, target, duplicate, access, inheritable, options & ~(DWORD)COPY_ATTRIBUTES))
        return FALSE;
    if ((options & COPY_ATTRIBUTES) != 0 && number != NULL && strtoul(number, NULL, 10) == (UINT_PTR)handle)
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
#define start start_door /* the engine has one too */
#include "../launcher/prefix.c"

int main(void)
{
    ExitProcess(run_prefix(GetCommandLineW()));
}
