#include "command.h"
#include "steal.h"

static HANDLE open_file(const wchar_t *path, DWORD access, DWORD share, DWORD disposition)
{
    HANDLE file = CreateFileW(path, access, share, NULL, disposition, FILE_ATTRIBUTE_NORMAL, NULL);

    return file != INVALID_HANDLE_VALUE ? file : NULL;
}

/* The last comma, of OBJECT,COUNT, or NULL. */
static wchar_t *find_comma(wchar_t *object)
{
    wchar_t *comma = NULL;

    for (; *object != L'\0'; object++) {
        if (*object == L',')
            comma = object;
    }
    return comma;
}

static BOOL parse_number(const wchar_t *text, uint64_t most, uint64_t *number)
{
    const wchar_t *end = text_parse_number(text, number);

    return end != NULL && *end == L'\0' && *number <= most;
}

const char *find_source_fault(const struct source *source)
{
    const wchar_t *comma = find_comma((wchar_t *)(UINT_PTR)source->what);
    uint64_t number;

    switch (source->option) {
    case OPTION_SEMAPHORE:
    case OPTION_MAPPING:
        return comma == NULL || parse_number(comma + 1, MAXLONG, &number) ? NULL : "not a number after the comma:";
    case OPTION_PROCESS: return parse_number(source->what, MAXDWORD, &number) ? NULL : "not a process id:";
    case OPTION_HANDLE: return parse_number(source->what, MAXUINT64, &number) ? NULL : "not the number of a handle:";
    case OPTION_LISTEN:
    case OPTION_CONNECT: return address_is_good(source->what) ? NULL : "not HOST:PORT:";
    default: return NULL;
    }
}

/* An object without a name is nobody else's. */
static const wchar_t *object_name(const wchar_t *object)
{
    return *object != L'\0' ? object : NULL;
}

static HANDLE create_counted(uint32_t option, const wchar_t *object, LONG count)
{
    if (option == OPTION_SEMAPHORE)
        return CreateSemaphoreW(NULL, count, count, object_name(object));
    if (count == 0)
        return OpenFileMappingW(FILE_MAP_READ | FILE_MAP_WRITE, FALSE, object);
    return CreateFileMappingW(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, (DWORD)count, object_name(object));
}

/* The count is cut off for the call alone: a message may have to name the whole. */
static HANDLE open_counted(uint32_t option, wchar_t *object)
{
    uint64_t count = option == OPTION_SEMAPHORE;
    wchar_t *comma = find_comma(object);
    HANDLE handle;

    if (comma != NULL) {
        parse_number(comma + 1, MAXLONG, &count);
        *comma = L'\0';
    }
    handle = create_counted(option, object, (LONG)count);
    if (comma != NULL)
        *comma = L',';
    return handle;
}

/* To wait for it and to ask for its exit code, and nothing else. */
static HANDLE open_process(const wchar_t *text)
{
    uint64_t process_id = 0;

    parse_number(text, MAXDWORD, &process_id);
    return OpenProcess(SYNCHRONIZE | PROCESS_QUERY_LIMITED_INFORMATION, FALSE, (DWORD)process_id);
}

/* One of our own: a copy, since the number may be one of our streams too, or be given twice. */
static HANDLE open_own(const wchar_t *text)
{
    HANDLE handle;

    SetLastError(copy(GetCurrentProcess(), named_handle(text), FALSE, &handle));
    return handle;
}

uint64_t named_handle(const wchar_t *text)
{
    uint64_t number;

    return parse_number(text, MAXUINT64, &number) && handle_can_travel(number) ? number : 0;
}

HANDLE open_source(struct source *source)
{
    const DWORD all = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                one_writer = FILE_SHARE_READ | FILE_SHARE_DELETE;
    wchar_t *what = (wchar_t *)(UINT_PTR)source->what;

    switch (source->option) {
    case OPTION_READ: return open_file(what, GENERIC_READ, all, OPEN_EXISTING);
    case OPTION_WRITE: return open_file(what, GENERIC_WRITE, one_writer, CREATE_ALWAYS);
    case OPTION_UPDATE: return open_file(what, GENERIC_READ | GENERIC_WRITE, one_writer, OPEN_ALWAYS);
    case OPTION_APPEND:
        /* Without FILE_WRITE_DATA Windows itself puts every write at the end. */
        return open_file(what,
                         FILE_APPEND_DATA | FILE_READ_ATTRIBUTES | FILE_WRITE_ATTRIBUTES | READ_CONTROL | SYNCHRONIZE,
                         all, OPEN_ALWAYS);
    case OPTION_PIPE: return open_file(what, GENERIC_READ | GENERIC_WRITE, 0, OPEN_EXISTING);
    case OPTION_EVENT: return CreateEventW(NULL, TRUE, FALSE, object_name(what));
    case OPTION_MUTEX: return CreateMutexW(NULL, FALSE, object_name(what));
    case OPTION_SEMAPHORE:
    case OPTION_MAPPING: return open_counted(source->option, what);
    case OPTION_PROCESS: return open_process(what);
    case OPTION_HANDLE: return open_own(what);
    default: return open_socket(source->option, what, &source->port);
    }
}
