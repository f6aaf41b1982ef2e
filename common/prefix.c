#include "prefix.h"

#include "cmdline.h"
#include "environment.h"
#include "fdblock.h"
#include "text.h"

/* A pass, as a descriptor, needs an option, a blank, a name and what it is: more than four units. */
static size_t most_passes(const wchar_t *line, uint32_t room)
{
    return text_length(line) / 4 + room;
}

/* Words and their NULs need no more than the line; the variables end with two NULs. */
static size_t most_units(const wchar_t *line)
{
    return text_length(line) + 2;
}

size_t prefix_memory(const wchar_t *line, uint32_t room)
{
    return most_passes(line, room) * (sizeof(struct pass) + sizeof(struct source) + sizeof(wchar_t *)) +
           2 * most_units(line) * sizeof(wchar_t);
}

static bool refuse(struct prefix *prefix, const char *fault, const wchar_t *subject)
{
    prefix->fault = fault;
    prefix->subject = subject;
    return false;
}

/* The index of the option, or option_count. */
static uint32_t find_option(const struct prefix *prefix, const wchar_t *word)
{
    uint32_t i = 0;

    if (word[0] != L'-' || word[1] != L'-')
        return prefix->option_count;
    while (i < prefix->option_count && !text_equal_ascii(word + 2, prefix->options[i].name))
        i++;
    return i;
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

static bool add_pass(struct prefix *prefix, uint32_t option, wchar_t *value)
{
    wchar_t *what = split_value(value);
    uint32_t i = prefix->request.pass_count;

    if (what == NULL)
        return refuse(prefix, "expected NAME=VALUE, not", value);
    if (!name_is_valid(value))
        return refuse(prefix, "a name has letters, digits, '_', '-' and '.' only, not", value);
    prefix->request.passes[i].name = value;
    prefix->sources[i] = (struct source){.option = option, .what = what};
    prefix->request.pass_count++;
    return true;
}

/* A change for environment_edit(). */
static bool add_variable(struct prefix *prefix, struct text *changes, bool sets, const wchar_t *value)
{
    size_t name = 0;

    while (value[name] != L'\0' && value[name] != L'=')
        name++;
    if (name == 0 || (value[name] == L'=') != sets)
        return refuse(prefix, sets ? "expected VARIABLE=TEXT, not" : "expected a variable, not", value);
    text_put_units(changes, value, text_length(value) + 1);
    return true;
}

static bool apply(struct prefix *prefix, struct text *changes, uint32_t option, const wchar_t *word, wchar_t *value)
{
    switch (prefix->options[option].kind) {
    case OPTION_SOURCE: return add_pass(prefix, option, value);
    case OPTION_VARIABLE: return add_variable(prefix, changes, true, value);
    case OPTION_REMOVAL: return add_variable(prefix, changes, false, value);
    case OPTION_FD: prefix->mappings[prefix->mapping_count++] = value; return true;
    default:
        if (prefix->values[option] != NULL)
            return refuse(prefix, "given twice:", word);
        prefix->values[option] = value;
        return true;
    }
}

/* Names may be declared after they are used, so all that needs them comes after the options. */
static bool index_names(struct prefix *prefix)
{
    const struct request *request = &prefix->request;
    uint32_t twice = request_index(request->passes, request->pass_count);

    return twice == request->pass_count || refuse(prefix, "two handles of the name", request->passes[twice].name);
}

static struct pass *find_pass(const struct prefix *prefix, const wchar_t *name)
{
    return request_find(prefix->request.passes, prefix->request.pass_count, name, text_length(name));
}

static bool resolve_streams(struct prefix *prefix)
{
    for (uint32_t stream = 0; stream < STREAM_COUNT; stream++) {
        const wchar_t *name = prefix->values[OPTION_STDIN + stream];
        struct pass *pass;

        if (name == NULL)
            continue;
        if (*name == L'\0') {
            prefix->request.closed_streams |= 1u << stream;
            continue;
        }
        pass = find_pass(prefix, name);
        if (pass == NULL)
            return refuse(prefix, "a stream of a name that no option declares:", name);
        pass->streams |= 1u << stream;
    }
    return true;
}

static bool is_descriptor_of_another(const struct prefix *prefix, uint32_t descriptor)
{
    for (uint32_t i = 0; i < prefix->request.pass_count; i++) {
        if (prefix->request.passes[i].descriptor == descriptor)
            return true;
    }
    return false;
}

/* The first three descriptors are the streams. */
static bool resolve_descriptor(struct prefix *prefix, wchar_t *mapping)
{
    uint64_t descriptor;
    const wchar_t *end = text_parse_number(mapping, &descriptor), *name;
    struct pass *pass;

    if (end == NULL || *end != L'=')
        return refuse(prefix, "expected NUMBER=NAME, not", mapping);
    name = split_value(mapping);
    if (descriptor < STREAM_COUNT || descriptor > FD_MOST)
        return refuse(prefix, "descriptors go from 3 to 2047 (0 to 2 are --stdin, --stdout, --stderr), not", mapping);
    pass = find_pass(prefix, name);
    if (pass == NULL)
        return refuse(prefix, "a descriptor of a name that no option declares:", name);
    if (pass->descriptor != 0)
        return refuse(prefix, "one handle as two descriptors, which takes two names:", name);
    if (is_descriptor_of_another(prefix, (uint32_t)descriptor))
        return refuse(prefix, "two handles as one descriptor:", mapping);
    pass->descriptor = (uint32_t)descriptor;
    return true;
}

static bool resolve_descriptors(struct prefix *prefix)
{
    for (uint32_t i = 0; i < prefix->mapping_count; i++) {
        if (!resolve_descriptor(prefix, prefix->mappings[i]))
            return false;
    }
    return true;
}

/* The engine looks too, but only after handles have been opened or stolen. */
static bool check_use(struct prefix *prefix)
{
    struct request *request = &prefix->request;
    wchar_t nowhere[1];
    struct text text = {.at = nowhere, .capacity = 1};
    uint32_t unused;

    line_rewrite(&text, request->command_line, request->passes, request->pass_count);
    if (request->variables != NULL)
        environment_edit(&text, L"", request->variables, request->passes, request->pass_count);
    unused = request_find_unused(request->passes, request->pass_count);
    return unused == request->pass_count ||
           refuse(prefix, "nothing uses the handle (mention it as {name}, or make it a stream or a descriptor):",
                  request->passes[unused].name);
}

static bool asks_for_text(const struct prefix *prefix)
{
    return prefix->values[OPTION_HELP] != NULL || prefix->values[OPTION_VERSION] != NULL;
}

/* Returns where the command line begins, or NULL. */
static const wchar_t *read_options(struct prefix *prefix, const wchar_t *rest, wchar_t *word, struct text *changes)
{
    wchar_t *next;

    while (!asks_for_text(prefix) && (rest = line_argument(rest, word)) != NULL && !text_equal_ascii(word, "--")) {
        uint32_t option = find_option(prefix, word);
        wchar_t *value = word;

        if (option == prefix->option_count)
            return refuse(prefix,
                          word[0] == L'-' ? "there is no option"
                                          : "-- belongs before the command, and quotes around blanks:",
                          word),
                   NULL;
        if (prefix->options[option].kind != OPTION_FLAG) {
            value = word + text_length(word) + 1;
            rest = line_argument(rest, value);
            if (rest == NULL)
                return refuse(prefix, "the option needs a value:", word), NULL;
        }
        next = value + text_length(value) + 1; /* before the value is cut in two */
        if (!apply(prefix, changes, option, word, value))
            return NULL;
        word = next;
    }
    return rest;
}

bool prefix_parse(struct prefix *prefix, const wchar_t *line, void *memory)
{
    struct request *request = &prefix->request;
    size_t most = most_passes(line, prefix->room);
    struct text changes;
    const wchar_t *rest;

    request->passes = memory;
    prefix->sources = (struct source *)(void *)(request->passes + most);
    prefix->mappings = (wchar_t **)(void *)(prefix->sources + most);
    changes = (struct text){.at = (wchar_t *)(void *)(prefix->mappings + most), .capacity = most_units(line)};
    rest = read_options(prefix, line_after_program(line), changes.at + most_units(line), &changes);
    if (prefix->fault != NULL)
        return false;
    if (asks_for_text(prefix)) {
        prefix->after_help = rest;
        return true;
    }
    if (rest == NULL || *rest == L'\0')
        return refuse(prefix, "no command: it follows the options after -- (see --help)", NULL);
    if (changes.length > 0)
        request->variables = changes.at; /* the memory was zeroed, so its closing NUL is there */
    request->command_line = rest;
    return index_names(prefix) && resolve_streams(prefix) && resolve_descriptors(prefix) && check_use(prefix);
}
