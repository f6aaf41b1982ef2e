/* Programs that nobody here wrote, as parents and as children of the prefix. */
#include "prefix.h"

#include <stdio.h>
#include <string.h>
#include <wchar.h>

/* A file of the source tree or of what set-up fetched: build/WIDTH is two folders above. */
static const wchar_t *tree_path(const wchar_t *path)
{
    static wchar_t paths[4][MAX_PATH];
    static int next;
    wchar_t *full = paths[next++ % 4];

    swprintf(full, MAX_PATH, L"%ls\\..\\..\\%ls", program(OWN_WIDTH, L""), path);
    return full;
}

/* A file in the temporary directory that perl, whose file names are ANSI, can open. */
static const wchar_t *ansi_path(const wchar_t *name)
{
    static wchar_t paths[4][MAX_PATH];
    static int next;
    wchar_t *path = paths[next++ % 4];

    GetTempPathW(MAX_PATH, path);
    swprintf(path + wcslen(path), 64, L"handoff test %lu %ls", GetCurrentProcessId(), name);
    return path;
}

static BOOL exists(const wchar_t *path)
{
    return GetFileAttributesW(path) != INVALID_FILE_ATTRIBUTES;
}

/* NULL after a skip. On Windows the shell's set-up has a perl in PATH. */
static const wchar_t *perl(void)
{
    static wchar_t found[MAX_PATH];
    const wchar_t *ours = tree_path(L"build\\deps\\perl\\perl.exe");

    if (exists(ours))
        return ours;
    if (SearchPathW(NULL, L"perl.exe", NULL, MAX_PATH, found, NULL) != 0)
        return found;
    skip("there is no perl for Windows");
    return NULL;
}

static void assert_prints(const char *text, DWORD exit_code)
{
    ck_assert_msg(result.exit_code == exit_code && strcmp(result.out, text) == 0, "code %lu, out '%s', err '%s'",
                  result.exit_code, result.out, result.err);
}

/* ---- parents ---- */

static void check_perl_parent(int width, const wchar_t *how)
{
    const wchar_t *perl_exe = perl(), *path = ansi_path(L"secret");

    if (perl_exe == NULL)
        return;
    test_allow(60);
    write_file(path, "from perl to perl\n");
    run(&result, perl_exe, L"\"%ls\" %ls \"%ls\" \"%ls\"", tree_path(L"tests\\languages\\parent.pl"), how,
        prefix(width), path);
    assert_prints("from perl to perl\r\nexit code 7, gone\r\n", 0);
    ck_assert(DeleteFileW(path));
}

START_TEST(perl_has_a_handle_stolen)
{
    check_perl_parent(_i, L"steal");
}
END_TEST

START_TEST(perl_reads_the_report)
{
    check_perl_parent(_i, L"report");
}
END_TEST

START_TEST(a_batch_file_is_told_of_a_parent_above_it)
{
    const wchar_t *path = ansi_path(L"batch");
    wchar_t text[32];
    HANDLE file;

    write_file(path, "for the child");
    file = CreateFileW(path, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_DELETE, NULL, OPEN_EXISTING, 0, NULL);
    ck_assert(file != INVALID_HANDLE_VALUE);
    swprintf(text, ARRAYSIZE(text), L"%lu", GetCurrentProcessId());
    SetEnvironmentVariableW(L"OWNER", text);
    swprintf(text, ARRAYSIZE(text), L"0x%x", (unsigned)(UINT_PTR)file);
    SetEnvironmentVariableW(L"NUMBER", text);
    SetEnvironmentVariableW(L"HANDOFF", prefix(_i));
    SetEnvironmentVariableW(L"CHILD", program(!_i, L"child.exe"));
    run(&result, L"cmd.exe", L"/d /c \"\"%ls\"\"", tree_path(L"tests\\languages\\parent.bat"));
    assert_prints("for the child", 0);
    ck_assert(CloseHandle(file) && DeleteFileW(path));
}
END_TEST

/* ---- children ---- */

static unsigned long number(HANDLE handle)
{
    return (unsigned long)(UINT_PTR)handle;
}

/* Runs a perl with this text, from a file since quotes would be cmd's, behind the prefix' options. */
static BOOL run_perl_child(int width, const wchar_t *options, const char *text, const wchar_t *arguments)
{
    const wchar_t *perl_exe = perl(), *path = ansi_path(L"child.pl");

    if (perl_exe == NULL)
        return FALSE;
    test_allow(60);
    write_file(path, text);
    run(&result, prefix(width), L"--parent %lu %ls -- \"%ls\" \"%ls\" %ls", GetCurrentProcessId(), options, perl_exe,
        path, arguments);
    ck_assert(DeleteFileW(path));
    return TRUE;
}

static const char reads_by_number[] = "use Win32API::File;\n"
                                      "Win32API::File::OsFHandleOpen(*F, %s, 'r') or die $^E;\n"
                                      "print <F>;\n";

static void check_perl_reads(int width, const char *where, const wchar_t *more_options, const wchar_t *arguments)
{
    const wchar_t *path = ansi_path(L"perl reads");
    wchar_t options[128];
    char text[256];
    HANDLE file;

    write_file(path, "for perl");
    file = CreateFileW(path, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_DELETE, NULL, OPEN_EXISTING, 0, NULL);
    snprintf(text, sizeof text, reads_by_number, where);
    swprintf(options, ARRAYSIZE(options), L"--copy f=%lu %ls", number(file), more_options);
    if (run_perl_child(width, options, text, arguments))
        assert_prints("for perl", 0);
    ck_assert(CloseHandle(file) && DeleteFileW(path));
}

START_TEST(perl_reads_a_number_of_its_command_line)
{
    check_perl_reads(_i, "$ARGV[0]", L"", L"{f}");
}
END_TEST

START_TEST(perl_reads_a_number_of_its_environment)
{
    check_perl_reads(_i, "hex $ENV{FILE}", L"--env FILE={f:x}", L"");
}
END_TEST

START_TEST(perl_reads_a_descriptor)
{
    const wchar_t *path = ansi_path(L"perl descriptor");
    wchar_t options[128];
    HANDLE file;

    write_file(path, "descriptor 4");
    file = CreateFileW(path, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_DELETE, NULL, OPEN_EXISTING, 0, NULL);
    swprintf(options, ARRAYSIZE(options), L"--copy f=%lu --fd 4=f", number(file));
    if (run_perl_child(_i, options, "open F, '<&=4' or die $!; print <F>;\n", L""))
        assert_prints("descriptor 4", 0);
    ck_assert(CloseHandle(file) && DeleteFileW(path));
}
END_TEST

START_TEST(perl_sets_an_event)
{
    HANDLE event = make_event();
    wchar_t options[128];

    swprintf(options, ARRAYSIZE(options), L"--copy e=%lu", number(event));
    if (run_perl_child(_i, options,
                       "use Win32::API;\n"
                       "print Win32::API->new('kernel32', 'SetEvent', 'N', 'N')->Call($ARGV[0]);\n",
                       L"{e}")) {
        assert_prints("1", 0);
        ck_assert(is_set(event));
    }
    ck_assert(CloseHandle(event));
}
END_TEST

/* Connects to the listening socket before the child accepts: the connection waits for it. */
static SOCKET connect_to(SOCKET listener)
{
    struct sockaddr_in address;
    int size = sizeof address;
    SOCKET peer = socket(AF_INET, SOCK_STREAM, 0);

    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    ck_assert_int_eq(connect(peer, (struct sockaddr *)&address, sizeof address), 0);
    return peer;
}

START_TEST(perl_accepts_on_a_listening_socket)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    WSADATA data;
    SOCKET listener, peer;
    wchar_t options[128];
    char said[32] = {0};

    ck_assert_int_eq(WSAStartup(MAKEWORD(2, 2), &data), 0);
    listener = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(listener, 1), 0);
    peer = connect_to(listener);
    swprintf(options, ARRAYSIZE(options), L"--copy s=%lu", number((HANDLE)listener));
    if (run_perl_child(_i, options,
                       "use Socket; use Win32API::File;\n"
                       "Win32API::File::OsFHandleOpen(*S, $ARGV[0], 'rw') or die $^E;\n"
                       "accept my $peer, S or die \"accept: $^E\";\n"
                       "syswrite $peer, 'accepted' or die \"write: $^E\";\n",
                       L"{s}")) {
        assert_prints("", 0);
        ck_assert_int_eq(recv(peer, said, sizeof said - 1, 0), 8);
        ck_assert_str_eq(said, "accepted");
    }
    closesocket(peer);
    closesocket(listener);
}
END_TEST

static HANDLE open_in_tree(const wchar_t *path)
{
    HANDLE file =
        CreateFileW(tree_path(path), GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, NULL);

    ck_assert(file != INVALID_HANDLE_VALUE);
    return file;
}

START_WIDTH_TEST(gpgv_checks_a_signature_through_the_door)
{
    const wchar_t *gpgv = tree_path(L"build\\deps\\gpgv\\gpgv.exe");
    HANDLE data, signature, read, write;
    char status[4096];
    DWORD size;

    if (!exists(gpgv)) {
        skip("there is no gpgv for Windows");
        return;
    }
    need_x86(); /* which it is */
    data = open_in_tree(L"tests\\demo\\data.txt");
    signature = open_in_tree(L"tests\\demo\\data.sig");
    make_pipe(&read, &write);
    run(&result, prefix(_i),
        L"--parent %lu --copy data=%lu --copy sig=%lu --steal status=%lu -- \"%ls\" --keyring \"%ls\" --status-fd "
        L"{status} --enable-special-filenames -- \"-&{sig}\" \"-&{data}\"",
        GetCurrentProcessId(), number(data), number(signature), number(write), gpgv,
        tree_path(L"tests\\demo\\keyring.gpg"));
    size = read_all(read, status, sizeof status);
    ck_assert_msg(result.exit_code == 0, "%lu: %s", result.exit_code, result.err);
    ck_assert_msg(size > 0 && strstr(status, "VALIDSIG") != NULL, "%s", status);
    ck_assert(CloseHandle(data) && CloseHandle(signature));
}
END_TEST

/* As libuv frames it: flags, of which 1 is data, and a length, each with 32 bits that are nothing. */
struct frame {
    uint32_t flags, nothing, length, nothing_more;
};

static void assert_frame(HANDLE pipe, const char *text)
{
    struct frame frame;
    char said[64] = "";
    DWORD size;

    ck_assert(ReadFile(pipe, &frame, sizeof frame, &size, NULL) && size == sizeof frame);
    ck_assert_uint_lt(frame.length, sizeof said);
    ck_assert(ReadFile(pipe, said, frame.length, &size, NULL) && size == frame.length);
    ck_assert_str_eq(said, text);
}

static void send_frame(HANDLE pipe, const char *text)
{
    struct frame frame = {.flags = 1, .length = (uint32_t)strlen(text)};
    DWORD size;

    ck_assert(WriteFile(pipe, &frame, sizeof frame, &size, NULL) && WriteFile(pipe, text, frame.length, &size, NULL));
}

/* Messages over a pipe that libuv wants overlapped: with another it ends in an assertion of its own. */
START_WIDTH_TEST(node_has_its_channel)
{
    const wchar_t *node =
                      tree_path(_i == X64 ? L"build\\deps\\node-x64\\node.exe" : L"build\\deps\\node-x86\\node.exe"),
                  *script = ansi_path(L"channel.js");
    STARTUPINFOW startup = {.cb = sizeof startup};
    PROCESS_INFORMATION handoff;
    wchar_t line[2048], name[64];
    HANDLE server;

    if (!exists(node)) {
        skip("there is no node for Windows");
        return;
    }
    if (_i == X86)
        need_x86();
    write_file(script, "process.on('message', m => { process.send('got ' + m); process.disconnect(); });\n"
                       "process.send('ready');\n");
    swprintf(name, ARRAYSIZE(name), L"\\\\.\\pipe\\handoff-test-%lu", GetCurrentProcessId());
    server = CreateNamedPipeW(name, PIPE_ACCESS_DUPLEX, PIPE_TYPE_BYTE, 1, 4096, 4096, 0, NULL);
    ck_assert(server != INVALID_HANDLE_VALUE);
    swprintf(line, ARRAYSIZE(line),
             L"\"%ls\" --pipe ipc=%ls --overlapped ipc --fd 3=ipc --env NODE_CHANNEL_FD=3 --env "
             L"NODE_SKIP_PLATFORM_CHECK=1 -- \"%ls\" \"%ls\"",
             prefix(_i), name, node, script);
    ck_assert(start_with(line, &startup, 0, NULL, NULL, &handoff));
    ck_assert(ConnectNamedPipe(server, NULL) || GetLastError() == ERROR_PIPE_CONNECTED);
    assert_frame(server, "\"ready\"\n");
    send_frame(server, "\"hello\"\n");
    assert_frame(server, "\"got hello\"\n");
    ck_assert_uint_eq(finish_child(&handoff), 0);
    CloseHandle(server);
    ck_assert(DeleteFileW(script));
}
END_TEST

Suite *programs_suite(void)
{
    Suite *suite = suite_create("programs");
    TCase *tcase = tcase_create("programs");

    tcase_add_loop_test(tcase, perl_has_a_handle_stolen, 0, WIDTH_COUNT);
    tcase_add_loop_test(tcase, perl_reads_the_report, 0, WIDTH_COUNT);
    tcase_add_loop_test(tcase, a_batch_file_is_told_of_a_parent_above_it, 0, WIDTH_COUNT);
    tcase_add_loop_test(tcase, perl_reads_a_number_of_its_command_line, 0, WIDTH_COUNT);
    tcase_add_loop_test(tcase, perl_reads_a_number_of_its_environment, 0, WIDTH_COUNT);
    tcase_add_loop_test(tcase, perl_reads_a_descriptor, 0, WIDTH_COUNT);
    tcase_add_loop_test(tcase, perl_sets_an_event, 0, WIDTH_COUNT);
    tcase_add_loop_test(tcase, perl_accepts_on_a_listening_socket, 0, WIDTH_COUNT);
    tcase_add_loop_test(tcase, gpgv_checks_a_signature_through_the_door, 0, WIDTH_COUNT);
    tcase_add_loop_test(tcase, node_has_its_channel, 0, WIDTH_COUNT);
    suite_add_tcase(suite, tcase);
    return suite;
}
