#include "engine.h"

#include "cmdline.h"
#include "descriptor.h"
#include "environment.h"
#include "fdblock.h"
#include "function.h"
#include "heap.h"
#include "number.h"
#include "startup.h"
#include "steal.h"
#include "stream.h"
#include "upcase.h"

#include <string.h>

BOOL fail(struct failure *failure, DWORD stage, DWORD pass, DWORD code)
{
    failure->stage = stage;
    failure->pass = pass;
    failure->code = code;
    return FALSE;
}

void close_passes(const struct request *request, uint32_t first, uint32_t end)
{
    for (uint32_t i = first; i < end; i++) {
        if (request->passes[i].number != 0)
            CloseHandle(handle_from_number(request->passes[i].number));
    }
}

enum { CMD_CAPACITY = MAX_PATH + 8 };

/* What CreateProcessW is called with, made up piece by piece. */
struct creation {
    STARTUPINFOEXW startup;
    HANDLE *handles; /* what the child inherits, and then the jobs; owns the memory of the next two as well */
    uint32_t inherited, jobs;
    uint32_t only_listed; /* the number of one that the child is to have under another; 0: there is none */
    struct text program;
    struct text line;     /* its memory is NULL if the request has none */
    wchar_t *batch_line;  /* which runs a batch file instead; NULL if it is none */
    wchar_t *environment; /* with changes; NULL: the request's */
    uint8_t *block;       /* of descriptors; NULL: none */
    HANDLE listed_job;    /* which the child is created in; NULL: none, or there is no such attribute */
    _Alignas(16) unsigned char attributes[256]; /* nine need 240 bytes at most, and nothing to delete them */
};

static BOOL rewrite_line(struct creation *creation, const struct request *request)
{
    if (request->command_line == NULL)
        return TRUE;
    line_rewrite(&creation->line, request->command_line, request->passes, request->pass_count);
    return text_end(&creation->line);
}

/* The base is the request's block, or else the launcher's own. */
static DWORD change_environment(struct creation *creation, const struct request *request)
{
    wchar_t *own = GetEnvironmentStringsW(), nowhere[1];
    const wchar_t *base = request->environment != NULL ? request->environment : own;
    struct text text = {.at = nowhere, .capacity = 1};
    struct changes changes = {.upcase = upcase};

    changes.sorted = allocate((environment_count(request->variables) + 1) * sizeof *changes.sorted);
    if (changes.sorted != NULL && own != NULL) {
        environment_sort(&changes, request->variables);
        environment_edit(&text, base, &changes, request->passes, request->pass_count);
        text = (struct text){.capacity = text.length + 1, .at = allocate((text.length + 1) * sizeof *text.at)};
        creation->environment = text.at;
    }
    if (creation->environment != NULL) {
        environment_edit(&text, base, &changes, request->passes, request->pass_count);
        text_end(&text);
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

    request_index(request->passes, request->pass_count); /* again: streams have come to them */
    code = rewrite_line(creation, request) ? ERROR_SUCCESS : ERROR_FILENAME_EXCED_RANGE;
    if (code == ERROR_SUCCESS && request->variables != NULL)
        code = change_environment(creation, request);
    if (code != ERROR_SUCCESS)
        return fail(failure, HANDOFF_STAGE_REWRITE, HANDOFF_NO_PASS, code);
    unused = request_find_unused(request->passes, request->pass_count);
    return unused == request->pass_count || fail(failure, HANDOFF_STAGE_UNUSED, unused, ERROR_NOT_FOUND);
}

static BOOL put_program(struct creation *creation, const struct request *request, struct failure *failure)
{
    text_put(&creation->program, request->application);
    return text_end(&creation->program) ||
           fail(failure, HANDOFF_STAGE_FIND, HANDOFF_NO_PASS, ERROR_FILENAME_EXCED_RANGE);
}

/* CreateProcessW would run cmd.exe for a batch file by itself, but with a line that it may cut short
 * and, on Wine, with every inheritable handle. */
static BOOL wrap_batch(struct creation *creation, const struct request *request, struct failure *failure)
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

/* All streams or none: with one of them given, Windows takes the others as they are. */
static void set_streams(STARTUPINFOW *to, const struct request *request)
{
    HANDLE *streams[STREAM_COUNT] = {&to->hStdInput, &to->hStdOutput, &to->hStdError};
    uint32_t decided = request->closed_streams;

    for (uint32_t i = 0; i < request->pass_count; i++)
        decided |= request->passes[i].streams;
    if (decided == 0)
        return;
    to->dwFlags |= STARTF_USESTDHANDLES;
    for (int stream = 0; stream < STREAM_COUNT; stream++) {
        if ((request->creation_flags & OTHER_CONSOLE_FLAGS) == 0 && (request->closed_streams >> stream & 1) == 0)
            *streams[stream] = stream_of_old_console(stream);
        for (uint32_t i = 0; i < request->pass_count; i++) {
            if ((request->passes[i].streams >> stream & 1) != 0)
                *streams[stream] = handle_from_number(pass_number(&request->passes[i]));
        }
    }
}

/* ---- CreateProcessW, with what this Windows has of attributes ---- */

/* With nothing to pass, nothing may be inherited: an empty handle list is an error on Windows
 * and means "everything" on others. */
static DWORD create(const struct creation *creation, const struct request *request, DWORD more_flags,
                    PROCESS_INFORMATION *child)
{
    SECURITY_ATTRIBUTES process = {.nLength = sizeof process,
                                   .lpSecurityDescriptor = (void *)(UINT_PTR)request->process_descriptor},
                        thread = {.nLength = sizeof thread,
                                  .lpSecurityDescriptor = (void *)(UINT_PTR)request->thread_descriptor};

    return CreateProcessW(creation->program.at, creation->line.at, &process, &thread, creation->inherited > 0,
                          request->creation_flags | CREATE_SUSPENDED | CREATE_UNICODE_ENVIRONMENT | more_flags,
                          creation->environment != NULL ? creation->environment
                                                        : (void *)(UINT_PTR)request->environment,
                          request->directory, (STARTUPINFOW *)(UINT_PTR)&creation->startup.StartupInfo, child)
               ? ERROR_SUCCESS
               : GetLastError();
}

typedef BOOL(WINAPI *initialize_function)(LPPROC_THREAD_ATTRIBUTE_LIST, DWORD, DWORD, SIZE_T *);
typedef BOOL(WINAPI *update_function)(LPPROC_THREAD_ATTRIBUTE_LIST, DWORD, DWORD_PTR, void *, SIZE_T, void *, SIZE_T *);

#ifndef PROC_THREAD_ATTRIBUTE_JOB_LIST
#define PROC_THREAD_ATTRIBUTE_JOB_LIST 0x2000D /* of Windows 10, whose headers are not asked for */
#endif

/* The handle list and the job, each if there is one, and what the caller gave. ERROR_CALL_NOT_IMPLEMENTED before Windows Vista. */
static DWORD set_attributes(struct creation *creation, const struct request *request)
{
    initialize_function initialize =
        (initialize_function)function_of(L"kernel32.dll", "InitializeProcThreadAttributeList");
    update_function update = (update_function)function_of(L"kernel32.dll", "UpdateProcThreadAttribute");
    LPPROC_THREAD_ATTRIBUTE_LIST list = (LPPROC_THREAD_ATTRIBUTE_LIST)(void *)creation->attributes;
    SIZE_T size = sizeof creation->attributes;

    if (initialize == NULL || update == NULL)
        return ERROR_CALL_NOT_IMPLEMENTED;
    if (!initialize(list, 2 + request->attribute_count, 0, &size) ||
        (creation->inherited > 0 && !update(list, 0, PROC_THREAD_ATTRIBUTE_HANDLE_LIST, creation->handles,
                                            creation->inherited * sizeof *creation->handles, NULL, NULL)) ||
        (creation->jobs > 0 && !update(list, 0, PROC_THREAD_ATTRIBUTE_JOB_LIST, creation->handles + creation->inherited,
                                       creation->jobs * sizeof *creation->handles, NULL, NULL)))
        return GetLastError();
    /* Before Windows 10 there is no such attribute; there the prefix has another way. */
    if (creation->listed_job != NULL && !update(list, 0, PROC_THREAD_ATTRIBUTE_JOB_LIST, &creation->listed_job,
                                                sizeof creation->listed_job, NULL, NULL))
        creation->listed_job = NULL;
    for (uint32_t i = 0; i < request->attribute_count; i++) {
        const struct attribute *attribute = &request->attributes[i];

        if (!update(list, 0, attribute->id, (void *)(UINT_PTR)attribute->bytes, attribute->size, NULL, NULL))
            return GetLastError();
    }
    creation->startup.lpAttributeList = list;
    return ERROR_SUCCESS;
}

static DWORD create_with_attributes(struct creation *creation, const struct request *request, DWORD more_flags,
                                    PROCESS_INFORMATION *child)
{
    DWORD code = set_attributes(creation, request);

    if (code != ERROR_SUCCESS)
        return code;
    creation->startup.StartupInfo.cb = sizeof creation->startup;
    return create(creation, request, more_flags | EXTENDED_STARTUPINFO_PRESENT, child);
}

static BOOL expose(const struct creation *creation, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (!SetHandleInformation(creation->handles[i], HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT))
            return FALSE;
    }
    return TRUE;
}

static void make_private(HANDLE handle)
{
    SetHandleInformation(handle, HANDLE_FLAG_INHERIT, 0);
}

/* By plain inheritance. That is safe here, because the passes' handles become the only inheritable ones of this
 * process, whatever it was given by whoever started it. */
static DWORD create_without_attributes(struct creation *creation, const struct request *request, DWORD more_flags,
                                       PROCESS_INFORMATION *child)
{
    creation->listed_job = NULL;
    creation->startup.StartupInfo.cb = sizeof creation->startup.StartupInfo;
    if (creation->inherited > 0) {
        visit_inheritable(make_private);
        if (!expose(creation, creation->inherited))
            return GetLastError();
    }
    return create(creation, request, more_flags, child);
}

static DWORD create_suspended(struct creation *creation, const struct request *request, DWORD more_flags,
                              PROCESS_INFORMATION *child)
{
    BOOL with_more = request->attribute_count > 0 || creation->jobs > 0; /* than we can do without */
    DWORD code = ERROR_CALL_NOT_IMPLEMENTED;

    if (creation->inherited > 0 || creation->listed_job != NULL || with_more)
        code = create_with_attributes(creation, request, more_flags, child);
    /* Windows 7 and Server 2008 R2 refuse some console and pipe handles in a list (Git's
     * compat/mingw.c; rprichard/win32-console-docs). */
    if ((code == ERROR_CALL_NOT_IMPLEMENTED || code == ERROR_NO_SYSTEM_RESOURCES) && !with_more)
        code = create_without_attributes(creation, request, more_flags, child);
    return code;
}

/* Afterwards it is gone: who looks for children of ours finds none. */
static void end_suspended(const PROCESS_INFORMATION *child)
{
    TerminateProcess(child->hProcess, ERROR_PROCESS_ABORTED);
    WaitForSingleObject(child->hProcess, 5000);
    CloseHandle(child->hThread);
    CloseHandle(child->hProcess);
}

/* ---- the job ---- */

/* Before Windows 8 a process has one job. Where ours is the Program Compatibility Assistant's (Vista and 7), which lets
 * go who asks for it, another child replaces the one that cannot join the job. Else the child stays outside. */
static void replace_outside(struct creation *creation, const struct request *request, HANDLE job,
                            PROCESS_INFORMATION *child)
{
    PROCESS_INFORMATION other;

    if (create_suspended(creation, request, CREATE_BREAKAWAY_FROM_JOB, &other) != ERROR_SUCCESS)
        return;
    if (AssignProcessToJobObject(job, other.hProcess)) {
        end_suspended(child);
        *child = other;
    } else {
        end_suspended(&other);
    }
}

static DWORD create_in_job(struct creation *creation, const struct request *request, HANDLE job,
                           PROCESS_INFORMATION *child)
{
    DWORD code;

    creation->listed_job = job;
    code = create_suspended(creation, request, 0, child);
    if (code == ERROR_ACCESS_DENIED && creation->listed_job != NULL) { /* the job's refusal, or it comes again */
        creation->listed_job = NULL;
        code = create_suspended(creation, request, 0, child);
    }
    if (code == ERROR_SUCCESS && job != creation->listed_job && !AssignProcessToJobObject(job, child->hProcess))
        replace_outside(creation, request, job, child);
    return code;
}

/* ---- the descriptor block, which has the width of the child's pointers ---- */

typedef BOOL(WINAPI *wow64_function)(HANDLE, BOOL *);

/* FALSE if it cannot be told. */
static BOOL ask_wow64(HANDLE process, BOOL *wow64)
{
    wow64_function ask = (wow64_function)function_of(L"kernel32.dll", "IsWow64Process");

    return ask != NULL && ask(process, wow64);
}

/* 32-bit programs on 64-bit Windows run under WOW64, and all others have the width of Windows. */
static uint32_t pointer_of(HANDLE process, uint32_t guess)
{
    BOOL windows_has_64 = sizeof(void *) == 8, wow64;

    if ((!windows_has_64 && !ask_wow64(GetCurrentProcess(), &windows_has_64)) || !ask_wow64(process, &wow64))
        return guess;
    return windows_has_64 && !wow64 ? 8 : 4;
}

/* A guess, from the file's name alone for what is not there under it; the child knows. */
static uint32_t guess_pointer(const wchar_t *program)
{
    enum { SCS_64BIT = 6 };
    DWORD type;

    if (!GetBinaryTypeW(program, &type))
        return sizeof(void *);
    return type == SCS_64BIT ? 8 : 4;
}

static void set_descriptor_flags(struct request *request)
{
    for (uint32_t i = 0; i < request->pass_count; i++) {
        struct pass *pass = &request->passes[i];

        if (pass->descriptor != 0 && pass->crt_flags == 0)
            pass->crt_flags = descriptor_flags(handle_from_number(pass->number));
    }
}

static DWORD set_block(struct creation *creation, const struct request *request, uint32_t pointer)
{
    STARTUPINFOW *startup = &creation->startup.StartupInfo;
    uint32_t size = fdblock_make(NULL, 0, pointer, request);

    if (size == 0)
        return ERROR_SUCCESS;
    if (size > FDBLOCK_MOST)
        return ERROR_TOO_MANY_OPEN_FILES;
    if (creation->block == NULL)
        creation->block = allocate(FDBLOCK_MOST);
    if (creation->block == NULL)
        return ERROR_NOT_ENOUGH_MEMORY;
    fdblock_make(creation->block, FDBLOCK_MOST, pointer, request);
    startup->lpReserved2 = creation->block;
    startup->cbReserved2 = (WORD)size;
    return ERROR_SUCCESS;
}

/* If the guess was wrong the child, which has not run, is made anew with the right width. */
static DWORD create_with_block(struct creation *creation, const struct request *request, HANDLE job,
                               PROCESS_INFORMATION *child)
{
    BOOL has_block = fdblock_make(NULL, 0, 8, request) != 0;
    uint32_t pointer = has_block ? guess_pointer(creation->program.at) : sizeof(void *);
    DWORD code = set_block(creation, request, pointer);

    if (code == ERROR_SUCCESS)
        code = create_in_job(creation, request, job, child);
    if (code != ERROR_SUCCESS || !has_block || pointer_of(child->hProcess, pointer) == pointer)
        return code;
    end_suspended(child);
    code = set_block(creation, request, pointer ^ 4 ^ 8);
    return code == ERROR_SUCCESS ? create_in_job(creation, request, job, child) : code;
}

/* ---- numbers ---- */

/* Of the passes that are to be put into the child, the one with the lowest number; NULL: there is none left. */
static struct pass *next_to_put(const struct request *request)
{
    struct pass *next = NULL;

    for (uint32_t i = 0; i < request->pass_count; i++) {
        struct pass *pass = &request->passes[i];

        if ((pass->flags & PASS_APART) != 0 && (next == NULL || pass->wanted < next->wanted))
            next = pass;
    }
    return next;
}

/* What could not be put under its number here, in the order of the numbers, as a new table gives them. Once it is there
 * it is closed here. */
static BOOL put_passes(const struct request *request, HANDLE child, struct failure *failure)
{
    struct pass *pass;
    bool *notes = NULL;
    DWORD code = ERROR_SUCCESS;

    while (code == ERROR_SUCCESS && (pass = next_to_put(request)) != NULL) {
        if (notes == NULL)
            notes = make_notes();
        code =
            put_under(child, handle_from_number(pass->number), (pass->flags & PASS_SEALED) == 0, pass->wanted, notes);
        if (code == ERROR_SUCCESS) {
            CloseHandle(handle_from_number(pass->number));
            pass->number = 0;
            pass->flags = 0;
        } else {
            fail(failure, HANDOFF_STAGE_NUMBER, (uint32_t)(pass - request->passes), code);
        }
    }
    close_noted(child, notes);
    return code == ERROR_SUCCESS;
}

/* ---- sealing ---- */

/* Takes what lies at `from` out of the child and puts it under its number again. */
static DWORD put_back(HANDLE child, HANDLE from, uint32_t number)
{
    HANDLE handle;
    DWORD code = steal(child, handle_number(from), FALSE, &handle);

    if (code != ERROR_SUCCESS)
        return code;
    code = put_under(child, handle, FALSE, number, NULL);
    CloseHandle(handle);
    return code;
}

/*
 * There is no way to clear the inherit flag of a handle in another process. But it can be replaced by one that is not
 * inheritable, which has as a rule the number that becomes free by that: not on Windows 7 and before, nor on others
 * if that number has neighbours that are freer.
 */
static DWORD seal(HANDLE child, uint32_t number)
{
    HANDLE there = NULL;

    if (!DuplicateHandle(child, handle_from_number(number), child, &there, 0, FALSE,
                         DUPLICATE_SAME_ACCESS | DUPLICATE_CLOSE_SOURCE))
        return GetLastError();
    return there == handle_from_number(number) ? ERROR_SUCCESS : put_back(child, there, number);
}

static BOOL seal_passes(const struct request *request, HANDLE child, struct failure *failure)
{
    for (uint32_t i = 0; i < request->pass_count; i++) {
        DWORD code = ERROR_SUCCESS;

        if ((request->passes[i].flags & (PASS_SEALED | PASS_JOB)) == PASS_SEALED)
            code = seal(child, request->passes[i].number);
        if (code != ERROR_SUCCESS)
            return fail(failure, HANDOFF_STAGE_SEAL, i, code);
    }
    return TRUE;
}

/*
 * Streams count only if something is inherited (rprichard/win32-console-docs, "CreateProcess (modern)"). If all that
 * there is will be put into the child later, and a stream is among it, that is inherited as well. NULL: there is no need.
 */
static const struct pass *find_listed_only(const struct request *request)
{
    const struct pass *stream = NULL;

    for (uint32_t i = 0; i < request->pass_count; i++) {
        const struct pass *pass = &request->passes[i];

        if ((pass->flags & (PASS_JOB | PASS_APART)) == 0)
            return NULL;
        if ((pass->flags & PASS_APART) != 0 && pass->streams != 0)
            stream = pass;
    }
    return stream;
}

/* The jobs in the order in which the caller lists them, since each is nested in the one before. What is put there later
 * is not to be inherited where there is no list either. */
static void list_handles(struct creation *creation, const struct request *request)
{
    const struct pass *listed_only = find_listed_only(request);

    creation->only_listed = listed_only != NULL ? listed_only->number : 0;
    for (uint32_t i = 0; i < request->pass_count; i++) {
        const struct pass *pass = &request->passes[i];

        if ((pass->flags & PASS_APART) != 0 && pass != listed_only)
            make_private(handle_from_number(pass->number));
        else if ((pass->flags & PASS_JOB) == 0)
            creation->handles[creation->inherited++] = handle_from_number(pass->number);
    }
    for (uint32_t i = 0; i < request->pass_count; i++) {
        if ((request->passes[i].flags & PASS_JOB) != 0)
            creation->handles[creation->inherited + creation->jobs++] = handle_from_number(request->passes[i].number);
    }
}

static BOOL start(struct creation *creation, struct request *request, const struct terms *terms,
                  PROCESS_INFORMATION *child, struct failure *failure)
{
    DWORD code = ERROR_SUCCESS;

    give_startup(request, &creation->startup.StartupInfo);
    set_streams(&creation->startup.StartupInfo, request);
    set_descriptor_flags(request);
    list_handles(creation, request);
    if (!expose(creation, terms->exposed))
        code = GetLastError();
    if (code == ERROR_SUCCESS)
        code = create_with_block(creation, request, terms->job, child);
    if (code != ERROR_SUCCESS)
        return fail(failure, HANDOFF_STAGE_CREATE, HANDOFF_NO_PASS, code);
    if (put_passes(request, child->hProcess, failure) && seal_passes(request, child->hProcess, failure)) {
        if (creation->only_listed != 0)
            close_in(child->hProcess, creation->only_listed);
        return TRUE;
    }
    end_suspended(child);
    return FALSE;
}

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
    creation->program.capacity = room(request->application, 1, CMD_CAPACITY);
    memory = allocate(handles + (creation->program.capacity + creation->line.capacity) * sizeof(wchar_t));
    if (memory == NULL)
        return fail(failure, HANDOFF_STAGE_CREATE, HANDOFF_NO_PASS, ERROR_NOT_ENOUGH_MEMORY);
    creation->handles = (HANDLE *)(void *)memory;
    creation->program.at = (wchar_t *)(void *)(memory + handles);
    if (request->command_line != NULL)
        creation->line.at = creation->program.at + creation->program.capacity;
    return TRUE;
}

BOOL create_child(struct request *request, const struct terms *terms, PROCESS_INFORMATION *child,
                  struct failure *failure)
{
    struct creation creation;
    BOOL done = FALSE;

    memset(&creation, 0, sizeof creation);
    if (allocate_creation(&creation, request, failure)) {
        done = rewrite(&creation, request, failure) && put_program(&creation, request, failure) &&
               wrap_batch(&creation, request, failure) && start(&creation, request, terms, child, failure);
        release(creation.block);
        release(creation.environment);
        release(creation.batch_line);
        release(creation.handles);
    }
    return done;
}
