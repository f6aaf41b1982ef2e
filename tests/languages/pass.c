/* Starts fd.exe with one file as descriptor 3, as the number in a variable and in an argument, sealed. */
#include <stdio.h>

#include "handoff.h"

int wmain(void)
{
    HANDLE file = CreateFileW(L"secret.txt", GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING, 0, NULL);
    struct handoff_pass passes[] = {{.name = L"key", .handle = file, .descriptor = 3, .flags = HANDOFF_SEALED},
                                    {.name = L"unused", .handle = file, .flags = HANDOFF_OPTIONAL}};
    const wchar_t *arguments[] = {L"fd.exe", L"an argument with \"quotes\"", L"key is {key}", NULL};
    DWORD numbers[2], code;
    struct handoff_error error;
    struct handoff_request request = {.cb = sizeof request,
                                      .arguments = arguments,
                                      .variables = L"KEY={key}\0OLD_KEY\0", /* KEY is set, OLD_KEY removed */
                                      .passes = passes,
                                      .pass_count = 2,
                                      .closed_streams = HANDOFF_STDIN,
                                      .numbers = numbers};
    PROCESS_INFORMATION child;

    if (!handoff_spawn(&request, &child, &error)) {
        wchar_t line[512];

        handoff_error_text(&error, line, 512);
        fwprintf(stderr, L"%ls\n", line);
        return 1;
    }
    WaitForSingleObject(child.hProcess, INFINITE);
    GetExitCodeProcess(child.hProcess, &code);
    printf("the key was handle %lu there; exit code %lu\n", numbers[0], code);
    CloseHandle(child.hProcess);
    CloseHandle(child.hThread);
    CloseHandle(file);
    return 0;
}
