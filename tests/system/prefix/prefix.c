#include "prefix.h"

#include <string.h>

struct result result;

const wchar_t *prefix(int row)
{
    return program(row % WIDTH_COUNT, L"handoff.exe");
}

const wchar_t *child(int row)
{
    return program(row / WIDTH_COUNT % WIDTH_COUNT, L"child.exe");
}

BOOL opens(int row)
{
    return row >= COMBINATIONS;
}

void run_prefixed(const wchar_t *options, const wchar_t *arguments)
{
    run(&result, program(OWN_WIDTH, L"handoff.exe"), L"%ls -- \"%ls\" %ls", options, program(OWN_WIDTH, L"child.exe"),
        arguments);
}

void assert_file(const wchar_t *path, const char *content)
{
    HANDLE file = CreateFileW(path, GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING, 0, NULL);
    char text[1024];

    ck_assert_msg(file != INVALID_HANDLE_VALUE, "%ls: error %lu", path, GetLastError());
    read_all(file, text, sizeof text);
    ck_assert_str_eq(text, content);
}

BOOL ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), of_end = strlen(end);

    return length >= of_end && strcmp(text + length - of_end, end) == 0;
}
