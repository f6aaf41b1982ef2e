#include "error.h"

#include "cmdline.h"
#include "lookup.h"
#include "stream.h"
#include "text.h"

static void put_pass(struct text *text, const struct pass *pass)
{
    if (pass->placeholder.name != NULL)
        text_put(text, pass->placeholder.name);
    for (int stream = 0; pass->placeholder.name == NULL && stream < STREAM_COUNT; stream++) {
        if (!has_stream(pass->streams, stream))
            continue;
        if (text->length > 0)
            text_put_unit(text, L'+');
        text_put_ascii(text, stream_name(stream));
    }
    if (pass->kind == PASS_JOB)
        text_put_ascii(text, "PROC_THREAD_ATTRIBUTE_JOB_LIST");
    else if (pass->placeholder.name == NULL && pass->streams == 0 && pass->fd != 0)
        text_format(text, "descriptor %u", pass->fd);
    else if (pass->placeholder.name == NULL && pass->streams == 0)
        text_format(text, "0x%x", pass->wanted);
}

static BOOL is_about_program(DWORD stage)
{
    return stage == HANDOFF_STAGE_FIND || stage == HANDOFF_STAGE_REWRITE || stage == HANDOFF_STAGE_CREATE;
}

void error_describe(struct handoff_error *error, const struct request *request, DWORD stage, DWORD pass, DWORD code)
{
    struct text subject = {.at = error->subject, .capacity = ARRAYSIZE(error->subject)};

    error->stage = stage;
    error->pass = pass;
    error->code = code;
    if (stage != HANDOFF_STAGE_ATTRIBUTE && pass < request->pass_count)
        put_pass(&subject, &request->passes[pass]);
    else if (is_about_program(stage) && request->application != NULL)
        text_put(&subject, request->application);
    else if (is_about_program(stage))
        line_program(&subject, request->command_line);
    text_end(&subject);
}

static const char *stage_text(DWORD stage)
{
    switch (stage) {
    case HANDOFF_STAGE_REQUEST: return "bad request";
    case HANDOFF_STAGE_OPEN: return "cannot open";
    case HANDOFF_STAGE_PREPARE: return "cannot prepare the spawn";
    case HANDOFF_STAGE_DUPLICATE: return "cannot duplicate the handle";
    case HANDOFF_STAGE_LAUNCHER: return "cannot start the launcher";
    case HANDOFF_STAGE_CONNECT: return "cannot reach the parent";
    case HANDOFF_STAGE_EXCHANGE: return "the launcher failed";
    case HANDOFF_STAGE_STEAL: return "cannot take the handle";
    case HANDOFF_STAGE_REWRITE: return "cannot write the command line";
    case HANDOFF_STAGE_UNUSED: return "nothing uses the handle";
    case HANDOFF_STAGE_FIND: return "cannot find the program";
    case HANDOFF_STAGE_CREATE: return "cannot run the program";
    case HANDOFF_STAGE_ADOPT: return "cannot take over the child";
    case HANDOFF_STAGE_SEAL: return "cannot seal the handle in the child";
    case HANDOFF_STAGE_RESUME: return "cannot resume the child";
    case HANDOFF_STAGE_REPORT: return "cannot report to the parent";
    case HANDOFF_STAGE_CLEAN_UP: return "cannot clean up";
    case HANDOFF_STAGE_NUMBER: return "cannot give the handle its number in the child";
    case HANDOFF_STAGE_IDENTITY: return "cannot impersonate again, and the thread is the process itself now";
    case HANDOFF_STAGE_VERSION: return "the launcher is of another version";
    case HANDOFF_STAGE_ATTRIBUTE: return "Windows does not take the attribute";
    default: return "failed";
    }
}

/* Where the program was looked for: see lookup.c. */
static const char *search_text(const wchar_t *name)
{
    if (name_has_directory(name))
        return "looked for only there, also with each extension of PATHEXT";
    return current_directory_counts()
               ? "looked for in the current directory and along PATH, with each extension of PATHEXT"
               : "looked for along PATH, with each extension of PATHEXT";
}

/* Whether it is a command that cmd.exe has inside itself, as `echo` and `echo.` are. */
static BOOL is_of_cmd(const wchar_t *name)
{
    static const char commands[][9] = {
        "assoc",    "break",    "call",  "cd",     "chdir", "cls",   "color", "copy", "date",   "del",    "dir",
        "echo",     "erase",    "exit",  "for",    "ftype", "goto",  "if",    "md",   "mkdir",  "mklink", "move",
        "path",     "pause",    "popd",  "prompt", "pushd", "rd",    "rem",   "ren",  "rename", "rmdir",  "set",
        "setlocal", "endlocal", "shift", "start",  "time",  "title", "type",  "ver",  "verify", "vol"};

    for (size_t c = 0; c < ARRAYSIZE(commands); c++) {
        const char *command = commands[c];
        size_t i = 0;

        while (command[i] != '\0' && (name[i] | 0x20) == command[i])
            i++;
        if (command[i] == '\0' && (name[i] == L'\0' || (name[i] == L'.' && name[i + 1] == L'\0')))
            return TRUE;
    }
    return FALSE;
}

enum { ELEVATION_REQUIRED = 740 };

/* What to do about a failure: at this stage (0: at any) and with this code (0: with any). The first that fits
 * counts. */
static const struct {
    uint16_t stage, code;
    const char *text;
} advice[] = {
    {HANDOFF_STAGE_UNUSED, 0, "mention it as {name}, or make it a stream or a descriptor"},
    {HANDOFF_STAGE_CREATE, ELEVATION_REQUIRED, "it needs elevation: start it from an elevated console"},
    {0, ERROR_TOO_MANY_OPEN_FILES, "descriptors go from 3 to 2047, each to one handle, and all fit into 65,535 bytes"},
    {HANDOFF_STAGE_REWRITE, ERROR_NOT_SUPPORTED,
     "cmd.exe would take the quoted arguments of a batch file for something else: give a command line"},
    {HANDOFF_STAGE_LAUNCHER, ERROR_BAD_EXE_FORMAT, "the program there is no handoff-launcher.exe"},
    {HANDOFF_STAGE_LAUNCHER, ERROR_FILE_NOT_FOUND, "handoff-launcher.exe belongs beside the program that uses it"},
    {HANDOFF_STAGE_STEAL, ERROR_ACCESS_DENIED, "the parent may be ending"},
    {HANDOFF_STAGE_STEAL, ERROR_NOT_SUPPORTED, "it is protected from being closed"},
    {HANDOFF_STAGE_VERSION, ERROR_REVISION_MISMATCH, "ship the handoff-launcher.exe that belongs to the library"},
    {HANDOFF_STAGE_CONNECT, ERROR_ACCESS_DENIED, "the same user must run both, and as elevated"},
    {HANDOFF_STAGE_NUMBER, ERROR_NO_MORE_ITEMS,
     "another handle has it there from the child's start on: duplicate yours, and pass that on"},
    {HANDOFF_STAGE_CLEAN_UP, 0, "a process of this spawn may stay behind: end it"},
    {HANDOFF_STAGE_CREATE, ERROR_BAD_EXE_FORMAT, "it is not a program that Windows can run"},
};

/* NULL: there is nothing to do. */
static const char *find_advice(const struct handoff_error *error)
{
    if (error->stage == HANDOFF_STAGE_FIND && error->code == ERROR_FILE_NOT_FOUND)
        return is_of_cmd(error->subject) ? "it is a command of cmd.exe itself: put cmd /c before it"
                                         : search_text(error->subject);
    for (size_t i = 0; i < ARRAYSIZE(advice); i++) {
        if ((advice[i].stage == 0 || advice[i].stage == error->stage) &&
            (advice[i].code == 0 || advice[i].code == error->code))
            return advice[i].text;
    }
    return NULL;
}

/* Windows' texts have %1 for what it is about. */
static void put_description(struct text *line, const wchar_t *description, DWORD length, const wchar_t *subject)
{
    for (DWORD i = 0; i < length; i++) {
        if (description[i] != L'%' || i + 1 == length || description[i + 1] < L'1' || description[i + 1] > L'9') {
            text_put_unit(line, description[i]);
            continue;
        }
        text_put_visible(line, *subject != L'\0' ? subject : L"it");
        i++;
    }
}

/* Windows' text for the code, without the full stop and line break that it ends with. */
void error_put_code(struct text *line, DWORD code, const wchar_t *subject)
{
    wchar_t description[256];
    DWORD length =
        FormatMessageW(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS | FORMAT_MESSAGE_MAX_WIDTH_MASK, NULL,
                       code, 0, description, ARRAYSIZE(description), NULL);

    while (length > 0 && (description[length - 1] <= L' ' || description[length - 1] == L'.'))
        length--;
    text_put_ascii(line, ": Win32 error ");
    if (code < 0x10000) {
        text_put_decimal(line, code);
    } else {
        text_put_ascii(line, "0x");
        text_put_hex(line, code);
    }
    if (length > 0)
        text_put_ascii(line, ": ");
    put_description(line, description, length, subject);
}

size_t WINAPI handoff_error_text(const struct handoff_error *error, wchar_t *text, size_t capacity)
{
    struct text line = {.at = text, .capacity = capacity};
    DWORD last_error = GetLastError(); /* which the caller may still want to see */
    const char *what_to_do;

    if (error == NULL || text == NULL || capacity == 0)
        return 0;
    text_put_ascii(&line, stage_text(error->stage));
    if (error->subject[0] != L'\0' || error->stage == HANDOFF_STAGE_FIND || error->stage == HANDOFF_STAGE_OPEN)
        text_put_quoted(&line, error->subject);
    error_put_code(&line, error->code, error->subject);
    what_to_do = find_advice(error);
    if (what_to_do != NULL)
        text_format(&line, " (%s)", what_to_do);
    if (error->unreclaimed != 0)
        text_format(&line, "; handles left open: %u", error->unreclaimed);
    text_end(&line);
    SetLastError(last_error);
    return text_length(text);
}
