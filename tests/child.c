/*
 * The child of the tests: does the one thing that its first argument names. It knows nothing of
 * handoff and finds its handles by number, in its command line, as any program would.
 *
 *   line               writes its own command line, UTF-16, to stdout
 *   exit CODE          ends with it
 *   table NUMBER...    repeats the numbers, lists its handle table, waits for the end of stdin
 *   signal NUMBER      sets the event
 *   hold NUMBER        sets the event and stays
 *   read NUMBER        copies what the handle reads to stdout
 *   write NUMBER TEXT  writes the text to the handle
 *   variable NAME      writes the environment variable, UTF-16, to stdout
 *   place              writes its current directory and its window title, UTF-16, to stdout
 *   accept NUMBER      accepts one connection of the listening socket and writes "accepted" to it
 */
#include <winsock2.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "handle_table.h"

static HANDLE parse_handle(const char *number)
{
    return (HANDLE)(INT_PTR)(int)strtoul(number, NULL, 10);
}

static BOOL write_all(HANDLE to, const void *bytes, DWORD size)
{
    DWORD written;

    return WriteFile(to, bytes, size, &written, NULL) && written == size;
}

static int copy_all(HANDLE from, HANDLE to)
{
    char buffer[4096];
    DWORD read;

    while (ReadFile(from, buffer, sizeof buffer, &read, NULL) && read > 0) {
        if (!write_all(to, buffer, read))
            return 1;
    }
    return 0;
}

static int list_table(int count, char **numbers)
{
    struct table *table = query_table();
    char line[64];

    if (table == NULL)
        return 1;
    for (int i = 0; i < count; i++) {
        snprintf(line, sizeof line, "told %s\n", numbers[i]);
        write_all(GetStdHandle(STD_OUTPUT_HANDLE), line, (DWORD)strlen(line));
    }
    for (ULONG_PTR i = 0; i < table->count; i++) {
        const struct table_entry *entry = &table->entries[i];

        if (entry->process_id != GetCurrentProcessId())
            continue;
        snprintf(line, sizeof line, "has %u %u\n", (unsigned)entry->handle, entry->type);
        write_all(GetStdHandle(STD_OUTPUT_HANDLE), line, (DWORD)strlen(line));
    }
    free_table(table);
    write_all(GetStdHandle(STD_OUTPUT_HANDLE), "end\n", 4);
    copy_all(GetStdHandle(STD_INPUT_HANDLE), GetStdHandle(STD_OUTPUT_HANDLE));
    return 0;
}

static int hold(HANDLE event)
{
    SetEvent(event);
    Sleep(INFINITE);
    return 0;
}

static int write_units(const wchar_t *units)
{
    return !write_all(GetStdHandle(STD_OUTPUT_HANDLE), units, (DWORD)(wcslen(units) * sizeof *units));
}

static int write_variable(const char *name)
{
    wchar_t wide[64], value[1024];

    swprintf(wide, 64, L"%hs", name);
    return GetEnvironmentVariableW(wide, value, 1024) == 0 || write_units(value);
}

static int write_place(void)
{
    wchar_t text[1024];
    STARTUPINFOW startup;

    GetStartupInfoW(&startup);
    text[GetCurrentDirectoryW(512, text)] = L'\0';
    wcscat(text, L"|");
    wcscat(text, startup.lpTitle != NULL ? startup.lpTitle : L"");
    return write_units(text);
}

static int accept_one(SOCKET listener)
{
    WSADATA data;
    SOCKET peer;

    if (WSAStartup(MAKEWORD(2, 2), &data) != 0)
        return 1;
    peer = accept(listener, NULL, NULL);
    return peer == INVALID_SOCKET || send(peer, "accepted", 8, 0) != 8;
}

int main(int argc, char **argv)
{
    HANDLE out = GetStdHandle(STD_OUTPUT_HANDLE);
    const char *action = argc > 1 ? argv[1] : "";
    HANDLE handle = argc > 2 ? parse_handle(argv[2]) : NULL;

    if (strcmp(action, "line") == 0)
        return write_units(GetCommandLineW());
    if (strcmp(action, "place") == 0)
        return write_place();
    if (strcmp(action, "table") == 0)
        return list_table(argc - 2, argv + 2);
    if (argc < 3)
        return 2;
    if (strcmp(action, "exit") == 0)
        ExitProcess(strtoul(argv[2], NULL, 0));
    if (strcmp(action, "variable") == 0)
        return write_variable(argv[2]);
    if (strcmp(action, "signal") == 0)
        return !SetEvent(handle);
    if (strcmp(action, "hold") == 0)
        return hold(handle);
    if (strcmp(action, "read") == 0)
        return copy_all(handle, out);
    if (strcmp(action, "write") == 0)
        return argc < 4 || !write_all(handle, argv[3], (DWORD)strlen(argv[3]));
    if (strcmp(action, "accept") == 0)
        return accept_one((SOCKET)handle);
    return 2;
}
