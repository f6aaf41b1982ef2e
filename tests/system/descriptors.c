/* Every place where a child looks for a handle but its command line: descriptors, streams, the environment;
 * and handles that are sealed there. Through every door, for all widths of launcher and child; the whole
 * program runs for both widths of the parent, and so of what the prefixes are given. */
#include "talk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

enum {
    WIDTHS = WIDTH_COUNT * WIDTH_COUNT,
    ALL_DOORS = DOOR_COUNT * WIDTHS,
    PIPE_FLAGS = 0x09, /* open, pipe */
    FILE_FLAGS = 0x01,
    DEVICE_FLAGS = 0x41,
    TEXT_FLAG = 0x80
};

static enum door door_of(int row)
{
    return (enum door)(row / WIDTHS);
}

static struct talk *talk_of(int row, const wchar_t *arguments)
{
    return new_talk(door_of(row), row % WIDTH_COUNT, row / WIDTH_COUNT % WIDTH_COUNT, arguments);
}

static uint32_t child_pointer(int row)
{
    return row / WIDTH_COUNT % WIDTH_COUNT == X64 ? 8 : 4;
}

static void write_text(HANDLE to, const char *text)
{
    DWORD written;

    ck_assert(WriteFile(to, text, (DWORD)strlen(text), &written, NULL));
}

/* ---- descriptors ---- */

START_WIDTH_TEST(a_secret_on_4_is_answered_on_3)
{
    struct talk *talk = talk_of(_i, L"copy 4 3");
    struct thing secret = pipe_thing(talk->door, FALSE), answer = pipe_thing(talk->door, TRUE);
    char text[32] = "";
    DWORD size;

    talk_pass(talk, L"secret", &secret)->descriptor = 4;
    talk_pass(talk, L"answer", &answer)->descriptor = 3;
    talk_start(talk);
    if (secret.handle != NULL)
        ck_assert(CloseHandle(secret.handle) && CloseHandle(answer.handle));
    secret.handle = answer.handle = NULL;
    write_text(secret.ours, "the secret");
    close_thing(&secret);
    ck_assert(ReadFile(answer.ours, text, sizeof text - 1, &size, NULL));
    ck_assert_str_eq(text, "the secret");
    talk_end(talk);
    ck_assert(!ReadFile(answer.ours, text, 1, &size, NULL) && GetLastError() == ERROR_BROKEN_PIPE);
    close_thing(&answer);
}
END_TEST

static unsigned hex_at(const char *digits, uint32_t bytes)
{
    unsigned value = 0, byte;

    for (uint32_t i = 0; i < bytes; i++) {
        ck_assert_int_eq(sscanf(digits + 2 * i, "%2x", &byte), 1);
        value |= byte << 8 * i;
    }
    return value;
}

/* What the block that the child was given says of a descriptor. */
struct said {
    unsigned flags, handle;
};

static struct said block_says(const char *line, uint32_t pointer, uint32_t descriptor)
{
    const char *digits = line + strlen("block ");
    unsigned count = hex_at(digits, 4);

    ck_assert_msg(strncmp(line, "block ", 6) == 0, "%s", line);
    ck_assert_uint_eq(strlen(digits), 2 * (4 + count * (1 + pointer)) + 1);
    if (descriptor >= count)
        return (struct said){0, 0};
    return (struct said){hex_at(digits + 2 * (4 + descriptor), 1),
                         hex_at(digits + 2 * (4 + count + descriptor * pointer), 4)};
}

START_TEST(flags_follow_the_type)
{
    struct talk *talk = talk_of(_i, L"block fd 3 fd 4 fd 5 fd 6 fd 7 fd 8");
    struct thing pipe = pipe_thing(talk->door, TRUE), nul = nul_thing(FALSE), file = file_thing(talk->door, "", FALSE),
                 writes = file_thing(talk->door, "", TRUE);
    const char *line;

    talk_pass(talk, L"n", &nul)->descriptor = 4;
    talk_pass(talk, L"p", &pipe)->descriptor = 3;
    talk_pass(talk, L"f", &file)->descriptor = 5;
    talk_pass(talk, L"w", &writes)->descriptor = 7;
    talk_start(talk);
    line = talk_line(talk); /* Wine's runtime asks for the type again, Windows' believes the block */
    ck_assert_uint_eq(block_says(line, child_pointer(_i), 3).flags, PIPE_FLAGS);
    ck_assert_uint_eq(block_says(line, child_pointer(_i), 4).flags, DEVICE_FLAGS);
    ck_assert_uint_eq(block_says(line, child_pointer(_i), 5).flags, FILE_FLAGS);
    assert_line(talk, "fd 3 pipe binary tty=0 type=3");
    assert_line(talk, "fd 4 device binary tty=1 type=2");
    assert_line(talk, "fd 5 file binary tty=0 type=1");
    assert_line(talk, "fd 6 none");
    assert_line(talk, "fd 7 file binary tty=0 type=1");
    assert_line(talk, "fd 8 none");
    talk_end(talk);
    close_thing(&pipe);
    close_thing(&nul);
    close_thing(&file);
    close_thing(&writes);
}
END_TEST

/* The door was itself started by a C runtime, which gave it a block in this program's width. */
START_WIDTH_TEST(descriptors_are_handed_on)
{
    static const uint8_t flags[] = {
        PIPE_FLAGS | TEXT_FLAG, DEVICE_FLAGS | TEXT_FLAG, 0, FILE_FLAGS | TEXT_FLAG, FILE_FLAGS, 0, DEVICE_FLAGS, 0};
    struct talk *talk = talk_of(_i, L"block fd 3 fd 4 fd 5 fd 6 copy 4 7 wait {go}");
    struct thing in = pipe_thing(LIBRARY, FALSE), nul = nul_thing(TRUE), kept = file_thing(LIBRARY, "kept", FALSE),
                 replaced = file_thing(LIBRARY, "replaced", FALSE), instead = file_thing(talk->door, "instead", FALSE),
                 answer = file_thing(talk->door, "", TRUE);
    const HANDLE handles[] = {in.handle, nul.handle, nul.handle, kept.handle, replaced.handle, NULL, nul.handle, NULL};
    const char *line;

    talk->reserved = make_block(sizeof(void *), ARRAYSIZE(flags), flags, handles, &talk->reserved_size);
    talk->with_streams = TRUE;
    memcpy(talk->streams, handles, sizeof talk->streams);
    talk->inherited[talk->inherited_count++] = kept.handle;
    talk->inherited[talk->inherited_count++] = replaced.handle;
    talk_pass(talk, L"i", &instead)->descriptor = 4;
    talk_pass(talk, L"a", &answer)->descriptor = 7;
    talk_start(talk);
    line = talk_line(talk);
    ck_assert_uint_eq(block_says(line, child_pointer(_i), 0).flags, PIPE_FLAGS | TEXT_FLAG);
    ck_assert_uint_eq(block_says(line, child_pointer(_i), 1).flags, DEVICE_FLAGS | TEXT_FLAG);
    ck_assert_uint_eq(block_says(line, child_pointer(_i), 3).flags, FILE_FLAGS | TEXT_FLAG);
    ck_assert_uint_eq(block_says(line, child_pointer(_i), 4).flags, FILE_FLAGS);
    ck_assert_uint_eq(block_says(line, child_pointer(_i), 5).flags, 0);
    ck_assert(process_has_at(talk->child, block_says(line, child_pointer(_i), 0).handle, in.handle));
    ck_assert(process_has_at(talk->child, block_says(line, child_pointer(_i), 1).handle, nul.handle));
    ck_assert(process_has_at(talk->child, block_says(line, child_pointer(_i), 3).handle, kept.handle));
    assert_line(talk, "fd 3 file text tty=0 type=1");
    assert_line(talk, "fd 4 file binary tty=0 type=1");
    assert_line(talk, "fd 5 none");
    assert_line(talk, "fd 6 device binary tty=1 type=2");
    assert_line(talk, "waiting");
    ck_assert_msg(!process_has(talk->child_id, replaced.handle), "what was replaced is there all the same");
    talk_end(talk);
    assert_thing_holds(&answer, "instead");
    close_thing(&in);
    close_thing(&nul);
    close_thing(&kept);
    close_thing(&replaced);
    close_thing(&instead);
    close_thing(&answer);
}
END_TEST

/* Cygwin keeps there what describes the process that made it; the first DWORD is 0. A copy of it would kill a program
 * of Cygwin's. */
START_TEST(a_foreign_block_is_left_out)
{
    const size_t sizes[] = {4 + 2 * (size_t)_i, 1000};
    static uint8_t block[1000];

    for (size_t i = 0; i < ARRAYSIZE(sizes); i++) {
        struct talk *talk = talk_of(_i, L"block");

        for (size_t byte = 4; byte < sizes[i]; byte++)
            block[byte] = (uint8_t)random_next();
        talk->reserved = block;
        talk->reserved_size = (WORD)sizes[i];
        talk_start(talk);
        assert_line(talk, "block .");
        talk_end(talk);
    }
}
END_TEST

/* A file that somebody may delete can be run, but not be opened by GetBinaryTypeW of Wine: so the width is
 * the launcher's own, which is wrong for every other child. */
START_WIDTH_TEST(a_wrong_guess_is_mended)
{
    struct talk *talk = talk_of(_i, L"copy 4 3");
    struct thing secret = file_thing(talk->door, "the secret", FALSE), answer = file_thing(talk->door, "", TRUE);
    struct handoff_request request = {.cb = sizeof request};
    struct handoff_error error;
    wchar_t path[MAX_PATH], line[2 * MAX_PATH];
    HANDLE deletable;
    DWORD type;

    GetTempPathW(MAX_PATH, path);
    wcscat(path, L"descriptor-child.exe");
    ck_assert(CopyFileW(program(talk->child_width, L"descriptor-child.exe"), path, FALSE));
    deletable = CreateFileW(path, DELETE, FILE_SHARE_READ | FILE_SHARE_DELETE, NULL, OPEN_EXISTING, 0, NULL);
    ck_assert(deletable != INVALID_HANDLE_VALUE);
    if (GetBinaryTypeW(path, &type))
        skip("this Windows can tell the width all the same");
    swprintf(line, ARRAYSIZE(line), L"\"%ls\" {report} copy 4 3", path);
    talk_pass(talk, L"secret", &secret)->descriptor = 4;
    talk_pass(talk, L"answer", &answer)->descriptor = 3;
    talk->passes[1].flags = HANDOFF_OPTIONAL;
    request.command_line = line;
    request.passes = talk->passes;
    request.pass_count = talk->count;
    request.launcher = program(talk->launcher_width, L"handoff-launcher.exe");
    ck_assert(spawn_patiently(&request, &talk->process, &error));
    ck_assert(CloseHandle(talk->report.handle) && CloseHandle(talk->go.handle));
    talk->report.handle = talk->go.handle = NULL;
    talk_end(talk);
    assert_thing_holds(&answer, "the secret");
    assert_nobody_left(); /* the one with the wrong block */
    ck_assert(CloseHandle(deletable) && DeleteFileW(path));
    close_thing(&secret);
    close_thing(&answer);
}
END_TEST

START_TEST(the_last_descriptor)
{
    struct talk *talk = talk_of(_i, L"copy 2047 3");
    struct thing secret = file_thing(talk->door, "the secret", FALSE), answer = file_thing(talk->door, "", TRUE);

    talk_pass(talk, L"s", &secret)->descriptor = 2047;
    talk_pass(talk, L"a", &answer)->descriptor = 3;
    talk_start(talk);
    talk_end(talk);
    assert_thing_holds(&answer, "the secret");
    close_thing(&secret);
    close_thing(&answer);
}
END_TEST

/* A block that a 32-bit program can have may be too large for a 64-bit one. */
START_WIDTH_TEST(a_block_that_gets_too_large)
{
    static uint8_t flags[8000];
    static HANDLE handles[8000];
    struct thing nul = nul_thing(FALSE);
    STARTUPINFOW startup = {.cb = sizeof startup};
    struct handoff_request request = request_child(_i % WIDTH_COUNT, _i / WIDTH_COUNT, L"exit 0");
    struct handoff_error error;
    PROCESS_INFORMATION child;

    if (child_pointer(_i) == 4)
        need_x86();
    flags[7999] = DEVICE_FLAGS;
    handles[7999] = nul.handle;
    startup.lpReserved2 = (BYTE *)(UINT_PTR)make_block(4, 8000, flags, handles, &startup.cbReserved2);
    request.startup = &startup;
    if (child_pointer(_i) == 4) {
        ck_assert(spawn_patiently(&request, &child, &error));
        ck_assert_uint_eq(finish_child(&child), 0);
    } else {
        ck_assert(!spawn_patiently(&request, &child, &error));
        ck_assert_uint_eq(error.stage, HANDOFF_STAGE_CREATE);
        ck_assert_uint_eq(error.code, ERROR_TOO_MANY_OPEN_FILES);
        assert_nobody_left();
    }
    close_thing(&nul);
}
END_TEST

START_TEST(descriptors_that_there_are_not)
{
    static const struct {
        DWORD first, second, pass;
    } rows[] = {{1, 3, 0}, {2, 3, 0}, {3, 2048, 1}, {3, 0xFFFFFFFF, 1}, {4, 4, 1}};
    HANDLE event = make_event();
    struct handoff_pass passes[] = {{.name = L"one", .handle = event}, {.name = L"two", .handle = event}};

    for (size_t i = 0; i < ARRAYSIZE(rows); i++) {
        struct handoff_request request = request_child(_i % WIDTH_COUNT, _i / WIDTH_COUNT, L"exit 0");
        struct handoff_error error;
        PROCESS_INFORMATION child;

        passes[0].descriptor = rows[i].first;
        passes[1].descriptor = rows[i].second;
        request.passes = passes;
        request.pass_count = 2;
        ck_assert(!handoff_spawn(&request, &child, &error));
        ck_assert_uint_eq(error.stage, HANDOFF_STAGE_REQUEST);
        ck_assert_uint_eq(error.code, ERROR_TOO_MANY_OPEN_FILES);
        ck_assert_uint_eq(error.pass, rows[i].pass);
    }
    CloseHandle(event);
}
END_TEST

static const struct {
    const wchar_t *options;
    const char *says;
} fd_mistakes[] = {
    {L"--fd 2=one --fd 3=two", "3 to 2047"},   {L"--fd 2048=one --fd 3=two", "3 to 2047"},
    {L"--fd 3=one --fd 3=two", "given twice"}, {L"--fd 3=one --fd 4=one --fd 3=two", "given twice"},
    {L"--fd 3=one --fd 4=three", "'three'"},   {L"--fd x=one --fd 4=two", "NUMBER=NAME"},
};

START_TEST(a_prefix_says_which_descriptor_is_wrong)
{
    for (int door = COMMAND; door <= PREFIX; door++) {
        HANDLE read, write, streams[3] = {NULL, NULL, NULL};
        wchar_t line[1024], sources[128];
        char said[1024] = "";
        PROCESS_INFORMATION process;
        DWORD size;

        make_pipe(&read, &write);
        streams[2] = write;
        swprintf(sources, ARRAYSIZE(sources),
                 door == COMMAND ? L"--read one=NUL --read two=NUL" : L"--parent %lu --copy one=%lu --copy two=%lu",
                 GetCurrentProcessId(), (DWORD)(UINT_PTR)write, (DWORD)(UINT_PTR)write);
        swprintf(line, ARRAYSIZE(line), L"\"%ls\" %ls %ls -- cmd /c exit", program(X64, L"handoff.exe"), sources,
                 fd_mistakes[_i].options);
        ck_assert(start_inheriting(line, streams, NULL, 0, NULL, 0, NULL, &process));
        CloseHandle(write);
        ck_assert(ReadFile(read, said, sizeof said - 1, &size, NULL));
        ck_assert_msg(strstr(said, fd_mistakes[_i].says) != NULL, "%s", said);
        ck_assert_uint_eq(finish_child(&process), 125);
        CloseHandle(read);
    }
}
END_TEST

/* Programs that nobody here wrote: two with a C runtime inside, one with msvcrt.dll. */
#define FOR_NODE L"-e \"var b=Buffer.alloc(99),f=require('fs');f.writeSync(3,b,0,f.readSync(4,b,0,99,null))\""

static const struct {
    const wchar_t *path, *arguments;
} real_programs[] = {
    {L"node-x64\\node.exe", FOR_NODE},
    {L"node-x86\\node.exe", FOR_NODE},
    {L"perl\\perl.exe", L"-e \"open(F,'<&=4')&&open(G,'>&=3')||die;print G <F>\""},
};

START_TEST(a_real_program_reads_4_and_writes_3)
{
    need_x86(); /* one of the prefixes, if not the program */
    for (int width = 0; width < WIDTH_COUNT; width++) {
        struct thing secret = file_thing(COMMAND, "the secret", FALSE), answer = file_thing(COMMAND, "", TRUE),
                     nul = nul_thing(TRUE);
        const HANDLE streams[] = {nul.handle, nul.handle, nul.handle};
        wchar_t line[4096], path[MAX_PATH];
        PROCESS_INFORMATION process;

        swprintf(path, MAX_PATH, L"%ls\\..\\..\\build\\deps\\%ls", program(OWN_WIDTH, L""), real_programs[_i].path);
        if (GetFileAttributesW(path) == INVALID_FILE_ATTRIBUTES) {
            skip("set-up has not fetched the program");
        } else {
            swprintf(line, ARRAYSIZE(line),
                     L"\"%ls\" --env NODE_SKIP_PLATFORM_CHECK=1 --read \"s=%ls\" --write \"a=%ls\" --fd 4=s --fd 3=a "
                     L"-- \"%ls\" %ls",
                     program(width, L"handoff.exe"), secret.path, answer.path, path, real_programs[_i].arguments);
            ck_assert(start_inheriting(line, streams, NULL, 0, NULL, 0, NULL, &process));
            ck_assert_uint_eq(finish_child(&process), 0);
            assert_thing_holds(&answer, "the secret");
        }
        close_thing(&secret);
        close_thing(&answer);
        close_thing(&nul);
    }
}
END_TEST

/* ---- streams ---- */

static void assert_streams(struct talk *talk, const HANDLE expected[3])
{
    unsigned numbers[3];

    ck_assert_int_eq(sscanf(talk_line(talk), "streams %u %u %u", &numbers[0], &numbers[1], &numbers[2]), 3);
    for (int i = 0; i < 3; i++) {
        const char *line = talk_line(talk);

        if (expected[i] != NULL)
            ck_assert_msg(process_has_at(talk->child, numbers[i], expected[i]), "stream %d is %u", i, numbers[i]);
        else
            ck_assert_msg(numbers[i] == 0 && strstr(line, " none") != NULL, "stream %d is %u, and so %s", i, numbers[i],
                          line);
    }
}

/* Whatever it is, and one for several. Wine keeps no streams that cannot be read or written, such as events. */
START_TEST(any_handle_as_any_stream)
{
    struct thing file = file_thing(LIBRARY, "", TRUE), nul = nul_thing(TRUE), pipe = pipe_thing(LIBRARY, TRUE);
    struct thing *things[] = {&file, &nul, &pipe};

    for (int i = 0; i < 2; i++) {
        struct talk *talk = talk_of(_i, L"streams fd 0 fd 1 fd 2 wait {go}");
        HANDLE expected[3];

        for (int thing = 0; thing < 3; thing++) {
            wchar_t *name = (wchar_t *[]){L"a", L"b", L"c"}[thing];
            struct handoff_pass *pass = talk_pass(talk, name, things[thing]);

            pass->descriptor = (DWORD)(3 + thing); /* it has to be something */
        }
        for (int stream = 0; stream < 3; stream++) {
            int thing = (i == 0 ? stream + _i : _i) % 3; /* each its own, or all the same */

            talk->passes[2 + thing].streams |= 1u << stream;
            expected[stream] = things[thing]->handle;
        }
        talk_start(talk);
        assert_streams(talk, expected);
        assert_line(talk, "waiting");
        talk_end(talk);
    }
    close_thing(&file);
    close_thing(&nul);
    close_thing(&pipe);
}
END_TEST

START_TEST(streams_of_a_command)
{
    struct talk *talk = talk_of(_i, L"copy 0 1 copy 0 2");
    struct thing in = file_thing(talk->door, "through", FALSE), out = file_thing(talk->door, "", TRUE);

    talk_pass(talk, L"in", &in)->streams = HANDOFF_STDIN;
    talk_pass(talk, L"out", &out)->streams = HANDOFF_STDOUT | HANDOFF_STDERR;
    talk_start(talk);
    talk_end(talk);
    assert_thing_holds(&out, "through");
    close_thing(&in);
    close_thing(&out);
}
END_TEST

START_TEST(streams_can_be_closed)
{
    const DWORD closed = (2 * (DWORD)_i + 1) % 8;
    struct talk *talk = talk_of(_i, L"streams fd 0 fd 1 fd 2 wait {go}");
    struct thing file = file_thing(LIBRARY, "", TRUE);
    HANDLE expected[3];

    talk->with_streams = TRUE;
    talk->closed_streams = closed;
    for (int i = 0; i < 3; i++) {
        talk->streams[i] = file.handle;
        expected[i] = (closed >> i & 1) != 0 ? NULL : file.handle;
    }
    talk_start(talk);
    assert_streams(talk, expected);
    assert_line(talk, "waiting");
    ck_assert(process_has(talk->child_id, file.handle) == (closed != 7));
    talk_end(talk);
    close_thing(&file);
}
END_TEST

START_TEST(nul_as_a_stream)
{
    struct talk *talk = talk_of(_i, L"fd 0 copy 0 1");
    struct thing nul = nul_thing(FALSE);

    talk_pass(talk, L"n", &nul)->streams = HANDOFF_STDIN;
    talk_start(talk);
    assert_line(talk, "fd 0 device text tty=1 type=2");
    talk_end(talk);
    close_thing(&nul);
}
END_TEST

/* By handle, whatever they are, and none if the door has none. */
START_TEST(own_streams_are_the_default)
{
    struct thing file = file_thing(LIBRARY, "", TRUE), nul = nul_thing(TRUE), pipe = pipe_thing(LIBRARY, TRUE);
    const HANDLE rows[][3] = {
        {pipe.handle, file.handle, nul.handle},
        {nul.handle, pipe.handle, pipe.handle},
        {file.handle, NULL, nul.handle},
        {NULL, NULL, file.handle},
        {NULL, NULL, NULL},
    };

    for (size_t i = 0; i < ARRAYSIZE(rows); i++) {
        struct talk *talk = talk_of(_i, L"streams fd 0 fd 1 fd 2 wait {go}");

        talk->with_streams = TRUE;
        memcpy(talk->streams, rows[i], sizeof talk->streams);
        talk_start(talk);
        assert_streams(talk, rows[i]);
        assert_line(talk, "waiting");
        talk_end(talk);
    }
    close_thing(&file);
    close_thing(&nul);
    close_thing(&pipe);
}
END_TEST

/* Whether a program with windows, which the child is, has the console that it is started with. */
static BOOL keeps_console(HANDLE console)
{
    HANDLE streams[3] = {NULL, console, console}, read, write;
    unsigned numbers[3];
    PROCESS_INFORMATION child;
    wchar_t line[1024];
    char said[256];

    make_pipe(&read, &write);
    swprintf(line, ARRAYSIZE(line), L"\"%ls\" %u streams", program(OWN_WIDTH, L"descriptor-child.exe"),
             number_of(write));
    ck_assert(start_inheriting(line, streams, &write, 1, NULL, 0, NULL, &child));
    CloseHandle(write);
    read_all(read, said, sizeof said);
    finish_child(&child);
    ck_assert_msg(sscanf(said, "streams %u %u %u", &numbers[0], &numbers[1], &numbers[2]) == 3, "%s", said);
    return numbers[1] != 0;
}

START_TEST(a_console_is_the_default_too)
{
    HANDLE console = CreateFileW(L"CONOUT$", GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL,
                                 OPEN_EXISTING, 0, NULL);
    struct talk *talk;

    if (console == INVALID_HANDLE_VALUE) {
        skip("there is no console");
        return;
    }
    if (door_of(_i * WIDTHS + _i) == LIBRARY && !keeps_console(console)) {
        skip("a program with windows gets no console here, with or without handoff");
        CloseHandle(console);
        return;
    }
    talk = talk_of(_i * WIDTHS + _i, L"streams fd 0 fd 1 fd 2 wait {go}");
    talk->with_streams = TRUE;
    talk->streams[1] = talk->streams[2] = console;
    talk_start(talk);
    assert_streams(talk, talk->streams);
    assert_line(talk, "waiting");
    talk_end(talk);
    CloseHandle(console);
}
END_TEST

/* ---- the environment ---- */

/* What must not be sorted, folded or lost: the order, hidden variables, odd values. */
static const wchar_t odd_environment[] = L"=C:=C:\\windows\0"
                                         L"=ExitCode=00000001\0"
                                         L"zebra=last first\0"
                                         L"Path=C:\\windows;C:\\windows\\system32\0"
                                         L"REMOVED=x\0"
                                         L"a=\0"
                                         L"Changed=before\0"
                                         L"quoted=\"a b\"=\xe9\x263a\xd83d\0"
                                         L"removed.not=y\0";

static const wchar_t *next_string(const wchar_t *string)
{
    return string + wcslen(string) + 1;
}

static size_t block_units(const wchar_t *block)
{
    const wchar_t *end = block;

    while (*end != L'\0')
        end = next_string(end);
    return (size_t)(end - block) + 1;
}

/* Wine puts variables of its own into every environment, last; Wine 10 the processor's, too. */
static BOOL is_wines(const wchar_t *string)
{
    return wcsncmp(string, L"WINE", 4) == 0 || wcsncmp(string, L"SystemDrive=", 12) == 0 ||
           wcsncmp(string, L"SystemRoot=", 11) == 0 || wcsncmp(string, L"PROCESSOR_ARCHITE", 17) == 0;
}

/* The block is what has been read from the child, and ends where that ends. */
static void assert_environment(const struct talk *talk, const wchar_t *expected)
{
    const wchar_t *found = (const wchar_t *)(const void *)talk->text;

    ck_assert_uint_gt(talk->size, 0);
    ck_assert_uint_eq(talk->size, block_units(found) * sizeof(wchar_t));
    for (; *found != L'\0'; found = next_string(found)) {
        if (is_wines(found))
            continue;
        ck_assert_msg(wcscmp(expected, found) == 0, "expected %s, found %s", shown(expected), shown(found));
        expected = next_string(expected);
    }
    ck_assert_msg(*expected == L'\0', "%s is lost", shown(expected));
}

START_TEST(an_environment_arrives_unit_for_unit)
{
    struct talk *talk = talk_of(_i, L"environment");

    talk->environment = odd_environment;
    talk_start(talk);
    talk_read_all(talk);
    assert_environment(talk, odd_environment);
    talk_end(talk);
}
END_TEST

START_TEST(variables_are_changed)
{
    struct talk *talk = talk_of(_i, L"handle {h} environment");
    struct thing file = file_thing(talk->door, "", FALSE);
    wchar_t expected[1024], *to = expected;
    unsigned number;

    talk->environment = odd_environment;
    talk->variables = L"CHANGED=it is {h}\0removed\0NEW=0x{h:x} {{h}} {i}\0zebra=\0absent\0";
    talk_pass(talk, L"h", &file);
    talk_start(talk);
    talk_line(talk);
    talk_read_all(talk);
    for (const wchar_t *at = (wchar_t *)(void *)talk->text; *at != L'\0'; at += wcslen(at) + 1) {
        if (swscanf(at, L"CHANGED=it is %u", &number) == 1)
            break;
    }
    to += 1 + swprintf(to, 64, L"=C:=C:\\windows");
    to += 1 + swprintf(to, 64, L"=ExitCode=00000001");
    to += 1 + swprintf(to, 64, L"NEW=0x%x {h} {i}", number); /* before the first that is greater */
    to += 1 + swprintf(to, 64, L"zebra=");
    to += 1 + swprintf(to, 64, L"Path=C:\\windows;C:\\windows\\system32");
    to += 1 + swprintf(to, 64, L"a=");
    to += 1 + swprintf(to, 64, L"CHANGED=it is %u", number);
    wcscpy(to, L"quoted=\"a b\"=\xe9\x263a\xd83d");
    to += wcslen(to) + 1;
    to += 1 + swprintf(to, 64, L"removed.not=y");
    *to++ = L'\0';
    assert_environment(talk, expected);
    ck_assert_uint_gt(number, 0);
    if (talk->door == LIBRARY)
        ck_assert_uint_eq(number, talk->numbers[2]);
    talk_end(talk);
    close_thing(&file);
}
END_TEST

/* In a block that is sorted any Windows finds the variable again: it can be set, is there once, and goes. */
START_TEST(a_new_variable_can_be_changed_and_removed)
{
    struct talk *talk = talk_of(_i, L"change NEW environment");
    const char *said;

    talk->environment = L"ALPHA=1\0MIKE=2\0ZULU=3\0\xc4RGER=4\0";
    talk->variables = L"NEW=5\0\xe4rger\0";
    talk_start(talk);
    said = talk_line(talk);
    ck_assert_msg(strcmp(said, "change 1 1 0, found 1") == 0, "%s", said);
    talk_read_all(talk);
    assert_environment(talk, L"ALPHA=1\0MIKE=2\0ZULU=3\0");
    talk_end(talk);
}
END_TEST

enum { LARGE_COUNT = 4, LARGE_UNITS = 20000 };

/* 160,000 bytes. */
static wchar_t *fill_large(wchar_t *block)
{
    for (int i = 0; i < LARGE_COUNT; i++) {
        block += swprintf(block, 16, L"LARGE%d=", i);
        for (int unit = 0; unit < LARGE_UNITS; unit++)
            *block++ = (wchar_t)(L'a' + unit % 26);
        *block++ = L'\0';
    }
    *block = L'\0';
    return block;
}

START_TEST(a_large_environment)
{
    static wchar_t block[LARGE_COUNT * (LARGE_UNITS + 16)], expected[LARGE_COUNT * (LARGE_UNITS + 16)];
    struct talk *talk = talk_of(_i, L"environment");

    fill_large(block);
    memcpy(fill_large(expected), L"SMALL=1\0", 9 * sizeof(wchar_t)); /* S follows L */
    talk->environment = block;
    talk->variables = L"SMALL=1\0";
    talk_start(talk);
    talk_read_all(talk);
    assert_environment(talk, expected);
    talk_end(talk);
}
END_TEST

static BOOL has_string(const wchar_t *block, const wchar_t *string)
{
    while (*block != L'\0' && wcscmp(block, string) != 0)
        block = next_string(block);
    return *block != L'\0';
}

START_TEST(a_large_environment_of_ones_own)
{
    static wchar_t block[LARGE_COUNT * (LARGE_UNITS + 16)];
    static const wchar_t *const names[LARGE_COUNT] = {L"LARGE0", L"LARGE1", L"LARGE2", L"LARGE3"};
    struct talk *talk = talk_of(_i, L"environment");
    const wchar_t *large = block;

    fill_large(block);
    for (int i = 0; i < LARGE_COUNT; i++, large = next_string(large))
        ck_assert(SetEnvironmentVariableW(names[i], large + wcslen(L"LARGE0=")));
    talk_start(talk);
    talk_read_all(talk);
    for (int i = 0; i < LARGE_COUNT; i++)
        ck_assert(SetEnvironmentVariableW(names[i], NULL));
    for (large = block; *large != L'\0'; large = next_string(large))
        ck_assert_msg(has_string((const wchar_t *)(const void *)talk->text, large), "%s is lost", shown(large));
    talk_end(talk);
}
END_TEST

/* ---- sealed handles ---- */

static DWORD number_in(const char *line, const char *what)
{
    unsigned long number;
    size_t length = strlen(what);

    ck_assert_msg(strncmp(line, what, length) == 0 && sscanf(line + length, "%lu", &number) == 1, "%s", line);
    return number;
}

/* The grandchild inherits all that it can. It says its pid, and waits. */
static DWORD meet_grandchild(struct talk *talk)
{
    DWORD process_id = number_in(talk_line(talk), "grandchild ");

    ck_assert_uint_eq(number_in(talk_line(talk), "pid "), process_id);
    assert_line(talk, "waiting");
    return process_id;
}

START_TEST(a_sealed_pass_stays_in_the_child)
{
    struct talk *talk = talk_of(_i, L"handle {sealed} handle {open} signal {sealed} forward pid wait {go}");
    HANDLE sealed = make_event(), open = make_event();
    DWORD grandchild;

    talk_pass_handle(talk, L"sealed", sealed)->flags = HANDOFF_SEALED;
    talk_pass_handle(talk, L"open", open);
    talk_start(talk);
    assert_line(talk, "not inheritable");
    assert_line(talk, "inheritable");
    grandchild = meet_grandchild(talk);
    ck_assert(is_set(sealed) && !is_set(open));
    ck_assert(process_has_at(talk->child, talk->numbers[2], sealed));
    ck_assert(process_has_at(talk->child, talk->numbers[3], open));
    ck_assert(!process_has(grandchild, sealed));
    ck_assert(process_has(grandchild, open));
    talk_end(talk);
    CloseHandle(sealed);
    CloseHandle(open);
}
END_TEST

/* All means all: passes, descriptors, streams that were passed and the door's own, and descriptors that
 * were handed on. The grandchild cannot wait for {go}, which is sealed too, so the child does. */
START_TEST(all_is_sealed)
{
    static const uint8_t flags[] = {0, 0, 0, 0, FILE_FLAGS, 0};
    struct talk *talk = talk_of(_i, L"handle {named} of 0 of 1 of 2 of 3 of 4 copy 3 1 daemon handoff-seal-all");
    struct thing named = file_thing(talk->door, "", FALSE), secret = file_thing(talk->door, "the secret", FALSE),
                 out = file_thing(talk->door, "", TRUE), own = file_thing(LIBRARY, "", TRUE), nul = nul_thing(FALSE),
                 handed = file_thing(LIBRARY, "", FALSE);
    const HANDLE handles[] = {NULL, NULL, NULL, NULL, handed.handle, NULL};
    HANDLE end = CreateEventW(NULL, TRUE, FALSE, L"handoff-seal-all"), daemon;
    DWORD daemon_id;

    talk->reserved = make_block(sizeof(void *), ARRAYSIZE(flags), flags, handles, &talk->reserved_size);
    talk->inherited[talk->inherited_count++] = handed.handle;
    talk->with_streams = TRUE;
    talk->streams[2] = own.handle;
    talk->seal_all = TRUE;
    talk_pass(talk, L"named", &named);
    talk_pass(talk, L"secret", &secret)->descriptor = 3;
    talk_pass(talk, L"out", &out)->streams = HANDOFF_STDOUT;
    talk_pass(talk, L"nul", &nul)->streams = HANDOFF_STDIN;
    talk_start(talk);
    for (int i = 0; i < 6; i++)
        assert_line(talk, "not inheritable");
    daemon_id = number_in(talk_line(talk), "daemon ");
    daemon = OpenProcess(SYNCHRONIZE, FALSE, daemon_id);
    ck_assert_ptr_nonnull(daemon);
    ck_assert(!process_has(daemon_id, own.handle));
    ck_assert(!process_has(daemon_id, handed.handle));
    ck_assert(talk->door == COMMAND || !process_has(daemon_id, named.handle));
    ck_assert(talk->door == COMMAND || !process_has(daemon_id, secret.handle));
    ck_assert(talk->door == COMMAND || !process_has(daemon_id, out.handle));
    talk_end(talk); /* the report ends although the daemon lives */
    ck_assert(WaitForSingleObject(daemon, 0) == WAIT_TIMEOUT);
    SetEvent(end);
    ck_assert(comes(daemon));
    CloseHandle(daemon);
    CloseHandle(end);
    assert_thing_holds(&out, "the secret");
    close_thing(&named);
    close_thing(&secret);
    close_thing(&out);
    close_thing(&own);
    close_thing(&nul);
    close_thing(&handed);
}
END_TEST

/* As a shell runs `handoff [--seal] -- command | reader`, where the command starts a daemon. */
static BOOL pipeline_ends(int row, BOOL sealed)
{
    struct thing nul = nul_thing(FALSE);
    HANDLE read, write, end = CreateEventW(NULL, TRUE, FALSE, L"handoff-pipeline"), daemon;
    wchar_t line[2048];
    char said[64] = "";
    PROCESS_INFORMATION prefix;
    DWORD size = 0, available;
    BOOL ended;

    make_pipe(&read, &write);
    swprintf(line, ARRAYSIZE(line), L"\"%ls\" %ls -- \"%ls\" - daemon handoff-pipeline",
             program(row % WIDTH_COUNT, L"handoff.exe"), sealed ? L"--seal" : L"",
             program(row / WIDTH_COUNT % WIDTH_COUNT, L"descriptor-child.exe"));
    ck_assert(start_inheriting(line, (HANDLE[]){nul.handle, write, nul.handle}, NULL, 0, NULL, 0, NULL, &prefix));
    CloseHandle(write);
    do
        ck_assert(ReadFile(read, said + size, 1, &available, NULL));
    while (said[size++] != '\n');
    daemon = OpenProcess(SYNCHRONIZE, FALSE, number_in(said, "daemon "));
    ck_assert_ptr_nonnull(daemon);
    ck_assert_uint_eq(finish_child(&prefix), 0);
    /* With nobody left who could write, a read ends; with somebody there, it blocks. */
    ended = !PeekNamedPipe(read, NULL, 0, NULL, &available, NULL);
    ck_assert(!ended || GetLastError() == ERROR_BROKEN_PIPE);
    if (ended)
        ck_assert(!ReadFile(read, said, 1, &size, NULL) && GetLastError() == ERROR_BROKEN_PIPE);
    ck_assert(WaitForSingleObject(daemon, 0) == WAIT_TIMEOUT);
    SetEvent(end);
    ck_assert(comes(daemon));
    CloseHandle(daemon);
    CloseHandle(end);
    CloseHandle(read);
    close_thing(&nul);
    return ended;
}

START_TEST(a_pipeline_ends_with_the_sealed_command)
{
    ck_assert_msg(pipeline_ends(_i, TRUE), "the daemon has the command's pipe");
}
END_TEST

START_TEST(a_pipeline_ends_with_the_daemon_otherwise)
{
    ck_assert_msg(!pipeline_ends(_i, FALSE), "the daemon has nothing");
}
END_TEST

/* Where the child is, with so many events, of which the test knows what they are. */
static DWORD count_with_events(int row, const HANDLE *events, DWORD count, BOOL sealed)
{
    static wchar_t names[TALK_PASSES][8];
    struct talk *talk = talk_of(row, L"");
    DWORD handles;

    talk->creation_flags = CREATE_SUSPENDED;
    talk->seal_all = sealed;
    for (DWORD i = 0; i < count; i++) {
        swprintf(names[i], ARRAYSIZE(names[i]), L"e%lu", i);
        talk_pass_handle(talk, names[i], events[i])->flags = HANDOFF_OPTIONAL;
    }
    talk_start(talk);
    handles = count_handles(talk->process.dwProcessId);
    for (DWORD i = 0; i < count; i++)
        ck_assert_msg(process_has_at(talk->process.hProcess, talk->numbers[2 + i], events[i]), "number %lu", i);
    ck_assert_uint_eq(ResumeThread(talk->process.hThread), 1);
    talk_end(talk);
    return handles;
}

START_TEST(a_hundred_sealed_at_once)
{
    HANDLE events[100];

    for (size_t i = 0; i < ARRAYSIZE(events); i++)
        events[i] = make_event();
    ck_assert_uint_eq(count_with_events(_i, events, ARRAYSIZE(events), TRUE),
                      count_with_events(_i, events, ARRAYSIZE(events), FALSE));
    for (size_t i = 0; i < ARRAYSIZE(events); i++)
        CloseHandle(events[i]);
}
END_TEST

static void add(Suite *suite, const char *name, const TTest *const *tests, size_t count, int from, int to)
{
    TCase *tcase = tcase_create(name);

    for (size_t i = 0; i < count; i++)
        tcase_add_loop_test(tcase, tests[i], from, to);
    suite_add_tcase(suite, tcase);
}

#define ADD(name, from, to, ...)                                                                                       \
    add(suite, name, (const TTest *const[]){__VA_ARGS__},                                                              \
        sizeof((const TTest *const[]){__VA_ARGS__}) / sizeof(const TTest *), from, to)

Suite *descriptors_suite(void)
{
    Suite *suite = suite_create("places");

    ADD("descriptors", 0, ALL_DOORS, a_secret_on_4_is_answered_on_3, flags_follow_the_type, descriptors_are_handed_on,
        a_foreign_block_is_left_out);
    ADD("descriptor limits", 0, WIDTHS, a_wrong_guess_is_mended, the_last_descriptor, a_block_that_gets_too_large,
        descriptors_that_there_are_not);
    ADD("descriptor mistakes", 0, ARRAYSIZE(fd_mistakes), a_prefix_says_which_descriptor_is_wrong);
    ADD("descriptors of real programs", 0, ARRAYSIZE(real_programs), a_real_program_reads_4_and_writes_3);
    ADD("streams", 0, ALL_DOORS, streams_can_be_closed, own_streams_are_the_default);
    ADD("streams of commands", COMMAND * WIDTHS, PREFIX * WIDTHS, streams_of_a_command, nul_as_a_stream);
    ADD("console", 0, DOOR_COUNT, a_console_is_the_default_too);
    ADD("streams by handle", 0, WIDTHS, any_handle_as_any_stream);
    ADD("streams by handle of prefixes", PREFIX * WIDTHS, PREFIX * WIDTHS + WIDTHS, any_handle_as_any_stream);
    ADD("environments", 0, ALL_DOORS, an_environment_arrives_unit_for_unit, variables_are_changed,
        a_new_variable_can_be_changed_and_removed, a_large_environment, a_large_environment_of_ones_own);
    ADD("sealed", 0, WIDTHS, a_sealed_pass_stays_in_the_child, a_hundred_sealed_at_once);
    ADD("sealed by every door", 0, ALL_DOORS, all_is_sealed);
    ADD("pipelines", COMMAND * WIDTHS, PREFIX * WIDTHS, a_pipeline_ends_with_the_sealed_command,
        a_pipeline_ends_with_the_daemon_otherwise);
    return suite;
}
