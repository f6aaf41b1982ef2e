/*
 * The launcher's prefix door on a system that copies a handle's attributes when asked to, as Windows does and
 * Wine before 9 does not: there the number in the variable HANDOFF_PROTECTED is that of a handle of the parent
 * that is protected from being closed.
 */
#include <windows.h>

#include <stdlib.h>

enum { COPY_ATTRIBUTES = 4 };

static BOOL WINAPI duplicate_with_attributes(HANDLE source, HANDLE handle, HANDLE target, HANDLE *duplicate,
                                             DWORD access, BOOL inheritable, DWORD options)
{
    const char *number = getenv("HANDOFF_PROTECTED");

    if (!DuplicateHandle(source, handle, target, duplicate, access, inheritable, options & ~(DWORD)COPY_ATTRIBUTES))
        return FALSE;
    if ((options & COPY_ATTRIBUTES) != 0 && number != NULL && strtoul(number, NULL, 10) == (UINT_PTR)handle)
        SetHandleInformation(*duplicate, HANDLE_FLAG_PROTECT_FROM_CLOSE, HANDLE_FLAG_PROTECT_FROM_CLOSE);
    return TRUE;
}

#define DuplicateHandle duplicate_with_attributes

#include "../common/take.c"
#include "../launcher/engine.c"
#define start start_door /* the engine has one too */
#include "../launcher/prefix.c"

int main(void)
{
    ExitProcess(run_prefix(GetCommandLineW()));
}
