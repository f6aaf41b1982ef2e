/* Offers a file to taker.exe, a child that takes it by itself. */
#include <stdio.h>

#include "handoff.h"

int wmain(void)
{
    wchar_t token[HANDOFF_TOKEN_CAPACITY], line[128];
    HANDLE file = CreateFileW(L"app.ini", GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING, 0, NULL);
    struct handoff_offering *offering = handoff_offer(file, token);
    STARTUPINFOW startup = {.cb = sizeof startup};
    PROCESS_INFORMATION child;

    if (offering == NULL)
        return (int)GetLastError();
    swprintf(line, 128, L"taker.exe %ls", token);
    if (CreateProcessW(NULL, line, NULL, NULL, FALSE, 0, NULL, NULL, &startup, &child)) {
        WaitForSingleObject(child.hProcess, INFINITE);
        CloseHandle(child.hProcess);
        CloseHandle(child.hThread);
    }
    puts(handoff_withdraw(offering) ? "nobody took it" : "it was taken");
    CloseHandle(file);
    return 0;
}
