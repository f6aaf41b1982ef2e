/*
 * The child that counts what it should not have: its inheritable handles, which are those that it inherited,
 * but for its streams and as many as its command line says at the end. The count is its exit code.
 */
#include <windows.h>

static BOOL is_stream(HANDLE handle)
{
    return handle == GetStdHandle(STD_INPUT_HANDLE) || handle == GetStdHandle(STD_OUTPUT_HANDLE) ||
           handle == GetStdHandle(STD_ERROR_HANDLE);
}

/* On NT a process' own handle of its current directory is inheritable, and it did not inherit it. Nothing else here
 * is a directory. */
static BOOL is_directory(HANDLE handle)
{
    BY_HANDLE_FILE_INFORMATION information;

    return GetFileInformationByHandle(handle, &information) &&
           (information.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) != 0;
}

static DWORD count_inherited(void)
{
    const UINT_PTR end = 1u << 11; /* the parent never has that many */
    DWORD left = 0, inherited = 0, flags;

    if (!GetProcessHandleCount(GetCurrentProcess(), &left) || left == 0)
        left = (DWORD)end; /* Wine 8 does not tell */
    for (UINT_PTR number = 4; number < end && left > 0; number += 4) {
        if (!GetHandleInformation((HANDLE)number, &flags))
            continue;
        left--;
        if ((flags & HANDLE_FLAG_INHERIT) != 0 && !is_stream((HANDLE)number) && !is_directory((HANDLE)number))
            inherited++;
    }
    return inherited;
}

void WINAPI child_start(void);
void WINAPI child_start(void)
{
    const wchar_t *at = GetCommandLineW();

    while (*at != L'\0')
        at++;
    ExitProcess(count_inherited() - (DWORD)(at[-1] - L'0'));
}
