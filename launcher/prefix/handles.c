/* The handles of a command: what its options name, then what it has from this process without being named. */
#include "command.h"

#include "fd.h"
#include "environment.h"
#include "heap.h"
#include "inherited.h"
#include "steal.h"
#include "stream.h"
#include "words.h"

/* ---- what the options name ---- */

/* The order in which sources are opened. */
enum turn { GIVEN, OF_PARENT, OPENED, CONTENDED, COPIED };

static enum turn turn_of(const struct source *source)
{
    if (source->origin != ORIGIN_OPTION)
        return source->origin == ORIGIN_STREAM ? GIVEN : COPIED;
    if (source->option == OPTION_HANDLE)
        return GIVEN;
    if (source_has(source, MAY_BE_TAKEN))
        return CONTENDED;
    return source_has(source, IN_PARENT) ? OF_PARENT : OPENED;
}

static DWORD copy_original(const struct command *command, const struct source *source, HANDLE *handle)
{
    uint32_t number = command->options.request.passes[source->original].number;

    return handle_copy(GetCurrentProcess(), handle_number(handle_from_number(number)), FALSE, handle);
}

static DWORD open_pass(struct command *command, uint32_t i, BOOL tries_again)
{
    struct source *source = &command->options.sources[i];
    HANDLE handle;
    DWORD code;

    switch (turn_of(source)) {
    case OF_PARENT: code = copy_from_parent(command, source, &handle); break;
    case COPIED: code = copy_original(command, source, &handle); break;
    default: code = open_source(source, &command->opening.deadline, tries_again, &handle);
    }
    command->options.request.passes[i].number = (uint32_t)handle_number(handle);
    return code;
}

static BOOL open_passes(struct command *command, enum turn turn, struct failure *failure)
{
    const struct request *request = &command->options.request;

    for (uint32_t i = 0; i < request->pass_count; i++) {
        DWORD code = ERROR_SUCCESS;

        if (has_source(&request->passes[i]) && turn_of(&command->options.sources[i]) == turn)
            code = open_pass(command, i, FALSE);
        if (code != ERROR_SUCCESS)
            return failure_set(failure, turn == OF_PARENT ? HANDOFF_STAGE_STEAL : HANDOFF_STAGE_OPEN, i, code);
    }
    return TRUE;
}

/* ---- what this process was given ---- */

/*
 * Numbers that handoff was given are looked at before anything is opened: a number that is not open may later be a
 * handle that handoff itself has opened. So given handles come first, and their checks before their copies.
 */

/* A handle that was given is inheritable as a rule, so the question is all that it takes. Returns a Win32 code:
 * ERROR_INVALID_HANDLE if the number is not open. */
static DWORD make_inheritable(uint64_t number)
{
    HANDLE handle = handle_from_number(number);
    DWORD flags;

    if (!handle_can_travel(number))
        return ERROR_INVALID_HANDLE;
    return GetHandleInformation(handle, &flags) &&
                   ((flags & HANDLE_FLAG_INHERIT) != 0 ||
                    SetHandleInformation(handle, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT))
               ? ERROR_SUCCESS
               : GetLastError();
}

/* A stream that is not open is none, as it is for CreateProcessW, which copies STARTUPINFO's without a look. Through
 * Windows 8.0 INVALID_HANDLE_VALUE would even become a handle of this process (rprichard/win32-console-docs). */
static DWORD check_own_streams(void)
{
    for (int stream = 0; stream < STREAM_COUNT; stream++) {
        HANDLE own = GetStdHandle(stream_id(stream));
        DWORD code = ERROR_SUCCESS;

        if (own != NULL && stream_of_old_console(stream) == NULL)
            code = make_inheritable(handle_number(own));
        if (code == ERROR_INVALID_HANDLE)
            SetStdHandle(stream_id(stream), INVALID_HANDLE_VALUE);
        else if (code != ERROR_SUCCESS)
            return code;
    }
    return ERROR_SUCCESS;
}

/* A handle of --handle may have been put into this process, and not be inheritable. It is made so, because
 * let_go_of_inherited() closes what is inheritable. */
static BOOL check_own_numbers(const struct command *command, struct failure *failure)
{
    for (uint32_t i = 0; i < command->options.request.pass_count; i++) {
        const struct source *source = &command->options.sources[i];
        DWORD code = ERROR_SUCCESS;

        if (source->origin == ORIGIN_OPTION && source->option == OPTION_HANDLE)
            code = make_inheritable(named_handle(source->what));
        if (code != ERROR_SUCCESS)
            return failure_set(failure, HANDOFF_STAGE_OPEN, i, code);
    }
    return TRUE;
}

BOOL take_given(struct command *command, struct failure *failure)
{
    struct request *request = &command->options.request;
    DWORD code = check_own_streams();

    if (code != ERROR_SUCCESS)
        return failure_set(failure, HANDOFF_STAGE_PREPARE, HANDOFF_NO_PASS, code);
    if (!check_own_numbers(command, failure))
        return FALSE;
    if (!has_option(command, OPTION_DETACH) && !has_option(command, OPTION_ONLY_STREAMS))
        code = request_append_fds(request, &command->startup, GetCurrentProcess(), FALSE, &command->options.closed_fds);
    if (code != ERROR_SUCCESS) /* of the pass that could not be made */
        return failure_set(failure, HANDOFF_STAGE_DUPLICATE, request->pass_count++, code);
    return open_passes(command, GIVEN, failure);
}

/* ---- {NAME.port} and {{stdout}}, which only the prefix knows ---- */

static BOOL is_escaped(const struct command *command, int stream)
{
    return has_stream(command->options.escaped_streams, stream);
}

static uint32_t count_texts(const struct command *command)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < command->options.request.pass_count; i++)
        count += command->options.sources[i].port != 0;
    for (int stream = 0; stream < STREAM_COUNT; stream++)
        count += (uint32_t)is_escaped(command, stream);
    return count;
}

/* A placeholder NAME.port for each socket, with the port for its number; and the names. Only sockets have one, so that
 * the braces of the others stay. And one for each stream of ours that is no pass, but whose double braces are to become
 * single ones. The first is the root of their tree, so the memory is released by it. NULL if there is no memory. */
static struct placeholder *make_placeholders(const struct command *command, uint32_t count)
{
    const struct pass *passes = command->options.request.passes;
    size_t units = STREAM_COUNT * sizeof "stdout";
    struct placeholder *placeholders, *next, *tree = NULL;
    struct text names;

    for (uint32_t i = 0; i < command->options.request.pass_count; i++)
        units += command->options.sources[i].port != 0 ? text_length(passes[i].placeholder.name) + sizeof ".port" : 0;
    placeholders = next = allocate(count * sizeof *placeholders + units * sizeof *names.at);
    if (placeholders == NULL)
        return NULL;
    names = (struct text){.at = (wchar_t *)(void *)(placeholders + count), .capacity = units};
    for (uint32_t i = 0; i < command->options.request.pass_count; i++) {
        uint32_t port = command->options.sources[i].port;

        if (port == 0)
            continue;
        *next++ = (struct placeholder){.name = names.at + names.length, .number = port};
        text_format(&names, "%w.port", passes[i].placeholder.name);
        text_put_unit(&names, L'\0');
    }
    for (int stream = 0; stream < STREAM_COUNT; stream++) {
        if (!is_escaped(command, stream))
            continue;
        *next++ = (struct placeholder){.name = names.at + names.length};
        text_put_ascii(&names, stream_name(stream));
        text_put_unit(&names, L'\0');
    }
    for (uint32_t i = 0; i < count; i++)
        placeholder_insert(&tree, &placeholders[i]);
    return tree;
}

/* Measured first: a line can grow, and variables are many. NULL if there is no memory. */
wchar_t *rewritten(rewriting *rewrite, const wchar_t *from, struct placeholder *tree)
{
    struct text text = {.capacity = 0};

    rewrite(&text, from, tree);
    if (!text_allocate(&text))
        return NULL;
    rewrite(&text, from, tree);
    text_end(&text);
    return text.at;
}

/* In line and variables. FALSE if there is no memory. */
static BOOL put_texts(struct command *command, uint32_t count)
{
    struct request *request = &command->options.request;
    struct placeholder *tree = make_placeholders(command, count);
    wchar_t *line = NULL, *variables = NULL;
    BOOL done;

    if (tree != NULL)
        line = rewritten(line_rewrite, request->command_line, tree);
    if (line != NULL && request->variables != NULL)
        variables = rewritten(environment_rewrite, request->variables, tree);
    done = line != NULL && (variables != NULL || request->variables == NULL);
    if (done) {
        request->command_line = line;
        request->variables = variables;
    }
    release(tree);
    return done;
}

/* ---- what somebody else may have ---- */

/* Files of handoff's own, and the option that opens a file in the same way. The lock is the first. */
static const struct {
    uint8_t option, as;
} own_files[] = {{OPTION_LOCK, OPTION_LOCK},
                 {OPTION_TRACE_JSON, OPTION_APPEND},
                 {OPTION_TEE, OPTION_WRITE},
                 {OPTION_TEE_APPEND, OPTION_APPEND}};

enum { OWN_FILES = ARRAYSIZE(own_files) };

/* Where the handle of own_files[i] is kept. */
static HANDLE *own_file(struct command *command, uint32_t i)
{
    switch (own_files[i].option) {
    case OPTION_LOCK: return &command->files.lock;
    case OPTION_TRACE_JSON: return &command->files.trace;
    default: return &command->files.tee;
    }
}

static struct source source_of(const struct command *command, uint32_t i)
{
    if (i < OWN_FILES)
        return (struct source){.option = own_files[i].as, .what = command->options.values[own_files[i].option]};
    return command->options.sources[i - OWN_FILES];
}

/* Opens file i: below OWN_FILES one of own_files, then the passes. ERROR_SUCCESS too if there is nothing to open. */
static DWORD open_contended(struct command *command, uint32_t i, BOOL tries_again)
{
    struct source source = source_of(command, i);

    if (i >= OWN_FILES)
        return turn_of(&source) == CONTENDED ? open_pass(command, i - OWN_FILES, tries_again) : ERROR_SUCCESS;
    if (source.what == NULL || *source.what == L'\0') /* --trace=json, without a file */
        return ERROR_SUCCESS;
    return open_source(&source, &command->opening.deadline, tries_again, own_file(command, i));
}

static DWORD empty_contended(struct command *command, uint32_t i)
{
    struct source source = source_of(command, i);
    HANDLE file = NULL;

    if (source.option == OPTION_WRITE && i < OWN_FILES)
        file = source.what != NULL ? *own_file(command, i) : NULL; /* --tee and --tee-append share the handle */
    else if (source.option == OPTION_WRITE)
        file = handle_from_number(command->options.request.passes[i - OWN_FILES].number);
    return file != NULL ? empty_file(file) : ERROR_SUCCESS;
}

static void close_contended(struct command *command)
{
    for (uint32_t i = 0; i < OWN_FILES; i++) {
        HANDLE *file = own_file(command, i);

        if (*file != NULL)
            CloseHandle(*file);
        *file = NULL;
    }
    for (uint32_t i = 0; i < command->options.request.pass_count; i++) {
        struct pass *pass = &command->options.request.passes[i];

        if (turn_of(&command->options.sources[i]) == CONTENDED && pass->number != 0)
            close_source(&command->options.sources[i], handle_from_number(pass->number));
        if (turn_of(&command->options.sources[i]) == CONTENDED)
            pass->number = 0;
    }
}

/* Begins with the file that was taken the last time, the only file that is waited for. Notes which file fails. */
static DWORD try_contended(struct command *command, uint32_t count, uint32_t *which)
{
    uint32_t first = *which;
    DWORD code = first < count ? open_contended(command, first, command->opening.tries_again) : ERROR_SUCCESS;

    for (uint32_t i = 0; i < count && code == ERROR_SUCCESS; i++) {
        *which = i;
        if (i != first)
            code = open_contended(command, i, FALSE);
    }
    for (uint32_t i = 0; i < count && code == ERROR_SUCCESS; i++) {
        *which = i;
        code = empty_contended(command, i);
    }
    return code;
}

/*
 * All or nothing. A prefix that kept one file while it waits for the next could wait for ever for another prefix, which
 * does the same in the other order. And a prefix whose turn it is not must not empty a file.
 */
static BOOL open_all_contended(struct command *command, struct failure *failure)
{
    uint32_t count = OWN_FILES + command->options.request.pass_count, which = count;
    uint32_t first;
    struct source source;
    DWORD code = ERROR_SUCCESS, before;

    do {
        first = which;
        before = code;
        code = try_contended(command, count, &which);
        if (code == ERROR_SUCCESS)
            return TRUE;
        if (which == first)
            code = open_reason(code, before);
        close_contended(command);
        source = source_of(command, which);
        /* Two of our own files may exclude each other: then each round fails at once. */
    } while (command->opening.tries_again && wait_a_moment(&source, code, &command->opening.deadline));
    if (which < OWN_FILES)
        command->opening.unopened = own_files[which].option;
    return failure_set(failure, HANDOFF_STAGE_OPEN, which < OWN_FILES ? HANDOFF_NO_PASS : which - OWN_FILES, code);
}

/* Opens everything, and puts the ports of what turned out to be a socket into line and variables. */
BOOL open_handles(struct command *command, struct failure *failure)
{
    uint32_t texts;

    if (!open_passes(command, OF_PARENT, failure) || !open_passes(command, OPENED, failure) ||
        !open_all_contended(command, failure) || !open_passes(command, COPIED, failure))
        return FALSE;
    texts = count_texts(command);
    return texts == 0 || put_texts(command, texts) ||
           failure_set(failure, HANDOFF_STAGE_PREPARE, HANDOFF_NO_PASS, ERROR_NOT_ENOUGH_MEMORY);
}

/* ---- what the command has without being named ---- */

/* The index of the pass for this own stream, or the number of passes if there is none. */
static uint32_t find_own(const struct command *command, HANDLE own)
{
    const struct request *request = &command->options.request;
    uint32_t i = 0;

    while (i < request->pass_count &&
           (request->passes[i].kind != PASS_OWN || request->passes[i].number != (uint32_t)handle_number(own)))
        i++;
    return i;
}

/* This process' own streams are passes as they are: a copy of each would only be one more to close. Two that are one
 * handle stay one. */
static void add_stream(struct command *command, int stream)
{
    struct request *request = &command->options.request;
    HANDLE own = GetStdHandle(stream_id(stream));
    uint32_t i = find_own(command, own);

    if (own == INVALID_HANDLE_VALUE)
        request->closed_streams |= 1u << stream;
    if (!handle_can_travel(handle_number(own)))
        return;
    if (i == request->pass_count)
        request->passes[request->pass_count++] =
            (struct pass){.kind = PASS_OWN, .number = (uint32_t)handle_number(own)};
    request->passes[i].streams |= 1u << stream;
}

/* Adds own streams that no option claims. A stream that the command does not get is not made inheritable. */
static void add_streams(struct command *command)
{
    struct request *request = &command->options.request;
    uint32_t claimed = request_claimed_streams(request), first = request->pass_count;

    for (int stream = 0; stream < STREAM_COUNT; stream++) {
        if (!has_stream(claimed, stream))
            add_stream(command, stream);
    }
    for (int stream = 0; stream < STREAM_COUNT; stream++) {
        HANDLE own = GetStdHandle(stream_id(stream));

        if (has_stream(claimed, stream) && find_own(command, own) == request->pass_count)
            SetHandleInformation(own, HANDLE_FLAG_INHERIT, 0);
    }
    request_note_stream_flags(request, &command->startup, first);
}

/* The source of what is copied, or the source itself. */
static const struct source *original_of(const struct command *command, const struct source *source)
{
    return source->origin == ORIGIN_PASS ? &command->options.sources[source->original] : source;
}

/* The relay that the command gets instead of this process' own stream; NULL if the source is no stream or that stream
 * is not relayed. */
static const struct pass *relay_of(const struct command *command, const struct source *source)
{
    const struct request *request = &command->options.request;

    source = original_of(command, source);
    for (uint32_t i = 0; source->origin == ORIGIN_STREAM && i < request->pass_count; i++) {
        if (request->passes[i].kind == PASS_RELAY && (request->passes[i].streams >> source->stream & 1) != 0)
            return &request->passes[i];
    }
    return NULL;
}

/* The handle that this process was given for the source or for its original; NULL if handoff has opened it. */
static HANDLE given_handle(const struct command *command, const struct source *source)
{
    source = original_of(command, source);
    if (source->origin == ORIGIN_STREAM)
        return GetStdHandle(stream_id((int)source->stream));
    return source->option == OPTION_HANDLE ? handle_from_number(named_handle(source->what)) : NULL;
}

static DWORD replace_by_relay(struct pass *pass, const struct pass *relay)
{
    HANDLE handle;
    DWORD code;

    CloseHandle(handle_from_number(pass->number));
    code = handle_copy(GetCurrentProcess(), handle_number(handle_from_number(relay->number)), FALSE, &handle);
    pass->number = (uint32_t)handle_number(handle);
    return code;
}

/* A pass that is named stdout or stderr gets the relay instead of the stream, which would keep the pipeline open. Other
 * handles that were given keep the C runtime's flags that they were given with. */
static DWORD settle_given(struct command *command)
{
    struct request *request = &command->options.request;
    DWORD code = ERROR_SUCCESS;

    for (uint32_t i = 0; i < request->pass_count && code == ERROR_SUCCESS; i++) {
        const struct source *source = &command->options.sources[i];
        const struct pass *relay = has_source(&request->passes[i]) ? relay_of(command, source) : NULL;

        if (!has_source(&request->passes[i]))
            continue;
        if (relay != NULL)
            code = replace_by_relay(&request->passes[i], relay);
        else
            request_note_flags(request, i, &command->startup, given_handle(command, source));
    }
    return code;
}

BOOL add_streams_or_relays(struct command *command, struct relay *relays, struct failure *failure)
{
    struct request *request = &command->options.request;
    DWORD code = ERROR_SUCCESS;

    if (has_option(command, OPTION_DETACH))
        request->closed_streams |= ~request_claimed_streams(request) & ((1u << STREAM_COUNT) - 1);
    else if (has_option(command, OPTION_RELAY) || command->files.tee != NULL)
        code = make_relays(request, relays, command->files.tee);
    if (code == ERROR_SUCCESS)
        code = settle_given(command);
    add_streams(command);
    for (uint32_t i = 0; i < request->pass_count; i++) {
        if (!has_source(&request->passes[i]) && (request->passes[i].streams & command->options.sealed_streams) != 0)
            request->passes[i].flags |= PASS_SEALED;
    }
    return code == ERROR_SUCCESS || failure_set(failure, HANDOFF_STAGE_PREPARE, HANDOFF_NO_PASS, code);
}

BOOL expose_handles(struct command *command)
{
    const struct request *request = &command->options.request;

    for (uint32_t i = 0; i < request->pass_count; i++) {
        if (request->passes[i].kind != PASS_OWN && request->passes[i].kind != PASS_JOB &&
            !handle_set_inheritable(handle_from_number(request->passes[i].number), TRUE))
            return FALSE;
    }
    return TRUE;
}

void close_handles(struct command *command)
{
    close_passes(&command->options.request, ~(1u << PASS_OWN | 1u << PASS_JOB));
}
