/* Streams whose numbers look like those of consoles before Windows 8. */
#include <windows.h>

#include "unit.h"

static HANDLE fake_stream, fake_console;

static HANDLE get_stream(DWORD id)
{
    ck_assert_uint_eq(id, STD_OUTPUT_HANDLE);
    return fake_stream;
}

static BOOL get_mode(HANDLE handle, DWORD *mode)
{
    *mode = 3;
    return handle == fake_console;
}

#define GetStdHandle get_stream
#define GetConsoleMode get_mode

#include "stream.h"

static const struct {
    UINT_PTR stream, console, expected;
} rows[] = {
    {7, 7, 7},       {0x10003, 7, 0}, /* the monitor on which a GUI program was started */
    {0x44, 0x44, 0},                  /* a console's of today travels like any other handle */
    {0, 7, 0},       {(UINT_PTR)-1, (UINT_PTR)-1, 0},
};

START_TEST(only_a_console_is_one)
{
    for (size_t i = 0; i < LENGTH(rows); i++) {
        fake_stream = (HANDLE)rows[i].stream;
        fake_console = (HANDLE)rows[i].console;
        require(stream_of_old_console(STREAM_STDOUT) == (HANDLE)rows[i].expected, "row %zu", i);
    }
}
END_TEST

Suite *stream_suite(void)
{
    Suite *suite = suite_create("stream");
    TCase *tcase = tcase_create("stream");

    tcase_add_test(tcase, only_a_console_is_one);
    suite_add_tcase(suite, tcase);
    return suite;
}
