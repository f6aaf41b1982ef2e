#include "creation.h"

#include "cmdline.h"
#include "heap.h"

BOOL creation_wrap_batch(struct creation *creation, const struct request *request, struct failure *failure)
{
    struct text line = {.capacity = LINE_CAPACITY};
    wchar_t cmd[CMD_CAPACITY];
    struct text path = {.at = cmd, .capacity = CMD_CAPACITY};

    if (!line_is_batch(creation->program.at))
        return TRUE;
    if (request->refuse_batch)
        return fail(failure, HANDOFF_STAGE_CREATE, HANDOFF_NO_PASS, ERROR_NOT_SUPPORTED);
    line.at = creation->batch_line = allocate(LINE_CAPACITY * sizeof *line.at);
    if (line.at == NULL)
        return fail(failure, HANDOFF_STAGE_CREATE, HANDOFF_NO_PASS, ERROR_NOT_ENOUGH_MEMORY);
    path.length = GetSystemDirectoryW(cmd, MAX_PATH);
    text_put(&path, L"\\cmd.exe");
    if (!text_end(&path) || !line_put_batch(&line, cmd, creation->program.at, creation->line.at))
        return fail(failure, HANDOFF_STAGE_REWRITE, HANDOFF_NO_PASS, ERROR_FILENAME_EXCED_RANGE);
    CopyMemory(creation->program.at, cmd, (path.length + 1) * sizeof *cmd);
    creation->line.at = line.at;
    return TRUE;
}
