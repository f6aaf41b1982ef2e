/* The one form of every error line, for the library and for the launcher's own voice. */
#include <windows.h>

#include "handoff.h"
#include "text.h"

static const wchar_t *stage_text(DWORD stage)
{
    switch (stage) {
    case HANDOFF_STAGE_REQUEST: return L"bad request";
    case HANDOFF_STAGE_OPEN: return L"cannot open";
    case HANDOFF_STAGE_PREPARE: return L"cannot prepare the spawn";
    case HANDOFF_STAGE_DUPLICATE: return L"cannot duplicate the handle";
    case HANDOFF_STAGE_LAUNCHER: return L"cannot start the launcher";
    case HANDOFF_STAGE_CONNECT: return L"the launcher cannot reach its parent";
    case HANDOFF_STAGE_EXCHANGE: return L"the launcher failed";
    case HANDOFF_STAGE_STEAL: return L"the launcher cannot take the handle";
    case HANDOFF_STAGE_REWRITE: return L"cannot write the command line";
    case HANDOFF_STAGE_UNUSED: return L"nothing uses the handle";
    case HANDOFF_STAGE_FIND: return L"cannot find the program";
    case HANDOFF_STAGE_CREATE: return L"cannot run the program";
    case HANDOFF_STAGE_ADOPT: return L"cannot take over the child";
    case HANDOFF_STAGE_RESUME: return L"cannot resume the child";
    case HANDOFF_STAGE_CLEAN_UP: return L"cannot end the launcher";
    default: return L"failed";
    }
}

/* What to do about it, where there is something to do. */
static const wchar_t *advice(const struct handoff_error *error)
{
    if (error->stage == HANDOFF_STAGE_UNUSED)
        return L"mention it as {name} in the command line or make it a stream";
    if (error->stage == HANDOFF_STAGE_LAUNCHER && error->code == ERROR_FILE_NOT_FOUND)
        return L"handoff-launcher.exe belongs beside the program that uses it";
    if (error->stage == HANDOFF_STAGE_STEAL && error->code == ERROR_ACCESS_DENIED)
        return L"the parent may be ending";
    if (error->stage == HANDOFF_STAGE_CREATE && error->code == ERROR_BAD_EXE_FORMAT)
        return L"it is not a program that Windows can run";
    return NULL;
}

/* Windows' text for the code, without the full stop and line break that it ends with. */
static void put_code(struct text *line, DWORD code)
{
    wchar_t description[256];
    DWORD length =
        FormatMessageW(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS | FORMAT_MESSAGE_MAX_WIDTH_MASK, NULL,
                       code, 0, description, ARRAYSIZE(description), NULL);

    while (length > 0 && (description[length - 1] <= L' ' || description[length - 1] == L'.'))
        length--;
    text_put(line, L": Win32 error ");
    if (code < 0x10000) {
        text_put_decimal(line, code);
    } else {
        text_put(line, L"0x");
        text_put_hex(line, code);
    }
    if (length > 0)
        text_put(line, L": ");
    text_put_units(line, description, length);
}

size_t handoff_error_text(const struct handoff_error *error, wchar_t *text, size_t capacity)
{
    struct text line = {.at = text, .capacity = capacity};

    if (capacity == 0)
        return 0;
    text_put(&line, stage_text(error->stage));
    if (error->subject[0] != L'\0')
        text_put_quoted(&line, error->subject);
    put_code(&line, error->code);
    if (advice(error) != NULL) {
        text_put(&line, L" (");
        text_put(&line, advice(error));
        text_put_unit(&line, L')');
    }
    if (error->unreclaimed != 0) {
        text_put(&line, L"; handles left open: ");
        text_put_decimal(&line, error->unreclaimed);
    }
    text_end(&line);
    return text_length(text);
}
