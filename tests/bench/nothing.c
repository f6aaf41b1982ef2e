/*
 * The child of the benchmark: no C runtime, ends at once. With a '!' at the end of its command line it stays,
 * with a '?' for three seconds; with a number after a '=' before that it sets that event first, to say that it has
 * started.
 */
#include <windows.h>

void WINAPI child_start(void);
void WINAPI child_start(void)
{
    const wchar_t *at = GetCommandLineW();
    UINT_PTR number = 0, scale = 1;
    wchar_t last;

    while (*at != L'\0')
        at++;
    last = *--at;
    if (last == L'!' || last == L'?')
        at--;
    for (; *at >= L'0' && *at <= L'9'; at--, scale *= 10)
        number += (UINT_PTR)(*at - L'0') * scale;
    if (*at == L'=')
        SetEvent((HANDLE)number);
    if (last == L'!')
        Sleep(INFINITE);
    if (last == L'?')
        Sleep(3000);
    ExitProcess(0);
}
