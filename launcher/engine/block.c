#include "creation.h"

#include "fdblock.h"
#include "function.h"
#include "heap.h"

typedef BOOL(WINAPI *wow64_function)(HANDLE, BOOL *);

/* FALSE if it cannot be told. */
static BOOL ask_wow64(HANDLE process, BOOL *wow64)
{
    wow64_function ask = (wow64_function)function_of(L"kernel32.dll", "IsWow64Process");

    return ask != NULL && ask(process, wow64);
}

/* 32-bit programs on 64-bit Windows run under WOW64, and all others have the width of Windows. */
uint32_t pointer_of(HANDLE process, uint32_t guess)
{
    BOOL windows_has_64 = sizeof(void *) == 8, wow64;

    if ((!windows_has_64 && !ask_wow64(GetCurrentProcess(), &windows_has_64)) || !ask_wow64(process, &wow64))
        return guess;
    return windows_has_64 && !wow64 ? 8 : 4;
}

/* Where there is no file of that name, the size is that of this program's own pointers. */
uint32_t pointer_guess(const wchar_t *program)
{
    enum { SCS_64BIT = 6 };
    DWORD type;

    if (!GetBinaryTypeW(program, &type))
        return sizeof(void *);
    return type == SCS_64BIT ? 8 : 4;
}

DWORD creation_make_block(struct creation *creation, const struct request *request)
{
    STARTUPINFOW *startup = &creation->startup.StartupInfo;
    uint32_t size = creation->pointer != 0 ? fdblock_make(NULL, 0, creation->pointer, request) : 0;

    if (size == 0)
        return ERROR_SUCCESS;
    if (size > FDBLOCK_MOST)
        return ERROR_TOO_MANY_OPEN_FILES;
    release(creation->block);
    creation->block = allocate(size);
    if (creation->block == NULL)
        return ERROR_NOT_ENOUGH_MEMORY;
    fdblock_make(creation->block, size, creation->pointer, request);
    startup->lpReserved2 = creation->block;
    startup->cbReserved2 = (WORD)size;
    return ERROR_SUCCESS;
}
