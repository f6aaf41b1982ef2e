/* --trace: what it says is so, in both forms, and it holds nothing up. */
#include "batch.h"

#include <stdio.h>
#include <string.h>
#include <wchar.h>

/* ---- JSON ---- */

static const char *skip_json(const char *at);

static const char *skip_string(const char *at)
{
    for (at++; *at != '"'; at++) {
        ck_assert_msg(*at >= ' ' && *at < 0x7F, "not in a string: %s", at);
        if (*at == '\\') {
            at++;
            ck_assert_msg(*at != '\0' && strchr("\"\\/bfnrtu", *at) != NULL, "no escape: %s", at);
            if (*at == 'u') {
                ck_assert_msg(strspn(at + 1, "0123456789abcdefABCDEF") >= 4, "no escape: %s", at);
                at += 4;
            }
        }
    }
    return at + 1;
}

static const char *skip_members(const char *at, char end, BOOL named)
{
    if (*at == end)
        return at + 1;
    for (;; at++) {
        if (named) {
            ck_assert_msg(*at == '"', "no name: %s", at);
            at = skip_string(at);
            ck_assert_msg(*at++ == ':', "no colon: %s", at);
        }
        at = skip_json(at);
        if (*at == end)
            return at + 1;
        ck_assert_msg(*at == ',', "neither , nor %c: %s", end, at);
    }
}

/* One value without blanks, as ours are; returns what follows. */
static const char *skip_json(const char *at)
{
    static const char *const words[] = {"true", "false", "null"};

    if (*at == '{' || *at == '[')
        return skip_members(at + 1, *at == '{' ? '}' : ']', *at == '{');
    if (*at == '"')
        return skip_string(at);
    for (size_t i = 0; i < ARRAYSIZE(words); i++) {
        if (strncmp(at, words[i], strlen(words[i])) == 0)
            return at + strlen(words[i]);
    }
    ck_assert_msg(*at >= '0' && *at <= '9' && (*at != '0' || strspn(at, "0123456789") == 1), "no value: %s", at);
    return at + strspn(at, "0123456789");
}

static void assert_json_lines(const char *text, unsigned count)
{
    for (const char *line = text; count > 0; count--) {
        const char *end = *line == '{' ? skip_json(line) : line;

        ck_assert_msg(strncmp(end, "\r\n", 2) == 0 && (count > 1 || end[2] == '\0'), "not so many lines of JSON: %s",
                      text);
        line = end + 2;
    }
}

/* The object that says it of the handle. */
static const char *of_handle(const char *json, const wchar_t *name)
{
    static char object[512];
    char begins[64];
    const char *at;

    snprintf(begins, sizeof begins, "{\"name\":\"%ls\",", name);
    at = strstr(json, begins);
    ck_assert_msg(at != NULL, "nothing of %ls in %s", name, json);
    snprintf(object, sizeof object, "%.*s", (int)(skip_json(at) - at), at);
    return object;
}

/* ---- every handle ---- */

/* Starts the child with every source and sink, and lets it list what it has been told. */
static void trace_everything(const wchar_t *option, WORD port, char *trace, DWORD capacity)
{
    static wchar_t line[6144], sources[2048];
    struct running running;

    put_every_source(sources, port);
    swprintf(
        line, ARRAYSIZE(line),
        L"%ls %ls --handle n={n} --fd 7=a --fd 3=r --stderr w --stdin r --env \"X=a{e:x}\" --seal -- \"%ls\" table "
        L"%ls {n} {l.port} {l6.port}",
        option, sources, program(OWN_WIDTH, L"child.exe"), every_name);
    /* The outer one gives the inner one a handle. Its own placeholders are those of {{ }} here. */
    {
        static wchar_t both[8192];
        wchar_t *to = both + swprintf(both, 256, L"--event n= -- \"%ls\" ", program(OWN_WIDTH, L"handoff.exe"));

        for (const wchar_t *from = line; *from != L'\0'; from++) {
            *to++ = *from;
            if (wcsncmp(from, L"{n} {", 5) == 0)
                to += swprintf(to - 1, 16, L"{{n}}") - 1, from += 2;
        }
        *to = L'\0';
        running = start_running(program(OWN_WIDTH, L"handoff.exe"), both, NULL, 0, NULL, NULL);
    }
    begin_witness(&witness, &running);
    *trace = '\0';
    while (strstr(trace, "created") == NULL) { /* the last that is said before the end */
        char *end = trace + strlen(trace);

        ck_assert(read_line(running.err, end, capacity - (DWORD)(end - trace) - 2));
        strcat(end, "\n");
    }
    finish_witness(&witness, &running);
}

static const wchar_t *const traced[] = {L"r", L"w", L"a", L"u", L"p", L"l", L"l6",
                                        L"c", L"e", L"m", L"s", L"f", L"x", L"n"};

START_TEST(the_json_trace_is_true)
{
    HANDLE server = make_pipe_server(PIPE_ACCESS_DUPLEX);
    static char trace[16384];
    const char *object;
    SOCKET listener;
    WORD port;

    listener = bound_socket(AF_INET, TRUE, &port);
    write_file(in_directory(L"in"), "");
    trace_everything(L"--trace=json", port, trace, sizeof trace);
    assert_json_lines(trace, 1);
    ck_assert_uint_eq(number_after(trace, "\"child\":"), witness.process_id);
    ck_assert_uint_eq(witness.told_count, ARRAYSIZE(traced) + 2);
    for (size_t i = 0; i < ARRAYSIZE(traced); i++) {
        object = of_handle(trace, traced[i]);
        ck_assert_uint_eq(number_after(object, "\"child\":"), witness.told[i]);
        ck_assert_uint_eq(number_after(object, "\"launcher\":"), witness.told[i]);
        ck_assert_ptr_nonnull(strstr(object, "\"parent\":null,")); /* it was never another's */
        ck_assert_ptr_nonnull(strstr(object, "\"sealed\":true"));
        ck_assert_int_eq(strstr(object, "\"descriptor\":") != NULL, *traced[i] == L'r' || *traced[i] == L'a');
    }
    ck_assert_ptr_nonnull(strstr(of_handle(trace, L"r"), "\"streams\":[\"stdin\"],\"descriptor\":3,"));
    ck_assert_ptr_nonnull(strstr(of_handle(trace, L"w"), "\"streams\":[\"stderr\"],"));
    ck_assert_ptr_nonnull(strstr(of_handle(trace, L"a"), "\"streams\":[],\"descriptor\":7,"));
    CloseHandle(server);
    closesocket(listener);
}
END_TEST

START_TEST(the_trace_is_true)
{
    HANDLE server = make_pipe_server(PIPE_ACCESS_DUPLEX);
    static char trace[16384];
    SOCKET listener;
    WORD port;

    listener = bound_socket(AF_INET, TRUE, &port);
    write_file(in_directory(L"in"), "");
    trace_everything(L"--trace", port, trace, sizeof trace);
    for (size_t i = 0; i < ARRAYSIZE(traced); i++) {
        static const char *const sinks[] = {">stdin>fd3", ">stderr", ">fd7"};
        char says[128], *line;

        snprintf(says, sizeof says, "handoff: %ls%s (sealed): 0x", traced[i], i < 3 ? sinks[i] : "");
        line = strstr(trace, says);
        ck_assert_msg(line != NULL, "no '%s' in %s", says, trace);
        snprintf(says, sizeof says, " -> 0x%lx in child %lu\r\n", witness.told[i], witness.process_id);
        ck_assert_msg(strncmp(strchr(line, '\r') + 2 - strlen(says), says, strlen(says)) == 0, "%s: %.200s", says,
                      line);
    }
    ck_assert_ptr_nonnull(strstr(trace, " us: child created\r\n"));
    CloseHandle(server);
    closesocket(listener);
}
END_TEST

/* Lines of "NAME: N us: STEP", in this order and never backwards. */
static void assert_times(const char *text)
{
    static const char *const steps[] = {"handles opened", "child created"};
    unsigned last = 0, us;

    for (size_t i = 0; i < ARRAYSIZE(steps); i++) {
        const char *step = strstr(text, steps[i]);

        ck_assert_msg(step != NULL, "no '%s' in %s", steps[i], text);
        while (step > text && step[-1] != '\n')
            step--;
        ck_assert_msg(sscanf(strchr(step, ':') + 1, " %u us: ", &us) == 1 && us >= last, "%s", text);
        last = us;
    }
    ck_assert_uint_gt(last, 0);
}

/* The rest of the line that begins so, without what begins it. */
static const char *line_after(const char *text, const char *start)
{
    static char rest[2048];
    const char *found = strstr(text, start);

    ck_assert_msg(found != NULL && (found == text || found[-1] == '\n'), "no line '%s...' in %s", start, text);
    snprintf(rest, sizeof rest, "%.*s", (int)strcspn(found + strlen(start), "\r"), found + strlen(start));
    return rest;
}

/* What the trace says of the handle h, the second of the child's numbers, is what the child says. */
static void check_trace(const char *err, DWORD process_id, HANDLE event)
{
    const char *way = line_after(err, "handoff: h: ");
    unsigned in_parent, parent_id, in_launcher, launcher_id, in_child, child_id;
    char expected[512];

    if (event != NULL) {
        ck_assert_int_eq(sscanf(way, "0x%x in parent %u -> ", &in_parent, &parent_id), 2);
        ck_assert_uint_eq(in_parent, number_of(event));
        ck_assert_uint_eq(parent_id, GetCurrentProcessId());
        way = strstr(way, "-> ") + 3;
    }
    ck_assert_int_eq(
        sscanf(way, "0x%x in handoff %u -> 0x%x in child %u", &in_launcher, &launcher_id, &in_child, &child_id), 4);
    ck_assert_uint_eq(witness.told_count, 1);
    ck_assert_uint_eq(in_child, witness.told[0]);
    ck_assert_uint_eq(in_launcher, witness.told[0]);
    ck_assert_uint_eq(child_id, witness.process_id);
    ck_assert_uint_eq(launcher_id, process_id);
    snprintf(expected, sizeof expected, "\" table %lu", witness.told[0]);
    ck_assert_msg(ends_with(line_after(err, "handoff: \""), expected), "%s", err);
}

START_TEST(a_trace_says_what_happened)
{
    const wchar_t *file = file_path(L"traced");
    HANDLE event = make_event();
    struct running running;
    wchar_t options[512], line[1024];

    if (opens(_i))
        swprintf(options, ARRAYSIZE(options), L"--write \"h=%ls\"", file);
    else
        swprintf(options, ARRAYSIZE(options), L"--parent %lu --copy h=%u", GetCurrentProcessId(), number_of(event));
    swprintf(line, ARRAYSIZE(line), L"--trace %ls -- \"%ls\" table {h}", options, child(_i));
    running = start_running(prefix(_i), line, NULL, 0, NULL, NULL);
    begin_witness(&witness, &running);
    CloseHandle(running.in);
    read_all(running.err, result.err, sizeof result.err);
    CloseHandle(running.out);
    CloseHandle(witness.child.hProcess);
    check_trace(result.err, running.process.dwProcessId, opens(_i) ? NULL : event);
    assert_times(result.err);
    ck_assert_uint_eq(finish_child(&running.process), 0);
    CloseHandle(event);
    DeleteFileW(file);
}
END_TEST

/* ---- line and end ---- */

/* What the command sees is what the trace says that it sees. */
START_TEST(the_json_trace_has_the_command_line)
{
    const wchar_t *seen = (wchar_t *)(void *)result.out;
    char encoded[1024], *to = encoded;

    write_file(in_directory(L"in"), "");
    run_batch("\"%HANDOFF%\" --trace=json --read \"x=%DIR%\\in\" -- \"%CHILD%\" line {x} {{x}} \"a\\b\\\" \"\"c\"\" "
              "%DIR% {y}\n");
    assert_json_lines(result.err, 2);
    for (; *seen != L'\0'; seen++)
        to += sprintf(to,
                      *seen < L' ' || *seen > 0x7E      ? "\\u%04x"
                      : *seen == L'"' || *seen == L'\\' ? "\\%c"
                                                        : "%c",
                      *seen);
    ck_assert_msg(strstr(encoded, "{x}") != NULL && strstr(result.err, encoded) != NULL, "%s: %s", encoded, result.err);
}
END_TEST

static const struct {
    const char *options, *command, *says;
} traced_ends[] = {
    {"", "exit 5", "exit code 5 (exited): '"},
    {"", "exit 0xc0000005", "exit code 0xc0000005 (access violation): '"},
    {"", "exit 0x80000001", "exit code 0x80000001 (exited): '"},
    {"--timeout 100ms", "hold 0", "exit code 124 (timeout): '"},
};

/* The program is the one that ran, whichever name it was found by. */
START_TEST(the_trace_tells_the_end)
{
    char says[256];

    set_variable(L"OPTIONS", "%s", traced_ends[_i].options);
    set_variable(L"ACTION", "%s", traced_ends[_i].command);
    ck_assert(CopyFileW(program(OWN_WIDTH, L"child.exe"), in_directory(L"prog.exe"), FALSE));
    run_batch("cd /d \"%DIR%\"\n\"%HANDOFF%\" --trace %OPTIONS% -- prog %ACTION%\n");
    snprintf(says, sizeof says, "handoff: %s", traced_ends[_i].says);
    ck_assert_msg(strncmp(last_line(result.err), says, strlen(says)) == 0 &&
                      strstr(last_line(result.err), "\\prog.exe'\r\n") != NULL,
                  "%s", result.err);
}
END_TEST

/* Of each command, and with nothing of it among what the commands say. */
START_TEST(the_json_trace_goes_to_a_file)
{
    HANDLE file;
    char text[4096];

    run_batch("\"%HANDOFF%\" --trace=json:\"%DIR%\\trace\" -- \"%CHILD%\" exit 5\n"
              "\"%HANDOFF%\" \"--trace=json:%DIR%\\trace\" -- \"%CHILD%\" exit 6\n");
    assert_out("");
    ck_assert_uint_eq(result.exit_code, 6);
    file = CreateFileW(in_directory(L"trace"), GENERIC_READ, 0, NULL, OPEN_EXISTING, 0, NULL);
    ck_assert(file != INVALID_HANDLE_VALUE);
    read_all(file, text, sizeof text);
    assert_json_lines(text, 4);
    ck_assert_ptr_nonnull(strstr(text, "child.exe\",\"exit_code\":5,\"ended\":\"exited\"}\r\n{\"parent\""));
    ck_assert_ptr_nonnull(strstr(text, "child.exe\",\"exit_code\":6,\"ended\":\"exited\"}\r\n"));
}
END_TEST

/* ---- what nobody reads ---- */

/* With a stderr that takes nothing until it is read. */
static struct running start_unheard(const wchar_t *path, int i, const wchar_t *options, HANDLE event,
                                    const wchar_t *action)
{
    STARTUPINFOW startup;
    struct running running = make_streams(&startup);
    wchar_t line[1024];

    CloseHandle(running.err);
    CloseHandle(startup.hStdError);
    ck_assert(CreatePipe(&running.err, &startup.hStdError, NULL, 1));
    make_inheritable(startup.hStdError);
    swprintf(line, ARRAYSIZE(line), L"%ls --parent %lu --copy e=%u -- \"%ls\" %ls {e}", options, GetCurrentProcessId(),
             number_of(event), child(i), action);
    start_with_all(&running, path, line, &startup, 0);
    close_streams(&startup);
    return running;
}

static const struct {
    const wchar_t *options;
    const char *first, *last; /* of what is said */
} unheard[] = {
    {L"--trace", "handoff: e: 0x", "handoff: exit code 0 (exited)"},
    {L"--trace --timeout 1h", "handoff: e: 0x", "handoff: exit code 0 (exited)"},
    {L"--trace --detach", "handoff: e: 0x", " us: child created\r\n"},
    {L"--trace=json", "{\"parent\":", "\"exit_code\":0,"},
};

/* The command runs all the same, and whoever reads late reads all of it. */
static void assert_is_heard_late(const wchar_t *path, int i, int row)
{
    HANDLE event = make_event();
    struct running running = start_unheard(path, i, unheard[row].options, event, L"signal");

    ck_assert_msg(comes(event), "the command does not run");
    read_all(running.err, result.err, sizeof result.err);
    running.err = NULL;
    ck_assert_msg(strstr(result.err, unheard[row].first) == result.err && strstr(result.err, unheard[row].last) != NULL,
                  "%s", result.err);
    ck_assert_uint_eq(finish_running(&running), 0);
    CloseHandle(event);
    assert_nobody_left();
}

START_TEST(a_trace_that_nobody_reads_holds_nothing_up)
{
    assert_is_heard_late(prefix(_i), _i, _i / WIDTH_COUNT);
}
END_TEST

/* Where there is no thread to be had (tests/faulty/faulty_prefix.c), all is said at the end. */
START_TEST(a_trace_without_a_thread_holds_nothing_up)
{
    int row = _i / WIDTH_COUNT == 0 ? 0 : 3;

    SetEnvironmentVariableW(L"HANDOFF_THREAD", L"none");
    assert_is_heard_late(program(_i % WIDTH_COUNT, L"faulty-prefix.exe"), _i, row);
    SetEnvironmentVariableW(L"HANDOFF_THREAD", NULL);
}
END_TEST

START_TEST(the_time_is_up_though_nobody_reads_the_trace)
{
    HANDLE event = make_event();
    struct running running = start_unheard(prefix(_i), _i, L"--trace --timeout 1s", event, L"hold");

    ck_assert(comes(running.process.hProcess));
    ck_assert(is_set(event));
    ck_assert_uint_eq(finish_running(&running), 124);
    CloseHandle(event);
    assert_nobody_left();
}
END_TEST

Suite *trace_suite(void)
{
    const struct listed_test in_a_line[] = {
        {a_trace_says_what_happened, "trace in a line", COMBINATIONS_OF_BOTH},
        {a_trace_that_nobody_reads_holds_nothing_up, "silence", ARRAYSIZE(unheard) * WIDTH_COUNT},
        {a_trace_without_a_thread_holds_nothing_up, "silence", 2 * WIDTH_COUNT},
        {the_time_is_up_though_nobody_reads_the_trace, "silence", WIDTH_COUNT},
    };
    const struct listed_test in_batch_files[] = {
        {the_json_trace_is_true, "trace in batch files", 1},
        {the_trace_is_true, "trace in batch files", 1},
        {the_json_trace_has_the_command_line, "trace in batch files", 1},
        {the_trace_tells_the_end, "trace in batch files", ARRAYSIZE(traced_ends)},
        {the_json_trace_goes_to_a_file, "trace in batch files", 1},
    };
    Suite *suite = console_suite("trace", in_batch_files, ARRAYSIZE(in_batch_files), set_up_batch, tear_down_batch);

    add_tests(suite, in_a_line, ARRAYSIZE(in_a_line));
    return suite;
}
