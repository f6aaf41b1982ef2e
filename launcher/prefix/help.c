#include "command.h"

#include "voice.h"

static const char summary[] = "usage: handoff [OPTION]... -- COMMAND LINE    (--option=value is as good)\r\n"
                              "Starts the command with handles that are opened for it, and with nothing else.\r\n"
                              "\r\n"
                              "Sources     --read, --write, --append, --extend, --update NAME=PATH      files\r\n"
                              "            --pipe NAME=\\\\.\\pipe\\P    --handle NAME=NUMBER   --process NAME=PID\r\n"
                              "            --listen, --connect NAME=HOST:PORT   sockets; {NAME.port}: the port\r\n"
                              "            --event, --mutex NAME=OBJECT  --semaphore, --mapping NAME=OBJECT,N\r\n"
                              "            --copy, --steal NAME=HANDLE  --report HANDLE  with --parent PID\r\n"
                              "            stdin, stdout, stderr: handoff's own  --wait 10s for what is taken\r\n"
                              "Sinks       {NAME} in the command line: its number; {NAME:x} hexadecimal\r\n"
                              "            --stdin, --stdout, --stderr NAME    (\"\": none)    --fd NUMBER=NAME\r\n"
                              "            --env VARIABLE=TEXT with {NAME}    --unset VARIABLE\r\n"
                              "            --seal, --sealed NAME  not for its children      --overlapped NAME\r\n"
                              "Running     --dir PATH   --detach  --kill-on-exit  --wait-tree   --timeout 10s\r\n"
                              "            --lock PATH  --relay  --tee PATH, --tee-append PATH\r\n"
                              "            --dry-run    --trace[=json[:PATH]]   --quiet   --code N if taken\r\n"
                              "\r\n"
                              "Exit code: the command's; 127 not found, 126 cannot be run, 125 handoff failed,\r\n"
                              "124 --timeout, 123 taken, 122 lost. More: --help sources|sinks|running|codes\r\n"
                              "Example: handoff --read cfg=app.ini -- server.exe --config-handle {cfg}\r\n";

static const char sources[] = "Each source has a NAME of letters, digits, '_', '-' and '.'.\r\n"
                              "  --read NAME=PATH        existing; others may read, write and delete it\r\n"
                              "  --write NAME=PATH       created or emptied; nobody else may write\r\n"
                              "  --append NAME=PATH      created if absent; every write goes to its end,\r\n"
                              "                          whoever writes too. Not for Cygwin, MSYS2 and Git\r\n"
                              "  --extend NAME=PATH      the same for those; begins at the end, as >> does\r\n"
                              "  --update NAME=PATH      created if absent; nobody else may write\r\n"
                              "  --pipe NAME=\\\\.\\pipe\\P  an existing named pipe, as its client\r\n"
                              "  --listen NAME=HOST:PORT a listening socket; port 0: any, see {NAME.port}\r\n"
                              "  --connect NAME=HOST:PORT a connected one; [::1]:80 for IPv6\r\n"
                              "  --event NAME=OBJECT     a named event; if absent: manual reset, not set\r\n"
                              "  --mutex NAME=OBJECT     a named mutex, created if absent\r\n"
                              "  --semaphore NAME=OBJECT,COUNT   created with that count if absent\r\n"
                              "  --mapping NAME=OBJECT,BYTES     created if absent; without: opened\r\n"
                              "  --process NAME=PID      a process, to wait for and to ask its exit code\r\n"
                              "  --handle NAME=NUMBER    a handle that handoff itself was given\r\n"
                              "  --copy NAME=HANDLE      a handle of the process --parent PID or PID:CREATED\r\n"
                              "  --steal NAME=HANDLE     the same, and it is closed there\r\n"
                              "  --report HANDLE         tell that process of the command over this pipe of\r\n"
                              "                          its own, and do not wait\r\n"
                              "  --wait TIME             try again what somebody else has or is not there yet:\r\n"
                              "                          a file to read, a pipe, a server\r\n"
                              "Example: handoff --listen s=127.0.0.1:0 --env PORT={s.port} -- server.exe {s}\r\n";

static const char sinks[] = "  {NAME}    the handle's number in the command, decimal; {NAME:x} hexadecimal;\r\n"
                            "            {{NAME}} a literal {NAME}. PowerShell wants quotes around '{NAME}'.\r\n"
                            "  --stdin NAME, --stdout NAME, --stderr NAME    an empty NAME closes the stream\r\n"
                            "            NAMEs stdin, stdout and stderr are handoff's own streams\r\n"
                            "  --fd NUMBER=NAME        the descriptor of its C runtime, 3 to 2047\r\n"
                            "            an empty NAME closes one that handoff itself was given\r\n"
                            "  --only-streams          it gets none of those\r\n"
                            "  --env VARIABLE=TEXT     a variable for the command; TEXT with placeholders\r\n"
                            "  --unset VARIABLE        no such variable for the command\r\n"
                            "  --seal                  no handle, not even a stream, is inheritable in the\r\n"
                            "                          command. Not for cmd.exe, which hands streams on so\r\n"
                            "  --sealed NAME           this one alone is not\r\n"
                            "  --overlapped NAME       file, pipe or socket is opened for overlapped I/O\r\n"
                            "Example: handoff --read key=secret.txt --fd 3=key -- tool.exe --key-fd 3\r\n";

static const char running[] = "By default handoff waits, holding nothing, and ends with the command's exit\r\n"
                              "code; if handoff is killed the command ends too. Ctrl-C is the command's.\r\n"
                              "  --dir PATH       where the command starts\r\n"
                              "  --detach         start it without streams, on a console of its own without a\r\n"
                              "                   window, out of the job if that lets it go, else a line says\r\n"
                              "                   so; print its pid and return\r\n"
                              "  --kill-on-exit   when handoff ends, all that the command started ends\r\n"
                              "  --wait-tree      wait for all that the command has started, too\r\n"
                              "  --timeout TIME   500ms, 1.5s, 5m, 1h, 1d; 0: none. Then the command and all\r\n"
                              "                   that it started is ended; a line says so, and code 124\r\n"
                              "                   (With these three a CREATE_BREAKAWAY_FROM_JOB is refused.)\r\n"
                              "  --relay          pass the output on, and end when the command does, though\r\n"
                              "                   something in the background has its output still open\r\n"
                              "  --tee PATH       the same, and put the output into a file too\r\n"
                              "  --tee-append PATH   and add it to what is in the file\r\n"
                              "  --lock PATH      a file that nobody else can lock while the command runs,\r\n"
                              "                   which does not get it\r\n"
                              "  --dry-run        say what would be started and with which handles\r\n"
                              "  --trace          say on stderr which handle became which, and how it ended;\r\n"
                              "                   =json for tools, =json:PATH adds it to a file\r\n"
                              "  --quiet          handoff says nothing itself, but of a wrong option\r\n"
                              "Example: handoff --tee build.log --timeout 10m -- build.cmd\r\n";

static const char codes[] = "The command's own exit code, all 32 bits of it. Otherwise:\r\n"
                            "  122   the command ended with 0, but some output could not be written\r\n"
                            "  123   somebody else has what is to be opened, also after --wait;\r\n"
                            "        with --code N it is N\r\n"
                            "  124   --timeout has ended the command\r\n"
                            "  125   handoff failed before there was a command\r\n"
                            "  126   the command was found but cannot be run\r\n"
                            "  127   the command was not found\r\n"
                            "A crash has a code over 0x7FFFFFFF, which cmd.exe takes for negative: \"if\r\n"
                            "errorlevel 1\" does not see it. \"if not %errorlevel% == 0\" and || do.\r\n";

BOOL show_help(const wchar_t *topic)
{
    static const struct {
        const char name[8];
        const char *text;
    } topics[] = {{"sources", sources}, {"sinks", sinks}, {"running", running}, {"codes", codes}};

    for (size_t i = 0; i < ARRAYSIZE(topics); i++) {
        if (text_equal_ascii(topic, topics[i].name)) {
            print_ascii(STD_OUTPUT_HANDLE, topics[i].text);
            return TRUE;
        }
    }
    if (*topic == L'\0')
        print_ascii(STD_OUTPUT_HANDLE, summary);
    return *topic == L'\0';
}

/* ---- words for options and names ---- */

/* What the options have for a name elsewhere. */
static const struct {
    char word[11];
    uint8_t option;
} synonyms[] = {
    {"cwd", OPTION_DIR},
    {"chdir", OPTION_DIR},
    {"C", OPTION_DIR},
    {"workdir", OPTION_DIR},
    {"kill", OPTION_KILL_ON_EXIT},
    {"E", OPTION_CODE},
    {"exit-code", OPTION_CODE},
    {"silent", OPTION_QUIET},
    {"q", OPTION_QUIET},
    {"background", OPTION_DETACH},
    {"input", OPTION_READ},
    {"output", OPTION_WRITE},
    {"file", OPTION_READ},
    {"log", OPTION_TEE},
    {"verbose", OPTION_TRACE},
    {"n", OPTION_DRY_RUN},
    {"w", OPTION_WAIT},
    {"t", OPTION_TIMEOUT},
    {"e", OPTION_ENV},
    {"set", OPTION_ENV},
    {"bind", OPTION_LISTEN},
    {"port", OPTION_LISTEN},
    {"socket", OPTION_LISTEN},
    {"inherit", OPTION_HANDLE},
};

enum { LONGEST = 15, TOO_FAR = 99 };

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* How many letters must be put in, left out or changed (Levenshtein). */
static uint32_t distance(const wchar_t *word, size_t word_length, const wchar_t *name, size_t length)
{
    uint32_t row[LONGEST + 2];

    if (word_length > LONGEST || length > LONGEST)
        return TOO_FAR;
    for (uint32_t j = 0; j <= (uint32_t)length; j++)
        row[j] = j;
    for (uint32_t i = 0; i < word_length; i++) {
        uint32_t diagonal = row[0]++;

        for (uint32_t j = 0; j < (uint32_t)length; j++) {
            uint32_t change = diagonal + (word[i] != name[j]);

            diagonal = row[j + 1];
            row[j + 1] = least(change, least(row[j], row[j + 1]) + 1);
        }
    }
    return row[length];
}

/* More is another word. */
static uint32_t too_far(size_t length)
{
    return least(3, (uint32_t)length);
}

static const char *find_nearest(const wchar_t *word, size_t length)
{
    const char *nearest = NULL;
    uint32_t best = too_far(length);

    for (size_t i = 0; i < OPTION_COUNT; i++) {
        wchar_t units[sizeof option_table->name];
        struct text name = {.at = units, .capacity = ARRAYSIZE(units)};
        uint32_t far_off;

        text_put_ascii(&name, option_table[i].name);
        far_off = distance(word, length, units, name.length);
        if (far_off >= best)
            continue;
        best = far_off;
        nearest = option_table[i].name;
    }
    return nearest;
}

static const char *find_synonym(const wchar_t *word, size_t length)
{
    for (size_t i = 0; i < ARRAYSIZE(synonyms); i++) {
        const char *synonym = synonyms[i].word;
        size_t same = 0;

        while (synonym[same] != '\0' && word[same] == (wchar_t)synonym[same])
            same++;
        if (synonym[same] == '\0' && same == length)
            return option_table[synonyms[i].option].name;
    }
    return NULL;
}

const char *nearest_option(const wchar_t *word)
{
    const char *nearest;
    size_t length = 0;

    while (*word == L'-')
        word++;
    while (word[length] != L'\0' && word[length] != L'=')
        length++;
    nearest = find_synonym(word, length);
    if (nearest == NULL)
        nearest = find_nearest(word, text_length(word)); /* of --trace=json the whole is the name */
    return nearest != NULL ? nearest : find_nearest(word, length);
}

const wchar_t *nearest_name(const struct options *options, const wchar_t *word)
{
    const wchar_t *nearest = NULL;
    size_t length = text_length(word);
    uint32_t best = too_far(length);

    for (uint32_t i = 0; i < options->request.pass_count; i++) {
        const wchar_t *name = options->request.passes[i].placeholder.name;
        uint32_t far_off = name != NULL ? distance(word, length, name, text_length(name)) : TOO_FAR;

        if (far_off >= best)
            continue;
        best = far_off;
        nearest = name;
    }
    return nearest;
}
