/* What is not there yet, or cannot be opened for a while: --wait, and how long one try may take. */
#include "batch.h"

#include <stdio.h>
#include <string.h>
#include <wchar.h>

static void set_up(void)
{
    set_up_batch();
    SetEnvironmentVariableW(L"HANDOFF", program(OWN_WIDTH, L"faulty-prefix.exe"));
}

static void tear_down(void)
{
    SetEnvironmentVariableW(L"HANDOFF_CONNECT", NULL);
    SetEnvironmentVariableW(L"HANDOFF_RESOLVE", NULL);
    SetEnvironmentVariableW(L"HANDOFF_DENY", NULL);
    tear_down_batch();
}

/* ---- files ---- */

/* It has not given up in a time in which it would have had to. */
static void assert_waits(const struct running *running)
{
    ck_assert_msg(WaitForSingleObject(running->process.hProcess, 500) == WAIT_TIMEOUT, "it does not wait");
}

/* With a name of its own, so that nobody opens it while it is made. */
static void make_file(const wchar_t *path)
{
    HANDLE file = CreateFileW(in_directory(L"new"), GENERIC_WRITE, 0, NULL, CREATE_NEW, 0, NULL);
    DWORD written;

    ck_assert(file != INVALID_HANDLE_VALUE && WriteFile(file, "hello", 5, &written, NULL));
    CloseHandle(file);
    ck_assert_msg(MoveFileW(in_directory(L"new"), path), "error %lu", GetLastError());
}

static const wchar_t *const later_names[] = {L"later", L"folder\\later"};

START_TEST(a_file_to_read_that_is_not_there_yet_is_waited_for)
{
    struct running running;

    set_variable(L"LATER", "%ls", later_names[_i]);
    running = start_batch("\"%HANDOFF%\" --wait 1h --read \"f=%DIR%\\%LATER%\" -- \"%CHILD%\" read {f}\n", 0);
    assert_waits(&running);
    CreateDirectoryW(in_directory(L"folder"), NULL);
    make_file(in_directory(later_names[_i]));
    read_all(running.out, result.out, sizeof result.out);
    running.out = NULL;
    ck_assert_str_eq(result.out, "hello");
    ck_assert_uint_eq(finish_running(&running), 0);
    DeleteFileW(in_directory(later_names[_i]));
    RemoveDirectoryW(in_directory(L"folder"));
}
END_TEST

START_TEST(a_file_that_never_comes_is_an_error_in_the_end)
{
    run_batch("\"%HANDOFF%\" --wait 200ms --read \"f=%DIR%\\later\" -- \"%CHILD%\" exit 7 {f}\necho %errorlevel%\n");
    ck_assert_str_eq(result.out, "125\r\n");
    ck_assert_ptr_nonnull(strstr(result.err, ": Win32 error 2: "));
}
END_TEST

/* Windows opens no file that is deleted while somebody has it open, and says "access denied". */
static const char *const openings[] = {
    "--read \"f=%DIR%\\file\"",   "--write \"f=%DIR%\\file\"",  "--append \"f=%DIR%\\file\"",
    "--extend \"f=%DIR%\\file\"", "--update \"f=%DIR%\\file\"", "--lock \"%DIR%\\file\" --event f=",
};

/* The first tries to open it are denied with that status: "TIMES STATUS". */
static void run_denied(const char *denials, const char *wait, const char *opening)
{
    char text[256];

    set_variable(L"HANDOFF_DENY", "%s", denials);
    snprintf(text, sizeof text, "\"%%HANDOFF%%\" %s %s -- \"%%CHILD%%\" exit 7 {f}\necho %%errorlevel%%\n", wait,
             opening);
    run_batch(text);
}

START_TEST(a_file_that_is_being_deleted_is_waited_for)
{
    make_file(in_directory(L"file"));
    run_denied("3 0xC0000056", "--wait 1h", openings[_i]);
    ck_assert_str_eq(result.out, "7\r\n");
    run_denied("1 0xC0000056", "", openings[_i]);
    ck_assert_str_eq(result.out, "123\r\n");
    ck_assert_msg(strstr(result.err, ": Win32 error 303") != NULL, "%s", result.err);
    run_denied("1 0xC0000022", "--wait 1h", openings[_i]);
    ck_assert_str_eq(result.out, "125\r\n");
    ck_assert_ptr_nonnull(strstr(result.err, ": Win32 error 5: "));
}
END_TEST

static const char *const directories[] = {"--read \"f=%DIR%\"", "--write \"f=%DIR%\"", "--lock \"%DIR%\" --event f="};

START_TEST(a_directory_is_not_waited_for)
{
    char text[256];

    snprintf(text, sizeof text, "\"%%HANDOFF%%\" --wait 1h %s -- \"%%CHILD%%\" exit 7 {f}\necho %%errorlevel%%\n",
             directories[_i]);
    run_batch(text);
    ck_assert_str_eq(result.out, "125\r\n");
    ck_assert_ptr_nonnull(strstr(result.err, ": Win32 error 5: "));
}
END_TEST

/* ---- servers ---- */

static SOCKET listen_anywhere(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int size = sizeof address;
    SOCKET server = socket(AF_INET, SOCK_STREAM, 0);

    ck_assert(bind(server, (struct sockaddr *)&address, sizeof address) == 0 && listen(server, 5) == 0 &&
              getsockname(server, (struct sockaddr *)&address, &size) == 0);
    set_variable(L"PORT", "%u", ntohs(address.sin_port));
    return server;
}

static const struct {
    const wchar_t *variable;
    const char *failures, *limit, *says;
} stuck[] = {{L"HANDOFF_CONNECT", "9 0", "--wait 300ms", ": Win32 error 10060"},
             {L"HANDOFF_CONNECT", "9 0", "--timeout 300ms", ": Win32 error 10060"},
             {L"HANDOFF_RESOLVE", "9 0", "--wait 300ms", ": Win32 error 10060"},
             {L"HANDOFF_RESOLVE", "9 0", "--timeout 300ms", ": Win32 error 10060"},
             /* That it was refused before says more than that the time was up. */
             {L"HANDOFF_CONNECT", "1 10061 9 0", "--wait 1s", ": Win32 error 10061"},
             {L"HANDOFF_CONNECT", "2 10061 9 0", "--wait 1s", ": Win32 error 10061"}};

/* Else it would never end. */
START_TEST(one_try_takes_no_longer_than_what_is_left)
{
    SOCKET server = listen_anywhere();
    char text[256];

    set_variable(stuck[_i].variable, "%s", stuck[_i].failures);
    snprintf(text, sizeof text,
             "\"%%HANDOFF%%\" %s --connect s=127.0.0.1:%%PORT%% -- \"%%CHILD%%\" exit 7 {s}\necho %%errorlevel%%\n",
             stuck[_i].limit);
    run_batch(text);
    closesocket(server);
    ck_assert_str_eq(result.out, "125\r\n");
    assert_one_line(result.err);
    ck_assert_msg(strstr(result.err, stuck[_i].says) != NULL, "%s", result.err);
}
END_TEST

static const struct {
    const wchar_t *variable;
    unsigned code;
} passing[] = {{L"HANDOFF_CONNECT", WSAETIMEDOUT},      {L"HANDOFF_CONNECT", WSAECONNREFUSED},
               {L"HANDOFF_CONNECT", WSAENETUNREACH},    {L"HANDOFF_CONNECT", WSAEHOSTUNREACH},
               {L"HANDOFF_CONNECT", WSAENETDOWN},       {L"HANDOFF_CONNECT", WSAEHOSTDOWN},
               {L"HANDOFF_RESOLVE", WSAHOST_NOT_FOUND}, {L"HANDOFF_RESOLVE", WSATRY_AGAIN},
               {L"HANDOFF_RESOLVE", WSANO_DATA}};

START_TEST(whatever_can_pass_is_waited_for)
{
    SOCKET server = listen_anywhere();

    set_variable(passing[_i].variable, "3 %u", passing[_i].code);
    run_batch("\"%HANDOFF%\" --wait 1h --connect s=127.0.0.1:%PORT% -- \"%CHILD%\" exit 7 {s}\necho %errorlevel%\n");
    ck_assert_str_eq(result.out, "7\r\n");
    set_variable(passing[_i].variable, "1 %u", passing[_i].code);
    run_batch("\"%HANDOFF%\" --connect s=127.0.0.1:%PORT% -- \"%CHILD%\" exit 7 {s}\necho %errorlevel%\n");
    ck_assert_str_eq(result.out, "125\r\n");
    closesocket(server);
}
END_TEST

START_TEST(what_cannot_pass_is_not_waited_for)
{
    SOCKET server = listen_anywhere();

    set_variable(L"HANDOFF_CONNECT", "1 %u", WSAEACCES);
    run_batch("\"%HANDOFF%\" --wait 1h --connect s=127.0.0.1:%PORT% -- \"%CHILD%\" exit 7 {s}\necho %errorlevel%\n");
    closesocket(server);
    ck_assert_str_eq(result.out, "125\r\n");
    ck_assert_ptr_nonnull(strstr(result.err, ": Win32 error 10013: "));
}
END_TEST

Suite *waiting_suite(void)
{
    static const struct listed_test tests[] = {
        {a_file_to_read_that_is_not_there_yet_is_waited_for, "waiting", ARRAYSIZE(later_names)},
        {a_file_that_never_comes_is_an_error_in_the_end, "waiting", 1},
        {a_file_that_is_being_deleted_is_waited_for, "waiting", ARRAYSIZE(openings)},
        {a_directory_is_not_waited_for, "waiting", ARRAYSIZE(directories)},
        {one_try_takes_no_longer_than_what_is_left, "waiting", ARRAYSIZE(stuck)},
        {whatever_can_pass_is_waited_for, "waiting", ARRAYSIZE(passing)},
        {what_cannot_pass_is_not_waited_for, "waiting", 1},
    };

    return console_suite("waiting", tests, ARRAYSIZE(tests), set_up, tear_down);
}
