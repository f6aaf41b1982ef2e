/*
 * Hostile neighbours: pipes that somebody else would have, processes that may not be opened, strangers who reach for a
 * launcher (G3, G9).
 */
#include "closed.h"
#include "handle_table.h"
#include "talk.h"

#include <tlhelp32.h>

#include <stdio.h>
#include <string.h>
#include <wchar.h>

static struct result result;

/* ---- the pipe of a relay ---- */

/* The product's own source, with a name that can be foreseen, and as it may be on Windows. */
#include "pipe.h"
#include "text.h"

static uint64_t foreseen_nonce(void)
{
    return 0x1234567890abcdef;
}

static struct {
    BOOL is_old;       /* knows no remote clients */
    BOOL is_guarded;   /* only what is LOCAL may be made */
    BOOL in_container; /* and this process is in an app container */
    BOOL is_busy;      /* somebody is quicker to connect */
    HANDLE intruder;
    DWORD modes; /* that a pipe was to be made with */
} beside;

static const wchar_t local_pipes[] = L"\\\\.\\pipe\\LOCAL\\";

static HANDLE WINAPI create_named_pipe(const wchar_t *name, DWORD flags, DWORD mode, DWORD instances, DWORD out_size,
                                       DWORD in_size, DWORD timeout, SECURITY_ATTRIBUTES *security)
{
    beside.modes |= mode;
    if (beside.is_guarded && wcsncmp(name, local_pipes, wcslen(local_pipes)) != 0) {
        SetLastError(ERROR_ACCESS_DENIED);
        return INVALID_HANDLE_VALUE;
    }
    if (beside.is_old && (mode & PIPE_REJECT_REMOTE_CLIENTS) != 0) {
        SetLastError(ERROR_INVALID_PARAMETER);
        return INVALID_HANDLE_VALUE;
    }
    return CreateNamedPipeW(name, flags, mode, instances, out_size, in_size, timeout, security);
}

static HANDLE WINAPI connect_second(const wchar_t *name, DWORD access, DWORD share, SECURITY_ATTRIBUTES *security,
                                    DWORD disposition, DWORD flags, HANDLE other)
{
    if (beside.is_busy)
        beside.intruder = CreateFileW(name, access, share, security, disposition, flags, other);
    return CreateFileW(name, access, share, security, disposition, flags, other);
}

static LONG WINAPI query_token(HANDLE token, TOKEN_INFORMATION_CLASS kind, void *information, ULONG size, ULONG *used)
{
    if (token != (HANDLE)(LONG_PTR)-6 || kind != TokenIsAppContainer || size != sizeof(ULONG))
        return (LONG)0xC0000008;
    *(ULONG *)information = beside.in_container ? 1 : 0;
    *used = size;
    return 0;
}

static FARPROC WINAPI find_function(HMODULE module, const char *name)
{
    return strcmp(name, "NtQueryInformationToken") == 0 ? (FARPROC)(void *)query_token : GetProcAddress(module, name);
}

DWORD make_pipe_beside(DWORD size, HANDLE *read_end, HANDLE *write_end);

#define make_nonce foreseen_nonce
#define pipe_make make_pipe_beside
#define CreateFileW connect_second
#define CreateNamedPipeW create_named_pipe
#define GetProcAddress find_function
#include "../../launcher/prefix/pipe.c"
#undef GetProcAddress
#undef CreateNamedPipeW
#undef CreateFileW
#undef pipe_make
#undef make_nonce

static void reset_neighbours(void)
{
    ZeroMemory(&beside, sizeof beside);
}

static void name_of_pipe(wchar_t name[64])
{
    swprintf(name, 64, L"\\\\.\\pipe\\handoff-%lx-%I64x", GetCurrentProcessId(), (unsigned long long)foreseen_nonce());
}

/* Who has the name already gets not a byte, and we get none of his. */
START_TEST(g3_a_squatted_name_is_refused)
{
    HANDLE squatter, read_end, write_end;
    wchar_t name[64];
    DWORD size;
    char byte;

    name_of_pipe(name);
    squatter = CreateNamedPipeW(name, PIPE_ACCESS_INBOUND, PIPE_TYPE_BYTE | PIPE_NOWAIT, PIPE_UNLIMITED_INSTANCES, 4096,
                                4096, 0, NULL);
    ck_assert(squatter != INVALID_HANDLE_VALUE);
    ck_assert_uint_ne(make_pipe_beside(4096, &read_end, &write_end), ERROR_SUCCESS);
    ck_assert_ptr_null(write_end);
    if (read_end != NULL)
        CloseHandle(read_end);
    ck_assert(!ReadFile(squatter, &byte, 1, &size, NULL));
    CloseHandle(squatter);
    ck_assert_uint_eq(make_pipe_beside(4096, &read_end, &write_end), ERROR_SUCCESS);
    CloseHandle(read_end);
    CloseHandle(write_end);
}
END_TEST

/* Who connects between the two calls makes them fail, instead of being served. */
START_TEST(g3_a_pipe_that_somebody_else_connected_to_is_refused)
{
    HANDLE read_end, write_end;

    beside.is_busy = TRUE;
    ck_assert_uint_ne(make_pipe_beside(4096, &read_end, &write_end), ERROR_SUCCESS);
    ck_assert_msg(beside.intruder != INVALID_HANDLE_VALUE, "nobody was quicker");
    ck_assert_ptr_null(write_end);
    CloseHandle(read_end);
    CloseHandle(beside.intruder);
}
END_TEST

static void assert_pipe_is_made(void)
{
    HANDLE read_end, write_end;
    char byte = 'x';
    DWORD size;

    ck_assert_uint_eq(make_pipe_beside(4096, &read_end, &write_end), ERROR_SUCCESS);
    ck_assert(WriteFile(write_end, &byte, 1, &size, NULL));
    ck_assert(PeekNamedPipe(read_end, &byte, 1, NULL, &size, NULL) && size == 1);
    CloseHandle(read_end);
    CloseHandle(write_end);
}

/* Where Windows can; before Vista it does not know how. */
START_TEST(g3_a_pipe_refuses_remote_clients)
{
    assert_pipe_is_made();
    ck_assert_uint_ne(beside.modes & PIPE_REJECT_REMOTE_CLIENTS, 0);
    beside.is_old = TRUE;
    assert_pipe_is_made();
}
END_TEST

/* It may make no other, and others may not make those. */
START_TEST(an_app_container_has_pipes_of_its_own)
{
    HANDLE read_end, write_end;

    beside.is_guarded = beside.in_container = TRUE;
    assert_pipe_is_made();
    beside.in_container = FALSE;
    ck_assert_uint_eq(make_pipe_beside(4096, &read_end, &write_end), ERROR_ACCESS_DENIED);
    ck_assert(read_end == NULL && write_end == NULL);
}
END_TEST

/* ---- what parent and launcher share ---- */

typedef LONG(WINAPI *query_object_function)(HANDLE, int, void *, ULONG, ULONG *);

/* A UNICODE_STRING, whose length comes first; processes and threads have none. */
static BOOL has_name(HANDLE handle)
{
    enum { OBJECT_NAME_INFORMATION = 1 };
    query_object_function query =
        (query_object_function)(void *)GetProcAddress(GetModuleHandleW(L"ntdll.dll"), "NtQueryObject");
    _Alignas(16) USHORT answer[512] = {0};
    ULONG size;

    return query(handle, OBJECT_NAME_INFORMATION, answer, sizeof answer, &size) >= 0 && answer[0] != 0;
}

/* An anonymous pipe has a name up to XP, and here and there later. Its only instance is taken, so nobody can open
 * it. */
static BOOL is_taken_pipe(HANDLE handle)
{
    _Alignas(8) unsigned char answer[sizeof(FILE_NAME_INFO) + 512] = {0};
    FILE_NAME_INFO *name = (FILE_NAME_INFO *)(void *)answer;
    wchar_t path[300];
    DWORD most;

    if (GetFileType(handle) != FILE_TYPE_PIPE || !GetNamedPipeInfo(handle, NULL, NULL, NULL, &most) || most != 1 ||
        !GetFileInformationByHandleEx(handle, FileNameInfo, name, sizeof answer))
        return FALSE;
    swprintf(path, ARRAYSIZE(path), L"\\\\.\\pipe%.*ls", (int)(name->FileNameLength / sizeof(wchar_t)), name->FileName);
    return CreateFileW(path, GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0, NULL) == INVALID_HANDLE_VALUE &&
           GetLastError() == ERROR_PIPE_BUSY;
}

static BOOL is_open(UINT_PTR number)
{
    DWORD flags;

    return GetHandleInformation((HANDLE)number, &flags);
}

static void spawn_with(struct handoff_launcher *resident)
{
    struct handoff_request request = request_child(OWN_WIDTH, OWN_WIDTH, L"exit 9");
    PROCESS_INFORMATION child;

    request.resident = resident;
    child = spawn_or_fail(&request);
    ck_assert_uint_eq(finish_child(&child), 9);
}

/* So nobody can open it, or have its name first. */
START_TEST(g3_nothing_that_parent_and_launcher_share_can_be_opened_by_name)
{
    enum { NUMBERS = 0x1000 };
    static BOOL before[NUMBERS];
    HANDLE named = CreateEventW(NULL, FALSE, FALSE, L"handoff-hostile-named");
    struct handoff_launcher *resident;
    int shared = 0;

    ck_assert(has_name(named));
    spawn_with(NULL); /* what the system keeps of a first start is not ours */
    for (UINT_PTR number = 4; number < NUMBERS; number += 4)
        before[number] = is_open(number);
    resident = handoff_launcher_open(program(OWN_WIDTH, L"handoff-launcher.exe"), NULL);
    ck_assert_ptr_nonnull(resident);
    spawn_with(resident);
    for (UINT_PTR number = 4; number < NUMBERS; number += 4) {
        if (before[number] || !is_open(number))
            continue;
        ck_assert_msg(!has_name((HANDLE)number) || is_taken_pipe((HANDLE)number), "handle 0x%x has a name",
                      (unsigned)number);
        shared++;
    }
    ck_assert_int_ge(shared, 4); /* a page, two events and a pipe */
    handoff_launcher_close(resident);
    CloseHandle(named);
    assert_nobody_left();
}
END_TEST

/* Its handles of this process can take, look and wait. */
START_TEST(g3_a_launcher_may_do_little_with_its_parent)
{
    struct handoff_trace trace = {0};
    struct handoff_launcher *resident = handoff_launcher_open(program(OWN_WIDTH, L"handoff-launcher.exe"), NULL);
    struct handoff_request request = request_child(OWN_WIDTH, OWN_WIDTH, L"exit 0");
    PROCESS_INFORMATION child;
    HANDLE launcher, self = duplicate(GetCurrentProcess());
    struct table *table;
    int found = 0;

    request.resident = resident;
    request.trace = &trace;
    child = spawn_or_fail(&request);
    ck_assert_uint_eq(finish_child(&child), 0);
    launcher = open_closed(OpenProcess, PROCESS_DUP_HANDLE, trace.launcher_id);
    table = query_table();
    ck_assert(launcher != NULL && table != NULL);
    for (ULONG_PTR i = 0; i < table->count; i++) {
        if (table->entries[i].process_id != trace.launcher_id ||
            !process_has_at(launcher, (DWORD)table->entries[i].handle, self))
            continue;
        ck_assert_uint_eq(table->entries[i].access, PROCESS_DUP_HANDLE | PROCESS_QUERY_INFORMATION |
                                                        PROCESS_QUERY_LIMITED_INFORMATION | SYNCHRONIZE);
        found++;
    }
    ck_assert_int_eq(found, 1);
    free_table(table);
    handoff_launcher_close(resident);
    CloseHandle(launcher);
    CloseHandle(self);
    assert_nobody_left();
}
END_TEST

/* ---- processes that may not be opened ---- */

/* Takes all access to this process from everybody. Returns the descriptor that it had. */
static SECURITY_DESCRIPTOR *close_process(void)
{
    static _Alignas(16) BYTE old[1024];
    SECURITY_DESCRIPTOR closed;
    ACL nobody;
    DWORD size;

    ck_assert(GetKernelObjectSecurity(GetCurrentProcess(), DACL_SECURITY_INFORMATION, old, sizeof old, &size));
    ck_assert(InitializeAcl(&nobody, sizeof nobody, ACL_REVISION));
    ck_assert(InitializeSecurityDescriptor(&closed, SECURITY_DESCRIPTOR_REVISION));
    ck_assert(SetSecurityDescriptorDacl(&closed, TRUE, &nobody, FALSE));
    ck_assert(SetKernelObjectSecurity(GetCurrentProcess(), DACL_SECURITY_INFORMATION, &closed));
    return (SECURITY_DESCRIPTOR *)(void *)old;
}

static BOOL can_be_opened(void)
{
    HANDLE process = OpenProcess(PROCESS_DUP_HANDLE, FALSE, GetCurrentProcessId());

    return process != NULL && CloseHandle(process);
}

static void spawn_signalling(struct handoff_launcher *resident)
{
    HANDLE event = make_event();
    struct handoff_pass pass = {.name = L"h", .handle = event};
    struct handoff_request request = request_child(OWN_WIDTH, OWN_WIDTH, L"signal {h}");
    PROCESS_INFORMATION child;

    request.passes = &pass;
    request.pass_count = 1;
    request.resident = resident;
    child = spawn_or_fail(&request);
    ck_assert_uint_eq(finish_child(&child), 0);
    ck_assert(is_set(event));
    CloseHandle(event);
}

static SECURITY_DESCRIPTOR *open_descriptor;

static void close_this_process(void)
{
    open_descriptor = close_process();
}

static void open_this_process(void)
{
    SetKernelObjectSecurity(GetCurrentProcess(), DACL_SECURITY_INFORMATION, open_descriptor);
}

/* Nobody needs to open a parent to start a child for it. */
START_TEST(g3_a_parent_that_may_not_be_opened_spawns)
{
    struct handoff_launcher *resident;

    if (can_be_opened()) {
        skip("nothing keeps this user from opening a process");
        return;
    }
    spawn_signalling(NULL);
    resident = handoff_launcher_open(program(OWN_WIDTH, L"handoff-launcher.exe"), NULL);
    ck_assert_ptr_nonnull(resident);
    spawn_signalling(resident);
    handoff_launcher_close(resident);
    assert_nobody_left();
}
END_TEST

/* ---- robbing a parent through its launcher ---- */

/* What any process of this user says that was started without handoff. */
static const char *ask_stranger(const wchar_t *format, ...)
{
    wchar_t line[128];
    va_list arguments;

    va_start(arguments, format);
    vswprintf(line, ARRAYSIZE(line), format, arguments);
    va_end(arguments);
    run(&result, program(OWN_WIDTH, L"child.exe"), L"%ls", line);
    ck_assert_msg(result.exit_code == 0, "'%s' ended with %lu", shown(line), result.exit_code);
    return result.out;
}

static DWORD find_thread(DWORD process_id)
{
    THREADENTRY32 entry = {.dwSize = sizeof entry};
    HANDLE snapshot = CreateToolhelp32Snapshot(TH32CS_SNAPTHREAD, 0);
    BOOL more = Thread32First(snapshot, &entry);

    while (more && entry.th32OwnerProcessID != process_id)
        more = Thread32Next(snapshot, &entry);
    CloseHandle(snapshot);
    ck_assert_msg(more, "process %lu has no thread", process_id);
    return entry.th32ThreadID;
}

static void ask_rights(DWORD process_id, DWORD thread_id, unsigned long *process, unsigned long *thread)
{
    ck_assert_int_eq(sscanf(ask_stranger(L"pry %lu %lu", process_id, thread_id), "%lx %lx", process, thread), 2);
}

/* No right that the closed process does not give: that are those of an owner, who may say who may open it. */
static void assert_closed(DWORD process_id, DWORD thread_id)
{
    unsigned long own, process, thread, unused;

    ask_rights(GetCurrentProcessId(), 0, &own, &unused);
    ask_rights(process_id, thread_id, &process, &thread);
    ck_assert_msg((own & SPECIFIC_RIGHTS_ALL) == 0, "this process can be opened with rights %lx", own);
    ck_assert_msg((process & ~own) == 0, "the launcher can be opened with rights %lx, its parent with %lx", process,
                  own);
    ck_assert_msg((thread & ~own) == 0, "its thread can be opened with rights %lx, its parent with %lx", thread, own);
}

/* What a process says, whoever asks: an entry, by which its owner may read just this. */
static void assert_owner_has_nothing(HANDLE object)
{
    static const SID owner_rights = {
        SID_REVISION, 1, {SECURITY_CREATOR_SID_AUTHORITY}, {4 /* SECURITY_CREATOR_OWNER_RIGHTS_RID */}};
    _Alignas(16) BYTE descriptor[512];
    BOOL present = FALSE, defaulted;
    ACL *list = NULL;
    ACCESS_ALLOWED_ACE *entry;
    DWORD size;

    ck_assert_ptr_nonnull(object);
    ck_assert(GetKernelObjectSecurity(object, DACL_SECURITY_INFORMATION, descriptor, sizeof descriptor, &size));
    ck_assert(GetSecurityDescriptorDacl(descriptor, &present, &list, &defaulted));
    ck_assert(present && list != NULL);
    ck_assert_uint_eq(list->AceCount, 1);
    ck_assert(GetAce(list, 0, (void **)&entry));
    ck_assert(entry->Header.AceType == ACCESS_ALLOWED_ACE_TYPE && entry->Header.AceFlags == 0);
    ck_assert(EqualSid(&entry->SidStart, (SID *)(UINT_PTR)&owner_rights));
    ck_assert_uint_eq(entry->Mask, READ_CONTROL);
    CloseHandle(object);
}

static void assert_not_robbed(DWORD launcher_id)
{
    HANDLE event = make_event(), is_event = duplicate(event);
    const char *said = ask_stranger(L"rob %lu %lu %u", launcher_id, GetCurrentProcessId(), number_of(event));

    ck_assert_str_eq(said, "closed\r\n");
    ck_assert(is_open_for(event, is_event));
    CloseHandle(event);
    CloseHandle(is_event);
}

static void assert_keeps_strangers_out(DWORD launcher_id)
{
    DWORD thread_id = find_thread(launcher_id);

    assert_not_robbed(launcher_id);
    assert_closed(launcher_id, thread_id);
    assert_owner_has_nothing(OpenProcess(READ_CONTROL, FALSE, launcher_id));
    assert_owner_has_nothing(OpenThread(READ_CONTROL, FALSE, thread_id));
}

START_TEST(g9_nobody_reaches_a_parent_through_its_resident_launcher)
{
    struct handoff_trace trace = {0};
    struct handoff_request request = request_child(OWN_WIDTH, OWN_WIDTH, L"exit 0");
    PROCESS_INFORMATION child;

    if (can_be_opened()) {
        skip("nothing keeps this user from opening a process");
        return;
    }
    request.resident = handoff_launcher_open(program(OWN_WIDTH, L"handoff-launcher.exe"), NULL);
    request.trace = &trace;
    child = spawn_or_fail(&request);
    ck_assert_uint_eq(finish_child(&child), 0);
    assert_keeps_strangers_out(trace.launcher_id);
    child = spawn_or_fail(&request);
    ck_assert_uint_eq(finish_child(&child), 0);
    handoff_launcher_close(request.resident);
    assert_nobody_left();
}
END_TEST

static DWORD WINAPI spawn_one_shot(void *unused)
{
    struct handoff_request request = request_child(OWN_WIDTH, OWN_WIDTH, L"exit 0");
    PROCESS_INFORMATION child;
    DWORD code = 0;

    (void)unused;
    request.launcher = program(OWN_WIDTH, L"faulty-launcher.exe");
    if (!spawn_patiently(&request, &child, NULL))
        return GetLastError();
    WaitForSingleObject(child.hProcess, INFINITE);
    GetExitCodeProcess(child.hProcess, &code);
    CloseHandle(child.hProcess);
    CloseHandle(child.hThread);
    return code;
}

static DWORD await_launcher(void)
{
    PROCESSENTRY32W entry = {.dwSize = sizeof entry};
    BOOL more = FALSE;

    while (!more) { /* the watch over all tests ends it */
        HANDLE snapshot = CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0);

        more = Process32FirstW(snapshot, &entry);
        while (more && (entry.th32ParentProcessID != GetCurrentProcessId() ||
                        wcscmp(entry.szExeFile, L"faulty-launcher.exe") != 0))
            more = Process32NextW(snapshot, &entry);
        CloseHandle(snapshot);
        Sleep(1);
    }
    return entry.th32ProcessID;
}

/* It waits meanwhile, and has what it was given. */
START_TEST(g9_nobody_reaches_a_parent_through_a_launcher_of_one_spawn)
{
    char name[64], fault[64];
    HANDLE go, thread;
    DWORD code;

    if (can_be_opened()) {
        skip("nothing keeps this user from opening a process");
        return;
    }
    snprintf(name, sizeof name, "handoff-await-%lu", GetCurrentProcessId());
    snprintf(fault, sizeof fault, "await %lu", GetCurrentProcessId());
    go = CreateEventA(NULL, TRUE, FALSE, name);
    SetEnvironmentVariableA("HANDOFF_FAULT", fault);
    thread = CreateThread(NULL, 0, spawn_one_shot, NULL, 0, NULL);
    assert_keeps_strangers_out(await_launcher());
    SetEvent(go);
    ck_assert_uint_eq(WaitForSingleObject(thread, INFINITE), WAIT_OBJECT_0);
    SetEnvironmentVariableA("HANDOFF_FAULT", NULL);
    ck_assert(GetExitCodeThread(thread, &code));
    ck_assert_uint_eq(code, 0);
    CloseHandle(thread);
    CloseHandle(go);
    assert_nobody_left();
}
END_TEST

/* ---- */

static _Alignas(16) BYTE descriptors[2][1024];

static void read_descriptor(HANDLE object, BYTE descriptor[1024])
{
    DWORD size;

    memset(descriptor, 0, 1024);
    ck_assert(GetKernelObjectSecurity(
        object, OWNER_SECURITY_INFORMATION | GROUP_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION, descriptor, 1024,
        &size));
}

/* Its creator may not be opened, and it has nothing of that. */
START_TEST(g9_the_child_is_as_open_as_any)
{
    struct handoff_request request = request_child(OWN_WIDTH, OWN_WIDTH, L"exit 0");
    PROCESS_INFORMATION child, direct;
    wchar_t line[MAX_PATH + 16];

    wcscpy(line, request.command_line);
    direct = start_program(program(OWN_WIDTH, L"child.exe"), line, 0);
    child = spawn_or_fail(&request);
    read_descriptor(direct.hProcess, descriptors[0]);
    read_descriptor(child.hProcess, descriptors[1]);
    ck_assert_int_eq(memcmp(descriptors[0], descriptors[1], 1024), 0);
    read_descriptor(direct.hThread, descriptors[0]);
    read_descriptor(child.hThread, descriptors[1]);
    ck_assert_int_eq(memcmp(descriptors[0], descriptors[1], 1024), 0);
    ck_assert_uint_eq(finish_child(&child), 0);
    ck_assert_uint_eq(finish_child(&direct), 0);
}
END_TEST

/* What another user's process, or an elevated one, is to the prefix: the first thing that it does with it fails,
 * before a handle is touched. */
START_TEST(g3_a_process_that_may_not_be_opened)
{
    HANDLE event = make_event(), is_event = duplicate(event);
    DWORD before = count_own_handles();

    if (can_be_opened()) {
        skip("nothing keeps this user from opening a process");
        return;
    }
    run(&result, program(OWN_WIDTH, L"handoff.exe"), L"--parent %lu --steal h=%u -- \"%ls\" signal {h}",
        GetCurrentProcessId(), number_of(event), program(OWN_WIDTH, L"child.exe"));
    ck_assert_uint_eq(result.exit_code, EXIT_HANDOFF);
    assert_one_line(result.err);
    ck_assert_msg(strstr(result.err, "Win32 error 5") != NULL && strstr(result.err, "same user") != NULL &&
                      strstr(result.err, "; nothing was stolen\r\n") != NULL,
                  "%s", result.err);
    ck_assert(is_open_for(event, is_event));
    ck_assert(!is_set(event));
    ck_assert_uint_eq(count_own_handles(), before);
    CloseHandle(event);
    CloseHandle(is_event);
    assert_nobody_left();
}
END_TEST

/* Windows lets nobody into the first, and the second does not exist. */
START_TEST(g3_the_system_is_no_parent)
{
    static const DWORD process_ids[] = {4, 0};

    for (size_t i = 0; i < ARRAYSIZE(process_ids); i++) {
        run(&result, program(OWN_WIDTH, L"handoff.exe"), L"--parent %lu --steal h=16 -- \"%ls\" signal {h}",
            process_ids[i], program(OWN_WIDTH, L"child.exe"));
        ck_assert_msg(result.exit_code == EXIT_HANDOFF, "%lu: %s", result.exit_code, result.err);
        assert_one_line(result.err);
        ck_assert_ptr_nonnull(strstr(result.err, "handoff: cannot reach the parent: Win32 error "));
        ck_assert_ptr_nonnull(strstr(result.err, "; nothing was stolen\r\n"));
    }
    assert_nobody_left();
}
END_TEST

Suite *neighbours_suite(void)
{
    Suite *suite = suite_create("neighbours");
    TCase *names = tcase_create("hostile names");
    TCase *closed = tcase_create("closed processes");
    TCase *neighbours = tcase_create("hostile neighbours");

    tcase_add_checked_fixture(names, reset_neighbours, reset_neighbours);
    tcase_add_test(names, g3_a_squatted_name_is_refused);
    tcase_add_test(names, g3_a_pipe_that_somebody_else_connected_to_is_refused);
    tcase_add_test(names, g3_a_pipe_refuses_remote_clients);
    tcase_add_test(names, an_app_container_has_pipes_of_its_own);
    suite_add_tcase(suite, names);
    tcase_add_checked_fixture(closed, close_this_process, open_this_process);
    tcase_add_test(closed, g3_a_parent_that_may_not_be_opened_spawns);
    tcase_add_test(closed, g9_nobody_reaches_a_parent_through_its_resident_launcher);
    tcase_add_test(closed, g9_nobody_reaches_a_parent_through_a_launcher_of_one_spawn);
    tcase_add_test(closed, g9_the_child_is_as_open_as_any);
    tcase_add_test(closed, g3_a_process_that_may_not_be_opened);
    suite_add_tcase(suite, closed);
    tcase_add_test(neighbours, g3_nothing_that_parent_and_launcher_share_can_be_opened_by_name);
    tcase_add_test(neighbours, g3_a_launcher_may_do_little_with_its_parent);
    tcase_add_test(neighbours, g3_the_system_is_no_parent);
    suite_add_tcase(suite, neighbours);
    return suite;
}
