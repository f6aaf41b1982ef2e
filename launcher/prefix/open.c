#include "command.h"

#include "function.h"
#include "heap.h"
#include "steal.h"
#include "stream.h"

enum { OTHERS_DO_ALL = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE };

enum { STATUS_DELETE_PENDING = (LONG)0xC0000056 };

typedef LONG(WINAPI *last_status_function)(void);

/* What is opened may be a pipe, whose server would else get this process' identity to act with. A file that somebody
 * has deleted, and somebody still has open, cannot be opened: Windows says ERROR_ACCESS_DENIED as for a right that is
 * missing, and only the status below that code tells the two apart. */
static HANDLE open_file(const struct source *source, DWORD access, DWORD share, DWORD disposition)
{
    last_status_function last_status = (last_status_function)function_of(L"ntdll.dll", "RtlGetLastNtStatus");
    DWORD flags = SECURITY_SQOS_PRESENT | SECURITY_IDENTIFICATION | (source->overlapped ? FILE_FLAG_OVERLAPPED : 0);
    HANDLE file = CreateFileW(source->what, access, share, NULL, disposition, FILE_ATTRIBUTE_NORMAL | flags, NULL);

    if (file != INVALID_HANDLE_VALUE)
        return file;
    if (GetLastError() == ERROR_ACCESS_DENIED && last_status != NULL && last_status() == STATUS_DELETE_PENDING)
        SetLastError(ERROR_DELETE_PENDING);
    return NULL;
}

static HANDLE close_unusable(HANDLE file, DWORD code)
{
    CloseHandle(file);
    SetLastError(code);
    return NULL;
}

/* Without FILE_WRITE_DATA Windows itself puts every write at the end. To a pipe nothing could be written so. */
static HANDLE open_append(const struct source *source)
{
    HANDLE file =
        open_file(source, FILE_APPEND_DATA | FILE_READ_ATTRIBUTES | FILE_WRITE_ATTRIBUTES | READ_CONTROL | SYNCHRONIZE,
                  OTHERS_DO_ALL, OPEN_ALWAYS);

    return file != NULL && GetFileType(file) == FILE_TYPE_PIPE ? close_unusable(file, ERROR_NOT_SUPPORTED) : file;
}

/* As the shell's >> does it. A device has no end. */
static HANDLE open_extend(const struct source *source)
{
    const LARGE_INTEGER none = {0};
    HANDLE file = open_file(source, GENERIC_WRITE, OTHERS_DO_ALL, OPEN_ALWAYS);

    return file != NULL && GetFileType(file) == FILE_TYPE_DISK && !SetFilePointerEx(file, none, NULL, FILE_END)
               ? close_unusable(file, GetLastError())
               : file;
}

/* Somebody who deletes the file could lock another one of that name, and a device can be opened by everybody. */
static HANDLE open_lock(const struct source *source)
{
    HANDLE file = open_file(source, GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ, OPEN_ALWAYS);

    return file != NULL && GetFileType(file) != FILE_TYPE_DISK ? close_unusable(file, ERROR_NOT_SUPPORTED) : file;
}

/* A server may have made its pipe for one direction alone. A reader that may write attributes can read messages. */
static HANDLE open_pipe(const struct source *source)
{
    static const DWORD ways[] = {GENERIC_READ | GENERIC_WRITE, GENERIC_READ | FILE_WRITE_ATTRIBUTES, GENERIC_READ,
                                 GENERIC_WRITE};
    HANDLE pipe = NULL;

    for (size_t i = 0; i < ARRAYSIZE(ways) && pipe == NULL && (i == 0 || GetLastError() == ERROR_ACCESS_DENIED); i++)
        pipe = open_file(source, ways[i], 0, OPEN_EXISTING);
    return pipe;
}

/* The last comma, of OBJECT,COUNT, or NULL. */
static const wchar_t *find_comma(const wchar_t *object)
{
    const wchar_t *comma = NULL;

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

static uint64_t most_of(uint32_t option)
{
    return option == OPTION_SEMAPHORE ? MAXLONG : MAXINT64;
}

static const char *find_count_fault(uint32_t option, const wchar_t *object)
{
    const wchar_t *comma = find_comma(object);
    uint64_t count;

    if (comma == NULL)
        return option == OPTION_MAPPING && *object == L'\0' ? "a mapping without a name needs a size, OBJECT,BYTES:"
                                                            : NULL;
    if (!parse_number(comma + 1, most_of(option), &count))
        return "not a number after the comma:";
    if (count > 0)
        return NULL;
    return option == OPTION_MAPPING ? "a mapping has at least 1 byte:" : "a semaphore counts at least to 1:";
}

const char *find_source_fault(const struct source *source, const char **remedy)
{
    uint64_t number;

    switch (source->option) {
    case OPTION_SEMAPHORE:
    case OPTION_MAPPING: return find_count_fault(source->option, source->what);
    case OPTION_PROCESS: return parse_number(source->what, MAXDWORD, &number) ? NULL : "not a process id:";
    case OPTION_HANDLE: return parse_number(source->what, MAXUINT64, &number) ? NULL : "not the number of a handle:";
    case OPTION_LISTEN:
    case OPTION_CONNECT:
        *remedy = parse_number(source->what, MAXWORD, &number) ? ":%w" : NULL;
        return address_is_good(source->what) ? NULL : "not HOST:PORT:";
    default: return NULL;
    }
}

/* An object without a name is nobody else's. */
static const wchar_t *object_name(const wchar_t *object)
{
    return *object != L'\0' ? object : NULL;
}

static HANDLE create_counted(uint32_t option, const wchar_t *object, uint64_t count)
{
    if (option == OPTION_SEMAPHORE)
        return CreateSemaphoreW(NULL, (LONG)count, (LONG)count, object_name(object));
    if (count == 0)
        return OpenFileMappingW(FILE_MAP_READ | FILE_MAP_WRITE, FALSE, object);
    return CreateFileMappingW(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, (DWORD)(count >> 32), (DWORD)count,
                              object_name(object));
}

static HANDLE open_counted(uint32_t option, const wchar_t *object)
{
    uint64_t count = option == OPTION_SEMAPHORE;
    const wchar_t *comma = find_comma(object);
    struct text name = {.length = comma != NULL ? (size_t)(comma - object) : text_length(object)};
    HANDLE handle;
    DWORD code;

    if (comma != NULL)
        parse_number(comma + 1, most_of(option), &count);
    if (!text_allocate(&name)) {
        SetLastError(ERROR_NOT_ENOUGH_MEMORY);
        return NULL;
    }
    text_put_units(&name, object, name.capacity - 1);
    text_end(&name);
    handle = create_counted(option, name.at, count);
    code = GetLastError();
    release(name.at);
    SetLastError(code);
    return handle;
}

/* To wait for it and to ask for its exit code, and nothing else. Windows before Vista does not know so little. */
static HANDLE open_process(const wchar_t *text)
{
    uint64_t process_id = 0;
    HANDLE process;

    parse_number(text, MAXDWORD, &process_id);
    process = OpenProcess(SYNCHRONIZE | PROCESS_QUERY_LIMITED_INFORMATION, FALSE, (DWORD)process_id);
    if (process == NULL && GetLastError() == ERROR_ACCESS_DENIED)
        process = OpenProcess(SYNCHRONIZE | PROCESS_QUERY_INFORMATION, FALSE, (DWORD)process_id);
    return process;
}

/* One of our own: a copy, since the number may be one of our streams too, or be given twice. */
static HANDLE open_own(uint64_t number)
{
    HANDLE handle;

    SetLastError(handle_copy(GetCurrentProcess(), number, FALSE, &handle));
    return handle;
}

uint64_t named_handle(const wchar_t *text)
{
    uint64_t number;

    return parse_number(text, MAXUINT64, &number) && handle_can_travel(number) ? number : 0;
}

static HANDLE open_named(struct source *source)
{
    const DWORD one_writer = FILE_SHARE_READ | FILE_SHARE_DELETE;
    const wchar_t *what = source->what;

    if (source->origin == ORIGIN_STREAM)
        return open_own(handle_number(GetStdHandle(stream_id((int)source->stream))));
    switch (source->option) {
    case OPTION_READ: return open_file(source, GENERIC_READ, OTHERS_DO_ALL, OPEN_EXISTING);
    case OPTION_WRITE: return open_file(source, GENERIC_WRITE, one_writer, OPEN_ALWAYS); /* see empty_file() */
    case OPTION_UPDATE: return open_file(source, GENERIC_READ | GENERIC_WRITE, one_writer, OPEN_ALWAYS);
    case OPTION_LOCK: return open_lock(source);
    case OPTION_APPEND: return open_append(source);
    case OPTION_EXTEND: return open_extend(source);
    case OPTION_PIPE: return open_pipe(source);
    case OPTION_EVENT: return CreateEventW(NULL, TRUE, FALSE, object_name(what));
    case OPTION_MUTEX: return CreateMutexW(NULL, FALSE, object_name(what));
    case OPTION_SEMAPHORE:
    case OPTION_MAPPING: return open_counted(source->option, what);
    case OPTION_PROCESS: return open_process(what);
    case OPTION_HANDLE: return open_own(named_handle(what));
    default: return NULL;
    }
}

static DWORD try_open(struct source *source, DWORD timeout_ms, HANDLE *handle)
{
    if (source_has(source, IS_SOCKET))
        return open_socket(source, timeout_ms, handle);
    *handle = open_named(source);
    return *handle != NULL ? ERROR_SUCCESS : GetLastError();
}

void close_source(const struct source *source, HANDLE handle)
{
    if (source_has(source, IS_SOCKET))
        close_socket(handle);
    else
        CloseHandle(handle);
}

/* A device has nothing in it. */
DWORD empty_file(HANDLE file)
{
    DWORD code = SetEndOfFile(file) ? ERROR_SUCCESS : GetLastError();

    return code == ERROR_SUCCESS || GetFileType(file) != FILE_TYPE_DISK ? ERROR_SUCCESS : code;
}

/* ---- in time ---- */

/* Somebody else has it, who may let it go. */
BOOL is_taken(DWORD code)
{
    return code == ERROR_SHARING_VIOLATION || code == ERROR_DELETE_PENDING || code == ERROR_PIPE_BUSY ||
           code == WSAEADDRINUSE;
}

DWORD open_reason(DWORD code, DWORD before)
{
    return code == WSAETIMEDOUT && before != ERROR_SUCCESS ? before : code;
}

/* Whether it is taken, or not there yet. */
static BOOL is_worth_waiting(const struct source *source, DWORD code)
{
    switch (source->option) {
    case OPTION_READ:
    case OPTION_PIPE: return is_taken(code) || code == ERROR_FILE_NOT_FOUND || code == ERROR_PATH_NOT_FOUND;
    case OPTION_CONNECT: return is_taken(code) || server_may_come(code);
    default: return is_taken(code);
    }
}

/* Windows tells when a pipe has become free, and of nothing else. Two processes that are in each other's way do not
 * stay in step. */
BOOL wait_a_moment(const struct source *source, DWORD code, const struct deadline *deadline)
{
    enum { LEAST = 25, SPREAD = 50 };
    DWORD left = deadline_left(deadline), pause = LEAST + (DWORD)clock_now() % SPREAD;

    if (!is_worth_waiting(source, code))
        return FALSE;
    if (code != ERROR_PIPE_BUSY || (!WaitNamedPipeW(source->what, left) && GetLastError() != ERROR_SEM_TIMEOUT))
        Sleep(left < pause ? left : pause);
    return deadline_left(deadline) > 0;
}

DWORD open_source(struct source *source, const struct deadline *deadline, BOOL tries_again, HANDLE *handle)
{
    DWORD code = ERROR_SUCCESS, before;

    do {
        before = code;
        code = try_open(source, deadline_left(deadline), handle);
    } while (code != ERROR_SUCCESS && tries_again && wait_a_moment(source, code, deadline));
    return open_reason(code, before);
}
