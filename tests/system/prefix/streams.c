/* The streams and descriptors of the command: what the options put there, and the prefix' own by name. */
#include "batch.h"

#include <stdio.h>
#include <string.h>
#include <wchar.h>

/* ---- own streams ---- */

START_TEST(own_streams_have_names)
{
    write_file(in_directory(L"in"), "from stdin");
    run_batch("\"%HANDOFF%\" --fd 3=stdout -- \"%CHILD%\" tell 3 \"one \"\n"
              "\"%HANDOFF%\" -- \"%CHILD%\" write {stdout} \"two \"\n"
              "\"%HANDOFF%\" --stderr stdout -- cmd /c \">&2 echo three\"\n"
              "\"%HANDOFF%\" --fd 7=stdin --stdin \"\" -- \"%CHILD%\" descriptor 7 <\"%DIR%\\in\"\n");
    assert_out("one two three\r\nfrom stdin");
    run_batch("\"%HANDOFF%\" --stdout stderr --stderr stdout -- cmd /c \"echo out& >&2 echo err\"\n");
    ck_assert_str_eq(result.out, "err\r\n");
    ck_assert_str_eq(result.err, "out\r\n");
}
END_TEST

/* A's descriptor 3 and B's 4 are the ends of one pipe, of a real one: Wine's cmd.exe takes a file. */
START_TEST(two_commands_are_joined_by_their_descriptors)
{
    PROCESS_INFORMATION a, b;
    HANDLE read, write, out_read, out_write;
    char text[64];

    make_pipe(&read, &write);
    make_pipe(&out_read, &out_write);
    a = start_prefixed(L"--fd 3=stdout --stdout stderr -- \"%CHILD%\" tell 3 \"from 3 to 4\"", NULL, write, out_write);
    b = start_prefixed(L"--fd 4=stdin --stdin \"\" -- \"%CHILD%\" descriptor 4", read, out_write, out_write);
    CloseHandle(read);
    CloseHandle(write);
    CloseHandle(out_write);
    read_all(out_read, text, sizeof text);
    ck_assert_str_eq(text, "from 3 to 4");
    ck_assert_uint_eq(finish_child(&a), 0);
    ck_assert_uint_eq(finish_child(&b), 0);
}
END_TEST

START_TEST(names_of_own_streams_are_escaped)
{
    run_batch("\"%HANDOFF%\" --env A={{stderr}} -- cmd /c \"echo {{stdout}} {{stdin:x}} %%A%%\"\n"
              "\"%HANDOFF%\" -- \"%HANDOFF%\" --fd 3={{stdout}} -- cmd /c echo {{nobody}}\n");
    ck_assert_str_eq(result.out, "{stdout} {stdin:x} {stderr}\r\n");
    ck_assert_ptr_nonnull(strstr(result.err, "'{stdout}'"));
}
END_TEST

START_TEST(an_own_stream_that_is_not_there)
{
    PROCESS_INFORMATION handoff;
    HANDLE read, write;
    char text[512];

    make_pipe(&read, &write);
    handoff = start_prefixed(L"--fd 3=stdin -- \"%CHILD%\" descriptor 3", NULL, write, write);
    CloseHandle(write);
    read_all(read, text, sizeof text);
    assert_one_line(text);
    ck_assert_msg(strstr(text, "'stdin': Win32 error 6: ") != NULL && strstr(text, "handoff itself has none") != NULL,
                  "%s", text);
    ck_assert_uint_eq(finish_child(&handoff), EXIT_HANDOFF);
}
END_TEST

/* Somebody in the background has the stream that has been named, and the pipeline ends all the same. */
START_TEST(own_streams_are_relayed)
{
    static const char *const options[] = {"--fd 3=stdout", "--stderr stdout", "--stdout stderr", "--env N={stderr}",
                                          "--fd 3=stdout --fd 4=stderr --fd 5=stdout"};
    struct running running;
    unsigned long child_id, grandchild_id;
    HANDLE child, grandchild, told;
    char text[64];

    set_variable(L"OPTIONS", "%s", options[_i]);
    running = start_batch("\"%HANDOFF%\" --relay %OPTIONS% -- \"%CHILD%\" family\n", 0);
    told = _i == 2 ? running.err : running.out;
    ck_assert(read_line(told, text, sizeof text));
    ck_assert_int_eq(sscanf(text, "%lu %lu", &child_id, &grandchild_id), 2);
    child = open_process(child_id);
    grandchild = open_process(grandchild_id);
    ck_assert(TerminateProcess(child, 5));
    ck_assert(!read_line(running.out, text, sizeof text));
    ck_assert(!read_line(running.err, text, sizeof text));
    ck_assert_msg(lives(grandchild), "the background has ended too");
    finish_running(&running);
    await_end(child);
    CloseHandle(child);
    await_end(grandchild);
    CloseHandle(grandchild);
}
END_TEST

/* ---- sinks ---- */

START_TEST(files_become_streams)
{
    const wchar_t *in = file_path(L"in"), *out = file_path(L"out");
    wchar_t options[1024];

    write_file(in, "from stdin");
    swprintf(options, ARRAYSIZE(options), L"--stdout o --read \"i=%ls\" --write \"o=%ls\" --stdin i --stderr o", in,
             out);
    run_prefixed(options, L"read {i}");
    ck_assert_msg(result.exit_code == 0, "%s", result.err);
    ck_assert_str_eq(result.out, "");
    assert_file(out, "from stdin");
    ck_assert(DeleteFileW(out));
    DeleteFileW(in);
}
END_TEST

/* Each can be closed by itself. */
START_TEST(one_file_as_two_descriptors)
{
    run_batch("\"%HANDOFF%\" --append \"log=%DIR%\\log\" --fd 3=log --fd 4=log -- \"%CHILD%\" tell 3 one, 4 two\n"
              "type \"%DIR%\\log\"\n");
    assert_out("one,two");
}
END_TEST

START_TEST(the_traces_and_the_plan_know_a_copy)
{
    run_batch("\"%HANDOFF%\" --dry-run --read n=NUL --fd 3=n --fd 4=n --fd 5=stdin --sealed n --overlapped n -- cmd\n");
    ck_assert_msg(strncmp(result.out,
                          "handoff: n: --read 'NUL', descriptor 3\r\n"
                          "handoff: stdin: handoff's own, descriptor 5\r\n"
                          "handoff: n: again, descriptor 4\r\n"
                          "handoff: --sealed 'n'\r\n"
                          "handoff: --overlapped 'n'\r\n",
                          160) == 0,
                  "%s", result.out);
    run_batch("\"%HANDOFF%\" --trace --read n=NUL --fd 3=n --fd 4=n -- cmd /c exit\n");
    ck_assert_msg(strstr(result.err, "handoff: n>fd3: 0x") != NULL && strstr(result.err, "handoff: n>fd4: 0x") != NULL,
                  "%s", result.err);
    run_batch("\"%HANDOFF%\" --trace=json --read n=NUL --fd 3=n --fd 4=n -- cmd /c exit\n");
    ck_assert_msg(strstr(result.err, ",{\"name\":\"n\",\"parent\":null,") != NULL, "%s", result.err);
}
END_TEST

/* What cmd.exe starts has its streams, and not the file. */
START_TEST(one_pass_is_sealed_and_cmd_works)
{
    write_batch(L"inner.bat", "\"%CHILD%\" write %1 stolen\necho %errorlevel%\n\"%CHILD%\" write %2 given\n");
    run_batch("\"%HANDOFF%\" --write \"a=%DIR%\\a\" --write \"b=%DIR%\\b\" --sealed a -- cmd /c "
              "\"\"%DIR%\\inner.bat\" {a} {b}\"\n");
    assert_out("1\r\n");
    assert_content(L"a", "");
    assert_content(L"b", "given");
}
END_TEST

START_TEST(an_own_stream_is_sealed)
{
    run_batch("\"%HANDOFF%\" --sealed stdout -- cmd /c \"echo mine& \"%CHILD%\" note lost\"\n");
    ck_assert_str_eq(result.out, "mine\r\n");
    run_batch("\"%HANDOFF%\" --sealed stdout --relay -- cmd /c \"echo mine& \"%CHILD%\" note lost\"\n");
    ck_assert_str_eq(result.out, "mine\r\n");
}
END_TEST

/* What the prefix itself was given as descriptors 3 and 4, by another one before it; and which of them the command
 * has. */
static const struct {
    const char *options;
    BOOL has[2];
} inherited[] = {{"", {TRUE, TRUE}},
                 {"--fd 3=", {FALSE, TRUE}},
                 {"--fd 4= --fd 3=", {FALSE, FALSE}},
                 {"--only-streams", {FALSE, FALSE}}};

START_TEST(descriptors_that_handoff_was_given_can_be_closed)
{
    set_variable(L"OPTIONS", "%s", inherited[_i].options);
    for (int i = 0; i < 2; i++) {
        set_variable(L"FD", "%d", 3 + i);
        write_file(in_directory(L"log"), "");
        run_batch("\"%HANDOFF%\" --write \"a=%DIR%\\log\" --fd 3=a --fd 4=a -- \"%HANDOFF%\" %OPTIONS% -- "
                  "\"%CHILD%\" tell %FD% told\n");
        ck_assert_str_eq(result.err, "");
        assert_content(L"log", inherited[_i].has[i] ? "told" : "");
    }
}
END_TEST

Suite *streams_suite(void)
{
    const struct listed_test in_a_line[] = {
        {files_become_streams, "streams in a line", 1},
    };
    const struct listed_test in_batch_files[] = {
        {descriptors_that_handoff_was_given_can_be_closed, "closed descriptors", ARRAYSIZE(inherited)},
        {own_streams_have_names, "streams in batch files", 1},
        {two_commands_are_joined_by_their_descriptors, "streams in batch files", 1},
        {names_of_own_streams_are_escaped, "streams in batch files", 1},
        {an_own_stream_that_is_not_there, "streams in batch files", 1},
        {own_streams_are_relayed, "streams in batch files", 5},
        {one_file_as_two_descriptors, "streams in batch files", 1},
        {the_traces_and_the_plan_know_a_copy, "streams in batch files", 1},
        {one_pass_is_sealed_and_cmd_works, "streams in batch files", 1},
        {an_own_stream_is_sealed, "streams in batch files", 1},
    };
    Suite *suite = console_suite("streams", in_batch_files, ARRAYSIZE(in_batch_files), set_up_batch, tear_down_batch);

    add_tests(suite, in_a_line, ARRAYSIZE(in_a_line));
    return suite;
}
