#include "options.h"

#include "cmdline.h"
#include "environment.h"
#include "fdblock.h"
#include "text.h"
#include "words.h"

const struct option_form option_table[OPTION_COUNT] = {
    [OPTION_HELP] = {"help", OPTION_OPTIONAL},
    [OPTION_VERSION] = {"version", OPTION_FLAG},
    [OPTION_TRACE] = {"trace", OPTION_FLAG},
    [OPTION_STDIN + STREAM_STDIN] = {"stdin", OPTION_STREAM},
    [OPTION_STDIN + STREAM_STDOUT] = {"stdout", OPTION_STREAM},
    [OPTION_STDIN + STREAM_STDERR] = {"stderr", OPTION_STREAM},
    [OPTION_ENV] = {"env", OPTION_VARIABLE},
    [OPTION_UNSET] = {"unset", OPTION_REMOVAL},
    [OPTION_DESCRIPTOR] = {"fd", OPTION_FD},
    [OPTION_ONLY_STREAMS] = {"only-streams", OPTION_FLAG},
    [OPTION_SEAL] = {"seal", OPTION_FLAG},
    [OPTION_SEALED] = {"sealed", OPTION_MARK},
    [OPTION_OVERLAPPED] = {"overlapped", OPTION_MARK},
    [OPTION_READ] = {"read", OPTION_SOURCE, OPENS_PATH | MAY_BE_TAKEN | MAY_OVERLAP},
    [OPTION_WRITE] = {"write", OPTION_SOURCE, OPENS_PATH | MAY_BE_TAKEN | MAY_OVERLAP},
    [OPTION_APPEND] = {"append", OPTION_SOURCE, OPENS_PATH | MAY_BE_TAKEN | MAY_OVERLAP},
    [OPTION_EXTEND] = {"extend", OPTION_SOURCE, OPENS_PATH | MAY_BE_TAKEN},
    [OPTION_UPDATE] = {"update", OPTION_SOURCE, OPENS_PATH | MAY_BE_TAKEN | MAY_OVERLAP},
    [OPTION_PIPE] = {"pipe", OPTION_SOURCE, OPENS_PATH | MAY_BE_TAKEN | MAY_OVERLAP},
    [OPTION_LISTEN] = {"listen", OPTION_SOURCE, IS_SOCKET | MAY_BE_TAKEN | MAY_OVERLAP},
    [OPTION_CONNECT] = {"connect", OPTION_SOURCE, IS_SOCKET | MAY_BE_TAKEN | MAY_OVERLAP},
    [OPTION_EVENT] = {"event", OPTION_SOURCE},
    [OPTION_MUTEX] = {"mutex", OPTION_SOURCE},
    [OPTION_SEMAPHORE] = {"semaphore", OPTION_SOURCE},
    [OPTION_MAPPING] = {"mapping", OPTION_SOURCE},
    [OPTION_PROCESS] = {"process", OPTION_SOURCE},
    [OPTION_HANDLE] = {"handle", OPTION_SOURCE},
    [OPTION_PARENT] = {"parent", OPTION_VALUE, TAKES_HANDLES},
    [OPTION_STEAL] = {"steal", OPTION_SOURCE, IN_PARENT | TAKES_HANDLES},
    [OPTION_COPY] = {"copy", OPTION_SOURCE, IN_PARENT | TAKES_HANDLES},
    [OPTION_REPORT] = {"report", OPTION_VALUE, TAKES_HANDLES},
    [OPTION_LOCK] = {"lock", OPTION_PATH},
    [OPTION_WAIT] = {"wait", OPTION_VALUE},
    [OPTION_CODE] = {"code", OPTION_VALUE},
    [OPTION_QUIET] = {"quiet", OPTION_FLAG},
    [OPTION_DETACH] = {"detach", OPTION_FLAG},
    [OPTION_KILL_ON_EXIT] = {"kill-on-exit", OPTION_FLAG},
    [OPTION_TIMEOUT] = {"timeout", OPTION_VALUE},
    [OPTION_WAIT_TREE] = {"wait-tree", OPTION_FLAG},
    [OPTION_RELAY] = {"relay", OPTION_FLAG},
    [OPTION_TEE] = {"tee", OPTION_PATH},
    [OPTION_TEE_APPEND] = {"tee-append", OPTION_PATH},
    [OPTION_DIR] = {"dir", OPTION_PATH},
    [OPTION_DRY_RUN] = {"dry-run", OPTION_FLAG},
    [OPTION_TRACE_JSON] = {"trace=json", OPTION_OPTIONAL_PATH},
};

/* A pass, as a descriptor, needs an option, a blank, a name and what it is: more than four units. */
static size_t most_passes(const wchar_t *line, uint32_t more_passes)
{
    return text_length(line) / 4 + STREAM_COUNT + more_passes;
}

/* Words and their NULs need no more than the line; the variables end with two NULs. */
static size_t most_units(const wchar_t *line)
{
    return text_length(line) + 2;
}

/* The names of this process' own streams, with their NULs. */
enum { OWN_NAMES_UNITS = STREAM_COUNT * sizeof option_table->name };

size_t options_memory(const wchar_t *line, uint32_t more_passes)
{
    return most_passes(line, more_passes) *
               (sizeof(struct pass) + sizeof(struct source) + sizeof(struct mention) + sizeof(struct change)) +
           (2 * most_units(line) + OWN_NAMES_UNITS) * sizeof(wchar_t);
}

bool options_refuse(struct options *options, const char *fault, const wchar_t *subject)
{
    options->fault = fault;
    options->subject = subject;
    return false;
}

bool options_refuse_value(struct options *options, uint32_t option, const char *fault, const wchar_t *subject)
{
    options->fault_option = option_table[option].name;
    return options_refuse(options, fault, subject);
}

/* A name that no option declares, where it may also be what a value for such an option would be. */
static bool refuse_name(struct options *options, uint32_t option, const char *fault, const wchar_t *name,
                        const char *remedy)
{
    options->wants_name = true;
    options->remedy = remedy;
    return options_refuse_value(options, option, fault, name);
}

/* What people type before they know how it is spelt here. */
static const struct {
    char word[5];
    uint8_t option;
} other_names[] = {{"-h", OPTION_HELP}, {"/?", OPTION_HELP}, {"help", OPTION_HELP}, {"-V", OPTION_VERSION}};

/* The end of the option's name in the word, where a value may follow; NULL if the word is another's. */
static wchar_t *name_end(wchar_t *word, uint32_t option)
{
    const char *name = option_table[option].name;
    wchar_t separator = option_table[option].kind == OPTION_OPTIONAL_PATH ? L':' : L'=';

    if (!text_begins_ascii(word, "--"))
        return NULL;
    for (word += 2; *name != '\0' && *word == (wchar_t)*name; name++)
        word++;
    return *name == '\0' && (*word == L'\0' || (*word == separator && option_table[option].kind != OPTION_FLAG)) ? word
                                                                                                                 : NULL;
}

/* The index of the option, or OPTION_COUNT. */
static uint32_t find_option(wchar_t *word, wchar_t **end)
{
    for (size_t i = 0; i < sizeof other_names / sizeof *other_names; i++) {
        *end = word + text_length(word);
        if (text_equal_ascii(word, other_names[i].word))
            return other_names[i].option;
    }
    for (uint32_t i = 0; i < OPTION_COUNT; i++) {
        *end = name_end(word, i);
        if (*end != NULL)
            return i;
    }
    return OPTION_COUNT;
}

/* Whether it is read by line_path(). */
static bool is_path(uint32_t option)
{
    return option_table[option].kind == OPTION_PATH || option_table[option].kind == OPTION_OPTIONAL_PATH;
}

/* Whether the value has what looks like the -- before the command: behind a quote, which is what becomes of "C:\dir\",
 * something of the line stands there in any case. */
static bool swallows(const wchar_t *value)
{
    for (wchar_t before = L'\0'; *value != L'\0'; before = *value++) {
        if (text_begins_ascii(value, before == L'"' ? " --" : " -- "))
            return true;
    }
    return false;
}

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

/* The options of the streams and this process' own streams have the same names. */
static bool is_own_name(const wchar_t *name)
{
    uint32_t stream = 0;

    while (stream < STREAM_COUNT && !text_equal_ascii(name, option_table[OPTION_STDIN + stream].name))
        stream++;
    return stream < STREAM_COUNT;
}

static bool add_pass(struct options *options, uint32_t option, wchar_t *value)
{
    wchar_t *what = split_value(value);
    uint32_t i = options->request.pass_count;

    if (what == NULL)
        return options_refuse_value(options, option, "expected NAME=VALUE, not", value);
    if (!name_is_valid(value))
        return options_refuse_value(options, option, "a name has letters, digits, '_', '-' and '.' only, not", value);
    if (is_own_name(value))
        return options_refuse_value(options, option, "handoff's own streams have that name already:", value);
    options->request.passes[i].placeholder.name = value;
    options->sources[i] = (struct source){.option = option, .what = what};
    options->request.pass_count++;
    return true;
}

/* A change for environment_edit(). */
static bool add_variable(struct options *options, struct text *changes, uint32_t option, const wchar_t *value)
{
    bool sets = option_table[option].kind == OPTION_VARIABLE;
    size_t name = 0;

    while (value[name] != L'\0' && value[name] != L'=')
        name++;
    if (name == 0 || (value[name] == L'=') != sets)
        return options_refuse_value(options, option, sets ? "expected VARIABLE=TEXT, not" : "expected a variable, not",
                                    value);
    text_put_units(changes, value, text_length(value) + 1);
    return true;
}

static bool apply_option(struct options *options, struct text *changes, uint32_t option, const wchar_t *word,
                         wchar_t *value)
{
    switch (option_table[option].kind) {
    case OPTION_SOURCE: return add_pass(options, option, value);
    case OPTION_VARIABLE:
    case OPTION_REMOVAL: return add_variable(options, changes, option, value);
    case OPTION_FD:
    case OPTION_MARK:
        options->mentions[options->mention_count++] = (struct mention){.option = option, .text = value};
        return true;
    default:
        if (options->values[option] != NULL)
            return options_refuse(options, "given twice:", word);
        options->values[option] = value;
        return true;
    }
}

/* Those that nothing uses are dropped later: drop_unused_streams(). */
static void declare_own_streams(struct options *options, wchar_t *memory)
{
    struct text names = {.at = memory, .capacity = OWN_NAMES_UNITS};

    for (uint32_t stream = 0; stream < STREAM_COUNT; stream++) {
        const wchar_t *name = names.at + names.length;
        uint32_t i = options->request.pass_count++;

        text_put_ascii(&names, option_table[OPTION_STDIN + stream].name);
        text_put_unit(&names, L'\0');
        options->request.passes[i] = (struct pass){.placeholder.name = name, .flags = PASS_OPTIONAL};
        options->sources[i] = (struct source){.origin = ORIGIN_STREAM, .stream = stream, .what = name};
    }
}

/* Names may be declared after they are used, so all that needs them comes after the options. */
static bool index_names(struct options *options)
{
    struct request *request = &options->request;
    uint32_t twice = request_index(request);

    return twice == request->pass_count ||
           options_refuse(options, "two handles of the name", request->passes[twice].placeholder.name);
}

static bool resolve_streams(struct options *options)
{
    static const char remedies[STREAM_COUNT][40] = {"--read \"in=%w\" --stdin in", "--write \"out=%w\" --stdout out",
                                                    "--write \"err=%w\" --stderr err"};

    for (uint32_t stream = 0; stream < STREAM_COUNT; stream++) {
        const wchar_t *name = options->values[OPTION_STDIN + stream];
        struct pass *pass;

        if (name == NULL)
            continue;
        if (*name == L'\0') {
            options->request.closed_streams |= 1u << stream;
            continue;
        }
        pass = request_find(&options->request, name);
        if (pass == NULL)
            return refuse_name(options, OPTION_STDIN + stream, "a stream of a name that no option declares:", name,
                               remedies[stream]);
        pass->streams |= 1u << stream;
    }
    return true;
}

/* A program closes each descriptor by itself, so a second one needs a handle of its own. */
static struct pass *add_copy(struct options *options, const struct pass *pass)
{
    uint32_t original = (uint32_t)(pass - options->request.passes), i = options->request.pass_count++;

    options->sources[i] = (struct source){.origin = ORIGIN_PASS, .original = original, .what = pass->placeholder.name};
    options->request.passes[i] = (struct pass){.kind = PASS_COPY, .flags = pass->flags};
    return &options->request.passes[i];
}

/* The first three descriptors are the streams. */
static bool resolve_descriptor(struct options *options, wchar_t *mapping)
{
    uint64_t descriptor;
    const wchar_t *end = text_parse_number(mapping, &descriptor), *name;
    struct pass *pass;

    if (end == NULL || *end != L'=')
        return options_refuse_value(options, OPTION_DESCRIPTOR, "expected NUMBER=NAME, not", mapping);
    name = split_value(mapping);
    if (descriptor < STREAM_COUNT || descriptor > FD_MOST)
        return options_refuse(options, "descriptors go from 3 to 2047 (0 to 2 are --stdin, --stdout, --stderr), not",
                              mapping);
    pass = request_find(&options->request, name);
    if (pass == NULL && *name != L'\0')
        return refuse_name(options, OPTION_DESCRIPTOR, "a descriptor of a name that no option declares:", name, NULL);
    if (!fd_mark(&options->descriptors, (uint32_t)descriptor))
        return options_refuse(options, "the descriptor is given twice:", mapping);
    if (pass == NULL)
        return fd_mark(&options->closed_fds, (uint32_t)descriptor);
    if (pass->fd != 0)
        pass = add_copy(options, pass);
    pass->fd = (uint32_t)descriptor;
    return true;
}

/* Before resolve_descriptor(), whose copies take over the flags of the original. */
static bool resolve_mark(struct options *options, uint32_t option, const wchar_t *name)
{
    struct pass *pass = request_find(&options->request, name);
    struct source *source;

    if (pass == NULL)
        return refuse_name(options, option, "no option declares the name", name, NULL);
    source = &options->sources[pass - options->request.passes];
    if (option == OPTION_SEALED && source->origin == ORIGIN_STREAM)
        options->sealed_streams |= 1u << source->stream;
    if (option == OPTION_SEALED)
        pass->flags |= PASS_SEALED;
    else if (source_has(source, MAY_OVERLAP))
        source->overlapped = true;
    else
        return options_refuse(options, "--overlapped is for files, pipes and sockets that handoff opens, not", name);
    return true;
}

static bool resolve_mentions(struct options *options, uint32_t kind)
{
    for (uint32_t i = 0; i < options->mention_count; i++) {
        const struct mention *mention = &options->mentions[i];

        if (option_table[mention->option].kind != kind)
            continue;
        if (!(kind == OPTION_FD ? resolve_descriptor(options, mention->text)
                                : resolve_mark(options, mention->option, mention->text)))
            return false;
    }
    return true;
}

static const char *unused_fault(const struct source *source)
{
    return source_has(source, IS_SOCKET)
               ? "nothing uses the socket ({NAME.port} is only its port: mention it as {NAME} too, or make it "
                 "a stream or a descriptor):"
               : "nothing uses the handle (mention it as {name}, or make it a stream or a descriptor):";
}

static wchar_t as_it_is(wchar_t unit)
{
    return unit;
}

/* `sorted` is memory for the changes. */
static bool check_variables(struct options *options, struct change *sorted)
{
    struct changes changes = {.sorted = sorted, .upcase = as_it_is};
    const wchar_t *twice;

    if (options->request.variables == NULL)
        return true;
    environment_sort(&changes, options->request.variables);
    twice = environment_find_twice(&changes);
    return twice == NULL || options_refuse(options, "the variable is given twice:", twice);
}

/* The engine looks too, with Windows' upper case for names, but only after handles have been opened or stolen. */
static bool check_use(struct options *options)
{
    struct request *request = &options->request;
    struct text text = {.capacity = 0}; /* only to see what is used */
    uint32_t unused;

    line_rewrite(&text, request->command_line, request->names);
    if (request->variables != NULL)
        environment_rewrite(&text, request->variables, request->names);
    unused = request_find_unused(request);
    return unused == request->pass_count ||
           options_refuse(options, unused_fault(&options->sources[unused]), request->passes[unused].placeholder.name);
}

static bool is_used(const struct pass *pass)
{
    return pass->placeholder.used || pass->streams != 0 || pass->fd != 0;
}

static bool has_escaped(const wchar_t *text, const wchar_t *name)
{
    size_t length = text_length(name), same;

    for (; *text != L'\0'; text++) {
        if (text[0] != L'{' || text[1] != L'{')
            continue;
        for (same = 0; same < length && text[2 + same] == name[same];)
            same++;
        if (same == length)
            return true;
    }
    return false;
}

static bool is_escaped(const struct request *request, const wchar_t *name)
{
    const wchar_t *variable = request->variables;

    while (variable != NULL && *variable != L'\0' && !has_escaped(variable, name))
        variable += text_length(variable) + 1;
    return (variable != NULL && *variable != L'\0') || has_escaped(request->command_line, name);
}

static void shift_pass(struct options *options, uint32_t from, uint32_t to)
{
    options->request.passes[to] = options->request.passes[from];
    options->sources[to] = options->sources[from];
    if (from == to || options->sources[to].origin == ORIGIN_PASS)
        return;
    for (uint32_t i = from + 1; i < options->request.pass_count; i++) {
        if (options->sources[i].origin == ORIGIN_PASS && options->sources[i].original == from)
            options->sources[i].original = to;
    }
}

/* All other passes are kept: check_use() has looked at them. */
static void drop_unused_streams(struct options *options)
{
    struct request *request = &options->request;
    uint32_t kept = 0;

    for (uint32_t i = 0; i < request->pass_count; i++) {
        if (!is_used(&request->passes[i])) {
            if (is_escaped(request, request->passes[i].placeholder.name))
                options->escaped_streams |= 1u << options->sources[i].stream;
            continue;
        }
        shift_pass(options, i, kept++);
    }
    request->pass_count = kept;
}

/* A C runtime reads with ReadFile() and no OVERLAPPED, which fails on an overlapped socket. A program that gets a
 * number uses Winsock, which wants an overlapped one. */
static void settle_sockets(struct options *options)
{
    for (uint32_t i = 0; i < options->request.pass_count; i++) {
        const struct pass *pass = &options->request.passes[i];

        if (source_has(&options->sources[i], IS_SOCKET) && pass->streams == 0 && pass->fd == 0)
            options->sources[i].overlapped = true;
    }
}

/* The mistake may be the rest of a value that went on beyond its closing quote. */
static bool refuse_rest(struct options *options, const char *fault, const wchar_t *subject)
{
    if (options->swallower == NULL)
        return options_refuse(options, fault, subject);
    return options_refuse(options,
                          "the -- before the command is in the value of this option: a quote is missing, or comes "
                          "behind a \\ (write \"%~dp0.\" for \"%~dp0\"):",
                          options->swallower);
}

/* Reads the option whose word lies from `from` to `rest` and is in *word already; *word then has room for the next one.
 * The -- that ends the options is nobody's value. Returns what follows, or NULL with a fault. */
static const wchar_t *read_option(struct options *options, struct text *changes, const wchar_t *from,
                                  const wchar_t *rest, wchar_t **word)
{
    wchar_t *end, *value;
    uint32_t option = find_option(*word, &end);

    if (option == OPTION_COUNT)
        return (*word)[0] == L'-'
                   ? options_refuse(options, "there is no option", *word)
                   : refuse_rest(options, "-- belongs before the command, and quotes around blanks:", *word),
               NULL;
    value = end;
    if (*end != L'\0') {
        if (is_path(option))
            rest = line_path(from, *word);
        *value++ = L'\0';
    } else if (option_table[option].kind > OPTION_OPTIONAL) {
        rest = is_path(option) ? line_path(rest, ++value) : line_argument(rest, ++value);
        if (rest == NULL || text_equal_ascii(value, "--"))
            return options_refuse(options, "the option needs a value:", *word), NULL;
    }
    if (option_table[option].kind == OPTION_PATH && *value == L'\0')
        return options_refuse(options, "the option needs a value:", *word), NULL;
    if (swallows(value))
        options->swallower = *word;
    end = value + text_length(value) + 1; /* before the value is cut in two */
    if (!apply_option(options, changes, option, *word, value))
        return NULL;
    *word = end;
    return rest;
}

static bool asks_for_text(const struct options *options)
{
    return options->values[OPTION_HELP] != NULL || options->values[OPTION_VERSION] != NULL;
}

/* Returns where the command line begins, or NULL. */
static const wchar_t *read_options(struct options *options, const wchar_t *rest, wchar_t *word, struct text *changes)
{
    while (!asks_for_text(options)) {
        const wchar_t *from = rest;

        rest = line_argument(from, word);
        if (rest == NULL || text_equal_ascii(word, "--"))
            return rest;
        rest = read_option(options, changes, from, rest, &word);
        if (rest == NULL)
            return NULL;
    }
    return rest;
}

bool options_parse(struct options *options, const wchar_t *line, void *memory)
{
    struct request *request = &options->request;
    size_t most = most_passes(line, options->more_passes);
    struct change *sorted;
    struct text changes;
    const wchar_t *rest;

    request->passes = memory;
    options->sources = (struct source *)(void *)(request->passes + most);
    options->mentions = (struct mention *)(void *)(options->sources + most);
    sorted = (struct change *)(void *)(options->mentions + most);
    changes = (struct text){.at = (wchar_t *)(void *)(sorted + most), .capacity = most_units(line)};
    rest = read_options(options, line_after_program(line), changes.at + most_units(line), &changes);
    if (options->fault != NULL)
        return false;
    if (asks_for_text(options)) {
        const wchar_t *topic = options->values[OPTION_HELP];

        options->after_help = topic != NULL && *topic != L'\0' ? topic : rest;
        return true;
    }
    if (rest == NULL || *rest == L'\0')
        return refuse_rest(options, "no command: it follows the options after -- (see --help)", NULL);
    if (changes.length > 0)
        request->variables = changes.at; /* the memory was zeroed, so its closing NUL is there */
    request->command_line = rest;
    declare_own_streams(options, changes.at + 2 * most_units(line));
    if (!check_variables(options, sorted) || !index_names(options) || !resolve_streams(options) ||
        !resolve_mentions(options, OPTION_MARK) || !resolve_mentions(options, OPTION_FD) || !check_use(options))
        return false;
    drop_unused_streams(options);
    settle_sockets(options);
    return true;
}

bool options_take_handles(const wchar_t *line)
{
    for (; *line != L'\0'; line++) {
        for (uint32_t i = 0; line[0] == L'-' && line[1] == L'-' && i < OPTION_COUNT; i++) {
            if ((option_table[i].traits & TAKES_HANDLES) != 0 && text_begins_ascii(line + 2, option_table[i].name))
                return true;
        }
    }
    return false;
}
