/* Who may open a child: the caller's security descriptors, and what they keep the library itself from. */
#include "system.h"

#include <tlhelp32.h>

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

/* ---- descriptors ---- */

enum { LIST_ROOM = 512 };

/* The owner is this process' user. */
struct described {
    SECURITY_DESCRIPTOR descriptor;
    SECURITY_ATTRIBUTES attributes;
    _Alignas(8) char user[256];
    _Alignas(8) char list[LIST_ROOM];
};

static SID *user_of(struct described *described)
{
    TOKEN_USER *user = (TOKEN_USER *)(void *)described->user;
    HANDLE token;
    DWORD size;

    ck_assert(OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &token));
    ck_assert(GetTokenInformation(token, TokenUser, user, sizeof described->user, &size) && CloseHandle(token));
    return user->User.Sid;
}

static ACL *describe(struct described *described)
{
    ACL *list = (ACL *)(void *)described->list;

    memset(described, 0, sizeof *described);
    ck_assert(InitializeAcl(list, LIST_ROOM, ACL_REVISION));
    ck_assert(InitializeSecurityDescriptor(&described->descriptor, SECURITY_DESCRIPTOR_REVISION));
    ck_assert(SetSecurityDescriptorOwner(&described->descriptor, user_of(described), FALSE));
    ck_assert(SetSecurityDescriptorDacl(&described->descriptor, TRUE, list, FALSE));
    described->attributes =
        (SECURITY_ATTRIBUTES){.nLength = sizeof described->attributes, .lpSecurityDescriptor = &described->descriptor};
    return list;
}

static SID everybody = {.Revision = SID_REVISION,
                        .SubAuthorityCount = 1,
                        .IdentifierAuthority = {SECURITY_WORLD_SID_AUTHORITY},
                        .SubAuthority = {SECURITY_WORLD_RID}};

static void let_nobody_in(struct described *described)
{
    describe(described);
}

static void refuse_the_end(struct described *described)
{
    ACL *list = describe(described);

    ck_assert(AddAccessDeniedAce(list, ACL_REVISION, PROCESS_TERMINATE, &everybody));
    ck_assert(AddAccessAllowedAce(list, ACL_REVISION, PROCESS_ALL_ACCESS, &everybody));
}

static void let_everybody_in(struct described *described)
{
    ck_assert(AddAccessAllowedAce(describe(described), ACL_REVISION, PROCESS_ALL_ACCESS, &everybody));
}

static void have_no_list(struct described *described)
{
    describe(described);
    ck_assert(SetSecurityDescriptorDacl(&described->descriptor, FALSE, NULL, FALSE));
}

/* Which is as good as everybody. */
static void have_null_for_a_list(struct described *described)
{
    describe(described);
    ck_assert(SetSecurityDescriptorDacl(&described->descriptor, TRUE, NULL, FALSE));
}

static const struct {
    void (*describe)(struct described *described);
    BOOL keeps_out;
} kinds[] = {{let_nobody_in, TRUE},
             {refuse_the_end, TRUE},
             {let_everybody_in, FALSE},
             {have_no_list, FALSE},
             {have_null_for_a_list, FALSE}};

enum { KIND_COUNT = ARRAYSIZE(kinds) };

/* ---- what a child is told of ---- */

/* What its handle says, which all access comes with, in memory that lives for four of them. */
static const char *descriptor_of(HANDLE object)
{
    static _Alignas(8) char bytes[1024];
    static char text[4][2 * sizeof bytes + 1];
    static int turn;
    char *to = text[turn++ % 4];
    DWORD size = 0;

    ck_assert_msg(GetKernelObjectSecurity(
                      object, OWNER_SECURITY_INFORMATION | GROUP_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION,
                      bytes, sizeof bytes, &size),
                  "error %lu", GetLastError());
    size = GetSecurityDescriptorLength(bytes);
    for (DWORD i = 0; i < size; i++)
        sprintf(to + 2 * i, "%02x", (unsigned char)bytes[i]);
    return to;
}

static DWORD code_of_opening(DWORD process_id)
{
    HANDLE process = OpenProcess(PROCESS_TERMINATE | PROCESS_VM_WRITE, FALSE, process_id);

    if (process == NULL)
        return GetLastError();
    CloseHandle(process);
    return ERROR_SUCCESS;
}

static void end_by_handle(PROCESS_INFORMATION *child)
{
    ck_assert(TerminateProcess(child->hProcess, 0));
    ck_assert_uint_eq(finish_child(child), 0);
}

/* A child of CreateProcessW itself, and one of ours. What one of them has is looked at when both have been ended. */
static void assert_same_as_directly(struct described *described, PROCESS_INFORMATION *child, BOOL keeps_out)
{
    STARTUPINFOW startup = {.cb = sizeof startup};
    PROCESS_INFORMATION direct;
    const char *expected[2], *found[2];
    DWORD code;

    ck_assert(CreateProcessW(program(OWN_WIDTH, L"child.exe"), NULL, &described->attributes, &described->attributes,
                             FALSE, CREATE_SUSPENDED, NULL, NULL, &startup, &direct));
    expected[0] = descriptor_of(direct.hProcess);
    expected[1] = descriptor_of(direct.hThread);
    found[0] = descriptor_of(child->hProcess);
    found[1] = descriptor_of(child->hThread);
    code = code_of_opening(child->dwProcessId);
    end_by_handle(&direct);
    end_by_handle(child);
    for (int of_thread = FALSE; of_thread <= TRUE; of_thread++)
        ck_assert_msg(strcmp(found[of_thread], expected[of_thread]) == 0, "%s, not %s", found[of_thread],
                      expected[of_thread]);
    ck_assert_uint_eq(code, keeps_out ? ERROR_ACCESS_DENIED : ERROR_SUCCESS);
}

/* In the drop-in, and in a request; before the child has run. */
START_TEST(the_child_has_the_callers_descriptors)
{
    static struct described described;
    struct handoff_request request = request_child(_i % WIDTH_COUNT, OWN_WIDTH, L"exit 0");
    STARTUPINFOW startup = {.cb = sizeof startup};
    PROCESS_INFORMATION child;
    int kind = _i / WIDTH_COUNT;

    kinds[kind].describe(&described);
    request.process_security = request.thread_security = &described.attributes;
    request.creation_flags = CREATE_SUSPENDED;
    child = spawn_or_fail(&request);
    assert_same_as_directly(&described, &child, kinds[kind].keeps_out);
    ck_assert(handoff_CreateProcessW(program(OWN_WIDTH, L"child.exe"), NULL, &described.attributes,
                                     &described.attributes, TRUE, CREATE_SUSPENDED, NULL, NULL, &startup, &child));
    assert_same_as_directly(&described, &child, kinds[kind].keeps_out);
    assert_nobody_left();
}
END_TEST

/* What the launcher creates it with: the caller's descriptor, with a list by which the parent's user may know and end
 * the child, and nobody may do more. */
START_TEST(until_it_is_adopted_it_can_only_be_ended)
{
    static struct described described;
    _Alignas(8) char bytes[1024] = {0};
    struct handoff_request request = request_child(_i, _i, L"variable HANDOFF_NOTED");
    wchar_t units[2048] = L"", *to = units;
    DWORD size = sizeof bytes, code;
    ACL *list;
    char *text;

    list = describe(&described);
    ck_assert(AddAccessAllowedAce(list, ACL_REVISION,
                                  PROCESS_TERMINATE | PROCESS_QUERY_INFORMATION | PROCESS_QUERY_LIMITED_INFORMATION |
                                      SYNCHRONIZE,
                                  user_of(&described)));
    list->AclSize = (WORD)(sizeof *list + ((ACE_HEADER *)(list + 1))->AceSize);
    ck_assert(MakeSelfRelativeSD(&described.descriptor, bytes, &size));
    let_nobody_in(&described);
    size = GetSecurityDescriptorLength(bytes);
    for (DWORD i = 0; i < size; i++)
        to += swprintf(to, 3, L"%02x", (unsigned char)bytes[i]);
    wcscpy(to, L" none "); /* the thread's */

    request.launcher = program(_i, L"faulty-launcher.exe");
    request.process_security = &described.attributes;
    SetEnvironmentVariableA("HANDOFF_FAULT", "note");
    text = spawn_reading(&request, &size, &code);
    SetEnvironmentVariableA("HANDOFF_FAULT", NULL);
    ck_assert_uint_eq(code, 0);
    ck_assert_msg(wcscmp((wchar_t *)(void *)text, units) == 0, "%ls, not %ls", (wchar_t *)(void *)text, units);
    free(text);
    assert_nobody_left();
}
END_TEST

/* ---- launchers that die before they report ---- */

/* Children that not even this process may open: those that it would overlook if it looked for them by opening them. */
static DWORD count_closed_children(void)
{
    PROCESSENTRY32W entry = {.dwSize = sizeof entry};
    HANDLE snapshot = CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0);
    DWORD count = 0;

    ck_assert(snapshot != INVALID_HANDLE_VALUE);
    for (BOOL more = Process32FirstW(snapshot, &entry); more; more = Process32NextW(snapshot, &entry))
        count +=
            wcscmp(entry.szExeFile, L"child.exe") == 0 && code_of_opening(entry.th32ProcessID) == ERROR_ACCESS_DENIED;
    CloseHandle(snapshot);
    return count;
}

/* What has been terminated may be in the list for a moment. */
static void await_no_closed_children(void)
{
    enum { PAUSE_MS = 10, MOST_PAUSES = 1000 };

    for (int pauses = 0; count_closed_children() > 0; pauses++) {
        ck_assert_msg(pauses < MOST_PAUSES, "a child that nobody can open stays");
        Sleep(PAUSE_MS);
    }
}

static struct handoff_launcher *open_faulty(int width, const char *fault)
{
    struct handoff_launcher *launcher;

    SetEnvironmentVariableA("HANDOFF_FAULT", fault);
    launcher = handoff_launcher_open(program(width, L"faulty-launcher.exe"), NULL);
    SetEnvironmentVariableA("HANDOFF_FAULT", NULL);
    ck_assert_ptr_nonnull(launcher);
    return launcher;
}

static struct handoff_error fail_with(struct handoff_request *request, const char *fault)
{
    struct handoff_error error;
    PROCESS_INFORMATION child;

    SetEnvironmentVariableA("HANDOFF_FAULT", fault);
    ck_assert(!handoff_spawn(request, &child, &error));
    SetEnvironmentVariableA("HANDOFF_FAULT", NULL);
    return error;
}

static void assert_died(const struct handoff_error *error)
{
    ck_assert_msg(error->stage == HANDOFF_STAGE_EXCHANGE && error->code == ERROR_PROCESS_ABORTED, "stage %lu, code %lu",
                  error->stage, error->code);
}

START_TEST(g4_a_child_that_keeps_its_parent_out_is_ended)
{
    static struct described described;
    struct handoff_request request = request_child(_i % WIDTH_COUNT, _i % WIDTH_COUNT, L"exit 0");
    struct handoff_error error;

    kinds[_i / WIDTH_COUNT].describe(&described);
    request.launcher = program(_i % WIDTH_COUNT, L"faulty-launcher.exe");
    request.process_security = request.thread_security = &described.attributes;
    error = fail_with(&request, "lie none");
    assert_died(&error);
    ck_assert_uint_eq(count_closed_children(), 0);
    assert_nobody_left();
}
END_TEST

/* That of an earlier spawn, which nobody may open either, is let be, and is no failure to clean up. */
START_TEST(g4_a_resident_launcher_leaves_no_child_that_keeps_its_parent_out)
{
    static struct described described;
    struct handoff_request request = request_child(_i, _i, L"exit 0");
    struct handoff_error error;
    PROCESS_INFORMATION staying;

    let_nobody_in(&described);
    request.resident = open_faulty(_i, "lie none 1");
    request.process_security = &described.attributes;
    request.creation_flags = CREATE_SUSPENDED;
    staying = spawn_or_fail(&request);
    error = fail_with(&request, NULL);
    assert_died(&error);
    ck_assert_uint_eq(count_closed_children(), 1);
    ck_assert(lives(staying.hProcess));
    end_by_handle(&staying);
    handoff_launcher_close(request.resident);
    assert_nobody_left();
}
END_TEST

/* A child that would have another list of rights than the caller wants never runs. */
START_TEST(g4_a_list_of_rights_that_cannot_be_set)
{
    static struct described described;
    HANDLE event = make_event();
    struct handoff_pass pass = {.name = L"h", .handle = event};
    struct handoff_request request = request_child(_i, _i, L"signal {h}");
    struct handoff_error error;

    let_nobody_in(&described);
    request.launcher = program(_i, L"faulty-launcher.exe");
    request.process_security = &described.attributes;
    request.passes = &pass;
    request.pass_count = 1;
    error = fail_with(&request, "lie weak");
    ck_assert_msg(error.stage == HANDOFF_STAGE_ADOPT && error.code == ERROR_ACCESS_DENIED &&
                      wcscmp(error.subject, L"process_security") == 0,
                  "stage %lu, code %lu, %ls", error.stage, error.code, error.subject);
    assert_nobody_left();
    ck_assert(!is_set(event));
    CloseHandle(event);
}
END_TEST

/* ---- what cannot be cleaned up ---- */

/* The launcher has put the child into a job of this test's, and has let nobody open it. */
START_TEST(g4_a_child_that_cannot_be_ended_is_named)
{
    struct handoff_request request = request_child(_i, _i, L"exit 0");
    HANDLE job = CreateJobObjectA(NULL, "handoff-locked");
    wchar_t text[512];
    struct handoff_error error;
    unsigned process_id = 0;

    request.launcher = program(_i, L"faulty-launcher.exe");
    error = fail_with(&request, "lie locked");
    ck_assert_uint_eq(count_closed_children(), 1);
    ck_assert(TerminateJobObject(job, 0));
    CloseHandle(job);
    handoff_error_text(&error, text, ARRAYSIZE(text));
    ck_assert_msg(error.stage == HANDOFF_STAGE_CLEAN_UP && error.code == ERROR_ACCESS_DENIED &&
                      error.pass == HANDOFF_NO_PASS && swscanf(error.subject, L"child %u", &process_id) == 1,
                  "%ls", text);
    ck_assert_msg(wcsncmp(text, L"cannot clean up 'child ", 23) == 0 && wcsstr(text, L"may stay behind") != NULL, "%ls",
                  text);
    await_no_closed_children();
    assert_nobody_left();
}
END_TEST

/* ---- under the loader lock ---- */

static const struct {
    const wchar_t *launcher;
    const char *fault;
    DWORD outcome;
} loads[] = {{L"handoff-launcher.exe", NULL, 0},
             {L"faulty-launcher.exe", "lie none", HANDOFF_STAGE_EXCHANGE << 16 | ERROR_PROCESS_ABORTED},
             {L"faulty-launcher.exe", "lie locked", HANDOFF_STAGE_CLEAN_UP << 16 | ERROR_ACCESS_DENIED}};

/* From DllMain, where no other thread of the process gets on. */
START_TEST(g4_a_spawn_under_the_loader_lock_comes_back)
{
    int width = _i % WIDTH_COUNT, row = _i / WIDTH_COUNT;
    HANDLE job = CreateJobObjectA(NULL, "handoff-locked");
    wchar_t line[1024];
    PROCESS_INFORMATION loading;
    DWORD code = STILL_ACTIVE;

    swprintf(line, ARRAYSIZE(line), L"\"%ls\" exit 0", program(width, L"child.exe"));
    SetEnvironmentVariableW(L"HANDOFF_LAUNCHER", program(width, loads[row].launcher));
    SetEnvironmentVariableW(L"HANDOFF_LINE", line);
    SetEnvironmentVariableA("HANDOFF_FAULT", loads[row].fault);
    swprintf(line, ARRAYSIZE(line), L"child load \"%ls\"", program(width, L"spawning.dll"));
    loading = start_program(program(width, L"child.exe"), line, 0);
    SetEnvironmentVariableA("HANDOFF_FAULT", NULL);
    SetEnvironmentVariableW(L"HANDOFF_LAUNCHER", NULL);
    SetEnvironmentVariableW(L"HANDOFF_LINE", NULL);
    if (comes(loading.hProcess))
        GetExitCodeProcess(loading.hProcess, &code);
    TerminateProcess(loading.hProcess, 0);
    finish_child(&loading);
    TerminateJobObject(job, 0);
    CloseHandle(job);
    ck_assert_msg(code != STILL_ACTIVE, "it has not come back");
    ck_assert_msg(code == loads[row].outcome, "stage %lu, code %lu", code >> 16, code & 0xffff);
    await_no_closed_children();
    assert_nobody_left();
}
END_TEST

Suite *rights_suite(void)
{
    Suite *suite = suite_create("rights");
    TCase *tcase = tcase_create("security descriptors");

    tcase_add_loop_test(tcase, the_child_has_the_callers_descriptors, 0, KIND_COUNT * WIDTH_COUNT);
    tcase_add_loop_test(tcase, until_it_is_adopted_it_can_only_be_ended, 0, WIDTH_COUNT);
    suite_add_tcase(suite, tcase);
    tcase = tcase_create("children that keep out");
    tcase_add_loop_test(tcase, g4_a_child_that_keeps_its_parent_out_is_ended, 0, KIND_COUNT * WIDTH_COUNT);
    tcase_add_loop_test(tcase, g4_a_resident_launcher_leaves_no_child_that_keeps_its_parent_out, 0, WIDTH_COUNT);
    tcase_add_loop_test(tcase, g4_a_list_of_rights_that_cannot_be_set, 0, WIDTH_COUNT);
    tcase_add_loop_test(tcase, g4_a_child_that_cannot_be_ended_is_named, 0, WIDTH_COUNT);
    suite_add_tcase(suite, tcase);
    tcase = tcase_create("loader lock");
    tcase_add_loop_test(tcase, g4_a_spawn_under_the_loader_lock_comes_back, 0, (int)ARRAYSIZE(loads) * WIDTH_COUNT);
    suite_add_tcase(suite, tcase);
    return suite;
}
