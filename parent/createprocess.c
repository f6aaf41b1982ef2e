/* The drop-in for CreateProcessW: its arguments, made into a request. */
#include "handoff.h"

#include "attributes.h"
#include "cmdline.h"
#include "exepath.h"
#include "fd.h"
#include "handle.h"
#include "heap.h"
#include "identity.h"
#include "security.h"
#include "steal.h"
#include "stream.h"
#include "transaction.h"

/* ---- attribute lists ---- */

/* handoff_spawn() reads the same list, but for the handles. A pseudo-handle among them is an error of its own
 * (rprichard/win32-console-docs, CreateProcess_InheritList.cc). */
static DWORD read_attributes(struct handoff_request *request, const STARTUPINFOW *startup, DWORD flags,
                             struct attributes *attributes)
{
    DWORD code;

    if ((flags & EXTENDED_STARTUPINFO_PRESENT) == 0)
        return ERROR_SUCCESS;
    if (startup->cb != sizeof(STARTUPINFOEXW))
        return ERROR_INVALID_PARAMETER;
    request->attributes = ((const STARTUPINFOEXW *)(const void *)startup)->lpAttributeList;
    code = attributes_read(request->attributes, attributes);
    if (code == ERROR_SUCCESS && attributes->handles == NULL && attributes->handle_count > 0)
        return ERROR_NOACCESS;
    for (DWORD i = 0; i < attributes->handle_count && code == ERROR_SUCCESS; i++) {
        if (handle_is_pseudo(handle_number(attributes->handles[i])))
            code = ERROR_INVALID_PARAMETER;
    }
    return code;
}

/* ---- the request ---- */

/* Everything that one call needs. */
struct call {
    struct handoff_request request;
    STARTUPINFOW startup;
    struct handoff_pass *passes;
    DWORD null_streams;
    wchar_t (*names)[12]; /* 0x and the number of each listed handle */
    struct program program;
    wchar_t *environment;
};

/* A stream of STARTUPINFO. NULL stays NULL; what else is not open is INVALID_HANDLE_VALUE in the child, since its
 * number may be another handle's there. An old console's the child has without being given it. */
static void add_startup_stream(struct call *call, HANDLE handle, int index)
{
    struct handoff_request *request = &call->request;
    DWORD stream = 1u << index;

    if (handle != NULL && handle == stream_of_old_console(index))
        return;
    if (handle == NULL) {
        call->null_streams |= stream;
        return;
    }
    for (DWORD i = 0; i < request->pass_count; i++) {
        if (call->passes[i].handle == handle) {
            call->passes[i].streams |= stream;
            return;
        }
    }
    if (!handle_is_open(handle_number(handle))) {
        request->closed_streams |= stream;
        return;
    }
    call->passes[request->pass_count++] =
        (struct handoff_pass){.handle = handle, .streams = stream, .flags = HANDOFF_OPTIONAL};
}

/* A NULL is left out; with one in its list CreateProcessW inherits nothing of it. A handle that is there twice is there
 * once; no source says for every Windows what CreateProcessW makes of two. */
static void add_listed(struct call *call, HANDLE handle)
{
    struct handoff_request *request = &call->request;
    struct text name = {.at = call->names[request->pass_count], .capacity = ARRAYSIZE(call->names[0])};

    for (DWORD i = 0; i < request->pass_count; i++) {
        if (call->passes[i].handle == handle)
            return;
    }
    if (handle == NULL)
        return;
    text_format(&name, "0x%x", (uint32_t)handle_number(handle));
    text_end(&name);
    call->passes[request->pass_count++] =
        (struct handoff_pass){.name = name.at, .handle = handle, .flags = HANDOFF_OPTIONAL};
}

static BOOL is_own_stream(const struct call *call, HANDLE handle)
{
    BOOL found = FALSE;

    if ((call->startup.dwFlags & STARTF_USESTDHANDLES) == 0 &&
        (call->request.creation_flags & OTHER_CONSOLE_FLAGS) == 0) {
        for (int stream = 0; stream < STREAM_COUNT; stream++)
            found = found || GetStdHandle(stream_id(stream)) == handle;
    }
    return found;
}

static BOOL is_in_block(const struct call *call, HANDLE handle)
{
    return startup_fd_flags(&call->startup, handle) != 0;
}

/* A listed handle has in the child the number that it has here, by which alone the child may know it: unless the child
 * finds it as a stream or in its runtime's block, or is told of it by the braces in its line. */
static DWORD keep_listed_numbers(struct call *call)
{
    DWORD count = call->request.pass_count;
    struct placeholder *placeholders = allocate((count + 1) * sizeof *placeholders), *tree = NULL;
    struct text line = {.capacity = 0};

    if (placeholders == NULL)
        return ERROR_NOT_ENOUGH_MEMORY;
    for (DWORD i = 0; i < count; i++) {
        placeholders[i].name = call->passes[i].name;
        if (placeholders[i].name != NULL)
            placeholder_insert(&tree, &placeholders[i]);
    }
    if (call->request.command_line != NULL)
        line_rewrite(&line, call->request.command_line, tree);
    for (DWORD i = 0; i < count; i++) {
        HANDLE handle = call->passes[i].handle;

        if (call->passes[i].streams == 0 && !placeholders[i].used && !is_own_stream(call, handle) &&
            !is_in_block(call, handle))
            call->passes[i].flags |= HANDOFF_SAME_NUMBER;
    }
    release(placeholders);
    return ERROR_SUCCESS;
}

static DWORD add_handles(struct call *call, const struct attributes *attributes)
{
    size_t most = (size_t)attributes->handle_count + 3;

    call->passes = allocate(most * sizeof *call->passes);
    call->names = allocate(most * sizeof *call->names);
    if (call->passes == NULL || call->names == NULL)
        return ERROR_NOT_ENOUGH_MEMORY;
    for (DWORD i = 0; i < attributes->handle_count; i++)
        add_listed(call, attributes->handles[i]);
    if ((call->startup.dwFlags & STARTF_USESTDHANDLES) != 0) {
        add_startup_stream(call, call->startup.hStdInput, STREAM_STDIN);
        add_startup_stream(call, call->startup.hStdOutput, STREAM_STDOUT);
        add_startup_stream(call, call->startup.hStdError, STREAM_STDERR);
    }
    call->request.passes = call->passes;
    return keep_listed_numbers(call);
}

/* An ANSI block, as UTF-16. */
static DWORD widen_environment(struct call *call, const char *block)
{
    int size = 0, units;

    while (block[size] != '\0' || (size > 0 && block[size - 1] != '\0'))
        size++;
    size++;
    units = MultiByteToWideChar(CP_ACP, 0, block, size, NULL, 0);
    call->environment = allocate(((size_t)units + 1) * sizeof *call->environment);
    if (call->environment == NULL)
        return ERROR_NOT_ENOUGH_MEMORY;
    call->request.environment = call->environment;
    return units != 0 && MultiByteToWideChar(CP_ACP, 0, block, size, call->environment, units) == units
               ? ERROR_SUCCESS
               : GetLastError();
}

/* What a request refuses with another code. */
static DWORD check_arguments(const struct handoff_request *request)
{
    if (request->application != NULL && *request->application == L'\0')
        return ERROR_PATH_NOT_FOUND;
    if (request->directory != NULL && *request->directory == L'\0')
        return ERROR_DIRECTORY;
    if (has_unknown_revision(request->process_security) || has_unknown_revision(request->thread_security))
        return ERROR_UNKNOWN_REVISION;
    return ERROR_SUCCESS;
}

static DWORD find_application(struct call *call)
{
    DWORD code;

    if (call->request.application != NULL)
        return ERROR_SUCCESS;
    if (call->request.command_line == NULL)
        return ERROR_INVALID_PARAMETER;
    code = find_as_windows(call->request.command_line, &call->program);
    call->request.application = call->program.path;
    if (call->program.line != NULL)
        call->request.command_line = call->program.line;
    return code;
}

/* The program is looked for as the one who opens it: see handoff_spawn(). */
static DWORD find_as_process(struct call *call)
{
    HANDLE caller;
    DWORD code = identity_set_aside(&caller), put_back;

    if (code != ERROR_SUCCESS)
        return code;
    code = find_application(call);
    put_back = identity_put_back(&caller);
    return put_back == ERROR_SUCCESS ? code : put_back;
}

/* ---- the call ---- */

static DWORD spawn_call(struct call *call, void *environment, const struct attributes *attributes,
                        PROCESS_INFORMATION *child)
{
    DWORD code = find_as_process(call);

    if (code == ERROR_SUCCESS)
        code = add_handles(call, attributes);
    if (code == ERROR_SUCCESS && environment != NULL) {
        if ((call->request.creation_flags & CREATE_UNICODE_ENVIRONMENT) != 0)
            call->request.environment = environment;
        else
            code = widen_environment(call, environment);
    }
    if (code == ERROR_SUCCESS && !spawn_with(&call->request, call->null_streams, child, NULL))
        code = GetLastError();
    return code;
}

/* Where nothing is to be inherited, Windows itself leaks nothing. */
static BOOL create_directly(const wchar_t *application, const wchar_t *command_line,
                            SECURITY_ATTRIBUTES *process_security, SECURITY_ATTRIBUTES *thread_security,
                            DWORD creation_flags, void *environment, const wchar_t *directory, STARTUPINFOW *startup,
                            PROCESS_INFORMATION *child)
{
    size_t units = command_line != NULL ? text_length(command_line) + 1 : 0;
    wchar_t *line = units != 0 ? allocate(units * sizeof *line) : NULL; /* CreateProcessW writes into it */
    BOOL done;
    DWORD code;

    if (units != 0 && line == NULL) {
        SetLastError(ERROR_NOT_ENOUGH_MEMORY);
        return FALSE;
    }
    if (line != NULL)
        CopyMemory(line, command_line, units * sizeof *line);
    done = CreateProcessW(application, line, process_security, thread_security, FALSE, creation_flags, environment,
                          directory, startup, child);
    code = GetLastError();
    release(line);
    SetLastError(code);
    return done;
}

BOOL WINAPI handoff_CreateProcessW(const wchar_t *application, const wchar_t *command_line,
                                   SECURITY_ATTRIBUTES *process_security, SECURITY_ATTRIBUTES *thread_security,
                                   BOOL inherit_handles, DWORD creation_flags, void *environment,
                                   const wchar_t *directory, STARTUPINFOW *startup, PROCESS_INFORMATION *child)
{
    struct call call = {.request = {.cb = sizeof call.request,
                                    .application = application,
                                    .command_line = command_line,
                                    .directory = directory,
                                    .creation_flags = creation_flags & ~(DWORD)EXTENDED_STARTUPINFO_PRESENT,
                                    .startup = &call.startup,
                                    .timeout_ms = INFINITE, /* as CreateProcessW; the launcher's death is an end */
                                    .process_security = process_security,
                                    .thread_security = thread_security}};
    struct attributes attributes = {.handles = NULL};
    DWORD code = ERROR_NOT_SUPPORTED;

    if (startup == NULL || child == NULL) {
        SetLastError(ERROR_INVALID_PARAMETER);
        return FALSE;
    }
    call.startup = *startup;
    if (!inherit_handles)
        return create_directly(application, command_line, process_security, thread_security, creation_flags,
                               environment, directory, startup, child);
    if ((creation_flags & (DEBUG_PROCESS | DEBUG_ONLY_THIS_PROCESS)) == 0)
        code = read_attributes(&call.request, startup, creation_flags, &attributes);
    if (code == ERROR_SUCCESS)
        code = check_arguments(&call.request);
    if (code == ERROR_SUCCESS)
        code = spawn_call(&call, environment, &attributes, child);
    release(call.environment);
    release_program(&call.program);
    release(call.names);
    release(call.passes);
    SetLastError(code);
    return code == ERROR_SUCCESS;
}
