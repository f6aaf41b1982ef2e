/* What handoff itself writes, and what it passes on: at the end of what a C runtime appends to, and never lost in
 * silence. */
#include "batch.h"
#include "talk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

enum { FILE_FLAGS = 0x01, APPEND_FLAGS = 0x21, DEVICE_FLAGS = 0x41, EXIT_LOST = 122 /* a C runtime's; handoff's */ };

static const char old[] = "An old line.\r\nAnother one, which must stay too.\r\n";

static HANDLE open_file(const wchar_t *path, DWORD access, DWORD disposition)
{
    HANDLE file =
        CreateFileW(path, access, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL, disposition, 0, NULL);

    ck_assert_msg(file != INVALID_HANDLE_VALUE, "%ls: error %lu", path, GetLastError());
    return file;
}

/* As after fopen("a"), the position is the file's beginning. */
static HANDLE open_old_file(void)
{
    write_file(in_directory(L"old"), old);
    return open_file(in_directory(L"old"), GENERIC_READ | GENERIC_WRITE, OPEN_EXISTING);
}

/* Closes the file. What was added to it lives until the next call. */
static const char *added_to(HANDLE file)
{
    static char text[8192];

    SetFilePointer(file, 0, NULL, FILE_BEGIN);
    read_all(file, text, sizeof text);
    ck_assert_msg(strncmp(text, old, strlen(old)) == 0, "the old lines are now: %s", text);
    return text + strlen(old);
}

/* A program as a C runtime starts it, with what it says of each of these streams. */
static DWORD run_with_block(const wchar_t *path, const wchar_t *rest, const HANDLE streams[3], const uint8_t flags[3])
{
    const uint8_t three[4] = {flags[0], flags[1], flags[2], 0};
    const HANDLE handles[4] = {streams[0], streams[1], streams[2], NULL};
    wchar_t line[2048], expanded[2048];
    PROCESS_INFORMATION handoff;
    const void *block;
    WORD size;

    block = make_block(sizeof(void *), ARRAYSIZE(three), three, handles, &size);
    ExpandEnvironmentStringsW(rest, expanded, ARRAYSIZE(expanded));
    swprintf(line, ARRAYSIZE(line), L"\"%ls\" %ls", path, expanded);
    ck_assert(start_inheriting(line, streams, NULL, 0, block, size, NULL, &handoff));
    return finish_child(&handoff);
}

/* ---- what a C runtime appends to ---- */

static const struct {
    const wchar_t *line;
    int stream;
    const char *adds;
} appended[] = {
    {L"--version", 1, "handoff "},
    {L"--help codes", 1, "The command's own"},
    {L"--dry-run -- cmd /c exit", 1, "handoff: would start"},
    {L"--detach -- cmd /c exit", 1, ""},
    {L"--relay -- cmd /c echo said", 1, "said"},
    {L"--relay -- cmd /c \">&2 echo said\"", 2, "said"},
    {L"--relay --fd 3=stdout -- \"%CHILD%\" tell 3 said", 1, "said"},
    {L"--tee NUL -- cmd /c echo said", 1, "said"},
    {L"--tee \"%DIR%\\old\" --no-such", 2, "handoff: there is no option '--no-such'"},
    {L"--read x=no-such -- cmd /c {x}", 2, "handoff: cannot open 'no-such'"},
    {L"--trace -- cmd /c exit", 2, "handoff: cmd /c exit\r\nhandoff: "},
    {L"--trace=json -- cmd /c exit", 2, "{\"parent\":null,"},
    {L"--timeout 100ms -- \"%CHILD%\" hold 0", 2, "handoff: --timeout: "},
};

START_TEST(what_handoff_says_goes_to_the_end)
{
    HANDLE file = open_old_file(), nul = open_file(L"NUL", GENERIC_WRITE, OPEN_EXISTING);
    HANDLE streams[3] = {nul, nul, nul};
    uint8_t flags[3] = {DEVICE_FLAGS, DEVICE_FLAGS, DEVICE_FLAGS};
    const char *text;

    streams[appended[_i / WIDTH_COUNT].stream] = file;
    flags[appended[_i / WIDTH_COUNT].stream] = APPEND_FLAGS;
    run_with_block(program(_i % WIDTH_COUNT, L"handoff.exe"), appended[_i / WIDTH_COUNT].line, streams, flags);
    CloseHandle(nul);
    text = added_to(file);
    ck_assert_msg(*text != '\0' &&
                      strncmp(text, appended[_i / WIDTH_COUNT].adds, strlen(appended[_i / WIDTH_COUNT].adds)) == 0,
                  "it added '%s'", text);
}
END_TEST

/* On stderr, which only the child has then; and of a launcher that was started by hand. (The faulty prefix has a C
 * runtime beside it, which understands a block of its own width only.) */
static const struct {
    const wchar_t *program, *line;
    DWORD code;
    const char *adds;
} refusals[] = {
    {L"faulty-prefix.exe", L"-- cmd /c exit", EXIT_HANDOFF, "handoff: cannot resume the child"},
    {L"handoff-launcher.exe", L"-- cmd /c exit", EXIT_HANDOFF, "handoff-launcher: only the handoff library"},
    {L"handoff-launcher.exe", L"--service=", ERROR_INVALID_PARAMETER, "handoff-launcher: only the handoff library"},
    {L"handoff-launcher.exe", L"--service=0x1234", ERROR_NOT_FOUND, "handoff-launcher: only the handoff library"},
};

START_TEST(what_is_refused_is_said_at_the_end)
{
    HANDLE file = open_old_file(), nul = open_file(L"NUL", GENERIC_WRITE, OPEN_EXISTING);
    const char *text;
    DWORD code;

    SetEnvironmentVariableW(L"HANDOFF_RESUME", L"fails");
    code = run_with_block(program(OWN_WIDTH, refusals[_i].program), refusals[_i].line, (HANDLE[]){nul, nul, file},
                          (uint8_t[]){DEVICE_FLAGS, DEVICE_FLAGS, APPEND_FLAGS});
    SetEnvironmentVariableW(L"HANDOFF_RESUME", NULL);
    ck_assert_uint_eq(code, refusals[_i].code);
    CloseHandle(nul);
    text = added_to(file);
    ck_assert_msg(strncmp(text, refusals[_i].adds, strlen(refusals[_i].adds)) == 0, "%s", text);
}
END_TEST

/* Without the flag the position counts: who has opened a file to write over it gets that. */
START_TEST(what_is_not_appended_to_is_written_where_it_stands)
{
    HANDLE file = open_old_file(), nul = open_file(L"NUL", GENERIC_WRITE, OPEN_EXISTING);
    static char text[1024];

    run_with_block(program(_i, L"handoff.exe"), L"--version", (HANDLE[]){nul, file, nul},
                   (uint8_t[]){DEVICE_FLAGS, FILE_FLAGS, DEVICE_FLAGS});
    SetFilePointer(file, 0, NULL, FILE_BEGIN);
    read_all(file, text, sizeof text);
    ck_assert_uint_eq(strlen(text), strlen(old));
    ck_assert_msg(strncmp(text, "handoff ", 8) == 0, "%s", text);
    CloseHandle(nul);
}
END_TEST

/* The command's C runtime appends by the flag, whichever descriptor it finds it with. */
static const struct {
    const wchar_t *options;
    int descriptor;
} carried[] = {
    {L"", 1},
    {L"--stderr stdout", 2},
    {L"--stderr stdout --stdout stderr", 2},
    {L"--fd 3=stdout", 3},
    {L"--fd 3=stdout --fd 4=stdout", 4},
    {L"--fd 3=stdout --seal", 3},
    {L"--handle h=%HANDLE% --fd 3=h", 3},
    {L"--handle h=%HANDLE% --fd 3=h --fd 4=h", 4},
    {L"--handle h=%HANDLE% --stdout h", 1},
    {L"--handle h=%HANDLE% --stderr h --stdout \"\"", 2},
};

START_TEST(the_command_appends_too)
{
    int row = _i / (WIDTH_COUNT * WIDTH_COUNT), launcher_width = _i % WIDTH_COUNT,
        child_width = _i / WIDTH_COUNT % WIDTH_COUNT;
    HANDLE file = open_old_file(), nul = open_file(L"NUL", GENERIC_WRITE, OPEN_EXISTING);
    wchar_t line[1024];

    set_variable(L"HANDLE", "%u", number_of(file));
    swprintf(line, ARRAYSIZE(line), L"%ls -- \"%ls\" tell %d said", carried[row].options,
             program(child_width, L"child.exe"), carried[row].descriptor);
    ck_assert_uint_eq(run_with_block(program(launcher_width, L"handoff.exe"), line, (HANDLE[]){nul, file, nul},
                                     (uint8_t[]){DEVICE_FLAGS, APPEND_FLAGS, DEVICE_FLAGS}),
                      0);
    ck_assert_str_eq(added_to(file), "said");
    CloseHandle(nul);
}
END_TEST

/* For a program that has a C runtime's block for its child, and passes what is in it: as a descriptor, as a stream, and
 * as the streams of the drop-in. */
static BOOL spawn_with_block(int way, HANDLE file, STARTUPINFOW *startup, PROCESS_INFORMATION *child)
{
    static const int descriptors[] = {3, 1, 1};
    struct handoff_pass pass = {
        .handle = file, .descriptor = way == 0 ? 3 : 0, .streams = way == 1 ? HANDOFF_STDOUT : 0};
    struct handoff_request request;
    struct handoff_error error;
    wchar_t arguments[64];

    swprintf(arguments, ARRAYSIZE(arguments), L"tell %d said", descriptors[way]);
    request = request_child(OWN_WIDTH, OWN_WIDTH, arguments);
    if (way == 2) {
        startup->dwFlags = STARTF_USESTDHANDLES;
        startup->hStdOutput = file;
        make_inheritable(file);
        return handoff_CreateProcessW(NULL, request.command_line, NULL, NULL, TRUE, 0, NULL, NULL, startup, child);
    }
    request.startup = startup;
    request.passes = &pass;
    request.pass_count = 1;
    return spawn_patiently(&request, child, &error);
}

START_TEST(the_child_of_a_library_appends_too)
{
    static const uint8_t flags[] = {0, APPEND_FLAGS};
    HANDLE file = open_old_file();
    const HANDLE handles[] = {NULL, file};
    STARTUPINFOW startup = {.cb = sizeof startup};
    PROCESS_INFORMATION child;

    startup.lpReserved2 =
        (BYTE *)(UINT_PTR)make_block(sizeof(void *), ARRAYSIZE(flags), flags, handles, &startup.cbReserved2);
    ck_assert_msg(spawn_with_block(_i, file, &startup, &child), "error %lu", GetLastError());
    ck_assert_uint_eq(finish_child(&child), 0);
    ck_assert_str_eq(added_to(file), "said");
    assert_nobody_left(); /* a launcher on its way out may have the file, which the next row makes again */
}
END_TEST

/* ---- what cannot be written ---- */

/* A stream that takes nothing: it was opened for reading. */
static const struct {
    const wchar_t *line;
    int stream;
    DWORD code;
    const char *says; /* NULL: nothing, since it is stderr that takes nothing */
} losses[] = {
    {L"--version", 1, EXIT_LOST, "handoff: cannot write 'stdout': Win32 error 5: "},
    {L"--help", 1, EXIT_LOST, "handoff: cannot write 'stdout': Win32 error 5: "},
    {L"--dry-run -- cmd /c exit", 1, EXIT_LOST, "handoff: cannot write 'stdout': Win32 error 5: "},
    {L"--detach -- cmd /c exit", 1, EXIT_LOST, "(the command runs, as process "},
    {L"--relay -- cmd /c \"echo said& exit 0\"", 1, EXIT_LOST, "handoff: cannot write 'stdout': Win32 error 5: "},
    {L"--relay -- cmd /c \"echo said& exit 7\"", 1, 7, "handoff: cannot write 'stdout': Win32 error 5: "},
    {L"--relay --timeout 1h -- cmd /c \"echo said& exit 0\"", 1, EXIT_LOST, "cannot write 'stdout': Win32 error 5: "},
    {L"--relay --stderr stdout -- cmd /c \">&2 echo said& exit 0\"", 1, EXIT_LOST, "cannot write 'stdout': "},
    {L"--tee NUL -- cmd /c \"echo said& exit 0\"", 1, EXIT_LOST, "handoff: cannot write 'stdout': Win32 error 5: "},
    {L"--tee NUL -- cmd /c \"echo said& exit 7\"", 1, 7, "handoff: cannot write 'stdout': Win32 error 5: "},
    {L"--relay -- cmd /c \">&2 echo said& exit 0\"", 2, EXIT_LOST, NULL},
    {L"--trace -- cmd /c exit", 2, EXIT_LOST, NULL},
    {L"--trace=json -- cmd /c exit", 2, EXIT_LOST, NULL},
    {L"--trace=json -- cmd /c exit 7", 2, 7, NULL},
};

/* A line of handoff's with these streams. */
static DWORD run_with_streams(const wchar_t *rest, HANDLE out, HANDLE err)
{
    HANDLE nul = open_file(L"NUL", GENERIC_READ, OPEN_EXISTING);
    wchar_t line[2048], expanded[2048];
    PROCESS_INFORMATION handoff;
    DWORD code;

    swprintf(line, ARRAYSIZE(line), L"\"%%HANDOFF%%\" %ls", rest);
    ExpandEnvironmentStringsW(line, expanded, ARRAYSIZE(expanded));
    ck_assert(start_directly(expanded, (HANDLE[]){nul, out, err}, 0, &handoff));
    code = finish_child(&handoff);
    CloseHandle(nul);
    return code;
}

START_TEST(what_a_stream_does_not_take_is_said)
{
    HANDLE read, write, closed;
    char text[1024];
    DWORD code;

    write_file(in_directory(L"closed"), "");
    closed = open_file(in_directory(L"closed"), GENERIC_READ, OPEN_EXISTING);
    make_pipe(&read, &write);
    code = run_with_streams(losses[_i].line, losses[_i].stream == 1 ? closed : write,
                            losses[_i].stream == 2 ? closed : write);
    CloseHandle(write);
    CloseHandle(closed);
    read_all(read, text, sizeof text);
    ck_assert_msg(code == losses[_i].code, "%lu: %s", code, text);
    if (losses[_i].says == NULL) {
        ck_assert_str_eq(text, "");
    } else {
        assert_one_line(text);
        ck_assert_msg(strstr(text, losses[_i].says) != NULL, "%s", text);
    }
}
END_TEST

/* A stream that nobody reads any more, and one that is not there. */
static const wchar_t *const unheard[] = {L"--version", L"--dry-run -- cmd /c exit", L"--detach -- cmd /c exit",
                                         L"--relay -- cmd /c \"echo said& exit 0\"",
                                         L"--tee NUL -- cmd /c \"echo said& exit 0\""};

START_TEST(who_does_not_listen_misses_nothing)
{
    for (int there = 0; there < 2; there++) {
        HANDLE read, write, gone, gone_read;
        char text[1024];

        make_pipe(&read, &write);
        make_pipe(&gone_read, &gone);
        CloseHandle(gone_read);
        ck_assert_uint_eq(run_with_streams(unheard[_i], there ? gone : NULL, write), 0);
        CloseHandle(gone);
        CloseHandle(write);
        read_all(read, text, sizeof text);
        ck_assert_str_eq(text, "");
    }
}
END_TEST

/* A file that takes nothing, of a system that has one. */
static const struct {
    const wchar_t *line;
    DWORD code;
    const char *says, *out;
} full[] = {
    {L"--trace=json:Z:\\dev\\full -- cmd /c exit", EXIT_LOST, "'Z:\\dev\\full': Win32 error 112: ", ""},
    {L"--trace=json:Z:\\dev\\full -- cmd /c exit 7", 7, "(--trace=json)", ""},
    {L"--tee Z:\\dev\\full -- cmd /c \"echo said& exit 0\"", EXIT_LOST, "(--tee)", "said\r\n"},
    {L"--tee-append Z:\\dev\\full -- cmd /c \"echo said& exit 7\"", 7, "(--tee-append)", "said\r\n"},
    {L"--tee %LONG% -- cmd /c \"echo said& exit 7\"", 7, ": Win32 error 112: ", "said\r\n"},
};

/* A path of that file which is longer than a line of handoff's. */
static void set_long_path(void)
{
    wchar_t path[2048] = L"Z:\\dev";

    while (wcslen(path) < 1500)
        wcscat(path, L"\\.");
    wcscat(path, L"\\full");
    ck_assert(SetEnvironmentVariableW(L"LONG", path));
}

START_TEST(what_a_full_disk_does_not_take_is_said)
{
    HANDLE disk =
        CreateFileW(L"Z:\\dev\\full", GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING, 0, NULL);
    HANDLE out_read, out, err_read, err;
    char text[4096];
    DWORD size;

    if (disk == INVALID_HANDLE_VALUE || WriteFile(disk, "", 1, &size, NULL) || GetLastError() != ERROR_DISK_FULL) {
        skip("there is no file that is always full");
        return;
    }
    CloseHandle(disk);
    set_long_path();
    make_pipe(&out_read, &out);
    make_pipe(&err_read, &err);
    ck_assert_uint_eq(run_with_streams(full[_i].line, out, err), full[_i].code);
    CloseHandle(out);
    CloseHandle(err);
    read_all(out_read, text, sizeof text);
    ck_assert_str_eq(text, full[_i].out);
    read_all(err_read, text, sizeof text);
    assert_one_line(text);
    ck_assert_msg(strstr(text, full[_i].says) != NULL, "%s", text);
}
END_TEST

/* A pipe that does not block takes nothing while it is full, and a part of it later (tests/faulty/faulty_prefix.c). */
START_TEST(a_reader_that_is_slow_gets_all)
{
    SetEnvironmentVariableW(L"HANDOFF", program(_i, L"faulty-prefix.exe"));
    run_batch("\"%HANDOFF%\" --relay -- cmd /c echo said\n"
              "\"%HANDOFF%\" --version\n"
              "echo %errorlevel%\n");
    ck_assert_msg(strncmp(result.out, "said\r\nhandoff ", 14) == 0 && strstr(result.out, "\r\n0\r\n") != NULL, "%s",
                  result.out);
}
END_TEST

/* On Windows a write of nothing ends a read, and so does the first one here (tests/faulty/faulty_prefix.c): not the
 * output. */
START_TEST(a_read_of_nothing_is_not_the_end)
{
    SetEnvironmentVariableW(L"HANDOFF", program(_i, L"faulty-prefix.exe"));
    run_batch("\"%HANDOFF%\" --relay -- cmd /c echo said\n"
              "echo %errorlevel%\n");
    assert_out("said\r\n0\r\n");
}
END_TEST

START_TEST(what_cannot_be_read_is_said)
{
    SetEnvironmentVariableW(L"HANDOFF", program(_i, L"faulty-prefix.exe"));
    SetEnvironmentVariableW(L"HANDOFF_READ", L"fails");
    run_batch("\"%HANDOFF%\" --tee NUL --stderr \"\" -- cmd /c \"echo said& exit 0\"\n"
              "echo %errorlevel%\n");
    SetEnvironmentVariableW(L"HANDOFF_READ", NULL);
    ck_assert_str_eq(result.out, "122\r\n");
    assert_one_line(result.err);
    ck_assert_msg(strstr(result.err, "'stdout': Win32 error 1450: ") != NULL, "%s", result.err);
}
END_TEST

/* Longer than what is turned into the code page at once, with characters of two units at every place. */
START_TEST(a_long_line_is_said_whole)
{
    enum { CHARACTERS = 9000 };
    static wchar_t line[2 * CHARACTERS + 512];
    static char text[4 * CHARACTERS + 512];
    HANDLE read, write;
    PROCESS_INFORMATION handoff;
    const char *at;

    swprintf(line, 512, L"\"%ls\" --dry-run -- cmd /c %hs", program(OWN_WIDTH, L"handoff.exe"), _i == 0 ? "" : "x");
    for (int i = 0; i < CHARACTERS; i++)
        wcscat(line + wcslen(line), L"\xD83D\xDE00");
    make_pipe(&read, &write);
    ck_assert(start_directly(line, (HANDLE[]){NULL, write, write}, DETACHED_PROCESS, &handoff)); /* so it is UTF-8 */
    CloseHandle(write);
    read_all(read, text, sizeof text);
    ck_assert_uint_eq(finish_child(&handoff), 0);
    at = strstr(text, "\xF0\x9F\x98\x80");
    for (int i = 0; i < CHARACTERS; i++)
        ck_assert_msg(at != NULL && memcmp(at + 4 * (size_t)i, "\xF0\x9F\x98\x80", 4) == 0, "character %d", i);
}
END_TEST

/* A line has room for some thousand units, and shows that it had more. */
START_TEST(a_line_that_is_cut_shows_it)
{
    wchar_t value[3000] = L"";
    const char *end;

    for (int i = 0; i < 2999; i++)
        value[i] = L'v';
    run(&result, program(OWN_WIDTH, L"handoff.exe"), L"--dry-run --env A=%ls -- cmd", value);
    ck_assert_uint_eq(result.exit_code, 0);
    end = strstr(result.out, "vvv...\r\nhandoff: would start: cmd\r\n");
    ck_assert_msg(end != NULL, "%s", result.out);
}
END_TEST

/* ---- --tee ---- */

/* As head does it: it has read enough, and goes. */
START_TEST(tee_goes_on_without_a_reader)
{
    const DWORD size = 1 << 20;
    char *bytes = make_big_file(L"big", size), byte;
    struct running running = start_batch("\"%HANDOFF%\" --tee \"%DIR%\\log\" --read \"i=%DIR%\\big\" -- \"%CHILD%\" "
                                         "read {i}\nexit %errorlevel%\n",
                                         0);
    DWORD read;

    ck_assert(ReadFile(running.out, &byte, 1, &read, NULL) && read == 1);
    CloseHandle(running.out);
    running.out = NULL;
    ck_assert(!read_line(running.err, &byte, 1));
    ck_assert_uint_eq(finish_running(&running), 0);
    assert_big_file(L"log", bytes, size);
    free(bytes);
}
END_TEST

/* Neither the file nor the stream takes more: the command is not to write for nobody. */
START_TEST(tee_without_anybody_is_a_broken_pipe)
{
    struct running running;
    HANDLE server;
    wchar_t name[64], path[128];
    char byte;
    DWORD size;

    free(make_big_file(L"big", 1 << 20));
    GetEnvironmentVariableW(L"NAME", name, ARRAYSIZE(name));
    swprintf(path, ARRAYSIZE(path), L"\\\\.\\pipe\\%ls", name);
    server = CreateNamedPipeW(path, PIPE_ACCESS_DUPLEX, PIPE_TYPE_BYTE, 1, 4096, 4096, 0, NULL);
    ck_assert(server != INVALID_HANDLE_VALUE);
    running = start_batch("\"%HANDOFF%\" --tee \\\\.\\pipe\\%NAME% --read \"i=%DIR%\\big\" -- \"%CHILD%\" read {i}\n"
                          "exit %errorlevel%\n",
                          0);
    ck_assert(ConnectNamedPipe(server, NULL) || GetLastError() == ERROR_PIPE_CONNECTED);
    ck_assert(ReadFile(server, &byte, 1, &size, NULL));
    CloseHandle(running.out);
    running.out = NULL;
    CloseHandle(server);
    ck_assert_uint_eq(finish_running(&running), 1);
}
END_TEST

/* What is read later is the file. */
START_TEST(tee_keeps_what_ended_the_command)
{
    static char kept[1024];

    run_batch("\"%HANDOFF%\" --tee \"%DIR%\\log\" --timeout 100ms -- \"%CHILD%\" hold 0\n"
              "echo %errorlevel%\n");
    assert_one_line(result.err);
    ck_assert_str_eq(result.out, "124\r\n");
    read_all(open_file(in_directory(L"log"), GENERIC_READ, OPEN_EXISTING), kept, sizeof kept);
    ck_assert_str_eq(kept, result.err);
}
END_TEST

/* A pipe that is full. */
static HANDLE make_full_pipe(HANDLE *read)
{
    DWORD no_wait = PIPE_NOWAIT, size = 1;
    HANDLE write;

    make_pipe(read, &write);
    ck_assert(SetNamedPipeHandleState(write, &no_wait, NULL, NULL));
    while (size > 0 && WriteFile(write, "x", 1, &size, NULL))
        continue;
    no_wait = PIPE_WAIT;
    ck_assert(SetNamedPipeHandleState(write, &no_wait, NULL, NULL));
    return write;
}

/* As long as --timeout has time left, the last lines have their reader's time too; then they are lost, which is said by
 * the exit code. */
START_TEST(what_is_said_waits_for_its_reader)
{
    HANDLE nul = open_file(L"NUL", GENERIC_READ | GENERIC_WRITE, OPEN_EXISTING), read, err = make_full_pipe(&read);
    PROCESS_INFORMATION handoff;
    wchar_t line[1024];
    static char text[1 << 17];

    ck_assert_uint_eq(run_with_streams(L"--trace --timeout 1s -- cmd /c exit", nul, err), EXIT_LOST);
    swprintf(line, ARRAYSIZE(line), L"\"%ls\" --trace --timeout 1h -- cmd /c exit", program(OWN_WIDTH, L"handoff.exe"));
    ck_assert(start_directly(line, (HANDLE[]){nul, nul, err}, 0, &handoff));
    CloseHandle(err);
    ck_assert_uint_eq(WaitForSingleObject(handoff.hProcess, 2500), WAIT_TIMEOUT);
    read_all(read, text, sizeof text);
    ck_assert_uint_eq(finish_child(&handoff), 0);
    ck_assert_ptr_nonnull(strstr(text, "handoff: exit code 0 (exited)"));
    CloseHandle(nul);
}
END_TEST

/* The trace is for a reader that does not read. A file waits for no reader. */
START_TEST(a_file_gets_its_line_though_nobody_hears_the_trace)
{
    HANDLE nul = open_file(L"NUL", GENERIC_WRITE, OPEN_EXISTING), read, err = make_full_pipe(&read);
    static char kept[4096];

    ck_assert_uint_eq(run_with_streams(L"--trace --trace=json:\"%DIR%\\json\" --tee \"%DIR%\\log\" --timeout 100ms "
                                       L"-- \"%CHILD%\" hold 0",
                                       nul, err),
                      124);
    CloseHandle(err);
    CloseHandle(read);
    read_all(open_file(in_directory(L"log"), GENERIC_READ, OPEN_EXISTING), kept, sizeof kept);
    assert_one_line(kept);
    ck_assert_msg(strstr(kept, "handoff: --timeout: ") == kept, "%s", kept);
    read_all(open_file(in_directory(L"json"), GENERIC_READ, OPEN_EXISTING), kept, sizeof kept);
    ck_assert_msg(strstr(kept, "{\"parent\":") == kept && strstr(kept, "\"ended\":\"timeout\"}") != NULL, "%s", kept);
}
END_TEST

/* The file of --tee is a pipe that the command has filled, and that nobody reads. All others get their lines. */
START_TEST(a_tee_that_takes_nothing_holds_up_no_line)
{
    HANDLE server = make_pipe_server(PIPE_ACCESS_INBOUND);
    static char kept[4096];
    const char *second;

    free(make_big_file(L"big", 4096));
    write_batch(L"fill.bat", "\"%CHILD%\" read %1\n\"%CHILD%\" hold 0\n");
    run_batch("\"%HANDOFF%\" --tee \\\\.\\pipe\\%NAME% --trace=json:\"%DIR%\\json\" --timeout 2s --read "
              "\"i=%DIR%\\big\" -- \"%DIR%\\fill.bat\" {i} >NUL\n"
              "echo %errorlevel%\n");
    CloseHandle(server);
    ck_assert_str_eq(result.out, "124\r\n");
    second = strstr(result.err, "\r\nhandoff: cannot write '\\\\.\\pipe\\");
    ck_assert_msg(strstr(result.err, "handoff: --timeout: ") == result.err && second != NULL &&
                      strstr(second, "Win32 error 121: ") != NULL && strstr(second, "(--tee)") != NULL,
                  "%s", result.err);
    read_all(open_file(in_directory(L"json"), GENERIC_READ, OPEN_EXISTING), kept, sizeof kept);
    ck_assert_msg(strstr(kept, "\"ended\":\"timeout\"}") != NULL, "%s", kept);
}
END_TEST

/* Somebody who follows a file until it has the text. */
static void await_text(const wchar_t *path, const char *sought)
{
    static char text[1 << 16];
    HANDLE file;

    for (DWORD since = GetTickCount(); GetTickCount() - since < patience_ms(10000); Sleep(10)) {
        file = CreateFileW(path, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING, 0, NULL);
        if (file == INVALID_HANDLE_VALUE)
            continue;
        read_all(file, text, sizeof text);
        if (strstr(text, sought) != NULL)
            return;
    }
    ck_abort_msg("the file has only: %s", text);
}

/* Without --timeout too. */
START_TEST(a_file_gets_its_last_line_before_the_trace_is_read)
{
    HANDLE nul = open_file(L"NUL", GENERIC_READ | GENERIC_WRITE, OPEN_EXISTING), read, err = make_full_pipe(&read);
    PROCESS_INFORMATION handoff;
    wchar_t line[1024];
    static char text[1 << 17];

    swprintf(line, ARRAYSIZE(line), L"\"%ls\" --trace --trace=json:\"%ls\" -- cmd /c exit 7",
             program(OWN_WIDTH, L"handoff.exe"), in_directory(L"json"));
    ck_assert(start_directly(line, (HANDLE[]){nul, nul, err}, 0, &handoff));
    CloseHandle(err);
    await_text(in_directory(L"json"), "\"exit_code\":7,");
    ck_assert(lives(handoff.hProcess));
    read_all(read, text, sizeof text);
    ck_assert_uint_eq(finish_child(&handoff), 7);
    ck_assert_ptr_nonnull(strstr(text, "handoff: exit code 7 (exited)"));
    CloseHandle(nul);
}
END_TEST

/* No command could be let run (tests/faulty/faulty_prefix.c), and nobody reads why. */
START_TEST(what_cannot_run_is_relayed_to_nobody)
{
    HANDLE nul = open_file(L"NUL", GENERIC_READ | GENERIC_WRITE, OPEN_EXISTING), read, err = make_full_pipe(&read);

    SetEnvironmentVariableW(L"HANDOFF", program(OWN_WIDTH, L"faulty-prefix.exe"));
    SetEnvironmentVariableW(L"HANDOFF_RESUME", L"fails");
    ck_assert_uint_eq(run_with_streams(L"--relay --timeout 1h -- cmd /c exit", nul, err), EXIT_HANDOFF);
    SetEnvironmentVariableW(L"HANDOFF_RESUME", NULL);
    CloseHandle(err);
    CloseHandle(read);
    CloseHandle(nul);
}
END_TEST

/* Steps of a job, and somebody who has the log open. */
START_TEST(tee_appends)
{
    HANDLE log;

    write_file(in_directory(L"log"), "kept\r\n");
    log = open_file(in_directory(L"log"), GENERIC_WRITE, OPEN_EXISTING);
    run_batch("\"%HANDOFF%\" --tee-append \"%DIR%\\log\" -- cmd /c echo one\n"
              "\"%HANDOFF%\" --tee-append \"%DIR%\\log\" -- cmd /c \"echo two& exit 7\"\n"
              "echo %errorlevel%\n"
              "\"%HANDOFF%\" --tee-append \"%DIR%\\new\" -- cmd /c \">&2 echo three\"\n");
    CloseHandle(log);
    ck_assert_str_eq(result.out, "one\r\ntwo\r\n7\r\n");
    ck_assert_str_eq(result.err, "three\r\n");
    assert_content(L"log", "kept\r\none\r\ntwo\r\n");
    assert_content(L"new", "three\r\n");
}
END_TEST

static const struct {
    const wchar_t *options;
    const char *says;
} refused[] = {
    {L"--tee a --tee-append b -- cmd", "--tee-append"},
    {L"--tee-append a --detach -- cmd", "--detach does not wait"},
    {L"--tee-append a --stdout stderr --fd 3=stdout -- cmd", "from elsewhere: 'stdout'"},
    {L"--tee-append -- cmd", "needs a value: '--tee-append'"},
    {L"--tee-append \\\\.\\pipe\\%NAME% -- cmd", "no end to append to: --tee"},
};

START_TEST(tee_does_not_append_so)
{
    HANDLE server, read, write;
    wchar_t name[64], path[128];
    char text[1024];

    GetEnvironmentVariableW(L"NAME", name, ARRAYSIZE(name));
    swprintf(path, ARRAYSIZE(path), L"\\\\.\\pipe\\%ls", name);
    server = CreateNamedPipeW(path, PIPE_ACCESS_DUPLEX, PIPE_TYPE_BYTE, 1, 4096, 4096, 0, NULL);
    make_pipe(&read, &write);
    ck_assert_uint_eq(run_with_streams(refused[_i].options, write, write), EXIT_HANDOFF);
    CloseHandle(write);
    read_all(read, text, sizeof text);
    assert_one_line(text);
    ck_assert_msg(strstr(text, refused[_i].says) != NULL, "%s", text);
    CloseHandle(server);
}
END_TEST

Suite *writing_suite(void)
{
    const struct listed_test tests[] = {
        {what_handoff_says_goes_to_the_end, "appending", (int)ARRAYSIZE(appended) * WIDTH_COUNT},
        {what_is_refused_is_said_at_the_end, "appending", ARRAYSIZE(refusals)},
        {what_is_not_appended_to_is_written_where_it_stands, "appending", WIDTH_COUNT},
        {the_command_appends_too, "appending", (int)ARRAYSIZE(carried) * WIDTH_COUNT * WIDTH_COUNT},
        {the_child_of_a_library_appends_too, "appending", 3},
        {what_a_stream_does_not_take_is_said, "losses", ARRAYSIZE(losses)},
        {who_does_not_listen_misses_nothing, "losses", ARRAYSIZE(unheard)},
        {what_a_full_disk_does_not_take_is_said, "losses", ARRAYSIZE(full)},
        {a_reader_that_is_slow_gets_all, "losses", WIDTH_COUNT},
        {a_read_of_nothing_is_not_the_end, "losses", WIDTH_COUNT},
        {what_cannot_be_read_is_said, "losses", WIDTH_COUNT},
        {a_long_line_is_said_whole, "losses", 2},
        {a_line_that_is_cut_shows_it, "losses", 1},
        {tee_goes_on_without_a_reader, "tee", 1},
        {tee_without_anybody_is_a_broken_pipe, "tee", 1},
        {tee_keeps_what_ended_the_command, "tee", 1},
        {what_is_said_waits_for_its_reader, "tee", 1},
        {a_file_gets_its_line_though_nobody_hears_the_trace, "tee", 1},
        {a_tee_that_takes_nothing_holds_up_no_line, "tee", 1},
        {a_file_gets_its_last_line_before_the_trace_is_read, "tee", 1},
        {what_cannot_run_is_relayed_to_nobody, "tee", 1},
        {tee_appends, "tee", 1},
        {tee_does_not_append_so, "tee", ARRAYSIZE(refused)},
    };

    return console_suite("writing", tests, ARRAYSIZE(tests), set_up_batch, tear_down_batch);
}
