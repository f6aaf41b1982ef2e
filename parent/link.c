#include "link.h"

#include "heap.h"
#include "pipe.h"
#include "steal.h"
#include "stream.h"
#include "wire.h"

enum { PATH_CAPACITY = 32768 };

/* The launcher beside the module that contains this function: never a search, which could find
 * another program of that name. */
static DWORD default_launcher(wchar_t *path)
{
    HMODULE module;
    struct text text = {.at = path, .capacity = PATH_CAPACITY};

    if (!GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT,
                            (const wchar_t *)(const void *)default_launcher, &module))
        return GetLastError();
    text.length = GetModuleFileNameW(module, path, PATH_CAPACITY);
    if (text.length == 0)
        return GetLastError(); /* a bare name would be looked for in the current directory */
    while (text.length > 0 && path[text.length - 1] != L'\\')
        text.length--;
    text_put(&text, L"handoff-launcher.exe");
    return text_end(&text) ? ERROR_SUCCESS : ERROR_FILENAME_EXCED_RANGE;
}

static DWORD find_launcher(struct link *link, const wchar_t *path)
{
    struct text text = {.at = allocate(PATH_CAPACITY * sizeof *text.at), .capacity = PATH_CAPACITY};

    link->launcher_path = text.at;
    if (text.at == NULL)
        return ERROR_NOT_ENOUGH_MEMORY;
    if (path == NULL)
        return default_launcher(text.at);
    text_put(&text, path);
    return text_end(&text) ? ERROR_SUCCESS : ERROR_FILENAME_EXCED_RANGE;
}

static void put_launcher_line(struct text *line, const struct link *link)
{
    struct token token = page_token(&link->page);

    text_put_unit(line, L'"');
    text_put(line, link->launcher_path);
    text_put(line, L"\" --service=");
    token_put(line, &token);
}

/* Without a console the launcher, a console program, would get a window of its own. */
static DWORD launcher_flags(void)
{
    DWORD process_id;

    return GetConsoleProcessList(&process_id, 1) != 0 ? 0 : DETACHED_PROCESS;
}

static DWORD create_launcher(struct link *link, BOOL stays)
{
    /* Streams of its own, or Windows would copy the parent's into the launcher, and through 8.0 make
     * a real handle to the parent of an INVALID_HANDLE_VALUE (rprichard/win32-console-docs). */
    STARTUPINFOW startup = {.cb = sizeof startup,
                            .dwFlags = STARTF_USESTDHANDLES,
                            .hStdInput = stream_of_old_console(STREAM_STDIN),
                            .hStdOutput = stream_of_old_console(STREAM_STDOUT),
                            .hStdError = stream_of_old_console(STREAM_STDERR)};
    DWORD flags = launcher_flags() | (stays ? NORMAL_PRIORITY_CLASS : 0);
    wchar_t directory[MAX_PATH];
    PROCESS_INFORMATION launcher;
    wchar_t *memory = allocate(PATH_CAPACITY * sizeof *memory);
    struct text line = {.at = memory, .capacity = PATH_CAPACITY};
    DWORD code = ERROR_FILENAME_EXCED_RANGE;

    if (memory == NULL)
        return ERROR_NOT_ENOUGH_MEMORY;
    if (stays && GetSystemDirectoryW(directory, ARRAYSIZE(directory)) == 0)
        stays = FALSE;
    put_launcher_line(&line, link);
    if (text_end(&line)) {
        code = ERROR_SUCCESS;
        if (CreateProcessW(link->launcher_path, line.at, NULL, NULL, FALSE, flags, NULL, stays ? directory : NULL,
                           &startup, &launcher)) {
            link->launcher = launcher.hProcess;
            link->launcher_id = launcher.dwProcessId;
            CloseHandle(launcher.hThread);
        } else {
            code = GetLastError();
        }
    }
    release(memory);
    return code;
}

static DWORD connect(struct link *link, uint32_t passes, DWORD pipe_size)
{
    DWORD code = pipe_make(PIPE_ACCESS_DUPLEX, pipe_size, WIRE_REPORT_MAX, &link->pipe, &link->far_end);

    if (code == ERROR_SUCCESS)
        code = page_make(&link->page, passes + 1);
    if (code != ERROR_SUCCESS)
        return code;
    claim_offer(&link->page.view->claims[0], handle_number(link->far_end));
    link->event = CreateEventW(NULL, TRUE, FALSE, NULL);
    return link->event != NULL ? ERROR_SUCCESS : GetLastError();
}

DWORD link_open(struct link *link, const wchar_t *launcher, BOOL stays, uint32_t passes, DWORD pipe_size, DWORD *stage)
{
    DWORD code = connect(link, passes, pipe_size);

    *stage = HANDOFF_STAGE_PREPARE;
    if (code != ERROR_SUCCESS)
        return code;
    *stage = HANDOFF_STAGE_LAUNCHER;
    code = find_launcher(link, launcher);
    return code == ERROR_SUCCESS ? create_launcher(link, stays) : code;
}

void link_describe(const struct link *link, struct handoff_error *error)
{
    struct text subject = {.at = error->subject, .capacity = ARRAYSIZE(error->subject)};

    if (link->launcher_path != NULL)
        text_put(&subject, link->launcher_path);
    text_end(&subject);
}

static void close_handle(HANDLE handle)
{
    if (handle != NULL)
        CloseHandle(handle);
}

void link_close(struct link *link)
{
    if (link->page.view == NULL || claim_withdraw(&link->page.view->claims[0]))
        close_handle(link->far_end);
    close_handle(link->pipe);
    close_handle(link->event);
    close_handle(link->launcher);
    page_close(&link->page);
    release(link->launcher_path);
    ZeroMemory(link, sizeof *link);
}
