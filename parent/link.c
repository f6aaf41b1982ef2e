#include "link.h"

#include "heap.h"
#include "parameter.h"
#include "query.h"
#include "steal.h"
#include "stream.h"
#include "text.h"

/* Of the module that contains this function, in memory of its own. */
static DWORD find_module(wchar_t **path)
{
    HMODULE module;

    *path = NULL;
    if (!GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT,
                            (const wchar_t *)(const void *)find_module, &module))
        return GetLastError();
    return path_of_module(module, path);
}

/* Beside our module: never a search, which could find another program of that name. */
static DWORD find_launcher(wchar_t **path)
{
    static const char name[] = "handoff-launcher.exe";
    struct text text;
    wchar_t *module;
    DWORD code = find_module(&module);

    if (module == NULL)
        return code;
    text = (struct text){.capacity = text_length(module) + sizeof name};
    text.at = *path = allocate(text.capacity * sizeof *text.at);
    if (text.at != NULL) {
        text_put(&text, module);
        text_cut_name(&text);
        text_put_ascii(&text, name);
        text_end(&text);
    }
    release(module);
    return *path != NULL ? ERROR_SUCCESS : ERROR_NOT_ENOUGH_MEMORY;
}

static DWORD copy_path(const wchar_t *from, wchar_t **path)
{
    size_t size = (text_length(from) + 1) * sizeof **path;

    *path = allocate(size);
    if (*path == NULL)
        return ERROR_NOT_ENOUGH_MEMORY;
    CopyMemory(*path, from, size);
    return ERROR_SUCCESS;
}

/* In memory of its own. */
static wchar_t *make_line(const struct link *link)
{
    enum { REST = 40 };
    struct text line = {.capacity = text_length(link->path) + REST};

    line.at = allocate(line.capacity * sizeof *line.at);
    if (line.at != NULL) {
        text_put_unit(&line, L'"');
        text_put(&line, link->path);
        text_put(&line, L"\" --service=0x");
        text_put_hex(&line, link->page.nonce);
        text_end(&line);
    }
    return line.at;
}

/*
 * Whoever may open the launcher, or its thread, has this process by the handle that it is given. So nobody may, not
 * even the owner, who could otherwise change that: Windows since Vista gives him no more than an entry for OWNER RIGHTS
 * does. CreateProcessW's own handles have all access, whatever the descriptor says. It has no owner, and gets the
 * token's.
 */
static const struct {
    SECURITY_DESCRIPTOR_RELATIVE head;
    ACL list;
    ACE_HEADER entry;
    ACCESS_MASK access;
    SID owner_rights;
} closed = {.head = {.Revision = SECURITY_DESCRIPTOR_REVISION,
                     .Control = SE_SELF_RELATIVE | SE_DACL_PRESENT,
                     .Dacl = sizeof closed.head},
            .list = {.AclRevision = ACL_REVISION, .AclSize = sizeof closed - sizeof closed.head, .AceCount = 1},
            .entry = {.AceType = ACCESS_ALLOWED_ACE_TYPE, .AceSize = sizeof closed - sizeof closed.head - sizeof(ACL)},
            .access = READ_CONTROL,
            .owner_rights = {.Revision = SID_REVISION,
                             .SubAuthorityCount = 1,
                             .IdentifierAuthority = {SECURITY_CREATOR_SID_AUTHORITY},
                             .SubAuthority = {4}}};

_Static_assert(sizeof closed == 48, "in one piece, as Windows reads it");

/* Suspended. *thread is its first. */
static DWORD create_launcher(struct link *link, BOOL stays, HANDLE *thread)
{
    /* Streams of its own, or Windows would copy the parent's into the launcher, and through 8.0 make
     * a real handle to the parent of an INVALID_HANDLE_VALUE (rprichard/win32-console-docs). */
    STARTUPINFOW startup = {.cb = sizeof startup,
                            .dwFlags = STARTF_USESTDHANDLES,
                            .hStdInput = stream_of_old_console(STREAM_STDIN),
                            .hStdOutput = stream_of_old_console(STREAM_STDOUT),
                            .hStdError = stream_of_old_console(STREAM_STDERR)};
    SECURITY_ATTRIBUTES security = {.nLength = sizeof security, .lpSecurityDescriptor = (void *)(UINT_PTR)&closed};
    /* Without a console the launcher, a console program, would get a window of its own. */
    DWORD flags = CREATE_SUSPENDED | (has_console() ? 0 : DETACHED_PROCESS) | (stays ? NORMAL_PRIORITY_CLASS : 0);
    wchar_t directory[MAX_PATH];
    PROCESS_INFORMATION created;
    wchar_t *line = make_line(link);
    DWORD code = ERROR_SUCCESS;

    if (line == NULL)
        return ERROR_NOT_ENOUGH_MEMORY;
    if (stays && GetSystemDirectoryW(directory, ARRAYSIZE(directory)) == 0)
        stays = FALSE;
    if (CreateProcessW(link->path, line, &security, &security, FALSE, flags, NULL, stays ? directory : NULL, &startup,
                       &created)) {
        link->process = created.hProcess;
        link->process_id = created.dwProcessId;
        *thread = created.hThread;
    } else {
        code = GetLastError();
    }
    release(line);
    return code;
}

/* As little of this process as lets the launcher take from it. No access check is made: it is less than we have. */
static DWORD put_parent(HANDLE process, uint32_t *there)
{
    HANDLE self = GetCurrentProcess(), handle = NULL;

    if (!DuplicateHandle(self, self, process, &handle, PROCESS_DUP_HANDLE | PROCESS_QUERY_INFORMATION | SYNCHRONIZE,
                         FALSE, 0))
        return GetLastError();
    *there = (uint32_t)handle_number(handle);
    return ERROR_SUCCESS;
}

/* What the launcher has to know before it runs. The page comes first, since it is looked for from the lowest number
 * on. */
static DWORD equip(struct link *link)
{
    struct channel *channel = link->channel;
    uint32_t there;
    DWORD code = handle_put(link->process, handle_number(link->page.section), FALSE, &there);

    if (code == ERROR_SUCCESS)
        code = put_parent(link->process, &channel->parent);
    if (code == ERROR_SUCCESS)
        code = handle_put(link->process, handle_number(link->heard), FALSE, &channel->heard_event);
    if (code == ERROR_SUCCESS)
        code = handle_put(link->process, handle_number(link->reported), FALSE, &channel->reported_event);
    if (code == ERROR_SUCCESS) {
        code = handle_move(link->process, link->far_end, FALSE, &channel->report_pipe);
        link->far_end = NULL; /* only the launcher has it now, so the pipe ends with that */
    }
    return code;
}

/* A launcher that has not all that it needs never runs. */
static DWORD start_launcher(struct link *link, BOOL stays, DWORD *stage)
{
    HANDLE thread = NULL;
    DWORD code = create_launcher(link, stays, &thread);

    if (code != ERROR_SUCCESS)
        return code;
    code = equip(link);
    if (code == ERROR_SUCCESS && ResumeThread(thread) == (DWORD)-1)
        code = GetLastError();
    CloseHandle(thread);
    if (code == ERROR_SUCCESS)
        return ERROR_SUCCESS;
    code = link_blame(link, code, DEATH_TIMEOUT_MS);
    if (!end_process(link->process)) {
        *stage = HANDOFF_STAGE_CLEAN_UP;
        code = ERROR_TIMEOUT;
    }
    CloseHandle(link->process);
    link->process = NULL;
    return code;
}

static DWORD make_channel(struct link *link, uint32_t passes, size_t room)
{
    DWORD code = page_make(&link->page, max(passes, 1), sizeof *link->channel + room);

    if (code != ERROR_SUCCESS)
        return code;
    link->channel = channel_of(link->page.view);
    link->channel->protocol = PROTOCOL;
    link->room = room;
    link->heard = CreateEventW(NULL, FALSE, FALSE, NULL);
    if (link->heard != NULL)
        link->reported = CreateEventW(NULL, FALSE, FALSE, NULL);
    return link->reported != NULL && CreatePipe(&link->report, &link->far_end, NULL, PIPE_SIZE) ? ERROR_SUCCESS
                                                                                                : GetLastError();
}

DWORD link_open(struct link *link, const wchar_t *path, BOOL stays, uint32_t passes, size_t room, DWORD *stage)
{
    DWORD code = make_channel(link, passes, room);

    *stage = HANDOFF_STAGE_PREPARE;
    if (code != ERROR_SUCCESS)
        return code;
    *stage = HANDOFF_STAGE_LAUNCHER;
    code = path != NULL ? copy_path(path, &link->path) : find_launcher(&link->path);
    return code == ERROR_SUCCESS ? start_launcher(link, stays, stage) : code;
}

BOOL end_process(HANDLE process)
{
    TerminateProcess(process, ERROR_PROCESS_ABORTED);
    return WaitForSingleObject(process, DEATH_TIMEOUT_MS) == WAIT_OBJECT_0;
}

DWORD link_blame(const struct link *link, DWORD code, DWORD timeout_ms)
{
    DWORD patience = code == ERROR_ACCESS_DENIED ? min(timeout_ms, DEATH_TIMEOUT_MS) : 0;

    return WaitForSingleObject(link->process, patience) == WAIT_OBJECT_0 ? ERROR_PROCESS_ABORTED : code;
}

void link_describe(const struct link *link, struct handoff_error *error)
{
    struct text subject = {.at = error->subject, .capacity = ARRAYSIZE(error->subject)};

    if (error->stage != HANDOFF_STAGE_LAUNCHER && error->stage != HANDOFF_STAGE_CLEAN_UP)
        return;
    if (link->path != NULL)
        text_put(&subject, link->path);
    text_end(&subject);
}

static void close_handle(HANDLE handle)
{
    if (handle != NULL)
        CloseHandle(handle);
}

/* One that cannot be told is ended: nobody else would do it. */
void link_end(struct link *link)
{
    if (link->process == NULL || link->is_over)
        return;
    link->is_over = TRUE;
    atomic_store(&link->channel->over, TRUE);
    if (!SetEvent(link->heard))
        TerminateProcess(link->process, ERROR_PROCESS_ABORTED);
}

void link_close(struct link *link)
{
    link_end(link);
    close_handle(link->heard);
    close_handle(link->reported);
    close_handle(link->report);
    close_handle(link->far_end);
    close_handle(link->process);
    page_close(&link->page);
    release(link->path);
    ZeroMemory(link, sizeof *link);
}
