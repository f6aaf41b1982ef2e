/* Bad requests (G4, G11): each has its stage, its pass and its code, starts nothing and loses
 * nothing. Each runs with both widths of launcher. */
#include "system.h"

#include <string.h>
#include <wchar.h>

enum { LONG_LINE = 40000 };

/* What a row starts from: a request that works. */
struct trial {
    struct handoff_request request;
    struct handoff_pass passes[2];
    HANDLE event;
};

static wchar_t long_line[LONG_LINE];

static void wrong_cb(struct trial *t)
{
    t->request.cb--;
}
static void no_program(struct trial *t)
{
    t->request.command_line = NULL;
}
static void debug_flag(struct trial *t)
{
    t->request.creation_flags = DEBUG_PROCESS;
}
static void debug_this_flag(struct trial *t)
{
    t->request.creation_flags = DEBUG_ONLY_THIS_PROCESS;
}
static void extended_flag(struct trial *t)
{
    t->request.creation_flags = EXTENDED_STARTUPINFO_PRESENT;
}
static void empty_name(struct trial *t)
{
    t->passes[1].name = L"";
}
static void name_with_blank(struct trial *t)
{
    t->passes[1].name = L"a b";
}
static void name_with_brace(struct trial *t)
{
    t->passes[1].name = L"a}";
}
static void name_twice(struct trial *t)
{
    t->passes[1].name = L"h";
}
static void stream_twice(struct trial *t)
{
    t->passes[0].streams = t->passes[1].streams = HANDOFF_STDERR;
}
static void unknown_stream(struct trial *t)
{
    t->passes[1].streams = 8;
}
static void no_place(struct trial *t)
{
    t->passes[1].name = NULL;
}
static void unknown_flag(struct trial *t)
{
    t->passes[1].flags = 64;
}
static void two_kinds(struct trial *t)
{
    t->passes[1].descriptor = 3;
    t->passes[1].flags = HANDOFF_PIPE | HANDOFF_DEVICE;
}
static void kind_of_no_descriptor(struct trial *t)
{
    t->passes[0].flags = HANDOFF_PIPE;
}
static void closed_stream_unknown(struct trial *t)
{
    t->request.closed_streams = 8;
}
static void no_passes(struct trial *t)
{
    t->request.passes = NULL;
}
static void many_passes(struct trial *t)
{
    t->request.pass_count = 0xFFFFFFFF;
}
static void line_and_arguments(struct trial *t)
{
    t->request.arguments = &t->request.command_line;
}
static void no_argument(struct trial *t)
{
    static const wchar_t *const none[] = {NULL};

    t->request.command_line = NULL;
    t->request.arguments = none;
}
static void descriptor_of_a_stream(struct trial *t)
{
    t->passes[1].descriptor = 2;
}
static void descriptor_too_high(struct trial *t)
{
    t->passes[1].descriptor = 2048;
    t->passes[1].flags = HANDOFF_PIPE; /* with which one that is handed on may be higher */
}
static void handle_zero(struct trial *t)
{
    t->passes[1].handle = NULL;
}
static void handle_process(struct trial *t)
{
    t->passes[1].handle = GetCurrentProcess();
}
static void handle_thread(struct trial *t)
{
    t->passes[1].handle = GetCurrentThread();
}
static void handle_minus_12(struct trial *t)
{
    t->passes[1].handle = (HANDLE)(INT_PTR)-12;
}
static void handle_odd(struct trial *t)
{
    t->passes[1].handle = (HANDLE)((UINT_PTR)t->event | 3);
}
static void handle_closed(struct trial *t)
{
    t->passes[1].handle = (HANDLE)(UINT_PTR)0x7ffffffc;
}
static void unused_name(struct trial *t)
{
    t->passes[1].name = L"typo";
}
static void no_such_program(struct trial *t)
{
    t->request.command_line = L"no-such-program {h} {i}";
}
static void empty_program(struct trial *t)
{
    t->request.command_line = L"\"\" {h} {i}";
}
static void no_such_application(struct trial *t)
{
    t->request.application = L"C:\\no\\such.exe";
}
static void directory_as_program(struct trial *t)
{
    t->request.command_line = L"C:\\windows {h} {i}";
}
static void no_such_directory(struct trial *t)
{
    t->request.directory = L"C:\\no\\such\\directory";
}
static void no_launcher(struct trial *t)
{
    t->request.launcher = L"C:\\no\\such\\launcher.exe";
}
static void launcher_is_no_launcher(struct trial *t)
{
    t->request.launcher = program(X64, L"child.exe");
}

static void line_too_long(struct trial *t)
{
    wmemset(long_line, L'x', LONG_LINE - 1);
    memcpy(long_line, L"cmd {h} {i} ", 12 * sizeof(wchar_t));
    t->request.command_line = long_line;
}

static const struct {
    const char *name;
    void (*spoil)(struct trial *);
    DWORD stage, pass, code;
    const wchar_t *subject; /* NULL: any */
} rows[] = {
    {"cb", wrong_cb, HANDOFF_STAGE_REQUEST, HANDOFF_NO_PASS, ERROR_INVALID_PARAMETER, L"cb"},
    {"no program", no_program, HANDOFF_STAGE_REQUEST, HANDOFF_NO_PASS, ERROR_INVALID_PARAMETER, L"command_line"},
    {"DEBUG_PROCESS", debug_flag, HANDOFF_STAGE_REQUEST, HANDOFF_NO_PASS, ERROR_INVALID_PARAMETER, L"creation_flags"},
    {"DEBUG_ONLY_THIS_PROCESS", debug_this_flag, HANDOFF_STAGE_REQUEST, HANDOFF_NO_PASS, ERROR_INVALID_PARAMETER,
     L"creation_flags"},
    {"EXTENDED_STARTUPINFO_PRESENT", extended_flag, HANDOFF_STAGE_REQUEST, HANDOFF_NO_PASS, ERROR_INVALID_PARAMETER,
     L"creation_flags"},
    {"empty name", empty_name, HANDOFF_STAGE_REQUEST, 1, ERROR_INVALID_NAME, NULL},
    {"name with a blank", name_with_blank, HANDOFF_STAGE_REQUEST, 1, ERROR_INVALID_NAME, NULL},
    {"name with a brace", name_with_brace, HANDOFF_STAGE_REQUEST, 1, ERROR_INVALID_NAME, NULL},
    {"name twice", name_twice, HANDOFF_STAGE_REQUEST, 1, ERROR_ALREADY_EXISTS, NULL},
    {"stream twice", stream_twice, HANDOFF_STAGE_REQUEST, 1, ERROR_ALREADY_EXISTS, NULL},
    {"unknown stream", unknown_stream, HANDOFF_STAGE_REQUEST, 1, ERROR_INVALID_PARAMETER, L"passes[1].streams"},
    {"no place", no_place, HANDOFF_STAGE_REQUEST, 1, ERROR_INVALID_PARAMETER, L"passes[1].name"},
    {"an unknown flag", unknown_flag, HANDOFF_STAGE_REQUEST, 1, ERROR_INVALID_PARAMETER, L"passes[1].flags"},
    {"two kinds", two_kinds, HANDOFF_STAGE_REQUEST, 1, ERROR_INVALID_PARAMETER, L"passes[1].flags"},
    {"a kind of no descriptor", kind_of_no_descriptor, HANDOFF_STAGE_REQUEST, 0, ERROR_INVALID_PARAMETER,
     L"passes[0].flags"},
    {"an unknown closed stream", closed_stream_unknown, HANDOFF_STAGE_REQUEST, HANDOFF_NO_PASS, ERROR_INVALID_PARAMETER,
     L"closed_streams"},
    {"no passes", no_passes, HANDOFF_STAGE_REQUEST, HANDOFF_NO_PASS, ERROR_INVALID_PARAMETER, L"passes"},
    {"many passes", many_passes, HANDOFF_STAGE_REQUEST, HANDOFF_NO_PASS, ERROR_INVALID_PARAMETER, L"pass_count"},
    {"line and arguments", line_and_arguments, HANDOFF_STAGE_REQUEST, HANDOFF_NO_PASS, ERROR_INVALID_PARAMETER,
     L"arguments"},
    {"no argument", no_argument, HANDOFF_STAGE_REQUEST, HANDOFF_NO_PASS, ERROR_INVALID_PARAMETER, L"arguments"},
    {"descriptor of a stream", descriptor_of_a_stream, HANDOFF_STAGE_REQUEST, 1, ERROR_TOO_MANY_OPEN_FILES, L"i"},
    {"descriptor too high", descriptor_too_high, HANDOFF_STAGE_REQUEST, 1, ERROR_TOO_MANY_OPEN_FILES, L"i"},
    {"handle 0", handle_zero, HANDOFF_STAGE_DUPLICATE, 1, ERROR_INVALID_HANDLE, NULL},
    {"handle -1", handle_process, HANDOFF_STAGE_DUPLICATE, 1, ERROR_INVALID_HANDLE, NULL},
    {"handle -2", handle_thread, HANDOFF_STAGE_DUPLICATE, 1, ERROR_INVALID_HANDLE, NULL},
    {"handle -12", handle_minus_12, HANDOFF_STAGE_DUPLICATE, 1, ERROR_INVALID_HANDLE, NULL},
    {"odd handle", handle_odd, HANDOFF_STAGE_DUPLICATE, 1, ERROR_INVALID_HANDLE, NULL},
    {"closed handle", handle_closed, HANDOFF_STAGE_DUPLICATE, 1, ERROR_INVALID_HANDLE, NULL},
    {"unused name", unused_name, HANDOFF_STAGE_UNUSED, 1, ERROR_NOT_FOUND, NULL},
    {"line too long", line_too_long, HANDOFF_STAGE_REWRITE, HANDOFF_NO_PASS, ERROR_FILENAME_EXCED_RANGE, NULL},
    {"no such program", no_such_program, HANDOFF_STAGE_FIND, HANDOFF_NO_PASS, ERROR_FILE_NOT_FOUND, NULL},
    {"empty program", empty_program, HANDOFF_STAGE_FIND, HANDOFF_NO_PASS, ERROR_FILE_NOT_FOUND, NULL},
    {"a directory as program", directory_as_program, HANDOFF_STAGE_FIND, HANDOFF_NO_PASS, ERROR_FILE_NOT_FOUND, NULL},
    {"no such application", no_such_application, HANDOFF_STAGE_CREATE, HANDOFF_NO_PASS, 0, NULL},
    {"no such directory", no_such_directory, HANDOFF_STAGE_CREATE, HANDOFF_NO_PASS, 0, NULL},
    {"no launcher", no_launcher, HANDOFF_STAGE_LAUNCHER, HANDOFF_NO_PASS, 0, NULL},
    {"a launcher that is none", launcher_is_no_launcher, HANDOFF_STAGE_LAUNCHER, HANDOFF_NO_PASS, ERROR_BAD_EXE_FORMAT,
     NULL},
};

static void check_message(const char *row, const struct handoff_error *error)
{
    wchar_t text[512], code[16];

    ck_assert_uint_gt(handoff_error_text(error, text, ARRAYSIZE(text)), 0);
    swprintf(code, ARRAYSIZE(code), L"error %lu", error->code);
    ck_assert_msg(wcspbrk(text, L"\r\n") == NULL, "%s: more than a line: %ls", row, text);
    ck_assert_msg(wcsstr(text, code) != NULL, "%s: no code in: %ls", row, text);
    ck_assert_msg(wcsstr(text, error->subject) != NULL, "%s: no name in: %ls", row, text);
}

static void check_row(size_t row, int width)
{
    struct trial t = {.event = make_event()};
    PROCESS_INFORMATION child;
    struct handoff_error error;
    DWORD flags, before, last_error;

    t.request = request_child(width, X64, L"signal {h} {i}");
    t.passes[0] = (struct handoff_pass){.name = L"h", .handle = t.event};
    t.passes[1] = (struct handoff_pass){.name = L"i", .handle = t.event};
    t.request.passes = t.passes;
    t.request.pass_count = 2;
    rows[row].spoil(&t);
    before = count_own_handles();
    if (spawn_patiently(&t.request, &child, &error))
        ck_abort_msg("%s: a child was started", rows[row].name);
    last_error = GetLastError();
    ck_assert_uint_eq(last_error, error.code);
    ck_assert_msg(count_own_handles() == before, "%s: the handle table has changed", rows[row].name);
    ck_assert_msg(error.stage == rows[row].stage && error.pass == rows[row].pass &&
                      (error.code == rows[row].code || (rows[row].code == 0 && error.code != 0)) &&
                      error.unreclaimed == 0,
                  "%s: stage %lu, pass %lu, code %lu, unreclaimed %lu", rows[row].name, error.stage, error.pass,
                  error.code, error.unreclaimed);
    ck_assert_msg(rows[row].subject == NULL || wcscmp(error.subject, rows[row].subject) == 0, "%s: subject %ls",
                  rows[row].name, error.subject);
    ck_assert(child.hProcess == NULL && child.hThread == NULL && child.dwProcessId == 0);
    check_message(rows[row].name, &error);
    ck_assert(GetHandleInformation(t.event, &flags) && flags == 0);
    ck_assert_msg(!is_set(t.event), "%s: a child ran", rows[row].name);
    CloseHandle(t.event);
    assert_nobody_left();
}

/* What the first failure loads and keeps is not what these tests look for. */
static void warm_up(void)
{
    struct handoff_request request = request_child(X64, X64, L"exit 0");
    PROCESS_INFORMATION child;

    request.launcher = L"C:\\no\\such\\launcher.exe";
    handoff_spawn(&request, &child, NULL);
    request = request_child(X64, X64, L"exit 0");
    child = spawn_or_fail(&request);
    finish_child(&child);
}

START_TEST(g4_g11_bad_requests_with_a_64_bit_launcher)
{
    check_row((size_t)_i, X64);
}
END_TEST

START_TEST(g4_g11_bad_requests_with_a_32_bit_launcher)
{
    check_row((size_t)_i, X86);
}
END_TEST

/* A launcher that has been deleted is missing; one beside the test program is found by default. */
START_TEST(the_launcher_is_beside_the_module)
{
    struct handoff_request request = request_child(X64, X64, L"exit 7");
    PROCESS_INFORMATION child;

    request.launcher = NULL;
    child = spawn_or_fail(&request);
    ck_assert_uint_eq(finish_child(&child), 7);
}
END_TEST

Suite *errors_suite(void)
{
    Suite *suite = suite_create("errors");
    TCase *tcase = tcase_create("bad requests");

    tcase_add_unchecked_fixture(tcase, warm_up, NULL);
    tcase_add_loop_test(tcase, g4_g11_bad_requests_with_a_64_bit_launcher, 0, ARRAYSIZE(rows));
    tcase_add_loop_test(tcase, g4_g11_bad_requests_with_a_32_bit_launcher, 0, ARRAYSIZE(rows));
    tcase_add_test(tcase, the_launcher_is_beside_the_module);
    suite_add_tcase(suite, tcase);
    return suite;
}
