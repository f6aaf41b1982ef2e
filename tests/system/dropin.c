/* handoff_CreateProcessW beside CreateProcessW. */
#include "dropin.h"

#include "talk.h"

#include "steal.h"
#include "token.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

enum { WIDTHS = WIDTH_COUNT * WIDTH_COUNT };

BOOL create_patiently(create_process *create, const wchar_t *application, const wchar_t *line, BOOL inherit,
                      DWORD flags, void *environment, const wchar_t *directory, STARTUPINFOW *startup,
                      PROCESS_INFORMATION *child)
{
    for (int tries = 0; tries < START_TRIES; tries++) {
        if (create(application, line, NULL, NULL, inherit, flags, environment, directory, startup, child))
            return TRUE;
        if (GetLastError() != ERROR_INTERNAL_ERROR)
            return FALSE;
    }
    return FALSE;
}

/* CreateProcessW writes into the line. */
static BOOL WINAPI windows_own(const wchar_t *application, const wchar_t *line, SECURITY_ATTRIBUTES *process,
                               SECURITY_ATTRIBUTES *thread, BOOL inherit, DWORD flags, void *environment,
                               const wchar_t *directory, STARTUPINFOW *startup, PROCESS_INFORMATION *child)
{
    static wchar_t writable[4096];

    if (line != NULL)
        wcscpy(writable, line);
    return CreateProcessW(application, line != NULL ? writable : NULL, process, thread, inherit, flags, environment,
                          directory, startup, child);
}

/* ---- the same results ---- */

static wchar_t blank_directory[MAX_PATH];

/* Programs whose names begin with one another's, one in a directory with a blank, and one of the current directory. */
static const wchar_t *const programs[] = {L"first.exe", L"first second.exe", L"p q\\t.exe", L"p q\\handoff-here.exe"};

static const wchar_t *in_blank_directory(const wchar_t *name)
{
    static wchar_t path[MAX_PATH];

    swprintf(path, MAX_PATH, L"%ls\\%ls", blank_directory, name);
    return path;
}

static void make_blank_directory(int width)
{
    GetTempPathW(MAX_PATH, blank_directory);
    swprintf(blank_directory + wcslen(blank_directory), 64, L"hof%lu", GetCurrentProcessId());
    CreateDirectoryW(blank_directory, NULL);
    CreateDirectoryW(in_blank_directory(L"p q"), NULL);
    for (size_t i = 0; i < ARRAYSIZE(programs); i++)
        ck_assert(CopyFileW(program(width, L"descriptor-child.exe"), in_blank_directory(programs[i]), FALSE));
}

static void remove_blank_directory(void)
{
    assert_nobody_left(); /* in it: a launcher is its parent's child */
    for (size_t i = 0; i < ARRAYSIZE(programs); i++)
        ck_assert(DeleteFileW(in_blank_directory(programs[i])));
    ck_assert(RemoveDirectoryW(in_blank_directory(L"p q")));
    ck_assert(RemoveDirectoryW(blank_directory));
}

/* %C is the child, %B the directory with blanks in names. A NULL stays one. */
static const wchar_t *expand(const wchar_t *text, wchar_t *to, int width)
{
    const wchar_t *start = to;

    if (text == NULL)
        return NULL;
    for (; *text != L'\0'; text++) {
        if (*text == L'%' && (text[1] == L'C' || text[1] == L'B'))
            to += swprintf(to, MAX_PATH, L"%ls",
                           *++text == L'C' ? program(width, L"descriptor-child.exe") : blank_directory);
        else
            *to++ = *text;
    }
    *to = L'\0';
    return start;
}

static const struct call {
    const wchar_t *application, *line;
    const char *ansi;       /* an environment, with NULs as '|' */
    const wchar_t *unicode; /* another */
    const wchar_t *directory;
    DWORD flags;
    BOOL dont_inherit;
    const wchar_t *here, *no_current; /* the current directory; whether it does not count */
    DWORD code_of_nt;                 /* where Wine has another: 0: the same */
} calls[] = {
    {.line = L"\"%C\" - line"},
    {.line = L"%C - line \"a  b\" c\\\\\" {x} %% {{y}}"},
    {.application = L"%C", .line = L"whatever - line"},
    {.application = L"%C", .line = L"\"quoted first\" - line  trailing  "},
    {.application = L"%C"},
    {.application = L"%C", .line = L""},
    {.line = L"%B\\first second - line"},
    {.line = L"\"%B\\first second\" - line"},
    {.line = L"\"%B\\first second.exe\" - line"},
    {.line = L"%B\\first - line"},
    {.line = L"%B\\first.exe second - line"},
    {.line = L"%B\\p q\\t - line a b"},
    {.line = L"%B\\p q\\t.exe - line"},
    {.line = L"%B\\p\tq\\t - line"},
    {.line = L"\"%B\\p q\\t\" - line"},
    {.line = L"first - line", .directory = L"%B"},
    {.line = L"handoff-here - line", .here = L"%B\\p q"},
    {.line = L"handoff-here.exe - line", .here = L"%B\\p q"},
    {.line = L"handoff-here - line", .here = L"%B\\p q", .no_current = L"1"},
    {.line = L"\"handoff-here\" - line", .here = L"%B\\p q", .no_current = L""},
    {.line = L".\\handoff-here - line", .here = L"%B\\p q", .no_current = L"1"},
    {.line = L"t - line", .here = L"%B\\p q"},
    {.line = L"p q\\t - line", .here = L"%B"},
    {.line = L"child.exe exit 3"}, /* beside this program */
    {.line = L"cmd /c exit 4"},
    {.application = L"%B\\first", .line = L"x - line"},
    {.application = L"%B\\first second", .line = L"x - line"},
    {.line = L"\"%C\" - directory", .directory = L"C:\\windows\\system32"},
    {.line = L"\"%C\" - directory", .directory = L"C:\\no\\such\\directory"},
    {.line = L"\"%C\" - environment", .unicode = L"B=2|a=one \x263a|=C:=C:\\|c=|"},
    {.line = L"\"%C\" - environment", .ansi = "B=2|a=one|=C:=C:\\|c=|"},
    {.line = L"\"%C\" - environment", .unicode = L"|"},
    {.line = L"\"%C\" - line", .flags = CREATE_SUSPENDED},
    {.line = L"\"%C\" - line", .flags = DETACHED_PROCESS},
    {.line = L"\"%C\" - line", .flags = CREATE_NO_WINDOW},
    {.line = L"\"%C\" - line", .flags = CREATE_NEW_CONSOLE | DETACHED_PROCESS},
    {.line = L"\"%C\" - line", .flags = CREATE_NEW_PROCESS_GROUP | BELOW_NORMAL_PRIORITY_CLASS},
    {.line = L"\"%C\" - line", .dont_inherit = TRUE},
    {.line = L"\"%C\" - directory", .directory = L"C:\\windows", .dont_inherit = TRUE},
    {.line = L"no-such-program"},
    {.line = L"C:\\no\\such\\directory\\program.exe x", .code_of_nt = ERROR_PATH_NOT_FOUND},
    {.line = L"\"C:\\no\\such\\directory\\a program.exe\" x", .code_of_nt = ERROR_PATH_NOT_FOUND},
    {.line = L"C:\\windows\\no-such-program.exe x"},
    {.line = L"no\\such\\directory\\program.exe x"},
    {.application = L"no-such-program.exe"},
    {.application = L"C:\\windows\\win.ini"},
    {.line = L"C:\\windows\\win.ini"},
    {.line = L"C:\\windows"},
    {.line = L""},
    {.line = L" "},
    {.line = L"no-such-program", .dont_inherit = TRUE},
};

/* What came of a call. */
struct outcome {
    BOOL created;
    DWORD code; /* the error's, or the child's */
    char text[1 << 15];
    DWORD size, suspended, priority;
};

static void copy_block(const struct call *call, void *block)
{
    wchar_t *unicode = block;
    char *ansi = block;

    for (const wchar_t *at = call->unicode; at != NULL && *at != L'\0'; at++)
        *unicode++ = *at == L'|' ? L'\0' : *at;
    for (const char *at = call->ansi; at != NULL && *at != '\0'; at++)
        *ansi++ = *at == '|' ? '\0' : *at;
}

static void make_call(create_process *create, const struct call *call, int width, struct outcome *outcome)
{
    static wchar_t application[4096], line[4096], directory[4096], before[4096], there[MAX_PATH];
    wchar_t block[256] = {0};
    struct thing nul = nul_thing(TRUE), out = file_thing(LIBRARY, "", TRUE);
    STARTUPINFOW startup = {.cb = sizeof startup,
                            .dwFlags = STARTF_USESTDHANDLES,
                            .hStdInput = nul.handle,
                            .hStdOutput = out.handle,
                            .hStdError = nul.handle};
    const wchar_t *expanded = expand(call->line, line, width);
    PROCESS_INFORMATION child;

    memset(outcome, 0, sizeof *outcome);
    copy_block(call, block);
    wcscpy(before, expanded != NULL ? expanded : L"");
    GetCurrentDirectoryW(ARRAYSIZE(there), there);
    if (call->here != NULL)
        ck_assert(SetCurrentDirectoryW(expand(call->here, directory, width)));
    SetEnvironmentVariableW(L"NoDefaultCurrentDirectoryInExePath", call->no_current);
    if (create == windows_own) { /* which needs what the drop-in does not */
        SetHandleInformation(nul.handle, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT);
        SetHandleInformation(out.handle, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT);
    }
    outcome->created =
        create_patiently(create, expand(call->application, application, width), expanded, !call->dont_inherit,
                         call->flags | (call->unicode != NULL ? CREATE_UNICODE_ENVIRONMENT : 0),
                         call->unicode != NULL || call->ansi != NULL ? block : NULL,
                         expand(call->directory, directory, width), &startup, &child);
    outcome->code = GetLastError();
    SetCurrentDirectoryW(there);
    SetEnvironmentVariableW(L"NoDefaultCurrentDirectoryInExePath", NULL);
    ck_assert(expanded == NULL || wcscmp(expanded, before) == 0);
    if (outcome->created) {
        outcome->priority = GetPriorityClass(child.hProcess);
        outcome->suspended = (call->flags & CREATE_SUSPENDED) != 0 ? ResumeThread(child.hThread) : 0;
        outcome->code = finish_child(&child);
    }
    SetFilePointer(out.handle, 0, NULL, FILE_BEGIN);
    ck_assert(ReadFile(out.handle, outcome->text, sizeof outcome->text, &outcome->size, NULL));
    close_thing(&nul);
    close_thing(&out);
}

START_TEST(a_call_has_the_same_result)
{
    static struct outcome theirs, ours;

    /* Each, or some of them, with a child of the other width, too. */
    for (int i = 0; i < (_i % how_often(1, 4) == 0 ? WIDTH_COUNT : 1); i++) {
        int width = i == 0 ? OWN_WIDTH : OTHER_WIDTH;

        make_blank_directory(width);
        make_call(windows_own, &calls[_i], width, &theirs);
        make_call(handoff_CreateProcessW, &calls[_i], width, &ours);
        remove_blank_directory();
        ck_assert_int_eq(ours.created, theirs.created);
        ck_assert_uint_eq(ours.code, calls[_i].code_of_nt != 0 ? calls[_i].code_of_nt : theirs.code);
        ck_assert_msg(ours.size == theirs.size && memcmp(ours.text, theirs.text, ours.size) == 0,
                      "here it says '%.200s', with CreateProcessW '%.200s'", ours.text, theirs.text);
        ck_assert_uint_eq(ours.suspended, theirs.suspended);
        ck_assert_uint_eq(ours.priority, theirs.priority);
    }
    assert_nobody_left();
}
END_TEST

/* ---- where it is looked for ---- */

/* In the order in which Windows looks. */
enum { BESIDE_THIS, CURRENT, SYSTEM, SYSTEM_OF_16_BITS, WINDOWS, IN_PATH, PLACES };

/* Of this process alone, since some of the places are everybody's. */
static const wchar_t *wanted_name(void)
{
    static wchar_t name[64];

    swprintf(name, ARRAYSIZE(name), L"handoff-wanted-%lu.exe", GetCurrentProcessId());
    return name;
}

/* Not of this program's, which program() knows. */
static const wchar_t *directory_of(int place)
{
    static wchar_t path[MAX_PATH];

    if (place == CURRENT || place == IN_PATH)
        return file_path(place == CURRENT ? L"current" : L"in path");
    if (place == SYSTEM)
        GetSystemDirectoryW(path, MAX_PATH);
    else
        GetSystemWindowsDirectoryW(path, MAX_PATH);
    return place == SYSTEM_OF_16_BITS ? wcscat(path, L"\\system") : path;
}

static const wchar_t *wanted_in(int place)
{
    static wchar_t path[MAX_PATH];

    if (place == BESIDE_THIS)
        return program(OWN_WIDTH, wanted_name());
    swprintf(path, MAX_PATH, L"%ls\\%ls", directory_of(place), wanted_name());
    return path;
}

static wchar_t path_before[1 << 15], directory_before[MAX_PATH];

static void make_places(void)
{
    ck_assert(GetCurrentDirectoryW(MAX_PATH, directory_before) != 0);
    GetEnvironmentVariableW(L"PATH", path_before, ARRAYSIZE(path_before));
    ck_assert(CreateDirectoryW(directory_of(CURRENT), NULL) && CreateDirectoryW(directory_of(IN_PATH), NULL));
    ck_assert(SetCurrentDirectoryW(directory_of(CURRENT)) && SetEnvironmentVariableW(L"PATH", directory_of(IN_PATH)));
}

/* After a test that fails, too: what stays in Windows' directories would be there for ever. */
static void remove_places(void)
{
    SetCurrentDirectoryW(directory_before);
    SetEnvironmentVariableW(L"PATH", path_before);
    for (int place = 0; place < PLACES; place++)
        DeleteFileW(wanted_in(place));
    RemoveDirectoryW(directory_of(CURRENT));
    RemoveDirectoryW(directory_of(IN_PATH));
}

/* Which of them runs, as it says itself. */
static void run_wanted(create_process *create, wchar_t *path)
{
    struct thing nul = nul_thing(TRUE);
    STARTUPINFOW startup = {
        .cb = sizeof startup, .dwFlags = STARTF_USESTDHANDLES, .hStdInput = nul.handle, .hStdError = nul.handle};
    wchar_t line[128];
    PROCESS_INFORMATION child;
    HANDLE read;

    make_pipe(&read, &startup.hStdOutput);
    if (create == windows_own)
        make_inheritable(startup.hStdOutput);
    swprintf(line, ARRAYSIZE(line), L"%ls self", wanted_name());
    ck_assert_msg(create_patiently(create, NULL, line, TRUE, 0, NULL, NULL, &startup, &child), "error %lu",
                  GetLastError());
    CloseHandle(startup.hStdOutput);
    read_all(read, (char *)path, MAX_PATH * sizeof *path);
    ck_assert_uint_eq(finish_child(&child), 0);
    close_thing(&nul);
}

/* It is in this place and in all that come later. The paths are not compared with the place's, since 32-bit Windows on
 * 64-bit has two names for one system directory: what ran is removed, and then the place is empty. */
START_TEST(the_first_place_that_has_it)
{
    wchar_t ours[MAX_PATH], theirs[MAX_PATH];

    for (int place = _i; place < PLACES; place++) {
        if (!CopyFileW(program(OWN_WIDTH, L"child.exe"), wanted_in(place), TRUE) && place == _i) {
            ck_assert_uint_eq(GetLastError(), ERROR_ACCESS_DENIED);
            skip("it may put nothing into a directory of Windows'");
            return;
        }
    }
    run_wanted(windows_own, theirs);
    run_wanted(handoff_CreateProcessW, ours);
    ck_assert_msg(_wcsicmp(ours, theirs) == 0, "here %s ran, with CreateProcessW %s", shown(ours), shown(theirs));
    ck_assert(DeleteFileW(ours));
    ck_assert_msg(GetFileAttributesW(wanted_in(_i)) == INVALID_FILE_ATTRIBUTES, "%s ran, not %s", shown(ours),
                  shown(wanted_in(_i)));
    assert_nobody_left();
}
END_TEST

/* ---- handles ---- */

/* A start through the drop-in whose arguments say what it has, by way of its stdout. */
struct extended {
    STARTUPINFOEXW startup;
    _Alignas(16) char attributes[512];
    HANDLE read, write;
    struct thing nul;
    wchar_t line[2048];
    PROCESS_INFORMATION child;
};

static void prepare(struct extended *extended, int width, const wchar_t *arguments)
{
    memset(extended, 0, sizeof *extended);
    extended->nul = nul_thing(TRUE);
    make_pipe(&extended->read, &extended->write);
    swprintf(extended->line, ARRAYSIZE(extended->line), L"\"%ls\" - %ls", program(width, L"descriptor-child.exe"),
             arguments);
    extended->startup.StartupInfo = (STARTUPINFOW){.cb = sizeof extended->startup,
                                                   .dwFlags = STARTF_USESTDHANDLES,
                                                   .hStdInput = extended->nul.handle,
                                                   .hStdOutput = extended->write,
                                                   .hStdError = extended->write};
}

static void add_attribute(struct extended *extended, DWORD_PTR attribute, void *value, SIZE_T size)
{
    SIZE_T room = sizeof extended->attributes;

    extended->startup.lpAttributeList = (LPPROC_THREAD_ATTRIBUTE_LIST)(void *)extended->attributes;
    ck_assert(InitializeProcThreadAttributeList(extended->startup.lpAttributeList, 2, 0, &room));
    ck_assert(UpdateProcThreadAttribute(extended->startup.lpAttributeList, 0, attribute, value, size, NULL, NULL));
}

static BOOL create(struct extended *extended, DWORD flags)
{
    return create_patiently(handoff_CreateProcessW, NULL, extended->line, TRUE, flags | EXTENDED_STARTUPINFO_PRESENT,
                            NULL, NULL, &extended->startup.StartupInfo, &extended->child);
}

static const char *read_rest(struct extended *extended)
{
    static char text[4096];
    DWORD size = 0, read;

    CloseHandle(extended->write);
    while (size < sizeof text - 1 && ReadFile(extended->read, text + size, sizeof text - 1 - size, &read, NULL))
        size += read;
    text[size] = '\0';
    CloseHandle(extended->read);
    close_thing(&extended->nul);
    return text;
}

static void abandon(struct extended *extended)
{
    CloseHandle(extended->read);
    CloseHandle(extended->write);
    close_thing(&extended->nul);
}

/* Listed and streams, none of them inheritable, and nothing else, although there is something inheritable. */
START_WIDTH_TEST(listed_handles_and_streams_and_nothing_else)
{
    static struct extended extended;
    HANDLE listed[4] = {make_event(), make_event(), NULL, NULL}, rubbish = make_event();
    wchar_t arguments[128];
    const char *said;
    unsigned decimal, hex;
    DWORD with, without, flags;

    listed[3] = listed[0]; /* once more, and a NULL: both are left out */
    ck_assert(SetHandleInformation(rubbish, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT));
    prepare(&extended, _i, L"");
    ck_assert(create(&extended, CREATE_SUSPENDED));
    without = count_handles(extended.child.dwProcessId);
    ResumeThread(extended.child.hThread);
    ck_assert_uint_eq(finish_child(&extended.child), 0);
    abandon(&extended);
    swprintf(arguments, ARRAYSIZE(arguments), L"handle {0x%x} signal {0x%x} note {0x%x:x} line",
             (unsigned)(UINT_PTR)listed[0], (unsigned)(UINT_PTR)listed[1], (unsigned)(UINT_PTR)listed[1]);
    prepare(&extended, _i, arguments);
    add_attribute(&extended, PROC_THREAD_ATTRIBUTE_HANDLE_LIST, listed, sizeof listed);
    ck_assert(create(&extended, CREATE_SUSPENDED));
    with = count_handles(extended.child.dwProcessId);
    ck_assert_uint_eq(with, without + 2);
    ck_assert(!process_has(extended.child.dwProcessId, rubbish));
    ck_assert(process_has(extended.child.dwProcessId, listed[0]));
    for (int i = 0; i < 2; i++)
        ck_assert(GetHandleInformation(listed[i], &flags) && (flags & HANDLE_FLAG_INHERIT) == 0);
    ResumeThread(extended.child.hThread);
    said = read_rest(&extended);
    ck_assert_msg(strncmp(said, "inheritable\n", 12) == 0, "%s", said);
    ck_assert_int_eq(sscanf(strstr(said, " signal "), " signal %u note %x line", &decimal, &hex), 2);
    ck_assert_uint_eq(decimal, hex);
    ck_assert_uint_eq(finish_child(&extended.child), 0);
    ck_assert(is_set(listed[1]) && !is_set(listed[0]));
    CloseHandle(listed[0]);
    CloseHandle(listed[1]);
    CloseHandle(rubbish);
}
END_TEST

/* A block of this program's C runtime, in its own width; nothing in it is inheritable. */
START_WIDTH_TEST(descriptors_of_a_block)
{
    static const uint8_t flags[] = {0, 0, 0, 0x01, 0x01, 0};
    static struct extended extended;
    struct thing secret = file_thing(LIBRARY, "the secret", FALSE), answer = file_thing(LIBRARY, "", TRUE);
    const HANDLE handles[] = {NULL, NULL, NULL, answer.handle, secret.handle, NULL};
    STARTUPINFOW *startup = &extended.startup.StartupInfo;

    prepare(&extended, _i, L"copy 4 3");
    startup->lpReserved2 =
        (BYTE *)(UINT_PTR)make_block(sizeof(void *), ARRAYSIZE(flags), flags, handles, &startup->cbReserved2);
    ck_assert(create(&extended, 0));
    ck_assert_str_eq(read_rest(&extended), "");
    ck_assert_uint_eq(finish_child(&extended.child), 0);
    assert_thing_holds(&answer, "the secret");
    close_thing(&secret);
    close_thing(&answer);
}
END_TEST

/* Without STARTF_USESTDHANDLES the child has the parent's own. */
START_TEST(own_streams_without_being_asked)
{
    static struct extended extended;
    HANDLE own = GetStdHandle(STD_OUTPUT_HANDLE);

    prepare(&extended, _i, L"fd 1");
    extended.startup.StartupInfo.dwFlags = 0;
    SetStdHandle(STD_OUTPUT_HANDLE, extended.write);
    ck_assert(create(&extended, 0));
    SetStdHandle(STD_OUTPUT_HANDLE, own);
    ck_assert_str_eq(read_rest(&extended), "fd 1 pipe text tty=0 type=3\n");
    ck_assert_uint_eq(finish_child(&extended.child), 0);
}
END_TEST

/* A stream that is not open is none, whatever its value. */
START_TEST(a_stream_that_is_not_open_is_none)
{
    static struct extended extended;
    static const UINT_PTR values[] = {0, 0x7f00, 0x7ffffffc, 0x10003, (UINT_PTR)-1};
    HANDLE closed, other;
    const char *said;
    unsigned numbers[3];

    for (size_t i = 0; i <= ARRAYSIZE(values); i++) {
        make_pipe(&closed, &other);
        prepare(&extended, _i, L"streams");
        CloseHandle(closed);
        CloseHandle(other);
        extended.startup.StartupInfo.hStdInput = i < ARRAYSIZE(values) ? (HANDLE)values[i] : closed;
        extended.startup.StartupInfo.hStdError = extended.startup.StartupInfo.hStdInput;
        ck_assert_msg(create(&extended, 0), "stream %u: error %lu", (unsigned)i, GetLastError());
        said = read_rest(&extended);
        ck_assert_int_eq(sscanf(said, "streams %u %u %u", &numbers[0], &numbers[1], &numbers[2]), 3);
        ck_assert_msg(numbers[0] == 0 && numbers[1] != 0 && numbers[2] == 0, "stream %u: %s", (unsigned)i, said);
        ck_assert_uint_eq(finish_child(&extended.child), 0);
    }
}
END_TEST

/* ---- attributes and security ---- */

START_TEST(attributes_that_are_data_pass)
{
    static struct extended extended;
    DWORD64 policy = 0;

    prepare(&extended, _i, L"note x");
    add_attribute(&extended, PROC_THREAD_ATTRIBUTE_MITIGATION_POLICY, &policy, sizeof policy);
    ck_assert_msg(create(&extended, 0), "error %lu", GetLastError());
    ck_assert_uint_eq(finish_child(&extended.child), 0);
    abandon(&extended);
}
END_TEST

START_TEST(a_child_in_a_listed_job)
{
    static struct extended extended;
    HANDLE job = CreateJobObjectW(NULL, NULL);
    BOOL in = FALSE;

    prepare(&extended, _i, L"note x");
    add_attribute(&extended, 0x2000D, &job, sizeof job); /* PROC_THREAD_ATTRIBUTE_JOB_LIST */
    ck_assert_msg(create(&extended, CREATE_SUSPENDED), "error %lu", GetLastError());
    ck_assert(IsProcessInJob(extended.child.hProcess, job, &in) && in);
    ck_assert(!process_has(extended.child.dwProcessId, job));
    ResumeThread(extended.child.hThread);
    ck_assert_uint_eq(finish_child(&extended.child), 0);
    abandon(&extended);
    CloseHandle(job);
}
END_TEST

/* Each wish is of the handle that it is about, and a descriptor changes nothing of what the caller may do with it. */
START_TEST(security_attributes_are_honoured)
{
    static struct extended extended;
    SECURITY_DESCRIPTOR descriptor;
    SECURITY_ATTRIBUTES inheritable = {.nLength = sizeof inheritable, .bInheritHandle = TRUE};
    SECURITY_ATTRIBUTES described = {.nLength = sizeof described, .lpSecurityDescriptor = &descriptor};
    STARTUPINFOW *startup = &extended.startup.StartupInfo;

    InitializeSecurityDescriptor(&descriptor, SECURITY_DESCRIPTOR_REVISION);
    for (int i = 0; i < 4; i++) {
        SECURITY_ATTRIBUTES *process = i & 1 ? &inheritable : &described;
        SECURITY_ATTRIBUTES *thread = i & 2 ? &inheritable : NULL;

        prepare(&extended, _i, L"note x");
        startup->cb = sizeof *startup;
        ck_assert_msg(
            handoff_CreateProcessW(NULL, extended.line, process, thread, TRUE, 0, NULL, NULL, startup, &extended.child),
            "%d: error %lu", i, GetLastError());
        ck_assert(is_inheritable(extended.child.hProcess) == (process == &inheritable));
        ck_assert(is_inheritable(extended.child.hThread) == (thread != NULL));
        ck_assert_uint_eq(finish_child(&extended.child), 0);
        abandon(&extended);
    }
}
END_TEST

/* ---- CreateProcessA ---- */

/* What the child of an ANSI call says. */
static void assert_ansi(int width, DWORD flags, const void *environment, const char *arguments, const char *expected)
{
    static struct extended extended;
    STARTUPINFOEXA startup;
    char line[2048], title[] = "\xe4 title";
    HANDLE listed = make_event();
    const char *said;

    prepare(&extended, width, L"");
    add_attribute(&extended, PROC_THREAD_ATTRIBUTE_HANDLE_LIST, &listed, sizeof listed);
    memcpy(&startup, &extended.startup, sizeof startup);
    startup.StartupInfo.lpTitle = title;
    snprintf(line, sizeof line, "\"%ls\" - signal {0x%x} %s", program(width, L"descriptor-child.exe"),
             number_of(listed), arguments);
    ck_assert(handoff_CreateProcessA(NULL, line, NULL, NULL, TRUE, flags | EXTENDED_STARTUPINFO_PRESENT,
                                     (void *)(UINT_PTR)environment, "C:\\windows", &startup.StartupInfo,
                                     &extended.child));
    said = read_rest(&extended);
    ck_assert_msg(strcmp(said, expected) == 0, "%s", said);
    ck_assert_uint_eq(finish_child(&extended.child), 0);
    ck_assert(is_set(listed));
    CloseHandle(listed);
}

START_WIDTH_TEST(an_ansi_call_is_the_same)
{
    PROCESS_INFORMATION child;
    char line[] = "no-such-program", exits[] = "cmd /c exit 7";
    STARTUPINFOA startup = {.cb = sizeof startup};

    assert_ansi(_i, 0, NULL, "directory", "C:\\windows\n");
    assert_ansi(_i, 0, NULL, "title", "title e4 20 74 69 74 6c 65\n");
    assert_ansi(_i, 0, "HANDOFF_A=\xe4\0", "variable HANDOFF_A", "variable e4\n");
    assert_ansi(_i, CREATE_UNICODE_ENVIRONMENT, L"HANDOFF_A=\x263a\0", "variable HANDOFF_A", "variable 263a\n");
    ck_assert(handoff_CreateProcessA(NULL, exits, NULL, NULL, FALSE, 0, NULL, NULL, &startup, &child));
    ck_assert_uint_eq(finish_child(&child), 7);
    ck_assert(!handoff_CreateProcessA(NULL, line, NULL, NULL, TRUE, 0, NULL, NULL, &startup, &child) &&
              GetLastError() == ERROR_FILE_NOT_FOUND);
    ck_assert(!handoff_CreateProcessA(NULL, NULL, NULL, NULL, TRUE, 0, NULL, NULL, &startup, &child) &&
              GetLastError() == ERROR_INVALID_PARAMETER);
    ck_assert(!handoff_CreateProcessA(NULL, line, NULL, NULL, TRUE, 0, NULL, NULL, NULL, &child) &&
              GetLastError() == ERROR_INVALID_PARAMETER);
}
END_TEST

/* ---- what is refused ---- */

START_TEST(what_cannot_be_done_is_refused)
{
    static struct extended extended;
    SECURITY_ATTRIBUTES plain = {.nLength = sizeof plain};
    HANDLE self = GetCurrentProcess(), pseudo[] = {make_event(), self};
    STARTUPINFOW *startup = &extended.startup.StartupInfo;

    prepare(&extended, _i, L"");
    ck_assert(!create(&extended, DEBUG_PROCESS) && GetLastError() == ERROR_NOT_SUPPORTED);
    ck_assert(!create(&extended, DEBUG_ONLY_THIS_PROCESS) && GetLastError() == ERROR_NOT_SUPPORTED);
    abandon(&extended);
    prepare(&extended, _i, L"");
    add_attribute(&extended, PROC_THREAD_ATTRIBUTE_PARENT_PROCESS, &self, sizeof self);
    ck_assert(!create(&extended, 0) && GetLastError() == ERROR_NOT_SUPPORTED);
    abandon(&extended);
    prepare(&extended, _i, L"");
    add_attribute(&extended, PROC_THREAD_ATTRIBUTE_HANDLE_LIST, pseudo, sizeof pseudo);
    ck_assert(!create(&extended, 0) && GetLastError() == ERROR_INVALID_PARAMETER);
    abandon(&extended);
    CloseHandle(pseudo[0]);
    prepare(&extended, _i, L"");
    startup->cb = sizeof *startup;
    ck_assert(!create(&extended, 0) && GetLastError() == ERROR_INVALID_PARAMETER);
    assert_nobody_left();
    ck_assert(
        create_patiently(handoff_CreateProcessW, NULL, extended.line, TRUE, 0, NULL, NULL, startup, &extended.child));
    ck_assert_uint_eq(finish_child(&extended.child), 0);
    /* Attributes that ask for nothing are nothing. */
    ck_assert(
        handoff_CreateProcessW(NULL, extended.line, &plain, &plain, TRUE, 0, NULL, NULL, startup, &extended.child));
    ck_assert_uint_eq(finish_child(&extended.child), 0);
    abandon(&extended);
}
END_TEST

/* ---- threads ---- */

static DWORD WINAPI create_many(void *width)
{
    struct extended extended;
    DWORD troubles = 0;

    for (int i = 0; i < 4; i++) {
        HANDLE event = CreateEventW(NULL, TRUE, FALSE, NULL);
        wchar_t arguments[32];

        swprintf(arguments, ARRAYSIZE(arguments), L"signal {0x%x}", (unsigned)(UINT_PTR)event);
        prepare(&extended, (int)(INT_PTR)width, arguments);
        add_attribute(&extended, PROC_THREAD_ATTRIBUTE_HANDLE_LIST, &event, sizeof event);
        if (!create(&extended, 0)) {
            troubles++;
        } else {
            troubles += !comes(extended.child.hProcess) || !is_set(event);
            CloseHandle(extended.child.hProcess);
            CloseHandle(extended.child.hThread);
        }
        abandon(&extended);
        CloseHandle(event);
    }
    return troubles;
}

START_TEST(from_several_threads)
{
    HANDLE threads[4];
    DWORD troubles;

    for (size_t i = 0; i < ARRAYSIZE(threads); i++)
        threads[i] = CreateThread(NULL, 0, create_many, (void *)(INT_PTR)(i % WIDTH_COUNT), 0, NULL);
    for (size_t i = 0; i < ARRAYSIZE(threads); i++) {
        ck_assert(WaitForSingleObject(threads[i], INFINITE) == WAIT_OBJECT_0);
        ck_assert(GetExitCodeThread(threads[i], &troubles));
        ck_assert_uint_eq(troubles, 0);
        CloseHandle(threads[i]);
    }
    assert_nobody_left();
}
END_TEST

/* A parent on a console, or on what stands for one; with a console of its own; without one (stream_parent.c). */
START_TEST(streams_that_are_none_are_as_in_a_direct_call)
{
    static const DWORD consoles[] = {0, CREATE_NO_WINDOW, DETACHED_PROCESS};
    static char text[1 << 16];
    wchar_t line[2048];
    struct running parent;
    int lines = 0;

    swprintf(line, ARRAYSIZE(line), L"\"%ls\" \"%ls\" \"%ls\"", program(OWN_WIDTH, L"handoff-launcher.exe"),
             program(OWN_WIDTH, L"handoff.exe"), program(OWN_WIDTH, L"child.exe"));
    parent = start_running(program(OWN_WIDTH, L"stream-parent.exe"), line, NULL, consoles[_i], NULL, NULL);
    for (; read_line(parent.out, text, sizeof text); lines++)
        ck_assert_msg(strstr(text, " differs") == NULL && strstr(text, "error") == NULL, "%s", text);
    ck_assert_uint_eq(finish_running(&parent), 0);
    ck_assert_int_ge(lines, 108);
    assert_nobody_left();
}
END_TEST

Suite *dropin_suite(void)
{
    const struct listed_test tests[] = {
        {a_call_has_the_same_result, "calls", ARRAYSIZE(calls)},
        {listed_handles_and_streams_and_nothing_else, "handles of calls", WIDTH_COUNT},
        {descriptors_of_a_block, "handles of calls", WIDTH_COUNT},
        {own_streams_without_being_asked, "handles of calls", WIDTH_COUNT},
        {a_stream_that_is_not_open_is_none, "handles of calls", WIDTH_COUNT},
        {streams_that_are_none_are_as_in_a_direct_call, "streams of calls", 3},
        {an_ansi_call_is_the_same, "handles of calls", WIDTH_COUNT},
        {attributes_that_are_data_pass, "handles of calls", WIDTH_COUNT},
        {a_child_in_a_listed_job, "handles of calls", WIDTH_COUNT},
        {security_attributes_are_honoured, "handles of calls", WIDTH_COUNT},
        {what_cannot_be_done_is_refused, "handles of calls", WIDTH_COUNT},
        {from_several_threads, "threads of calls", 1},
    };
    Suite *suite = suite_create("dropin");
    TCase *places = tcase_create("places of programs");

    add_tests(suite, tests, ARRAYSIZE(tests));
    tcase_add_checked_fixture(places, make_places, remove_places);
    tcase_add_loop_test(places, the_first_place_that_has_it, 0, PLACES);
    suite_add_tcase(suite, places);
    return suite;
}
