#include "request.h"

#include <wchar.h>

#include "unit.h"

enum { IN = 1 << STREAM_STDIN, OUT = 1 << STREAM_STDOUT, ERR = 1 << STREAM_STDERR };

static const struct row {
    const char *what;
    enum request_fault fault;
    uint32_t pass; /* where the fault is */
    uint32_t count;
    struct pass passes[4];
} rows[] = {
    {"no passes", REQUEST_OK, 0, 0, {{.number = 0}}},
    {"a name", REQUEST_OK, 0, 1, {{.placeholder.name = L"log"}}},
    {"a stream", REQUEST_OK, 0, 1, {{.streams = OUT}}},
    {"a name and all streams", REQUEST_OK, 0, 1, {{.placeholder.name = L"log", .streams = IN | OUT | ERR}}},
    {"each stream once", REQUEST_OK, 0, 3, {{.streams = IN}, {.streams = OUT}, {.streams = ERR}}},
    {"names that begin alike",
     REQUEST_OK,
     0,
     3,
     {{.placeholder.name = L"log"}, {.placeholder.name = L"lo"}, {.placeholder.name = L"log2"}}},
    {"names in other capitals", REQUEST_OK, 0, 2, {{.placeholder.name = L"log"}, {.placeholder.name = L"Log"}}},
    {"nameless among named",
     REQUEST_OK,
     0,
     4,
     {{.streams = IN}, {.placeholder.name = L"a"}, {.streams = OUT}, {.placeholder.name = L"b"}}},
    {"all sorts of units", REQUEST_OK, 0, 1, {{.placeholder.name = L"azAZ09_-."}}},

    {"a number alone", REQUEST_OK, 0, 1, {{.wanted = 4}}},
    {"a job", REQUEST_OK, 0, 2, {{.placeholder.name = L"a"}, {.kind = PASS_JOB}}},

    {"an empty name", REQUEST_NAME, 0, 1, {{.placeholder.name = L""}}},
    {"an empty name of a stream",
     REQUEST_NAME,
     1,
     2,
     {{.placeholder.name = L"a"}, {.placeholder.name = L"", .streams = IN}}},
    {"a colon", REQUEST_NAME, 0, 1, {{.placeholder.name = L"log:x"}}},
    {"a brace", REQUEST_NAME, 1, 2, {{.placeholder.name = L"log"}, {.placeholder.name = L"{log}"}}},
    {"a blank at the end",
     REQUEST_NAME,
     2,
     3,
     {{.placeholder.name = L"a"}, {.placeholder.name = L"b"}, {.placeholder.name = L"c "}}},
    {"a letter beyond ASCII", REQUEST_NAME, 0, 1, {{.placeholder.name = L"l\x00F6g"}}},
    {"a low byte that is a letter", REQUEST_NAME, 0, 1, {{.placeholder.name = L"l\x016Fg"}}},

    {"a name twice", REQUEST_NAME_TWICE, 1, 2, {{.placeholder.name = L"log"}, {.placeholder.name = L"log"}}},
    {"a name thrice",
     REQUEST_NAME_TWICE,
     1,
     3,
     {{.placeholder.name = L"log"}, {.placeholder.name = L"log"}, {.placeholder.name = L"log"}}},
    {"first and last name",
     REQUEST_NAME_TWICE,
     3,
     4,
     {{.placeholder.name = L"a"},
      {.streams = IN},
      {.placeholder.name = L"b"},
      {.placeholder.name = L"a", .streams = OUT}}},

    {"a stream twice", REQUEST_STREAM_TWICE, 1, 2, {{.streams = OUT}, {.streams = OUT}}},
    {"one of three streams",
     REQUEST_STREAM_TWICE,
     2,
     3,
     {{.streams = ERR}, {.placeholder.name = L"a"}, {.placeholder.name = L"b", .streams = IN | OUT | ERR}}},
    {"a stream that there is not", REQUEST_STREAM, 0, 1, {{.streams = 1 << STREAM_COUNT}}},
    {"the last bit", REQUEST_STREAM, 1, 2, {{.streams = IN}, {.placeholder.name = L"a", .streams = 0x80000000}}},

    {"descriptors", REQUEST_OK, 0, 3, {{.fd = 3}, {.placeholder.name = L"a", .fd = 2047}, {.fd = 4}}},
    {"a descriptor that is a stream too", REQUEST_OK, 0, 1, {{.streams = OUT, .fd = 3}}},
    {"a descriptor that was handed on", REQUEST_OK, 0, 1, {{.fd = 2048, .fd_flags = 1}}},
    {"the last that fits into a block", REQUEST_OK, 0, 1, {{.fd = 13105, .fd_flags = 1}}},
    {"a descriptor of a stream",
     REQUEST_DESCRIPTOR,
     1,
     2,
     {{.placeholder.name = L"a"}, {.placeholder.name = L"b", .fd = 2}}},
    {"the same, handed on", REQUEST_DESCRIPTOR, 0, 1, {{.fd = 1, .fd_flags = 1}}},
    {"a descriptor too many", REQUEST_DESCRIPTOR, 0, 1, {{.fd = 2048}}},
    {"one that no block has", REQUEST_DESCRIPTOR, 0, 1, {{.fd = 13106, .fd_flags = 1}}},
    {"a block of 2^32 bytes", REQUEST_DESCRIPTOR, 0, 1, {{.fd = 0x1C71C71C, .fd_flags = 1}}},
    {"2^32 descriptors", REQUEST_DESCRIPTOR, 0, 1, {{.fd = 0xFFFFFFFF, .fd_flags = 1}}},
    {"a descriptor twice", REQUEST_DESCRIPTOR, 2, 3, {{.fd = 3}, {.placeholder.name = L"a"}, {.fd = 3}}},
    {"its neighbours", REQUEST_OK, 0, 3, {{.fd = 8}, {.fd = 7}, {.fd = 16}}},
    {"the last twice", REQUEST_DESCRIPTOR, 1, 2, {{.fd = 13105, .fd_flags = 1}, {.fd = 13105, .fd_flags = 1}}},
    {"the same with flags", REQUEST_DESCRIPTOR, 1, 2, {{.fd = 3}, {.fd = 3, .fd_flags = 1}}},

    {"neither name nor stream", REQUEST_NO_PLACE, 0, 1, {{.number = 0}}},
    {"the same, later", REQUEST_NO_PLACE, 2, 3, {{.placeholder.name = L"a"}, {.streams = IN}, {.number = 0}}},

    {"the first of two faults",
     REQUEST_NO_PLACE,
     1,
     3,
     {{.placeholder.name = L"a"}, {.number = 0}, {.placeholder.name = L"a"}}},
    {"the first of two others",
     REQUEST_NAME_TWICE,
     1,
     3,
     {{.placeholder.name = L"a"}, {.placeholder.name = L"a"}, {.number = 0}}},
};

START_TEST(request_row)
{
    const struct row *row = &rows[_i];
    struct pass passes[LENGTH(row->passes)];
    struct request request = {.command_line = L"x", .passes = passes, .pass_count = row->count};
    enum request_fault fault;
    uint32_t pass = 99;

    for (size_t i = 0; i < LENGTH(passes); i++)
        passes[i] = row->passes[i];
    fault = request_check(&request, &pass);
    require(fault == row->fault, "%s: fault %d, not %d", row->what, (int)fault, (int)row->fault);
    if (fault != REQUEST_OK)
        require(pass == row->pass, "%s: pass %u, not %u", row->what, pass, row->pass);
}
END_TEST

START_TEST(request_needs_a_program)
{
    struct pass passes[] = {{.placeholder.name = L"a"}, {.number = 0}};
    struct request request = {.passes = passes, .pass_count = 1};
    uint32_t pass;

    ck_assert_int_eq(request_check(&request, &pass), REQUEST_NO_PROGRAM);
    request.application = L"C:\\a.exe";
    ck_assert_int_eq(request_check(&request, &pass), REQUEST_OK);
    request.command_line = L"a";
    ck_assert_int_eq(request_check(&request, &pass), REQUEST_OK);
    request.application = NULL;
    ck_assert_int_eq(request_check(&request, &pass), REQUEST_OK);
}
END_TEST

START_TEST(request_stream_is_closed)
{
    struct pass passes[] = {{.streams = IN}, {.streams = OUT | ERR}};
    struct request request = {.command_line = L"x", .passes = passes, .pass_count = 2};

    for (uint32_t closed = 0; closed < 8; closed++) {
        uint32_t pass = 99;

        request.closed_streams = closed;
        ck_assert_int_eq(request_check(&request, &pass), closed == 0 ? REQUEST_OK : REQUEST_STREAM_TWICE);
        ck_assert_uint_eq(pass, closed & IN ? 0 : 1);
    }
}
END_TEST

START_TEST(request_gives_each_name_the_number_in_the_child)
{
    struct pass passes[] = {{.placeholder.name = L"a", .number = 16},
                            {.streams = 1, .number = 20},
                            {.placeholder.name = L"b", .number = 24, .wanted = 4}};
    struct request request = {.passes = passes, .pass_count = LENGTH(passes)};

    ck_assert_uint_eq(request_index(&request), LENGTH(passes));
    ck_assert_ptr_eq(request_find(&request, L"a"), &passes[0]);
    ck_assert_ptr_eq(request_find(&request, L"b"), &passes[2]);
    ck_assert_ptr_null(request_find(&request, L"c"));
    ck_assert_uint_eq(passes[0].placeholder.number, 16);
    ck_assert_uint_eq(passes[2].placeholder.number, 4);
}
END_TEST

START_TEST(request_finds_what_is_unused)
{
    static const struct pass used[] = {{.placeholder = {.name = L"a", .used = true}},
                                       {.streams = OUT},
                                       {.fd = 3},
                                       {.placeholder.name = L"a", .wanted = 4},
                                       {.kind = PASS_JOB},
                                       {.placeholder.name = L"b", .flags = PASS_OPTIONAL},
                                       {.placeholder.name = L"c", .flags = PASS_OPTIONAL | PASS_SEALED}};
    static const struct pass unused[] = {{.placeholder.name = L"d"}, {.placeholder.name = L"e", .flags = PASS_SEALED}};
    struct pass passes[LENGTH(used)];
    struct request request = {.pass_count = LENGTH(used)};

    for (uint32_t at = 0; at <= LENGTH(used); at++) {
        for (uint32_t i = 0; i < LENGTH(used); i++)
            passes[i] = i < at ? used[i] : unused[i % 2];
        request.passes = guard_bytes(GUARD_PASSES, passes, sizeof passes);
        ck_assert_uint_eq(request_find_unused(&request), at);
    }
}
END_TEST

Suite *request_suite(void)
{
    Suite *suite = suite_create("request");
    TCase *tcase = tcase_create("request_check");

    tcase_add_loop_test(tcase, request_row, 0, LENGTH(rows));
    tcase_add_test(tcase, request_needs_a_program);
    tcase_add_test(tcase, request_stream_is_closed);
    tcase_add_test(tcase, request_gives_each_name_the_number_in_the_child);
    tcase_add_test(tcase, request_finds_what_is_unused);
    suite_add_tcase(suite, tcase);
    return suite;
}
