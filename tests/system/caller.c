/* Nothing of the caller's process changes for others to see (G13), and what the library makes of a caller in an
 * unusual state. */
#include "talk.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

/* ---- the error mode ---- */

enum { LOOKING_THREADS = 2, LOOKUPS = 100 };

static DWORD WINAPI look_up_many(void *unused)
{
    struct handoff_request request = request_child(OWN_WIDTH, OWN_WIDTH, L"");
    PROCESS_INFORMATION child;
    struct handoff_error error;
    DWORD found = 0;

    (void)unused;
    request.command_line = L"no-such-program";
    for (int i = 0; i < LOOKUPS; i++)
        found += handoff_spawn(&request, &child, &error) || error.stage != HANDOFF_STAGE_FIND;
    return found;
}

/* Threads look for programs, each with a mode of its own meanwhile; this one sees the process' mode as it is. */
START_TEST(g13_the_error_mode_stays)
{
    const UINT before = SetErrorMode(SEM_NOGPFAULTERRORBOX);
    HANDLE threads[LOOKING_THREADS];
    DWORD strange = 0, code;

    for (int i = 0; i < LOOKING_THREADS; i++)
        ck_assert_ptr_nonnull(threads[i] = CreateThread(NULL, 0, look_up_many, NULL, 0, NULL));
    while (WaitForMultipleObjects(LOOKING_THREADS, threads, TRUE, 0) == WAIT_TIMEOUT)
        strange += GetErrorMode() != SEM_NOGPFAULTERRORBOX;
    strange += SetErrorMode(before) != SEM_NOGPFAULTERRORBOX;
    ck_assert_uint_eq(strange, 0);
    for (int i = 0; i < LOOKING_THREADS; i++) {
        ck_assert(GetExitCodeThread(threads[i], &code) && code == 0);
        CloseHandle(threads[i]);
    }
}
END_TEST

START_TEST(g13_the_error_mode_of_the_thread_comes_back)
{
    DWORD before, after;

    ck_assert(SetThreadErrorMode(SEM_NOOPENFILEERRORBOX, &before));
    ck_assert_uint_eq(look_up_many(NULL), 0);
    ck_assert(SetThreadErrorMode(before, &after));
    ck_assert_uint_eq(after, SEM_NOOPENFILEERRORBOX);
}
END_TEST

/* ---- impersonation ---- */

/* Only the token that nobody can open cannot be set aside. */
static const struct {
    SECURITY_IMPERSONATION_LEVEL level;
    DWORD code;
} levels[] = {{SecurityImpersonation, ERROR_SUCCESS},
              {SecurityIdentification, ERROR_SUCCESS},
              {SecurityAnonymous, ERROR_CANT_OPEN_ANONYMOUS}};

/* What a thread does that impersonates this process itself, and what becomes of it. */
struct impersonation {
    SECURITY_IMPERSONATION_LEVEL level;
    struct handoff_request request;
    PROCESS_INFORMATION child;
    struct handoff_error error;
    BOOL begun, spawned, lasts;
};

/* Whoever may not open the thread's token, as that of nobody, learns that there is one. */
static BOOL thread_impersonates(void)
{
    HANDLE token;

    if (!OpenThreadToken(GetCurrentThread(), TOKEN_QUERY, TRUE, &token))
        return GetLastError() != ERROR_NO_TOKEN;
    return CloseHandle(token);
}

static DWORD WINAPI spawn_impersonating(void *argument)
{
    struct impersonation *caller = argument;

    caller->begun = ImpersonateSelf(caller->level);
    caller->spawned = spawn_patiently(&caller->request, &caller->child, &caller->error);
    caller->lasts = thread_impersonates();
    return !RevertToSelf();
}

static void run_impersonating(struct impersonation *caller)
{
    HANDLE thread = CreateThread(NULL, 0, spawn_impersonating, caller, 0, NULL);
    DWORD code;

    ck_assert(WaitForSingleObject(thread, INFINITE) == WAIT_OBJECT_0);
    ck_assert(GetExitCodeThread(thread, &code) && code == 0);
    ck_assert(CloseHandle(thread) && caller->begun);
}

static void check_impersonating(struct impersonation *caller, DWORD code)
{
    const PROCESS_INFORMATION none = {NULL, NULL, 0, 0};
    HANDLE event = make_event();
    struct handoff_pass pass = {.name = L"h", .handle = event};
    DWORD before = count_own_handles();

    caller->request.passes = &pass;
    caller->request.pass_count = 1;
    run_impersonating(caller);
    ck_assert_msg(caller->lasts, "the thread impersonates nobody any more");
    ck_assert_msg(caller->error.code == code, "stage %lu, code %lu", caller->error.stage, caller->error.code);
    ck_assert_int_eq(caller->spawned, code == ERROR_SUCCESS);
    if (caller->spawned)
        ck_assert_uint_eq(finish_child(&caller->child), 0);
    else
        ck_assert(caller->error.stage == HANDOFF_STAGE_PREPARE && memcmp(&caller->child, &none, sizeof none) == 0);
    ck_assert_uint_eq(count_own_handles(), before);
    ck_assert_int_eq(is_set(event), caller->spawned);
    CloseHandle(event);
}

START_TEST(g13_a_thread_that_impersonates_spawns)
{
    for (int width = 0; width < WIDTH_COUNT; width++) {
        struct impersonation caller = {.level = levels[_i].level,
                                       .request = request_child(width, width, L"signal {h}")};

        check_impersonating(&caller, levels[_i].code);
        assert_nobody_left();
    }
}
END_TEST

START_TEST(g13_a_thread_that_impersonates_uses_a_resident_launcher)
{
    struct impersonation caller = {.level = levels[_i].level,
                                   .request = request_child(OWN_WIDTH, OWN_WIDTH, L"signal {h}")};

    for (int tries = 0; tries < START_TRIES && caller.request.resident == NULL; tries++)
        caller.request.resident = handoff_launcher_open(caller.request.launcher, NULL);
    ck_assert_ptr_nonnull(caller.request.resident);
    check_impersonating(&caller, levels[_i].code);
    handoff_launcher_close(caller.request.resident);
    assert_nobody_left();
}
END_TEST

/* The resident launcher is started, and the drop-in's program looked for, before there is a spawn. */
static DWORD WINAPI open_impersonating(void *argument)
{
    SECURITY_IMPERSONATION_LEVEL level = *(const SECURITY_IMPERSONATION_LEVEL *)argument;
    struct handoff_launcher *resident;
    struct handoff_error error = {0};
    STARTUPINFOW startup = {.cb = sizeof startup};
    wchar_t line[MAX_PATH + 16];
    PROCESS_INFORMATION child;
    DWORD codes[2] = {ERROR_SUCCESS, ERROR_SUCCESS};
    BOOL lasts;

    swprintf(line, ARRAYSIZE(line), L"\"%ls\" exit 0", program(OWN_WIDTH, L"child.exe"));
    if (!ImpersonateSelf(level))
        return GetLastError();
    resident = handoff_launcher_open(program(OWN_WIDTH, L"handoff-launcher.exe"), &error);
    codes[0] = error.code;
    if (handoff_CreateProcessW(NULL, line, NULL, NULL, TRUE, 0, NULL, NULL, &startup, &child))
        finish_child(&child);
    else
        codes[1] = GetLastError();
    lasts = thread_impersonates();
    RevertToSelf();
    handoff_launcher_close(resident);
    return !lasts || codes[0] != codes[1] ? ERROR_INVALID_FUNCTION : codes[0];
}

START_TEST(g13_a_thread_that_impersonates_opens_a_launcher_and_uses_the_drop_in)
{
    DWORD before = count_own_handles(), code;
    HANDLE thread = CreateThread(NULL, 0, open_impersonating, (void *)(UINT_PTR)&levels[_i].level, 0, NULL);

    ck_assert_uint_eq(WaitForSingleObject(thread, INFINITE), WAIT_OBJECT_0);
    ck_assert(GetExitCodeThread(thread, &code) && CloseHandle(thread));
    ck_assert_uint_eq(code, levels[_i].code);
    ck_assert_uint_eq(count_own_handles(), before);
    assert_nobody_left();
}
END_TEST

/* ---- descriptors ---- */

static const struct {
    DWORD flags;
    unsigned of_a_pipe, of_a_device; /* as the child's C runtime reads them */
} kinds[] = {
    {0, 0x09, 0x41},
    {HANDOFF_FILE, 0x01, 0x01},
    {HANDOFF_PIPE, 0x09, 0x09},
    {HANDOFF_DEVICE, 0x41, 0x41},
};

/* The flags of descriptor 3 in the block of a child that has this handle there. The launcher that asks the handle,
 * though the caller has said what it is, never comes back. */
static unsigned flags_in_child(int width, HANDLE handle, DWORD flags)
{
    struct handoff_pass pass = {.handle = handle, .descriptor = 3, .flags = flags};
    struct handoff_request request = request_child(width, width, L"");
    wchar_t line[1024];
    unsigned said = 0;
    DWORD size, code;
    char *text;

    swprintf(line, ARRAYSIZE(line), L"\"%ls\" - block", program(width, L"descriptor-child.exe"));
    request.command_line = line;
    request.launcher = program(width, L"faulty-launcher.exe");
    request.passes = &pass;
    request.pass_count = 1;
    SetEnvironmentVariableA("HANDOFF_FAULT", flags != 0 ? "mute" : "none");
    text = spawn_reading(&request, &size, &code);
    SetEnvironmentVariableA("HANDOFF_FAULT", NULL);
    ck_assert_uint_eq(code, 0);
    ck_assert_msg(strncmp(text, "block ", 6) == 0 && size > 22, "%s", text);
    ck_assert_int_eq(sscanf(text + 6 + 2 * (4 + 3), "%2x", &said), 1);
    free(text);
    return said;
}

/* Whoever says what it is need not have the handle asked, which can wait for ever. */
START_TEST(a_descriptor_is_what_the_caller_says)
{
    struct thing nul = nul_thing(TRUE);
    HANDLE read, write;

    make_pipe(&read, &write);
    for (int width = 0; width < WIDTH_COUNT; width++) {
        ck_assert_uint_eq(flags_in_child(width, read, kinds[_i].flags), kinds[_i].of_a_pipe);
        ck_assert_uint_eq(flags_in_child(width, nul.handle, kinds[_i].flags), kinds[_i].of_a_device);
    }
    CloseHandle(read);
    CloseHandle(write);
    close_thing(&nul);
}
END_TEST

/* ---- sealing ---- */

static const char *const sealers[] = {"none", "elsewhere", "nowhere"};

/* What came up while the number did not is taken back. */
static void assert_no_copies(struct handoff_request *request, const struct handoff_pass passes[3], const char *fault)
{
    PROCESS_INFORMATION child;

    request->passes = passes;
    request->pass_count = 3;
    request->creation_flags = CREATE_SUSPENDED;
    SetEnvironmentVariableA("HANDOFF_FAULT", fault);
    child = spawn_or_fail(request);
    SetEnvironmentVariableA("HANDOFF_FAULT", NULL);
    for (int i = 0; i < 3; i++)
        ck_assert_uint_eq(handles_of(child.dwProcessId, passes[i].handle), 1);
    TerminateProcess(child.hProcess, 0);
    finish_child(&child);
}

/* In one call where that gives the number again, and else by trying. */
START_TEST(a_sealed_handle_has_its_number)
{
    HANDLE events[3] = {make_event(), make_event(), make_event()};
    struct handoff_pass passes[3] = {{.name = L"a", .handle = events[0], .flags = HANDOFF_SEALED},
                                     {.name = L"b", .handle = events[1]},
                                     {.name = L"c", .handle = events[2], .flags = HANDOFF_SEALED}};
    wchar_t line[1024];

    for (int width = 0; width < WIDTH_COUNT; width++) {
        struct handoff_request request = request_child(width, width, L"");
        DWORD size, code;
        char *text;

        for (int i = 0; i < 3; i++)
            ResetEvent(events[i]);
        swprintf(line, ARRAYSIZE(line), L"\"%ls\" - handle {a} handle {b} handle {c} signal {a} signal {b} signal {c}",
                 program(width, L"descriptor-child.exe"));
        request.command_line = line;
        request.launcher = program(width, L"faulty-launcher.exe");
        request.passes = passes;
        request.pass_count = 3;
        SetEnvironmentVariableA("HANDOFF_FAULT", sealers[_i]);
        text = spawn_reading(&request, &size, &code);
        SetEnvironmentVariableA("HANDOFF_FAULT", NULL);
        ck_assert_uint_eq(code, 0);
        ck_assert_str_eq(text, "not inheritable\ninheritable\nnot inheritable\n");
        for (int i = 0; i < 3; i++)
            ck_assert(is_set(events[i]));
        free(text);
        assert_no_copies(&request, passes, sealers[_i]);
    }
    for (int i = 0; i < 3; i++)
        CloseHandle(events[i]);
    assert_nobody_left();
}
END_TEST

/* ---- attributes ---- */

/* As UpdateProcThreadAttribute makes it, on any Windows. */
static struct {
    DWORD present, capacity, count, reserved;
    void *extended_flags;
    struct {
        DWORD_PTR id;
        SIZE_T size;
        const void *value;
    } attributes[16];
} attribute_list;

static void list_attribute(DWORD_PTR id, const void *value, SIZE_T size)
{
    attribute_list.attributes[attribute_list.count].id = id;
    attribute_list.attributes[attribute_list.count].size = size;
    attribute_list.attributes[attribute_list.count].value = value;
    attribute_list.capacity = ++attribute_list.count;
}

enum { JOB_LIST = 0x2000D };

static void empty_list(void)
{
    memset(&attribute_list, 0, sizeof attribute_list);
}

/* It is this process' user's, since Windows lets nobody make another the owner; for its list of rights see rights.c. */
struct described {
    SECURITY_DESCRIPTOR descriptor;
    _Alignas(8) char user[256];
    _Alignas(8) char in_one_piece[256];
};

static void describe(struct described *described)
{
    TOKEN_USER *user = (TOKEN_USER *)(void *)described->user;
    HANDLE token;
    DWORD size;

    ck_assert(OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &token));
    ck_assert(GetTokenInformation(token, TokenUser, user, sizeof described->user, &size) && CloseHandle(token));
    ck_assert(InitializeSecurityDescriptor(&described->descriptor, SECURITY_DESCRIPTOR_REVISION));
    ck_assert(SetSecurityDescriptorOwner(&described->descriptor, user->User.Sid, FALSE));
    size = sizeof described->in_one_piece;
    ck_assert(MakeSelfRelativeSD(&described->descriptor, described->in_one_piece, &size));
}

static void assert_arrived(const wchar_t *bytes, const struct described *described)
{
    wchar_t expected[1024] = L"", *to = expected;

    for (DWORD i = 0; i < GetSecurityDescriptorLength((void *)(UINT_PTR)described->in_one_piece); i++)
        to += swprintf(to, 3, L"%02x", (unsigned char)described->in_one_piece[i]);
    wcscpy(to, L" none "); /* the thread's */
    ck_assert_msg(wcscmp(bytes, expected) == 0, "%ls, not %ls", bytes, expected);
}

/* All that pass through arrive as they are, in their order, also those of which nothing is known, and the descriptors
 * of process and thread. */
START_TEST(attributes_arrive)
{
    static const unsigned char bytes[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
    static const wchar_t attributes[] =
        L"20007:0102030405060708090a0b0c0d0e0f10 20004:0102 2000b:02030405 2000e:03040506 "
        L"20012:04050607 30003:0102030405060708090a0b0c 30005:05060708 20018:0102030405060708 20019:0304 "
        L"3001b:02030405 "
        L"2001e:01020304 20099:0102030405 ";
    struct described described;
    SECURITY_ATTRIBUTES process = {.nLength = sizeof process, .lpSecurityDescriptor = &described.descriptor};
    SECURITY_ATTRIBUTES thread = {.nLength = sizeof thread};
    struct handoff_request request = request_child(_i, _i, L"variable HANDOFF_NOTED");
    DWORD size, code;
    char *text;

    describe(&described);
    empty_list();
    list_attribute(0x20007, bytes, 16);
    list_attribute(0x20004, bytes, 2);
    list_attribute(0x2000B, bytes + 1, 4);
    list_attribute(PROC_THREAD_ATTRIBUTE_HANDLE_LIST, bytes, 16); /* not read */
    list_attribute(0x2000E, bytes + 2, 4);
    list_attribute(0x20012, bytes + 3, 4);
    list_attribute(0x30003, bytes, 12);
    list_attribute(0x30005, bytes + 4, 4);
    list_attribute(0x20018, bytes, 8);
    list_attribute(0x20019, bytes + 2, 2);
    list_attribute(0x3001B, bytes + 1, 4);
    list_attribute(0x2001E, bytes, 4);
    list_attribute(0x20099, bytes, 5);
    request.launcher = program(_i, L"faulty-launcher.exe");
    request.attributes = (void *)&attribute_list;
    request.process_security = &process;
    request.thread_security = &thread;
    SetEnvironmentVariableA("HANDOFF_FAULT", "note");
    text = spawn_reading(&request, &size, &code);
    SetEnvironmentVariableA("HANDOFF_FAULT", NULL);
    ck_assert_uint_eq(code, 0);
    ck_assert_msg(wcsncmp((wchar_t *)(void *)text, attributes, wcslen(attributes)) == 0, "%ls",
                  (wchar_t *)(void *)text);
    assert_arrived((wchar_t *)(void *)text + wcslen(attributes), &described);
    free(text);
    assert_nobody_left();
}
END_TEST

static const struct {
    DWORD_PTR id;
    SIZE_T size;
    const wchar_t *subject;
} personal[] = {
    {0x20000, sizeof(HANDLE), L"PROC_THREAD_ATTRIBUTE_PARENT_PROCESS"},
    {0x20016, sizeof(HANDLE), L"PROC_THREAD_ATTRIBUTE_PSEUDOCONSOLE"},
    {0x2000D, 0, L"PROC_THREAD_ATTRIBUTE_JOB_LIST"},
    {0x2000D, sizeof(HANDLE) + 1, L"PROC_THREAD_ATTRIBUTE_JOB_LIST"},
    {0x20009, 24, L"PROC_THREAD_ATTRIBUTE_SECURITY_CAPABILITIES"},
    {0x2000A, sizeof(HANDLE), L"PROC_THREAD_ATTRIBUTE_CONSOLE_REFERENCE"},
    {0x20017, 56, L"PROC_THREAD_ATTRIBUTE_ISOLATION_MANIFEST"},
    {0x30006, 24, L"PROC_THREAD_ATTRIBUTE_UMS_THREAD"},
    {0x20007, 0, L"PROC_THREAD_ATTRIBUTE_MITIGATION_POLICY"},
    {0x20099, 1025, L"PROC_THREAD_ATTRIBUTE_0x20099"},
    {0x20004, 0x10002, L"PROC_THREAD_ATTRIBUTE_PREFERRED_NODE"},
};

START_TEST(g11_attributes_that_do_not_pass_are_named)
{
    static const unsigned char value[2048];
    struct handoff_request request = request_child(OWN_WIDTH, OWN_WIDTH, L"exit 0");
    struct handoff_error error;
    PROCESS_INFORMATION child;

    empty_list();
    list_attribute(personal[_i].id, value, personal[_i].size);
    request.attributes = (void *)&attribute_list;
    ck_assert(!handoff_spawn(&request, &child, &error));
    ck_assert_uint_eq(error.stage, HANDOFF_STAGE_REQUEST);
    ck_assert_uint_eq(error.code, ERROR_NOT_SUPPORTED);
    ck_assert_msg(wcscmp(error.subject, personal[_i].subject) == 0, "%ls", error.subject);
    assert_nobody_left();
}
END_TEST

/* No Windows has an attribute of this number. The error is UpdateProcThreadAttribute's own, and says nothing of batch
 * files, as it once did. */
START_TEST(g11_an_attribute_that_windows_does_not_know_is_named)
{
    static const unsigned char value[4];
    struct handoff_request request = request_child(_i, _i, L"exit 0");
    struct handoff_error error;
    PROCESS_INFORMATION child;
    wchar_t text[512];

    empty_list();
    list_attribute(0x20099, value, sizeof value);
    request.attributes = (void *)&attribute_list;
    ck_assert(!handoff_spawn(&request, &child, &error));
    ck_assert_uint_eq(error.stage, HANDOFF_STAGE_ATTRIBUTE);
    ck_assert_uint_eq(error.pass, HANDOFF_NO_PASS);
    handoff_error_text(&error, text, ARRAYSIZE(text));
    ck_assert_msg(wcsstr(text, L"does not take the attribute 'PROC_THREAD_ATTRIBUTE_0x20099': Win32 error ") != NULL &&
                      wcsstr(text, L"batch") == NULL,
                  "%ls", text);
    assert_nobody_left();
}
END_TEST

/* ---- jobs ---- */

static void list_jobs(struct handoff_request *request, const HANDLE *jobs, SIZE_T count, int width, const char *fault)
{
    empty_list();
    list_attribute(JOB_LIST, jobs, count * sizeof *jobs);
    request->attributes = (void *)&attribute_list;
    request->launcher = program(width, L"faulty-launcher.exe");
    SetEnvironmentVariableA("HANDOFF_FAULT", fault);
}

/* From before its first instruction on, in all of them, each nested in the one before: the first has a member, and so
 * it cannot be nested any more. And the child has no handle of theirs, sealed or not, though it has what it is
 * passed. */
START_TEST(a_child_is_created_in_its_jobs)
{
    HANDLE jobs[] = {CreateJobObjectW(NULL, NULL), CreateJobObjectW(NULL, NULL)}, event = make_event();
    struct handoff_pass pass = {.name = L"h", .handle = event};
    wchar_t line[MAX_PATH];
    PROCESS_INFORMATION member = start_program(wcscpy(line, program(OWN_WIDTH, L"child.exe")), NULL, CREATE_SUSPENDED);

    ck_assert(AssignProcessToJobObject(jobs[0], member.hProcess));

    for (int width = 0; width < WIDTH_COUNT; width++) {
        struct handoff_request request = request_child(width, width, L"signal {h}");
        PROCESS_INFORMATION child;
        BOOL in[2] = {FALSE, FALSE};

        request.passes = &pass;
        request.pass_count = 1;
        request.seal_all = _i != 0;
        request.creation_flags = CREATE_SUSPENDED;
        list_jobs(&request, jobs, ARRAYSIZE(jobs), width, "strict");
        child = spawn_or_fail(&request);
        SetEnvironmentVariableA("HANDOFF_FAULT", NULL);
        for (int i = 0; i < 2; i++) {
            ck_assert(IsProcessInJob(child.hProcess, jobs[i], &in[i]) && in[i]);
            ck_assert(!process_has(child.dwProcessId, jobs[i]));
        }
        ResumeThread(child.hThread);
        ck_assert_uint_eq(finish_child(&child), 0);
        ck_assert(is_set(event));
        ResetEvent(event);
    }
    TerminateProcess(member.hProcess, 0);
    finish_child(&member);
    CloseHandle(event);
    CloseHandle(jobs[0]);
    CloseHandle(jobs[1]);
    assert_nobody_left();
}
END_TEST

static const struct {
    const char *fault;
    DWORD stage, code;
    BOOL closed;
} jobless[] = {
    {"jobless", HANDOFF_STAGE_ATTRIBUTE, ERROR_NOT_SUPPORTED, FALSE}, /* as UpdateProcThreadAttribute has it there */
    {"old", HANDOFF_STAGE_CREATE, ERROR_CALL_NOT_IMPLEMENTED, FALSE},
    {"none", HANDOFF_STAGE_DUPLICATE, ERROR_INVALID_HANDLE, TRUE},
};

START_TEST(no_child_outside_its_job)
{
    HANDLE job = CreateJobObjectW(NULL, NULL);
    struct handoff_request request = request_child(OWN_WIDTH, OWN_WIDTH, L"exit 0");
    PROCESS_INFORMATION child;
    struct handoff_error error;

    if (jobless[_i].closed)
        CloseHandle(job);
    list_jobs(&request, &job, 1, OWN_WIDTH, jobless[_i].fault);
    ck_assert(!spawn_patiently(&request, &child, &error));
    SetEnvironmentVariableA("HANDOFF_FAULT", NULL);
    ck_assert_uint_eq(error.stage, jobless[_i].stage);
    ck_assert_uint_eq(error.code, jobless[_i].code);
    ck_assert_uint_eq(error.pass, HANDOFF_NO_PASS);
    if (jobless[_i].closed)
        ck_assert_msg(wcscmp(error.subject, L"PROC_THREAD_ATTRIBUTE_JOB_LIST") == 0, "%ls", error.subject);
    else
        CloseHandle(job);
    assert_nobody_left();
}
END_TEST

/* ---- requests that make no sense ---- */

static void assert_names(const struct handoff_error *error, const wchar_t *field)
{
    ck_assert_uint_eq(error->code, ERROR_INVALID_PARAMETER);
    ck_assert_uint_eq(error->stage, HANDOFF_STAGE_REQUEST);
    ck_assert_uint_eq(error->pass, HANDOFF_NO_PASS);
    ck_assert_msg(wcscmp(error->subject, field) == 0, "%ls, not %ls", error->subject, field);
}

/* What an earlier version does not have is not read. */
START_TEST(a_request_of_an_earlier_version)
{
    struct handoff_trace trace = {.launcher_id = 0};
    struct handoff_request request = request_child(_i, _i, L"exit 7");
    PROCESS_INFORMATION child;

    request.trace = &trace;
    request.cb = offsetof(struct handoff_request, process_security);
    memset((char *)&request + request.cb, 0x55, sizeof request - request.cb);
    child = spawn_or_fail(&request);
    ck_assert_uint_eq(finish_child(&child), 7);
    ck_assert_uint_ne(trace.launcher_id, 0);
}
END_TEST

START_TEST(g11_a_request_of_no_version)
{
    static const DWORD sizes[] = {0,
                                  4,
                                  sizeof(struct handoff_request) - 1,
                                  sizeof(struct handoff_request) + 1,
                                  offsetof(struct handoff_request, process_security) - 1,
                                  offsetof(struct handoff_request, process_security) + 1,
                                  0xFFFFFFFF};
    struct handoff_request request = request_child(OWN_WIDTH, OWN_WIDTH, L"exit 7");
    struct handoff_error error;
    PROCESS_INFORMATION child;

    for (size_t i = 0; i < ARRAYSIZE(sizes); i++) {
        request.cb = sizes[i];
        ck_assert(!handoff_spawn(&request, &child, &error));
        assert_names(&error, L"cb");
    }
}
END_TEST

START_TEST(g11_null_is_refused)
{
    struct handoff_request request = request_child(OWN_WIDTH, OWN_WIDTH, L"exit 0");
    STARTUPINFOW startup = {.cb = sizeof startup};
    struct handoff_error error;
    PROCESS_INFORMATION child;
    HANDLE event = make_event();
    wchar_t text[8] = L"x", line[] = L"cmd /c exit";

    ck_assert(!handoff_spawn(NULL, &child, &error) && GetLastError() == ERROR_INVALID_PARAMETER);
    assert_names(&error, L"request");
    ck_assert(child.hProcess == NULL);
    ck_assert(!handoff_spawn(&request, NULL, &error) && GetLastError() == ERROR_INVALID_PARAMETER);
    assert_names(&error, L"child");
    ck_assert(!handoff_spawn(NULL, NULL, NULL) && GetLastError() == ERROR_INVALID_PARAMETER);
    for (BOOL inherit = FALSE; inherit <= TRUE; inherit++) {
        ck_assert(!handoff_CreateProcessW(NULL, line, NULL, NULL, inherit, 0, NULL, NULL, NULL, &child) &&
                  GetLastError() == ERROR_INVALID_PARAMETER);
        ck_assert(!handoff_CreateProcessW(NULL, line, NULL, NULL, inherit, 0, NULL, NULL, &startup, NULL) &&
                  GetLastError() == ERROR_INVALID_PARAMETER);
    }
    ck_assert(handoff_offer(event, NULL) == NULL && GetLastError() == ERROR_INVALID_PARAMETER);
    ck_assert(!handoff_take(NULL, &event) && GetLastError() == ERROR_INVALID_PARAMETER);
    ck_assert(!handoff_take(L"1:2:3:4", NULL) && GetLastError() == ERROR_INVALID_PARAMETER);
    ck_assert(!handoff_withdraw(NULL));
    ck_assert(handoff_error_text(NULL, text, ARRAYSIZE(text)) == 0);
    ck_assert(handoff_error_text(&error, NULL, 8) == 0);
    handoff_launcher_close(NULL);
    assert_nobody_left();
}
END_TEST

/* What the drop-in says of it. */
static DWORD code_of_call(const wchar_t *application, const wchar_t *directory, SECURITY_ATTRIBUTES *process,
                          SECURITY_ATTRIBUTES *thread, void *attributes)
{
    STARTUPINFOEXW startup = {.StartupInfo.cb = sizeof startup, .lpAttributeList = attributes};
    wchar_t line[] = L"cmd /c exit";
    PROCESS_INFORMATION child;

    if (!handoff_CreateProcessW(application, line, process, thread, TRUE, EXTENDED_STARTUPINFO_PRESENT, NULL, directory,
                                &startup.StartupInfo, &child))
        return GetLastError();
    finish_child(&child);
    return ERROR_SUCCESS;
}

START_TEST(g11_a_path_that_is_empty)
{
    static const struct {
        size_t at;
        const wchar_t *field;
    } paths[] = {{offsetof(struct handoff_request, application), L"application"},
                 {offsetof(struct handoff_request, directory), L"directory"},
                 {offsetof(struct handoff_request, launcher), L"launcher"}};
    struct handoff_error error;
    PROCESS_INFORMATION child;

    for (size_t i = 0; i < ARRAYSIZE(paths); i++) {
        struct handoff_request request = request_child(OWN_WIDTH, OWN_WIDTH, L"exit 0");

        *(const wchar_t **)(void *)((char *)&request + paths[i].at) = L"";
        ck_assert(!handoff_spawn(&request, &child, &error));
        assert_names(&error, paths[i].field);
    }
    ck_assert_uint_eq(code_of_call(L"", NULL, NULL, NULL, NULL), ERROR_PATH_NOT_FOUND);
    ck_assert_uint_eq(code_of_call(NULL, L"", NULL, NULL, NULL), ERROR_DIRECTORY);
    assert_nobody_left();
}
END_TEST

/* A handle list is read by the drop-in alone. */
START_TEST(g11_an_attribute_without_its_value)
{
    static const DWORD_PTR ids[] = {0x20007, JOB_LIST, PROC_THREAD_ATTRIBUTE_HANDLE_LIST};
    struct handoff_request request = request_child(OWN_WIDTH, OWN_WIDTH, L"exit 0");
    struct handoff_error error;
    PROCESS_INFORMATION child;

    request.attributes = (void *)&attribute_list;
    for (size_t i = 0; i < ARRAYSIZE(ids); i++) {
        empty_list();
        list_attribute(ids[i], NULL, sizeof(HANDLE));
        if (ids[i] != PROC_THREAD_ATTRIBUTE_HANDLE_LIST) {
            ck_assert(!handoff_spawn(&request, &child, &error));
            assert_names(&error, L"attributes");
        }
        ck_assert_uint_eq(code_of_call(NULL, NULL, NULL, NULL, &attribute_list), ERROR_NOACCESS);
    }
    attribute_list.capacity = 0; /* and there is one all the same */
    ck_assert(!handoff_spawn(&request, &child, &error));
    assert_names(&error, L"attributes");
    assert_nobody_left();
}
END_TEST

START_TEST(g11_a_security_descriptor_that_is_none)
{
    SECURITY_DESCRIPTOR descriptor = {.Revision = 9};
    SECURITY_ATTRIBUTES security = {.nLength = sizeof security, .lpSecurityDescriptor = &descriptor};
    struct handoff_request request = request_child(OWN_WIDTH, OWN_WIDTH, L"exit 0");
    struct handoff_error error;
    PROCESS_INFORMATION child;

    request.thread_security = &security;
    ck_assert(!handoff_spawn(&request, &child, &error));
    assert_names(&error, L"thread_security");
    request.process_security = &security;
    ck_assert(!handoff_spawn(&request, &child, &error));
    assert_names(&error, L"process_security");
    ck_assert_uint_eq(code_of_call(NULL, NULL, &security, NULL, NULL), ERROR_UNKNOWN_REVISION);
    ck_assert_uint_eq(code_of_call(NULL, NULL, NULL, &security, NULL), ERROR_UNKNOWN_REVISION);
    assert_nobody_left();
}
END_TEST

Suite *caller_suite(void)
{
    Suite *suite = suite_create("caller");
    TCase *tcase = tcase_create("caller"), *races = tcase_create("races with the caller");

    tcase_add_checked_fixture(races, use_all_processors, use_own_processors);
    tcase_add_test(races, g13_the_error_mode_stays);
    suite_add_tcase(suite, races);
    tcase_add_test(tcase, g13_the_error_mode_of_the_thread_comes_back);
    tcase_add_loop_test(tcase, g13_a_thread_that_impersonates_spawns, 0, ARRAYSIZE(levels));
    tcase_add_loop_test(tcase, g13_a_thread_that_impersonates_uses_a_resident_launcher, 0, ARRAYSIZE(levels));
    tcase_add_loop_test(tcase, g13_a_thread_that_impersonates_opens_a_launcher_and_uses_the_drop_in, 0,
                        ARRAYSIZE(levels));
    tcase_add_loop_test(tcase, a_descriptor_is_what_the_caller_says, 0, ARRAYSIZE(kinds));
    tcase_add_loop_test(tcase, a_sealed_handle_has_its_number, 0, ARRAYSIZE(sealers));
    tcase_add_loop_test(tcase, attributes_arrive, 0, WIDTH_COUNT);
    tcase_add_loop_test(tcase, g11_attributes_that_do_not_pass_are_named, 0, ARRAYSIZE(personal));
    tcase_add_loop_test(tcase, g11_an_attribute_that_windows_does_not_know_is_named, 0, WIDTH_COUNT);
    tcase_add_loop_test(tcase, a_child_is_created_in_its_jobs, 0, 2);
    tcase_add_loop_test(tcase, no_child_outside_its_job, 0, ARRAYSIZE(jobless));
    tcase_add_loop_test(tcase, a_request_of_an_earlier_version, 0, WIDTH_COUNT);
    tcase_add_test(tcase, g11_a_request_of_no_version);
    tcase_add_test(tcase, g11_null_is_refused);
    tcase_add_test(tcase, g11_a_path_that_is_empty);
    tcase_add_test(tcase, g11_an_attribute_without_its_value);
    tcase_add_test(tcase, g11_a_security_descriptor_that_is_none);
    suite_add_tcase(suite, tcase);
    return suite;
}
