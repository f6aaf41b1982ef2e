#include "batch.h"

#include "cmdline.h"

bool path_is_batch(const wchar_t *path)
{
    size_t length = text_length(path);
    wchar_t last[5] = {0};

    while (length > 0 && (path[length - 1] == L'.' || path[length - 1] == L' '))
        length--;
    for (size_t i = 0; i < 4 && i < length; i++)
        last[3 - i] = path[length - 1 - i] | (L'a' ^ L'A');
    return text_equal_ascii(last, ".bat") || text_equal_ascii(last, ".cmd");
}

/* In a command line cmd.exe knows no way to write a %, only what becomes of it: a % before what is nothing at all, the
 * first 0 characters of the current directory. (Rust's library runs batch files so.) */
static void put_path_for_cmd(struct text *result, const wchar_t *path)
{
    for (; *path != L'\0'; path++) {
        if (*path == L'%')
            text_put_ascii(result, "%%cd:~,");
        text_put_unit(result, *path);
    }
}

bool line_put_batch(struct text *result, const wchar_t *cmd, const wchar_t *path, const wchar_t *line)
{
    struct text first = {.capacity = 0};

    text_put_unit(result, L'"');
    text_put(result, cmd);
    text_put_ascii(result, "\" /d /e:on /v:off /s /c \"\"");
    put_path_for_cmd(result, path);
    text_put_unit(result, L'"');
    text_put(result, line != NULL ? line_program(&first, line) : L"");
    text_put_unit(result, L'"');
    return result->length < BATCH_CAPACITY;
}
