/* Takes the file that giver.exe offers. It needs no library, only parent/taker/taker.c. */
#include <stdio.h>

#include "handoff.h"

int wmain(int argc, wchar_t **argv)
{
    HANDLE file;
    char text[64];
    DWORD size;

    if (argc != 2 || !handoff_take(argv[1], &file)) {
        printf("cannot take it: error %lu\n", GetLastError());
        return 1;
    }
    while (ReadFile(file, text, sizeof text, &size, NULL) && size > 0)
        fwrite(text, 1, size, stdout);
    CloseHandle(file);
    return 0;
}
