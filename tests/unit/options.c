#include "options.h"

#include <stdio.h>
#include <string.h>
#include <wchar.h>

#include "quote.h"
#include "unit.h"

enum { LINE_ROOM = 4000 };

static struct options options;
static const wchar_t *line; /* before a page that nobody may touch */

/* The last parse's memory, as near to such a page as its alignment allows. */
static void *memory;
static size_t memory_size;

static bool parse_with_room(const wchar_t *text, uint32_t more_passes)
{
    line = guard_string(GUARD_INPUT, text);
    memory_size = options_memory(line, more_passes);
    require(memory_size <= GUARD_ROOM, "%zu bytes are more than there is room for", memory_size);
    memory = (void *)(((uintptr_t)guard_end(GUARD_OUTPUT) - memory_size) & ~(uintptr_t)(sizeof(void *) - 1));
    memset(memory, 0, memory_size);
    options = (struct options){.more_passes = more_passes};
    return options_parse(&options, line, memory);
}

static bool parse(const wchar_t *text)
{
    return parse_with_room(text, 0);
}

/* The option that made the source. */
static const char *source_name(const struct source *source)
{
    switch (source->origin) {
    case ORIGIN_STREAM: return option_table[OPTION_STDIN + source->stream].name;
    case ORIGIN_PASS: return option_table[OPTION_DESCRIPTOR].name;
    default: return option_table[source->option].name;
    }
}

/* All that was read, as one text: options with values, passes, variables, each with a ';'. */
static const wchar_t *described(void)
{
    static wchar_t room[2 * LINE_ROOM];
    const struct request *request = &options.request;
    struct text text = {.at = room, .capacity = LENGTH(room)};

    for (uint32_t i = 0; i < OPTION_COUNT; i++) {
        if (options.values[i] != NULL)
            text_format(&text,
                        option_table[i].kind <= OPTION_OPTIONAL && *options.values[i] == L'\0' ? "%s;" : "%s %w;",
                        option_table[i].name, options.values[i]);
    }
    for (uint32_t i = 0; i < request->pass_count; i++) {
        const struct source *source = &options.sources[i];
        const struct pass *pass = &request->passes[i];

        ck_assert(request->command_line == NULL || (pass->placeholder.name != NULL) == (source->origin != ORIGIN_PASS));
        text_format(&text, "%s %w=%w *%u", source_name(source),
                    pass->placeholder.name != NULL ? pass->placeholder.name : L"", source->what, pass->streams);
        if (pass->fd != 0)
            text_format(&text, " fd%u", pass->fd);
        text_put_ascii(&text, (pass->flags & PASS_SEALED) != 0 ? " sealed" : "");
        text_put_ascii(&text, source->overlapped ? " overlapped" : "");
        text_put_unit(&text, L';');
    }
    if (options.escaped_streams != 0)
        text_format(&text, "escaped *%u;", options.escaped_streams);
    if (options.sealed_streams != 0)
        text_format(&text, "sealed *%u;", options.sealed_streams);
    if (request->closed_streams != 0)
        text_format(&text, "closed *%u;", request->closed_streams);
    for (const wchar_t *at = request->variables; at != NULL && *at != L'\0'; at += wcslen(at) + 1)
        text_format(&text, "env %w;", at);
    ck_assert(text_end(&text));
    return room;
}

/* --- what is read ---------------------------------------------------------------------------- */

static const struct row {
    const wchar_t *line, *read, *command;
} rows[] = {
    {L"p -- x", L"", L"x"},
    {L"p --  \t x  y ", L"", L"x  y "}, /* verbatim but for the blanks before it */
    {L"p -- \"a b\" \\\"c {d} {{e}} -- --help \xD800", L"", L"\"a b\" \\\"c {d} {{e}} -- --help \xD800"},
    {L"p -- --", L"", L"--"},
    {L"p -- \"\"", L"", L"\"\""},
    {L"p -- \"", L"", L"\""},
    {L"p \"--\" x", L"", L"x"},
    {L"p \"-\"- x", L"", L"x"},
    {L"\"C:\\a b\\p\" -- x", L"", L"x"},
    {L"\"C:\\a b\\\" -- x", L"", L"x"}, /* a name is read by other rules */
    {L" -- x", L"", L"x"},
    {L"\"\" -- x", L"", L"x"},
    {L"-- -- x", L"", L"x"}, /* a name too */
    {L"p\t--trace\t--\tx", L"trace;", L"x"},
    {L"p --trace -- --trace --bogus", L"trace;", L"--trace --bogus"},
    {L"p \"--trace\" -- x", L"trace;", L"x"},

    {L"p --read a=b -- {a}", L"read a=b *0;", L"{a}"},
    {L"p --copy a=b --read c=d --copy e=f -- {a}{c:x}{e}", L"copy a=b *0;read c=d *0;copy e=f *0;", L"{a}{c:x}{e}"},
    {L"p --read a= -- {a}", L"read a= *0;", L"{a}"},
    {L"p --read a== -- {a}", L"read a== *0;", L"{a}"},
    {L"p --read a=b=c -- {a}", L"read a=b=c *0;", L"{a}"},
    {L"p --read a=-- -- {a}", L"read a=-- *0;", L"{a}"},
    {L"p --read \"a=b c\" -- {a}", L"read a=b c *0;", L"{a}"},
    {L"p --read a=\"b c\" -- {a}", L"read a=b c *0;", L"{a}"},
    {L"p --read a=\"b \\\"c\\\" d\" -- {a}", L"read a=b \"c\" d *0;", L"{a}"},
    {L"p --read a=\"b \"\"c\"\" d\" -- {a}", L"read a=b \"c\" d *0;", L"{a}"},
    {L"p --read a=C:\\dir\\ -- {a}", L"read a=C:\\dir\\ *0;", L"{a}"},
    {L"p --read \"a=C:\\b c\\\\\" -- {a}", L"read a=C:\\b c\\ *0;", L"{a}"},
    {L"p --read a=\xD800\xFFFF\x1 -- {a}", L"read a=\xD800\xFFFF\x1 *0;", L"{a}"},
    {L"p --read aZ09_-.=x -- {aZ09_-.}", L"read aZ09_-.=x *0;", L"{aZ09_-.}"},
    {L"p --read a=b --read A=c -- {a}{A}", L"read a=b *0;read A=c *0;", L"{a}{A}"},
    {L"p --read --=b -- {--}", L"read --=b *0;", L"{--}"},

    {L"p --read a=b --stdout a -- x", L"stdout a;read a=b *2;", L"x"},
    {L"p --stdout a --read a=b -- x", L"stdout a;read a=b *2;", L"x"}, /* declared after its use */
    {L"p --stdin b --copy a=1 --stderr a --copy b=2 --stdout a -- x",
     L"stdin b;stdout a;stderr a;copy a=1 *6;copy b=2 *1;", L"x"},
    {L"p --stdin a --stdout a --stderr a --copy a= -- {a}", L"stdin a;stdout a;stderr a;copy a= *7;", L"{a}"},

    {L"p --stdin \"\" -- x", L"stdin ;closed *1;", L"x"}, /* no name: closed */
    {L"p --stderr \"\" --copy a= --stdout a --stdin \"\" -- x", L"stdin ;stdout a;stderr ;copy a= *2;closed *5;", L"x"},

    {L"p --fd 3=a --copy a=b -- x", L"copy a=b *0 fd3;", L"x"}, /* declared after its use */
    {L"p --copy a=b --copy c=d --fd 2047=c --fd 0x10=a -- x", L"copy a=b *0 fd16;copy c=d *0 fd2047;", L"x"},
    {L"p --copy a=b --fd 0003=a --stdin a -- {a}", L"stdin a;copy a=b *1 fd3;", L"{a}"},
    {L"p --seal --fd 3=a --copy a=b -- x", L"seal;copy a=b *0 fd3;", L"x"},

    /* A second descriptor is a copy: nothing else names it. */
    {L"p --fd 3=a --fd 4=a --copy a=b -- x", L"copy a=b *0 fd3;fd =a *0 fd4;", L"x"},
    {L"p --fd 4=a --fd 3=a --fd 9=c --fd 5=a --copy a=b --copy c=d -- {a}",
     L"copy a=b *0 fd4;copy c=d *0 fd9;fd =a *0 fd3;fd =a *0 fd5;", L"{a}"},

    /* The streams of whoever reads the line, as far as they are used. */
    {L"p --fd 3=stdin -- x", L"stdin stdin=stdin *0 fd3;", L"x"},
    {L"p --fd 3=stdin --fd 4=stdin -- x", L"stdin stdin=stdin *0 fd3;fd =stdin *0 fd4;", L"x"},
    {L"p --stderr stdout -- x", L"stderr stdout;stdout stdout=stdout *4;", L"x"},
    {L"p --stdout stderr --stderr stdout -- x",
     L"stdout stderr;stderr stdout;stdout stdout=stdout *4;stderr stderr=stderr *2;", L"x"},
    {L"p --stdout stdout -- x", L"stdout stdout;stdout stdout=stdout *2;", L"x"},
    {L"p --read a=b -- {a} {stdout:x}", L"read a=b *0;stdout stdout=stdout *0;", L"{a} {stdout:x}"},
    {L"p --env A={stderr} -- x", L"stderr stderr=stderr *0;env A={stderr};", L"x"},
    {L"p -- stdout {stdou} {Stdout}", L"", L"stdout {stdou} {Stdout}"},
    {L"p -- {{stdin}} {{stderr:x}}", L"escaped *5;", L"{{stdin}} {{stderr:x}}"},
    {L"p --env B=1 --env A={{stdout}} -- {{stdi", L"escaped *2;env B=1;env A={{stdout}};", L"{{stdi"},
    {L"p -- {{stdout}} {stdout}", L"stdout stdout=stdout *0;", L"{{stdout}} {stdout}"},

    {L"p --sealed a --copy a=b -- {a}", L"copy a=b *0 sealed;", L"{a}"},
    {L"p --copy a=b --copy c=d --fd 3=a --fd 4=a --sealed a -- {c}",
     L"copy a=b *0 fd3 sealed;copy c=d *0;fd =a *0 fd4 sealed;", L"{c}"},
    {L"p --sealed a --seal --sealed a --copy a=b -- {a}", L"seal;copy a=b *0 sealed;", L"{a}"},
    {L"p --sealed stdout -- x", L"sealed *2;", L"x"}, /* what the command has for its own anyway */
    {L"p --sealed stdin --sealed stderr --fd 3=stdin -- x", L"stdin stdin=stdin *0 fd3 sealed;sealed *5;", L"x"},

    {L"p --pipe a=b -- {a}", L"pipe a=b *0;", L"{a}"},
    {L"p --pipe a=b --overlapped a -- {a}", L"pipe a=b *0 overlapped;", L"{a}"},
    {L"p --overlapped a --overlapped c --read a=b --fd 3=a --append c= -- {c}",
     L"read a=b *0 fd3 overlapped;append c= *0 overlapped;", L"{c}"},
    {L"p --listen a=b --connect c=d -- {a} {c}", L"listen a=b *0 overlapped;connect c=d *0 overlapped;", L"{a} {c}"},
    {L"p --listen a=b --connect c=d --stdin a --fd 3=c -- {a} {c}", L"stdin a;listen a=b *1;connect c=d *0 fd3;",
     L"{a} {c}"},
    {L"p --listen a=b --stdin a --overlapped a -- x", L"stdin a;listen a=b *1 overlapped;", L"x"},

    {L"p --lock a --wait 5s -- x", L"lock a;wait 5s;", L"x"},
    {L"p --extend a=b -- {a}", L"extend a=b *0;", L"{a}"},

    {L"p --env A=1 -- x", L"env A=1;", L"x"},
    {L"p --env A= -- x", L"env A=;", L"x"},
    {L"p --env A== -- x", L"env A==;", L"x"},
    {L"p --env \"A B=c \\\"d\\\" e\\\\\" -- x", L"env A B=c \"d\" e\\;", L"x"},
    {L"p --env \xD800=\xFFFF -- x", L"env \xD800=\xFFFF;", L"x"},
    {L"p --unset A -- x", L"env A;", L"x"},
    {L"p --unset \"A B\" -- x", L"env A B;", L"x"},
    {L"p --env A=1 --unset AA --env B=2 --env AAA=3 --unset C -- x", L"env A=1;env AA;env B=2;env AAA=3;env C;", L"x"},
    {L"p --env A={a} --read a=b -- x", L"read a=b *0;env A={a};", L"x"}, /* a use like another */
    {L"p --read a=b --env A=1 --env B={a:x} -- x", L"read a=b *0;env A=1;env B={a:x};", L"x"},
    {L"p --read a=b --env A={z}{{a}} -- {a}", L"read a=b *0;env A={z}{{a}};", L"{a}"},

    {L"p --parent 5 -- x", L"parent 5;", L"x"},
    {L"p --parent \"\" -- x", L"parent ;", L"x"},
    {L"p --parent=-- -- x", L"parent --;", L"x"},
    {L"p --parent=5 -- x", L"parent 5;", L"x"},
    {L"p --parent= -- x", L"parent ;", L"x"},
    {L"p --read=a=b=c --stdin=a --fd=3=a --env=A={a} --unset=B -- x", L"stdin a;read a=b=c *1 fd3;env A={a};env B;",
     L"x"},
    {L"p \"--read=a=b c\" --stderr=\"\" -- {a}", L"stderr ;read a=b c *0;closed *4;", L"{a}"},

    /* In a path a backslash is a backslash, so these end where they seem to. */
    {L"p --dir \"C:\\a b\\\" -- x", L"dir C:\\a b\\;", L"x"},
    {L"p --dir=\"C:\\a b\\\" -- \"x\" y", L"dir C:\\a b\\;", L"\"x\" y"},
    {L"p \"--dir=C:\\a b\\\" -- x", L"dir C:\\a b\\;", L"x"},
    {L"p --dir \"C:\\a\\\\\" --trace -- x", L"trace;dir C:\\a\\\\;", L"x"},
    {L"p --dir C:\\\"a b\"\\c -- x", L"dir C:\\a b\\c;", L"x"},
    {L"p --tee \"a b\\\" -- x", L"tee a b\\;", L"x"},
    {L"p --tee-append \"a b\\\" -- x", L"tee-append a b\\;", L"x"},
    {L"p --trace=json:\"a b\\\" -- x", L"trace=json a b\\;", L"x"},
    {L"p --trace=json -- x", L"trace=json;", L"x"},
    {L"p --trace --trace=json:a=b -- x", L"trace;trace=json a=b;", L"x"},
    {L"p --env \"A=\\\" -- b\" -- x", L"env A=\" -- b;", L"x"}, /* as it says */
    {L"p --parent --help -- x", L"parent --help;", L"x"},
    {L"p --parent 5 --stdin a --env A=1 --trace --copy a=b --unset B -- x",
     L"trace;stdin a;parent 5;copy a=b *1;env A=1;env B;", L"x"},

    /* Nothing after these is read, whatever it is, and no command is needed. */
    {L"p --help", L"help;", NULL},
    {L"p --version", L"version;", NULL},
    {L"p --help --bogus --", L"help;", NULL},
    {L"p --help=codes", L"help codes;", NULL},
    {L"p -h", L"help;", NULL},
    {L"p /? -- x", L"help;", NULL},
    {L"p help codes", L"help;", NULL},
    {L"p -V", L"version;", NULL},
    {L"p --help --version", L"help;", NULL},
    {L"p --version --help -- x", L"version;", NULL},
    {L"p --trace --help --parent", L"help;trace;", NULL},
    {L"p --stdin a --help", L"help;stdin a;", NULL},
    {L"p --fd nothing --help", L"help;", NULL},
    {L"p --copy unused=x --version", L"version;copy unused=x *0;", NULL},
};

START_TEST(options_row)
{
    const struct row *row = &rows[_i];
    const wchar_t *command;

    require(parse(row->line), "'%s': %s", shown(row->line), options.fault);
    require(wcscmp(described(), row->read) == 0, "'%s' is read as '%s', not '%s'", shown(row->line), shown(described()),
            shown(row->read));
    ck_assert_ptr_null(options.fault);
    command = options.request.command_line;
    require((command == NULL) == (row->command == NULL), "'%s': a command line or none", shown(row->line));
    if (command == NULL)
        return;
    require(command == line + wcslen(row->line) - wcslen(row->command), "'%s' leaves '%s'", shown(row->line),
            shown(command));
    ck_assert((options.request.variables != NULL) == (wcsstr(row->read, L"env ") != NULL));
}
END_TEST

/* --- faults ---------------------------------------------------------------------------------- */

#define NO_COMMAND "no command: it follows the options after -- (see --help)"
#define NO_OPTION "there is no option"
#define NO_DASHES "-- belongs before the command, and quotes around blanks:"
#define NO_VALUE "the option needs a value:"
#define NO_PAIR "expected NAME=VALUE, not"
#define BAD_NAME "a name has letters, digits, '_', '-' and '.' only, not"
#define NAME_TWICE "two handles of the name"
#define NO_TEXT "expected VARIABLE=TEXT, not"
#define NO_VARIABLE "expected a variable, not"
#define TWICE "given twice:"
#define NO_STREAM "a stream of a name that no option declares:"
#define NO_MAPPING "expected NUMBER=NAME, not"
#define BAD_NUMBER "descriptors go from 3 to 2047 (0 to 2 are --stdin, --stdout, --stderr), not"
#define NO_DESCRIPTOR "a descriptor of a name that no option declares:"
#define OWN_NAME "handoff's own streams have that name already:"
#define NO_NAME "no option declares the name"
#define NOT_OVERLAPPED "--overlapped is for files, pipes and sockets that handoff opens, not"
#define UNUSED_SOCKET                                                                                                  \
    "nothing uses the socket ({NAME.port} is only its port: mention it as {NAME} too, or make it a stream or a "       \
    "descriptor):"
#define TWO_HANDLES "the descriptor is given twice:"
#define VARIABLE_TWICE "the variable is given twice:"
#define SWALLOWED                                                                                                      \
    "the -- before the command is in the value of this option: a quote is missing, or comes behind a \\ (write "       \
    "\"%~dp0.\" for \"%~dp0\"):"
#define UNUSED "nothing uses the handle (mention it as {name}, or make it a stream or a descriptor):"

static const struct fault_row {
    const wchar_t *line;
    const char *fault;
    const wchar_t *subject; /* NULL: none */
} fault_rows[] = {
    {L"", NO_COMMAND, NULL},
    {L"p", NO_COMMAND, NULL},
    {L"p ", NO_COMMAND, NULL},
    {L"p --", NO_COMMAND, NULL},
    {L"p -- \t ", NO_COMMAND, NULL},
    {L"p --trace", NO_COMMAND, NULL},
    {L"p --trace --", NO_COMMAND, NULL},
    {L"p --read a=b", NO_COMMAND, NULL},
    {L"p --read a=-- ", NO_COMMAND, NULL},
    {L"p --parent=--", NO_COMMAND, NULL},
    {L"p --stdin nothing", NO_COMMAND, NULL},
    {L"-- x", NO_DASHES, L"x"}, /* the first word is the prefix's own name */

    {L"p x", NO_DASHES, L"x"},
    {L"p x -- y", NO_DASHES, L"x"},
    {L"p --bogus -- x", NO_OPTION, L"--bogus"},
    {L"p --bogus --help", NO_OPTION, L"--bogus"},
    {L"p --Trace -- x", NO_OPTION, L"--Trace"},
    {L"p --trac -- x", NO_OPTION, L"--trac"},
    {L"p --tracer -- x", NO_OPTION, L"--tracer"},
    {L"p -trace -- x", NO_OPTION, L"-trace"},
    {L"p trace -- x", NO_DASHES, L"trace"},
    {L"p xxtrace -- x", NO_DASHES, L"xxtrace"},
    {L"p -xtrace -- x", NO_OPTION, L"-xtrace"},
    {L"p x-trace -- x", NO_DASHES, L"x-trace"},
    {L"p /trace -- x", NO_DASHES, L"/trace"},
    {L"p --trace=1 -- x", NO_OPTION, L"--trace=1"},
    {L"p --seal= -- x", NO_OPTION, L"--seal="},
    {L"p --parent:5 -- x", NO_OPTION, L"--parent:5"},
    {L"p --trace=jsonx -- x", NO_OPTION, L"--trace=jsonx"},
    {L"p --trace=json=x -- x", NO_OPTION, L"--trace=json=x"},
    {L"p -H -- x", NO_OPTION, L"-H"},
    {L"p -v -- x", NO_OPTION, L"-v"},
    {L"p \"--trace \" -- x", NO_OPTION, L"--trace "},
    {L"p --- -- x", NO_OPTION, L"---"},
    {L"p - -- x", NO_OPTION, L"-"},
    {L"p \"\" -- x", NO_DASHES, L""},
    {L"p --\xD800 -- x", NO_OPTION, L"--\xD800"},
    {L"p --trace x -- y", NO_DASHES, L"x"}, /* a flag takes no value */
    {L"p --read a=b c -- x", NO_DASHES, L"c"},

    {L"p --parent", NO_VALUE, L"--parent"},
    {L"p --read", NO_VALUE, L"--read"},
    {L"p --stdin ", NO_VALUE, L"--stdin"},
    {L"p --env", NO_VALUE, L"--env"},
    {L"p --trace --unset", NO_VALUE, L"--unset"},

    {L"p --read a -- x", NO_PAIR, L"a"},
    {L"p --read \"\" -- x", NO_PAIR, L""},
    {L"p --read -- x", NO_VALUE, L"--read"},
    {L"p --stdin -- x", NO_VALUE, L"--stdin"},
    {L"p --parent -- -- x", NO_VALUE, L"--parent"},
    {L"p --dir -- x", NO_VALUE, L"--dir"},
    {L"p --dir", NO_VALUE, L"--dir"},
    {L"p --read \"a b\" -- x", NO_PAIR, L"a b"},
    {L"p --read =b -- x", BAD_NAME, L""},
    {L"p --read a:x=b -- x", BAD_NAME, L"a:x"},
    {L"p --read {a}=b=c -- x", BAD_NAME, L"{a}"},
    {L"p --read \"a =b\" -- x", BAD_NAME, L"a "},
    {L"p --read \xE4=b -- x", BAD_NAME, L"\xE4"},
    {L"p --read \x0161=b -- x", BAD_NAME, L"\x0161"},
    {L"p --read a=b --read a=c -- {a}", NAME_TWICE, L"a"},
    {L"p --read a=b --read c=d --copy a=b -- {a}", NAME_TWICE, L"a"},

    {L"p --env A -- x", NO_TEXT, L"A"},
    {L"p --env =A -- x", NO_TEXT, L"=A"},
    {L"p --env =C:=x -- x", NO_TEXT, L"=C:=x"},
    {L"p --env = -- x", NO_TEXT, L"="},
    {L"p --env \"\" -- x", NO_TEXT, L""},
    {L"p --unset A=1 -- x", NO_VARIABLE, L"A=1"},
    {L"p --unset A= -- x", NO_VARIABLE, L"A="},
    {L"p --unset =C: -- x", NO_VARIABLE, L"=C:"},
    {L"p --unset \"\" -- x", NO_VARIABLE, L""},

    {L"p --trace --trace -- x", TWICE, L"--trace"},
    {L"p --parent 5 --parent 6 -- x", TWICE, L"--parent"},
    {L"p --stdin a --stdin a --read a=b -- x", TWICE, L"--stdin"},
    {L"p --stderr a --read a=b --stderr c -- x", TWICE, L"--stderr"},

    {L"p --stdin a -- x", NO_STREAM, L"a"},
    {L"p --read a=b --stdout A -- {a}", NO_STREAM, L"A"},
    {L"p --read ab=c --stdout a -- {ab}", NO_STREAM, L"a"},
    {L"p --read a=b --stdout ab -- {a}", NO_STREAM, L"ab"},
    {L"p --stdout \" \" -- x", NO_STREAM, L" "},
    {L"p --stderr c --stdout b --stdin a -- x", NO_STREAM, L"a"}, /* the first stream */
    {L"p --stdin a --read b=x -- x", NO_STREAM, L"a"},            /* before what is unused */

    {L"p --fd", NO_VALUE, L"--fd"},
    {L"p --fd 3 -- x", NO_MAPPING, L"3"},
    {L"p --fd \"\" -- x", NO_MAPPING, L""},
    {L"p --fd =a --copy a=b -- x", NO_MAPPING, L"=a"},
    {L"p --fd a=3 --copy a=b -- x", NO_MAPPING, L"a=3"},
    {L"p --fd a --copy a=b -- x", NO_MAPPING, L"a"},
    {L"p --fd 3x=a --copy a=b -- x", NO_MAPPING, L"3x=a"},
    {L"p --fd \"3 =a\" --copy a=b -- x", NO_MAPPING, L"3 =a"},
    {L"p --fd +3=a --copy a=b -- x", NO_MAPPING, L"+3=a"},
    {L"p --fd 0x=a --copy a=b -- x", NO_MAPPING, L"0x=a"},
    {L"p --fd 18446744073709551619=a --copy a=b -- x", NO_MAPPING, L"18446744073709551619=a"}, /* 3, modulo 2^64 */
    {L"p --fd 0=a --copy a=b -- x", BAD_NUMBER, L"0"},
    {L"p --fd 2=a --copy a=b -- x", BAD_NUMBER, L"2"},
    {L"p --fd 2048=a --copy a=b -- x", BAD_NUMBER, L"2048"},
    {L"p --fd 4294967299=a --copy a=b -- x", BAD_NUMBER, L"4294967299"}, /* 3, modulo 2^32 */
    {L"p --fd 3=a -- x", NO_DESCRIPTOR, L"a"},
    {L"p --fd 3=c --copy a=b -- x", NO_DESCRIPTOR, L"c"},
    {L"p --fd 3=A --copy a=b -- x", NO_DESCRIPTOR, L"A"},
    {L"p --fd 3=a=b --copy a=b -- x", NO_DESCRIPTOR, L"a=b"},
    {L"p --fd 3=a --fd 3=a --copy a=b -- x", TWO_HANDLES, L"3"},
    {L"p --fd 3=a --fd 4=a --fd 0x4=a --copy a=b -- x", TWO_HANDLES, L"0x4"},
    {L"p --fd 3=a --fd 4=a --fd 4=c --copy a=b --copy c=d -- x", TWO_HANDLES, L"4"},
    {L"p --fd 3=stdin --fd 3=stdout -- x", TWO_HANDLES, L"3"},
    {L"p --fd 3=a --fd 0x3=c --copy a=b --copy c=d -- x", TWO_HANDLES, L"0x3"},
    {L"p --fd bad --stdin a -- x", NO_STREAM, L"a"},     /* streams first */
    {L"p --fd bad --copy a=b -- x", NO_MAPPING, L"bad"}, /* before what is unused */

    {L"p --read stdin=b -- {stdin}", OWN_NAME, L"stdin"},
    {L"p --listen stdout=b -- x", OWN_NAME, L"stdout"},
    {L"p --copy a=b --steal stderr=b -- x", OWN_NAME, L"stderr"},
    {L"p --sealed", NO_VALUE, L"--sealed"},
    {L"p --sealed a -- x", NO_NAME, L"a"},
    {L"p --sealed A --read a=b -- {a}", NO_NAME, L"A"},
    {L"p --overlapped \"\" --read a=b -- {a}", NO_NAME, L""},
    {L"p --sealed a --read a=b -- x", UNUSED, L"a"},                 /* to be sealed is no use */
    {L"p --overlapped a --extend a=b -- {a}", NOT_OVERLAPPED, L"a"}, /* which has no place to begin at then */
    {L"p --overlapped a --event a=b -- {a}", NOT_OVERLAPPED, L"a"},
    {L"p --overlapped a --handle a=4 -- {a}", NOT_OVERLAPPED, L"a"},
    {L"p --overlapped stdin -- {stdin}", NOT_OVERLAPPED, L"stdin"},
    {L"p --lock a --lock b -- x", TWICE, L"--lock"},
    {L"p --listen a=b --env PORT={a.port} -- {a.port}", UNUSED_SOCKET, L"a"},
    {L"p --connect a=b -- x", UNUSED_SOCKET, L"a"},

    {L"p --read a=b -- x", UNUSED, L"a"},
    {L"p --read a=b -- a {A} {{a}} {{a:x}} {a:X}", UNUSED, L"a"},
    {L"p --read a=b --read c=d -- {a}", UNUSED, L"c"},
    {L"p --read a=b --read c=d -- x", UNUSED, L"a"},
    {L"p --read a={c} --read c=d -- {a}", UNUSED, L"c"}, /* a path is no use */
    {L"p {a} --read a=b -- x", NO_DASHES, L"{a}"},
    {L"p --parent {a} --read a=b -- x", UNUSED, L"a"},
    {L"p --read a=b --env {a}=1 -- x", UNUSED, L"a"}, /* nor a variable's name */
    {L"p --read a=b --env A={{a}} -- x", UNUSED, L"a"},
    {L"p --read a=b --unset {a} -- x", UNUSED, L"a"},

    {L"p --env A=1 --env A=2 -- x", VARIABLE_TWICE, L"A=2"},
    {L"p --env aB=1 --env Ab= -- x", VARIABLE_TWICE, L"Ab="},
    {L"p --env A=1 --env B=1 --unset a -- x", VARIABLE_TWICE, L"a"},
    {L"p --unset A --unset A -- x", VARIABLE_TWICE, L"A"},

    {L"p --env \"A=C:\\b\\\" -- x", SWALLOWED, L"--env"},
    {L"p --env=\"A=C:\\b\\\" -- x \"y z\"", SWALLOWED, L"--env"},
    {L"p --read \"a=C:\\b\\\" --trace -- x", SWALLOWED, L"--read"},
    {L"p --read \"a=C:\\b\\\" --stdout \"a b\" -- x", SWALLOWED, L"--read"},
    {L"p --trace --env \"A=b -- x", SWALLOWED, L"--env"},
    {L"p --env \"A=b -- x\" --", SWALLOWED, L"--env"},
    {L"p --env \"A=b --c\" --", NO_COMMAND, NULL},
};

START_TEST(options_fault_row)
{
    const struct fault_row *row = &fault_rows[_i];

    require(!parse(row->line), "'%s' is accepted", shown(row->line));
    ck_assert_str_eq(options.fault, row->fault);
    require((options.subject == NULL) == (row->subject == NULL), "'%s': a subject or none", shown(row->line));
    require(row->subject == NULL || wcscmp(options.subject, row->subject) == 0, "'%s': subject '%s', not '%s'",
            shown(row->line), shown(options.subject), shown(row->subject));
}
END_TEST

/* --- any line -------------------------------------------------------------------------------- */

static bool is_inside(const void *at, const void *start, size_t size)
{
    return (uintptr_t)at >= (uintptr_t)start && (uintptr_t)at < (uintptr_t)start + size;
}

/* What holds of each line that is accepted, whatever is in it. */
static void check_accepted(void)
{
    struct request *request = &options.request;
    const wchar_t *command = request->command_line;
    uint32_t streams = request->closed_streams, pass;

    if (options.values[OPTION_HELP] != NULL || options.values[OPTION_VERSION] != NULL) {
        require(command == NULL, "'%s': help and a command line", shown(line));
        return;
    }
    require(is_inside(command, line, wcslen(line) * sizeof *line) && *command > L' ', "'%s': no command", shown(line));
    if (request->pass_count > 0)
        require(request_check(request, &pass) == REQUEST_OK, "'%s': pass %u", shown(line), pass);
    for (uint32_t i = 0; i < request->pass_count; i++) {
        require(request->passes[i].placeholder.used || request->passes[i].streams != 0 || request->passes[i].fd != 0,
                "'%s': unused", shown(line));
        if (options.sources[i].origin == ORIGIN_OPTION) {
            require(is_inside(request->passes[i].placeholder.name, memory, memory_size), "'%s': name", shown(line));
            require(is_inside(options.sources[i].what, memory, memory_size), "'%s': source", shown(line));
        }
        streams |= request->passes[i].streams;
    }
    for (uint32_t i = 0; i < STREAM_COUNT; i++)
        require((streams >> i & 1) == (options.values[OPTION_STDIN + i] != NULL), "'%s': stream %u", shown(line), i);
}

/* Words in all spellings, in good and in bad order: the bounds are before untouchable pages. */
START_TEST(options_of_any_line)
{
    static const wchar_t *const pieces[] = {
        L"--copy a=b",
        L"--copy \"b=c d\"",
        L"--read c=",
        L"--env A={a}",
        L"--env \"B=\\\"{b}\\\"\"",
        L"--unset C",
        L"--stdin a",
        L"--stdout b",
        L"--stderr c",
        L"--parent \"\"",
        L"--trace",
        L"--fd 5=c",
        L"--fd 6=c --fd 7=stdin",
        L"--sealed c",
        L"--stdin \"\"",
        L"-- {a} {b} {c}",
        L"-- {b}\"",
        L"--",
        L"--copy",
        L"--env",
        L"a=b",
        L"\"",
        L"\"\"",
        L"\\",
        L"\\\"",
        L"\\\\\"",
        L"\xD800",
        L"--help",
        L"{a}",
        L"--copy=",
        L"--copy \"",
        L"-",
        L"\t",
        L"--copy d=x",
    };
    enum { GOOD = 15 };
    long accepted = 0, variables = 0;

    for (int trial = 0; trial < 60000; trial++) {
        wchar_t room[LINE_ROOM];
        struct text text = {.at = room, .capacity = LENGTH(room)};
        bool good = random_below(4) != 0;

        text_put(&text, random_below(3) == 0 ? L"" : L"p");
        for (uint32_t count = random_below(9); count > 0; count--) {
            text_put(&text, random_below(8) == 0 && !good ? L"" : L" ");
            text_put(&text, pieces[random_below(good ? GOOD : LENGTH(pieces))]);
        }
        ck_assert(text_end(&text));
        if (parse(room)) {
            require(options.fault == NULL, "'%s': a fault", shown(line));
            check_accepted();
            accepted++;
            variables += options.request.variables != NULL;
            continue;
        }
        require(options.fault != NULL, "'%s': no fault", shown(line));
        require(options.subject == NULL || is_inside(options.subject, memory, memory_size), "'%s': subject",
                shown(line));
    }
    ck_assert_int_gt(accepted, 1000);
    ck_assert_int_gt(variables, 100);
}
END_TEST

/* A line, made from what it is to say. */
struct saying {
    wchar_t line[LINE_ROOM], read[LINE_ROOM], command[100];
};

static void put_word(struct text *text, const wchar_t *word)
{
    /* Quotes that nobody needs are as good. */
    if (random_below(4) == 0 && wcspbrk(word, L"\"\\ \t") == NULL && *word != L'\0')
        text_format(text, " \"%w\"", word);
    else
        line_put_argument(text, word);
}

static void random_value(wchar_t *value, uint32_t most)
{
    static const wchar_t units[] = L"abZ09=  \t\"\"\\\\\\'%^&|<>(){}-./:,;\xE9\xD800\xDC00\xFFFF\x1\n";
    uint32_t length = random_below(most + 1);

    for (uint32_t i = 0; i < length; i++)
        value[i] = units[random_below(LENGTH(units) - 1)];
    value[length] = L'\0';
}

enum { MOST_OPTIONS = 16 };

struct said {
    uint32_t option, fd;
    wchar_t name[8], value[40], word[60];
};

/* Each name of a handle once, each stream at most once; all used somewhere. */
static size_t random_options(struct said *said)
{
    size_t count = random_below(MOST_OPTIONS + 1);
    uint32_t passes = 0;
    uint64_t given = 0;

    for (size_t i = 0; i < count; i++) {
        static const uint32_t kinds[] = {OPTION_TRACE, OPTION_ENV,  OPTION_ENV,  OPTION_UNSET, OPTION_PARENT,
                                         OPTION_READ,  OPTION_READ, OPTION_COPY, OPTION_COPY};
        uint32_t option = kinds[random_below(LENGTH(kinds))];

        if (option_table[option].kind <= OPTION_VALUE && (given >> option & 1) != 0)
            option = OPTION_UNSET;
        given |= 1ull << option;
        said[i].option = option;
        said[i].fd = 0;
        random_value(said[i].value, LENGTH(said[i].value) - 1);
        if (option_table[option].kind == OPTION_SOURCE)
            swprintf(said[i].name, LENGTH(said[i].name), L"%lc%u", L"aB_.-"[random_below(5)], (unsigned)passes++);
        else
            swprintf(said[i].name, LENGTH(said[i].name), L"%lc%u", L"V ({\xD800"[random_below(5)], (unsigned)i);
        swprintf(said[i].word, LENGTH(said[i].word), L"%ls=%ls", said[i].name, said[i].value);
        if (option == OPTION_UNSET)
            wcscpy(said[i].word, said[i].name);
        if (option == OPTION_PARENT)
            wcscpy(said[i].word, said[i].value);
    }
    return count;
}

static void insert(struct said *said, size_t *count, size_t place, const struct said *new)
{
    memmove(&said[place + 1], &said[place], (*count - place) * sizeof *said);
    said[place] = *new;
    (*count)++;
}

/* Streams and descriptors are said before, among and after the other options. */
static void random_streams(struct said *said, size_t *count)
{
    size_t others = *count;

    for (uint32_t stream = 0; stream < STREAM_COUNT && others > 0; stream++) {
        size_t chosen = random_below((uint32_t)*count), place = random_below((uint32_t)*count + 1);
        struct said new = {.option = OPTION_STDIN + stream};

        if (option_table[said[chosen].option].kind != OPTION_SOURCE)
            continue;
        wcscpy(new.name, said[chosen].name);
        wcscpy(new.word, said[chosen].name);
        insert(said, count, place, &new);
    }
}

static void random_descriptors(struct said *said, size_t *count)
{
    for (uint32_t descriptor = 3; descriptor < 6 && *count > 0; descriptor++) {
        struct said *chosen = &said[random_below((uint32_t)*count)], new = {.option = OPTION_DESCRIPTOR};

        if (option_table[chosen->option].kind != OPTION_SOURCE || chosen->fd != 0)
            continue;
        chosen->fd = descriptor;
        swprintf(new.word, LENGTH(new.word), random_below(2) ? L"%u=%ls" : L"0x%x=%ls", descriptor, chosen->name);
        insert(said, count, random_below((uint32_t)*count + 1), &new);
    }
}

static uint32_t streams_of(const struct said *said, size_t count, const wchar_t *name)
{
    uint32_t streams = 0;

    for (size_t i = 0; i < count; i++) {
        if (option_table[said[i].option].kind == OPTION_STREAM && wcscmp(said[i].name, name) == 0)
            streams |= 1u << (said[i].option - OPTION_STDIN);
    }
    return streams;
}

/* What described() is to give: by options, then by passes, then by variables. */
static void put_read(struct text *text, const struct said *said, size_t count)
{
    for (uint32_t option = 0; option < OPTION_COUNT; option++) {
        for (size_t i = 0; i < count; i++) {
            if (said[i].option == option && option_table[option].kind == OPTION_FLAG)
                text_format(text, "%s;", option_table[option].name);
            else if (said[i].option == option &&
                     (option == OPTION_PARENT || option_table[option].kind == OPTION_STREAM))
                text_format(text, "%s %w;", option_table[option].name, said[i].word);
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (option_table[said[i].option].kind != OPTION_SOURCE)
            continue;
        text_format(text, "%s %w *%u", option_table[said[i].option].name, said[i].word,
                    streams_of(said, count, said[i].name));
        if (said[i].fd != 0)
            text_format(text, " fd%u", said[i].fd);
        text_put_unit(text, L';');
    }
    for (size_t i = 0; i < count; i++) {
        if (said[i].option == OPTION_ENV || said[i].option == OPTION_UNSET)
            text_format(text, "env %w;", said[i].word);
    }
}

static void make_saying(struct saying *saying)
{
    static struct said said[MOST_OPTIONS + STREAM_COUNT + 3];
    struct text text = {.at = saying->line, .capacity = LENGTH(saying->line)};
    struct text read = {.at = saying->read, .capacity = LENGTH(saying->read)};
    struct text command = {.at = saying->command, .capacity = LENGTH(saying->command)};
    size_t count = random_options(said);

    random_streams(said, &count);
    random_descriptors(said, &count);
    put_read(&read, said, count);
    text_put(&text, random_below(2) ? L"p" : L"\"C:\\Program Files\\p.exe\"");
    text_put(&command, L"x");
    for (size_t i = 0; i < count; i++) {
        text_format(&text, " --%s", option_table[said[i].option].name);
        if (option_table[said[i].option].kind != OPTION_FLAG)
            put_word(&text, said[i].word);
        if (option_table[said[i].option].kind == OPTION_SOURCE && said[i].fd == 0 &&
            streams_of(said, count, said[i].name) == 0)
            text_format(&command, random_below(2) ? "{%w}" : " {%w:x}", said[i].name);
    }
    ck_assert(text_end(&command));
    text_format(&text, " -- %w", saying->command);
    ck_assert(text_end(&text) && text_end(&read));
}

/* The caller may add as many passes as it wanted room for: they must not touch what was read. */
static void add_passes(uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct pass *pass = &options.request.passes[options.request.pass_count + i];

        memset(pass, 0xAA, sizeof *pass);
        require(is_inside(pass + 1, memory, memory_size), "'%s': no room", shown(line));
    }
}

START_TEST(options_as_they_were_said)
{
    static struct saying saying;

    for (int trial = 0; trial < 10000; trial++) {
        uint32_t room = random_below(3) == 0 ? random_below(3000) : random_below(8);
        const wchar_t *command;

        make_saying(&saying);
        require(parse_with_room(saying.line, room), "trial %d: '%s': %s '%s'", trial, shown(saying.line), options.fault,
                shown(options.subject));
        check_accepted();
        command = options.request.command_line;
        require(wcscmp(command, saying.command) == 0, "trial %d: '%s'", trial, shown(command));
        require(command == line + wcslen(line) - wcslen(command), "trial %d: elsewhere", trial);
        add_passes(room);
        require(wcscmp(described(), saying.read) == 0, "trial %d: '%s' is read as '%s', not '%s'", trial,
                shown(saying.line), shown(described()), shown(saying.read));
    }
}
END_TEST

/* The most that a line can say: of each kind as many as fit, in all lengths around. */
START_TEST(options_of_full_lines)
{
    static const char *const formats[] = {" --copy %c%c%c=", " --env %c%c%c=", " --env \"%c%c%c=\"", " --unset %c%c%c",
                                          " --copy %c%c%c=\\\\\\\\"};
    static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz_-."; /* in one case */
    enum { BASE = sizeof digits - 1 };

    for (size_t kind = 0; kind < LENGTH(formats); kind++) {
        for (uint32_t count = 0; count < 3000; count += 1 + count / 4) {
            static wchar_t room[1 << 16];
            struct text text = {.at = room, .capacity = LENGTH(room)};
            uint32_t names = 0;

            for (uint32_t i = 0; i < count; i++) {
                char option[40];

                snprintf(option, sizeof option, formats[kind], digits[i / BASE / BASE], digits[i / BASE % BASE],
                         digits[i % BASE]);
                text_put_ascii(&text, option);
            }
            text_put_ascii(&text, " --trace");
            for (uint32_t cut = 0; cut < 3; cut++) { /* no command, then a short one */
                ck_assert(text_end(&text));
                require(!parse(room) || cut == 2, "kind %zu, %u options: accepted", kind, count);
                if (cut < 2)
                    text_put_ascii(&text, cut == 0 ? " --" : " x");
            }
            for (const wchar_t *at = options.request.variables; at != NULL && *at != L'\0'; at += wcslen(at) + 1)
                names++;
            names += options.request.pass_count + options.mention_count;
            if (options.fault != NULL)
                names -= STREAM_COUNT; /* which are still among them */
            require(names == count, "kind %zu: %u of %u options", kind, names, count);
            require(count == 0 || formats[kind][3] != 'c' || options.fault != NULL, "kind %zu: nothing uses it", kind);
        }
    }
}
END_TEST

Suite *options_suite(void)
{
    Suite *suite = suite_create("options");
    TCase *tcase = tcase_create("options_parse");

    tcase_add_loop_test(tcase, options_row, 0, LENGTH(rows));
    tcase_add_loop_test(tcase, options_fault_row, 0, LENGTH(fault_rows));
    tcase_add_test(tcase, options_of_any_line);
    tcase_add_test(tcase, options_as_they_were_said);
    tcase_add_test(tcase, options_of_full_lines);
    suite_add_tcase(suite, tcase);
    return suite;
}
