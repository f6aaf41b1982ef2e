/*
 * handoff.exe: opens what its options name, starts the command with these handles and nothing else
 * of its own, waits, and ends with the command's exit code.
 *
 * What follows "--" is the command line of the child, unit for unit but for placeholders. Failures
 * of handoff itself end with 125, or 126 if the program cannot be run, or 127 if it is not found.
 */
#include "cmdline.h"
#include "handle.h"
#include "handoff.h"
#include "heap.h"
#include "open.h"
#include "request.h"
#include "stream.h"

enum { EXIT_HANDOFF = 125, EXIT_CANNOT_RUN = 126, EXIT_NOT_FOUND = 127 };

static const wchar_t help[] = L"usage: handoff [OPTION]... -- COMMAND LINE\r\n"
                              L"\r\n"
                              L"Starts the command with handles that handoff opens for it, and waits for it.\r\n"
                              L"\r\n"
                              L"  --read NAME=PATH     open an existing file for reading\r\n"
                              L"  --write NAME=PATH    create or empty a file for writing\r\n"
                              L"  --append NAME=PATH   create a file, or add to its end\r\n"
                              L"\r\n"
                              L"  --stdin NAME         let the handle be the command's standard input\r\n"
                              L"  --stdout NAME        ... its standard output\r\n"
                              L"  --stderr NAME        ... its standard error\r\n"
                              L"\r\n"
                              L"  --trace              say on stderr which handle became which\r\n"
                              L"  --help, --version\r\n"
                              L"\r\n"
                              L"In the command line {NAME} becomes the handle's number in the command, decimal;\r\n"
                              L"{NAME:x} hexadecimal; {{NAME}} a literal {NAME}. All else stays as it is.\r\n"
                              L"\r\n"
                              L"Exit code: the command's; 127 if it is not found, 126 if it cannot be run, 125\r\n"
                              L"for any other failure of handoff.\r\n"
                              L"\r\n"
                              L"Example:  handoff --read cfg=app.ini -- server.exe --config-handle {cfg}\r\n";

typedef HANDLE opener(const wchar_t *path);

/* What an option wants opened, and how. */
struct source {
    opener *open;
    const wchar_t *path;
};

struct command {
    wchar_t *words; /* what the options point into */
    struct handoff_pass *passes;
    struct source *sources; /* of the passes */
    DWORD *numbers;         /* of the passes, in the child */
    DWORD pass_count;
    const wchar_t *streams[STREAM_COUNT]; /* names */
    const wchar_t *line;                  /* of the child; NULL: only help or the version was asked for */
    BOOL trace;
};

/* ---- saying things ---- */

/* To a console as it is; elsewhere in the console's code page, as the tools around us write. */
static void print(DWORD stream, const wchar_t *text)
{
    HANDLE handle = GetStdHandle(stream);
    DWORD length = (DWORD)text_length(text), written;
    UINT code_page = GetConsoleOutputCP() != 0 ? GetConsoleOutputCP() : CP_UTF8;
    char *bytes;
    int size;

    if (WriteConsoleW(handle, text, length, &written, NULL))
        return;
    size = WideCharToMultiByte(code_page, 0, text, (int)length, NULL, 0, NULL, NULL);
    bytes = allocate((size_t)size + 1);
    if (bytes == NULL)
        return;
    WideCharToMultiByte(code_page, 0, text, (int)length, bytes, size, NULL, NULL);
    WriteFile(handle, bytes, (DWORD)size, &written, NULL);
    release(bytes);
}

/* One line on stderr; always FALSE. */
static BOOL complain(const wchar_t *what, const wchar_t *which)
{
    static const wchar_t end[] = L"\r\n";
    wchar_t memory[1024];
    struct text line = {.at = memory, .capacity = ARRAYSIZE(memory) - ARRAYSIZE(end)};

    text_put(&line, L"handoff: ");
    text_put(&line, what);
    if (which != NULL)
        text_put_quoted(&line, which);
    text_end(&line);
    line = (struct text){.at = memory, .capacity = ARRAYSIZE(memory), .length = text_length(memory)};
    text_put(&line, end);
    text_end(&line);
    print(STD_ERROR_HANDLE, memory);
    return FALSE;
}

static BOOL complain_of_error(const struct handoff_error *error)
{
    wchar_t text[768];

    handoff_error_text(error, text, ARRAYSIZE(text));
    return complain(text, NULL);
}

static BOOL complain_of_pass(DWORD stage, const wchar_t *subject, DWORD code)
{
    struct handoff_error error = {.stage = stage, .code = code};
    struct text text = {.at = error.subject, .capacity = ARRAYSIZE(error.subject)};

    text_put(&text, subject);
    text_end(&text);
    return complain_of_error(&error);
}

/* ---- options ---- */

/* Cuts NAME=VALUE in two; NULL if it is not of that form. */
static wchar_t *split_value(wchar_t *word)
{
    while (*word != L'\0' && *word != L'=')
        word++;
    if (*word == L'\0')
        return NULL;
    *word = L'\0';
    return word + 1;
}

static opener *find_opener(const wchar_t *option)
{
    static const struct {
        const wchar_t *option;
        opener *open;
    } openers[] = {{L"--read", open_read}, {L"--write", open_write}, {L"--append", open_append}};

    for (size_t i = 0; i < ARRAYSIZE(openers); i++) {
        if (text_equal(option, openers[i].option))
            return openers[i].open;
    }
    return NULL;
}

/* The index of the pass, or pass_count. */
static DWORD find_pass(const struct command *command, const wchar_t *name)
{
    DWORD pass = 0;

    while (pass < command->pass_count && !text_equal(command->passes[pass].name, name))
        pass++;
    return pass;
}

static BOOL add_pass(struct command *command, opener *open, wchar_t *value)
{
    wchar_t *path = split_value(value);

    if (path == NULL)
        return complain(L"expected NAME=PATH, not", value);
    if (!name_is_valid(value))
        return complain(L"a name has letters, digits, '_', '-' and '.' only, not", value);
    if (find_pass(command, value) != command->pass_count)
        return complain(L"two options open a handle of the name", value);
    command->passes[command->pass_count].name = value;
    command->sources[command->pass_count] = (struct source){.open = open, .path = path};
    command->pass_count++;
    return TRUE;
}

static const wchar_t **find_stream(struct command *command, const wchar_t *option)
{
    static const wchar_t *const options[STREAM_COUNT] = {L"--stdin", L"--stdout", L"--stderr"};

    for (int i = 0; i < STREAM_COUNT; i++) {
        if (text_equal(option, options[i]))
            return &command->streams[i];
    }
    return NULL;
}

/* An option that has a value, which is the next word. */
static BOOL apply_option(struct command *command, const wchar_t *option, wchar_t *value)
{
    opener *open = find_opener(option);
    const wchar_t **stream = find_stream(command, option);

    if (open == NULL && stream == NULL)
        return complain(L"there is no option", option);
    if (value == NULL)
        return complain(L"the option needs a value:", option);
    if (open != NULL)
        return add_pass(command, open, value);
    if (*stream != NULL)
        return complain(L"given twice:", option);
    *stream = value;
    return TRUE;
}

/* The name of a stream may be declared after it is used, so this comes last. */
static BOOL resolve_streams(struct command *command)
{
    for (int i = 0; i < STREAM_COUNT; i++) {
        DWORD pass;

        if (command->streams[i] == NULL)
            continue;
        pass = find_pass(command, command->streams[i]);
        if (pass == command->pass_count)
            return complain(L"a stream is to be a handle that no option opens:", command->streams[i]);
        command->passes[pass].streams |= 1u << i;
    }
    return TRUE;
}

/* The launcher looks too, but only after the files have been opened, and some of them emptied. */
static BOOL check_use(const struct command *command)
{
    wchar_t nowhere[1];
    struct text line = {.at = nowhere, .capacity = ARRAYSIZE(nowhere)};
    struct pass *passes = allocate((command->pass_count + 1) * sizeof *passes);
    DWORD unused;

    if (passes == NULL)
        return complain(L"out of memory", NULL);
    for (DWORD i = 0; i < command->pass_count; i++)
        passes[i] = (struct pass){.name = command->passes[i].name, .streams = command->passes[i].streams};
    line_rewrite(&line, command->line, passes, command->pass_count);
    unused = request_find_unused(passes, command->pass_count);
    release(passes);
    return unused == command->pass_count ||
           complain_of_pass(HANDOFF_STAGE_UNUSED, command->passes[unused].name, ERROR_NOT_FOUND);
}

static BOOL parse(struct command *command, const wchar_t *line)
{
    wchar_t *word = command->words;
    const wchar_t *rest = line_after_program(line);

    while ((rest = line_argument(rest, word)) != NULL && !text_equal(word, L"--")) {
        wchar_t *option = word, *value = word + text_length(word) + 1;

        if (text_equal(option, L"--help") || text_equal(option, L"--version")) {
            print(STD_OUTPUT_HANDLE, option[2] == L'h' ? help : L"handoff " HANDOFF_VERSION L"\r\n");
            return TRUE;
        }
        if (text_equal(option, L"--trace")) {
            command->trace = TRUE;
            continue;
        }
        rest = line_argument(rest, value);
        if (rest != NULL)
            word = value + text_length(value) + 1; /* before the value is cut in two */
        if (!apply_option(command, option, rest != NULL ? value : NULL))
            return FALSE;
    }
    if (rest == NULL || *rest == L'\0')
        return complain(L"no command: it follows the options after -- (see handoff --help)", NULL);
    command->line = rest;
    return resolve_streams(command) && check_use(command);
}

/* ---- running ---- */

/* Last of all that can go wrong with the options, since a file that is opened for writing is emptied. */
static BOOL open_sources(const struct command *command)
{
    for (DWORD i = 0; i < command->pass_count; i++) {
        command->passes[i].handle = command->sources[i].open(command->sources[i].path);
        if (command->passes[i].handle == NULL)
            return complain_of_pass(HANDOFF_STAGE_OPEN, command->sources[i].path, GetLastError());
    }
    return TRUE;
}

static void trace(const struct command *command, const PROCESS_INFORMATION *child)
{
    for (DWORD i = 0; i < command->pass_count; i++) {
        wchar_t memory[256];
        struct text line = {.at = memory, .capacity = ARRAYSIZE(memory)};

        text_put(&line, command->passes[i].name);
        text_put(&line, L": 0x");
        text_put_hex(&line, (uint32_t)(UINT_PTR)command->passes[i].handle);
        text_put(&line, L" in handoff, 0x");
        text_put_hex(&line, command->numbers[i]);
        text_put(&line, L" in process ");
        text_put_decimal(&line, child->dwProcessId);
        text_end(&line);
        complain(memory, NULL);
    }
}

static BOOL WINAPI outlive_console_events(DWORD event)
{
    return event == CTRL_C_EVENT || event == CTRL_BREAK_EVENT;
}

/* Two of the streams may be one handle, which is closed once. */
static void close_streams(void)
{
    for (int i = 0; i < STREAM_COUNT; i++) {
        HANDLE stream = GetStdHandle(stream_id(i));

        for (int j = i; j < STREAM_COUNT; j++) {
            if (GetStdHandle(stream_id(j)) == stream)
                SetStdHandle(stream_id(j), NULL);
        }
        if (handle_can_travel((uint64_t)(INT_PTR)stream))
            CloseHandle(stream);
    }
}

/* A pipe ends when the child closes it, and a directory can be removed, though we still wait. */
static void let_go(const struct command *command)
{
    wchar_t directory[MAX_PATH];

    for (DWORD i = 0; i < command->pass_count; i++)
        CloseHandle(command->passes[i].handle);
    close_streams();
    if (GetSystemDirectoryW(directory, ARRAYSIZE(directory)) != 0)
        SetCurrentDirectoryW(directory);
}

static DWORD failure_code(const struct handoff_error *error)
{
    if (error->stage != HANDOFF_STAGE_FIND && error->stage != HANDOFF_STAGE_CREATE)
        return EXIT_HANDOFF;
    return error->code == ERROR_FILE_NOT_FOUND || error->code == ERROR_PATH_NOT_FOUND ? EXIT_NOT_FOUND
                                                                                      : EXIT_CANNOT_RUN;
}

static DWORD run(const struct command *command)
{
    struct handoff_request request = {.cb = sizeof request,
                                      .command_line = command->line,
                                      .passes = command->passes,
                                      .pass_count = command->pass_count,
                                      .numbers = command->numbers};
    struct handoff_error error;
    PROCESS_INFORMATION child;
    DWORD code = EXIT_HANDOFF;

    if (!open_sources(command))
        return EXIT_HANDOFF;
    SetConsoleCtrlHandler(outlive_console_events, TRUE);
    if (!handoff_spawn(&request, &child, &error)) {
        complain_of_error(&error);
        return failure_code(&error);
    }
    if (command->trace)
        trace(command, &child);
    let_go(command);
    CloseHandle(child.hThread);
    WaitForSingleObject(child.hProcess, INFINITE);
    GetExitCodeProcess(child.hProcess, &code);
    return code;
}

int main(void)
{
    const wchar_t *line = GetCommandLineW();
    size_t units = text_length(line) + 1;
    size_t most = units / 2 + 1; /* words, and so passes: a word and a blank */
    struct command command = {.words = allocate(2 * units * sizeof(wchar_t)),
                              .passes = allocate(most * sizeof *command.passes),
                              .sources = allocate(most * sizeof *command.sources),
                              .numbers = allocate(most * sizeof *command.numbers)};

    if (command.words == NULL || command.passes == NULL || command.sources == NULL || command.numbers == NULL) {
        complain(L"out of memory", NULL);
        ExitProcess(EXIT_HANDOFF);
    }
    if (!parse(&command, line))
        ExitProcess(EXIT_HANDOFF);
    ExitProcess(command.line != NULL ? run(&command) : 0);
}
