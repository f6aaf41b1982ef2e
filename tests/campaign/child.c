/*
 * The child of the campaigns, without a C runtime: CHILD NUMBER... LAST. It sets the event with the first number,
 * unless that is 0. What it does then the last unit of the line says:
 *
 *   .     ends with 0
 *   0-9   ends with the number of its handles that it inherited, less that many and its streams
 *   !     stays
 *   *     stays; the numbers are those of a section and of a place in it, where it writes its pid
 *   ~     sets nothing; says '<' on stdin, which can be written to, and '-' on stdout, waits for the event that the
 *         variable HANDOFF_CAMPAIGN names, says '>' on stdin and ends with 0
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

/* What it inherited is inheritable still. */
static DWORD count_inherited(void)
{
    const UINT_PTR end = 1u << 11; /* the parent never has that many */
    DWORD inherited = 0, flags;

    for (UINT_PTR number = 4; number < end; number += 4) {
        if (GetHandleInformation((HANDLE)number, &flags) && (flags & HANDLE_FLAG_INHERIT) != 0 &&
            !is_stream((HANDLE)number) && !is_directory((HANDLE)number))
            inherited++;
    }
    return inherited;
}

/* After the program's name, which is in quotes. */
static const wchar_t *find_arguments(void)
{
    const wchar_t *at = GetCommandLineW() + 1;

    while (*at != L'"')
        at++;
    return at + 1;
}

static UINT_PTR read_number(const wchar_t **at)
{
    UINT_PTR number = 0;

    while (**at == L' ')
        ++*at;
    for (; **at >= L'0' && **at <= L'9'; ++*at)
        number = number * 10 + (UINT_PTR)(**at - L'0');
    return number;
}

static void sign_in(const wchar_t *at)
{
    HANDLE section = (HANDLE)read_number(&at);
    UINT_PTR place = read_number(&at);
    volatile DWORD *places = MapViewOfFile(section, FILE_MAP_WRITE, 0, 0, 0);

    if (places != NULL)
        places[place] = GetCurrentProcessId();
    Sleep(INFINITE);
}

static void say(DWORD stream, char mark)
{
    DWORD written;

    WriteFile(GetStdHandle(stream), &mark, 1, &written, NULL);
}

static void end_if_allowed(void)
{
    wchar_t name[64];
    HANDLE allowed =
        GetEnvironmentVariableW(L"HANDOFF_CAMPAIGN", name, 64) != 0 ? OpenEventW(SYNCHRONIZE, FALSE, name) : NULL;

    say(STD_INPUT_HANDLE, '<');
    say(STD_OUTPUT_HANDLE, '-');
    if (WaitForSingleObject(allowed, INFINITE) == WAIT_OBJECT_0)
        say(STD_INPUT_HANDLE, '>');
    ExitProcess(0);
}

void WINAPI child_start(void);
void WINAPI child_start(void)
{
    const wchar_t *at = find_arguments(), *last = at;
    UINT_PTR event;

    while (last[1] != L'\0')
        last++;
    if (*last == L'*')
        sign_in(at);
    if (*last == L'~')
        end_if_allowed();
    event = read_number(&at);
    if (event != 0)
        SetEvent((HANDLE)event);
    if (*last == L'!')
        Sleep(INFINITE);
    ExitProcess(*last == L'.' ? 0 : count_inherited() - (DWORD)(*last - L'0'));
}
