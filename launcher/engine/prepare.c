#include "creation.h"

#include "batch.h"
#include "cmdline.h"
#include "environment.h"
#include "fdblock.h"
#include "heap.h"
#include "inherited.h"
#include "query.h"
#include "startup.h"
#include "steal.h"
#include "stream.h"
#include "upcase.h"

/* ---- texts ---- */

/* What a text that is written out can become, and no more memory than that: of a resident launcher each spawn
 * would pay for pages that it has to get and to give back. */
static size_t room(const wchar_t *text, size_t growth, size_t more)
{
    size_t units = text != NULL ? growth * text_length(text) + more : more;

    return units < LINE_CAPACITY ? units : LINE_CAPACITY;
}

static BOOL allocate_creation(struct creation *creation, const struct request *request, struct failure *failure)
{
    size_t handles = (request->pass_count + 1) * sizeof *creation->handles;
    unsigned char *memory;

    /* The number in the place of "{x}" has at most 10 digits. */
    creation->line.capacity = room(request->command_line, 4, 1);
    creation->program.capacity = room(request->application, 1, CMD_CAPACITY); /* or cmd.exe's path */
    memory = allocate(handles + (creation->program.capacity + creation->line.capacity) * sizeof(wchar_t));
    if (memory == NULL)
        return failure_set(failure, HANDOFF_STAGE_CREATE, HANDOFF_NO_PASS, ERROR_NOT_ENOUGH_MEMORY);
    creation->handles = (HANDLE *)(void *)memory;
    creation->program.at = (wchar_t *)(void *)(memory + handles);
    if (request->command_line != NULL)
        creation->line.at = creation->program.at + creation->program.capacity;
    return TRUE;
}

static BOOL rewrite_line(struct creation *creation, const struct request *request)
{
    if (request->command_line == NULL)
        return TRUE;
    line_rewrite(&creation->line, request->command_line, request->names);
    return text_end(&creation->line);
}

/* The base is the request's block, or else the launcher's own. */
static DWORD change_environment(struct creation *creation, const struct request *request)
{
    wchar_t *own = GetEnvironmentStringsW();
    const wchar_t *base = request->environment != NULL ? request->environment : own;
    struct text text = {.capacity = 0};
    struct changes changes = {.upcase = upcase};

    changes.sorted = allocate((environment_count(request->variables) + 1) * sizeof *changes.sorted);
    if (changes.sorted != NULL && own != NULL) {
        environment_sort(&changes, request->variables);
        environment_edit(&text, base, &changes, request->names);
        if (text_allocate(&text)) {
            environment_edit(&text, base, &changes, request->names);
            text_end(&text);
        }
        creation->environment = text.at;
    }
    if (own != NULL)
        FreeEnvironmentStringsW(own);
    release(changes.sorted);
    return creation->environment != NULL ? ERROR_SUCCESS : ERROR_NOT_ENOUGH_MEMORY;
}

static BOOL rewrite(struct creation *creation, struct request *request, struct failure *failure)
{
    DWORD code;
    uint32_t unused;

    request_index(request); /* again: passes have come to it, and numbers */
    code = rewrite_line(creation, request) ? ERROR_SUCCESS : ERROR_FILENAME_EXCED_RANGE;
    if (code == ERROR_SUCCESS && request->variables != NULL)
        code = change_environment(creation, request);
    if (code != ERROR_SUCCESS)
        return failure_set(failure, HANDOFF_STAGE_REWRITE, HANDOFF_NO_PASS, code);
    unused = request_find_unused(request);
    return unused == request->pass_count || failure_set(failure, HANDOFF_STAGE_UNUSED, unused, ERROR_NOT_FOUND);
}

static BOOL put_program(struct creation *creation, const struct request *request, struct failure *failure)
{
    text_put(&creation->program, request->application);
    return text_end(&creation->program) ||
           failure_set(failure, HANDOFF_STAGE_FIND, HANDOFF_NO_PASS, ERROR_FILENAME_EXCED_RANGE);
}

/* cmd.exe of the system's, which runs a batch file. FALSE if its path does not fit. */
static BOOL put_cmd(struct text *path)
{
    DWORD length = GetSystemDirectoryW(path->at, (UINT)path->capacity);

    path->length = length;
    text_put_ascii(path, "\\cmd.exe");
    return length > 0 && text_end(path);
}

/* CreateProcessW goes by the full path: x.bat\. and x.bat\y\.. are x.bat. Of \\?\... the text is the path. Not by
 * full_path(), with which the launcher's file has a page more. */
static BOOL is_batch(const wchar_t *program)
{
    struct text path = {.capacity = 0};
    BOOL batch = path_is_batch(program);

    path.length = batch || text_begins_ascii(program, "\\\\?\\") ? 0 : GetFullPathNameW(program, 0, NULL, NULL);
    if (path.length > 0 && text_allocate(&path) && GetFullPathNameW(program, (DWORD)path.capacity, path.at, NULL) > 0)
        batch = path_is_batch(path.at);
    release(path.at);
    return batch;
}

/* CreateProcessW would run cmd.exe for a batch file by itself, but with a line that it may cut short and, on Wine, with
 * every inheritable handle. */
static BOOL wrap_batch(struct creation *creation, const struct request *request, struct failure *failure)
{
    wchar_t path[CMD_CAPACITY];
    struct text cmd = {.at = path, .capacity = CMD_CAPACITY}, line = {.capacity = 0};

    if (!is_batch(creation->program.at))
        return TRUE;
    if (request->refuse_batch)
        return failure_set(failure, HANDOFF_STAGE_REWRITE, HANDOFF_NO_PASS, ERROR_NOT_SUPPORTED);
    if (!put_cmd(&cmd) || !line_put_batch(&line, cmd.at, creation->program.at, creation->line.at))
        return failure_set(failure, HANDOFF_STAGE_REWRITE, HANDOFF_NO_PASS, ERROR_FILENAME_EXCED_RANGE);
    if (!text_allocate(&line))
        return failure_set(failure, HANDOFF_STAGE_CREATE, HANDOFF_NO_PASS, ERROR_NOT_ENOUGH_MEMORY);
    line_put_batch(&line, cmd.at, creation->program.at, creation->line.at);
    creation->line.at = creation->batch_line = line.at;
    creation->program.length = 0;
    text_put(&creation->program, cmd.at);
    return text_end(&line) && text_end(&creation->program);
}

/* ---- streams, descriptors, handles ---- */

/* All streams or none: with one of them given, Windows takes the others as they are. */
static void set_streams(STARTUPINFOW *to, const struct request *request)
{
    HANDLE *streams[STREAM_COUNT] = {&to->hStdInput, &to->hStdOutput, &to->hStdError};
    uint32_t claimed = request_claimed_streams(request);

    if (claimed == 0)
        return;
    to->dwFlags |= STARTF_USESTDHANDLES;
    for (int stream = 0; stream < STREAM_COUNT; stream++) {
        if (has_stream(request->closed_streams, stream))
            *streams[stream] = INVALID_HANDLE_VALUE;
        else if ((request->creation_flags & OTHER_CONSOLE_FLAGS) == 0 && !has_stream(claimed, stream))
            *streams[stream] = stream_of_old_console(stream);
        for (uint32_t i = 0; i < request->pass_count; i++) {
            if (has_stream(request->passes[i].streams, stream))
                *streams[stream] = handle_from_number(pass_number(&request->passes[i]));
        }
    }
}

/* The flags that a C runtime gives a descriptor of this handle: pipe or device, or neither. */
static uint32_t flags_of_type(HANDLE handle)
{
    switch (GetFileType(handle) & ~(DWORD)FILE_TYPE_REMOTE) {
    case FILE_TYPE_PIPE: return FD_OPEN | FD_PIPE;
    case FILE_TYPE_CHAR: return FD_OPEN | FD_DEVICE;
    default: return FD_OPEN;
    }
}

static void set_fd_flags(struct request *request)
{
    for (uint32_t i = 0; i < request->pass_count; i++) {
        struct pass *pass = &request->passes[i];

        if (pass->fd != 0 && pass->fd_flags == 0)
            pass->fd_flags = flags_of_type(handle_from_number(pass->number));
    }
}

/*
 * Streams count only if something is inherited (rprichard/win32-console-docs, "CreateProcess (modern)"). If all that
 * there is will be put into the child later, and a stream is among it, that is inherited as well. NULL: there is no
 * need.
 */
static const struct pass *find_listed_only(const struct request *request)
{
    const struct pass *stream = NULL;

    for (uint32_t i = 0; i < request->pass_count; i++) {
        const struct pass *pass = &request->passes[i];

        if (pass->kind != PASS_JOB && (pass->flags & PASS_APART) == 0)
            return NULL;
        if ((pass->flags & PASS_APART) != 0 && pass->streams != 0)
            stream = pass;
    }
    return stream;
}

/* The jobs in the order in which the caller lists them, since each is nested in the one before. */
static void list_jobs(struct creation *creation, const struct request *request)
{
    for (uint32_t i = 0; i < request->pass_count; i++) {
        const struct pass *pass = &request->passes[i];

        if (pass->kind != PASS_JOB)
            continue;
        creation->handles[creation->inherited + creation->jobs++] = handle_from_number(pass->number);
        creation->needs_jobs = creation->needs_jobs || (pass->flags & PASS_OPTIONAL) == 0;
    }
}

/* What is put there later is not to be inherited where there is no list either. */
static void list_handles(struct creation *creation, const struct request *request)
{
    const struct pass *listed_only = find_listed_only(request);

    creation->only_listed = listed_only != NULL ? listed_only->number : 0;
    for (uint32_t i = 0; i < request->pass_count; i++) {
        const struct pass *pass = &request->passes[i];

        if ((pass->flags & PASS_APART) != 0 && pass != listed_only)
            handle_set_inheritable(handle_from_number(pass->number), FALSE);
        else if (pass->kind != PASS_JOB)
            creation->handles[creation->inherited++] = handle_from_number(pass->number);
    }
    list_jobs(creation, request);
    creation->inherits = creation->inherited > 0 || request->closed_streams != 0;
}

BOOL creation_prepare(struct creation *creation, struct request *request, struct failure *failure)
{
    if (!allocate_creation(creation, request, failure) || !rewrite(creation, request, failure) ||
        !put_program(creation, request, failure) || !wrap_batch(creation, request, failure))
        return FALSE;
    give_startup(request, &creation->startup.StartupInfo);
    set_streams(&creation->startup.StartupInfo, request);
    set_fd_flags(request);
    list_handles(creation, request);
    return TRUE;
}

void creation_release(struct creation *creation)
{
    release(creation->block);
    release(creation->environment);
    release(creation->batch_line);
    release(creation->handles);
}
