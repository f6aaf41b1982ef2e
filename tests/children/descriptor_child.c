/*
 * A child that looks at itself: which descriptors its C runtime has, which streams, which environment.
 * It knows nothing of handoff. Its first argument is the number of a handle for what it says, or "-" for
 * stdout; then come any number of these, done in order:
 *
 *   fd N            says what descriptor N is
 *   copy FROM TO    reads descriptor FROM to its end and writes that to descriptor TO
 *   block           says the bytes it was given in lpReserved2
 *   streams         says the numbers of its standard streams
 *   handle NUMBER   says whether the handle is inheritable
 *   of N            says the same of descriptor N's handle
 *   signal NUMBER   sets the event
 *   told NAME       sets the event whose number is in the environment variable
 *   same A B        says whether these are handles of one object, or "not known" before Windows 10
 *   title           says the units of its title, hexadecimal
 *   variable NAME   says those of the environment variable
 *   change NAME     sets the variable and removes it, and says how often it was there before, between and after;
 *                   and whether a Windows before Vista, which stops at the first greater name, finds it before
 *   environment     writes its environment block, UTF-16, and says nothing
 *   directory       says where it is
 *   line            says its command line, after the report's number
 *   note TEXT       does nothing
 *   pid             says its pid
 *   wait NUMBER     says "waiting" and waits for the end of what the handle reads
 *   forward FIRST   starts itself with bInheritHandles=TRUE and the rest of its arguments, and waits for it
 *   daemon NAME     starts a daemon with bInheritHandles=TRUE, which lives until the event of that name is
 *                   set, says its pid, and goes on once the daemon lives
 */
#include <windows.h>

#include <fcntl.h>
#include <io.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <wchar.h>

static HANDLE out;

static HANDLE parse_handle(const char *number)
{
    return (HANDLE)(INT_PTR)(int)strtoul(number, NULL, 10);
}

static void write_all(const void *bytes, DWORD size)
{
    DWORD written;

    WriteFile(out, bytes, size, &written, NULL);
}

static void __attribute__((format(printf, 1, 2))) say(const char *format, ...)
{
    char line[1024];
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vsnprintf(line, sizeof line - 1, format, arguments);
    va_end(arguments);
    strcpy(line + length, "\n");
    write_all(line, (DWORD)length + 1);
}

static const char *kind_of(int fd)
{
    struct _stat64 status;

    if (_fstat64(fd, &status) != 0)
        return "unknown";
    switch (status.st_mode & _S_IFMT) {
    case _S_IFIFO: return "pipe";
    case _S_IFCHR: return "device";
    case _S_IFREG: return "file";
    default: return "unknown";
    }
}

static void say_fd(int fd)
{
    HANDLE handle = (HANDLE)_get_osfhandle(fd);
    int mode;

    if (handle == NULL || handle == INVALID_HANDLE_VALUE || handle == (HANDLE)-2) { /* -2: a stream that is not */
        say("fd %d none", fd);
        return;
    }
    mode = _setmode(fd, _O_BINARY);
    say("fd %d %s %s tty=%d type=%lu", fd, kind_of(fd), (mode & _O_TEXT) != 0 ? "text" : "binary", _isatty(fd) != 0,
        GetFileType(handle));
}

static void copy_fd(int from, int to)
{
    char buffer[4096];
    int size;

    while ((size = _read(from, buffer, sizeof buffer)) > 0)
        _write(to, buffer, (unsigned)size);
}

static void wait_for_end(HANDLE pipe)
{
    char byte;
    DWORD size;

    say("waiting");
    while (ReadFile(pipe, &byte, 1, &size, NULL) && size > 0)
        ;
}

static void say_block(void)
{
    STARTUPINFOA startup;
    char digits[3];

    GetStartupInfoA(&startup);
    write_all("block ", 6);
    for (int i = 0; i < startup.cbReserved2; i++) {
        snprintf(digits, sizeof digits, "%02x", startup.lpReserved2[i]);
        write_all(digits, 2);
    }
    say(".");
}

static void say_streams(void)
{
    unsigned numbers[3];

    for (DWORD i = 0; i < 3; i++)
        numbers[i] = (unsigned)(UINT_PTR)GetStdHandle(STD_INPUT_HANDLE - i);
    say("streams %u %u %u", numbers[0], numbers[1], numbers[2]);
}

static void say_handle(HANDLE handle)
{
    DWORD flags;

    if (!GetHandleInformation(handle, &flags))
        say("not open");
    else
        say((flags & HANDLE_FLAG_INHERIT) != 0 ? "inheritable" : "not inheritable");
}

static void say_same(HANDLE a, HANDLE b)
{
    BOOL(WINAPI * compare)
    (HANDLE, HANDLE) = (BOOL(WINAPI *)(HANDLE, HANDLE))(void *)GetProcAddress(GetModuleHandleW(L"kernelbase.dll"),
                                                                              "CompareObjectHandles");
    DWORD flags;

    if (!GetHandleInformation(a, &flags) || !GetHandleInformation(b, &flags))
        say("not open");
    else if (compare == NULL)
        say("not known");
    else
        say(compare(a, b) ? "same" : "another");
}

static void say_units(const char *what, const wchar_t *units)
{
    write_all(what, (DWORD)strlen(what));
    for (char digits[8]; *units != L'\0'; units++) {
        snprintf(digits, sizeof digits, " %x", *units);
        write_all(digits, (DWORD)strlen(digits));
    }
    write_all("\n", 1);
}

static void say_title(void)
{
    STARTUPINFOW startup;

    GetStartupInfoW(&startup);
    say_units("title", startup.lpTitle != NULL ? startup.lpTitle : L"");
}

static void say_variable(const char *name)
{
    wchar_t wide[64], value[256] = L"";

    swprintf(wide, 64, L"%hs", name);
    GetEnvironmentVariableW(wide, value, 256);
    say_units("variable", value);
}

static size_t length_of_name(const wchar_t *string)
{
    return 1 + wcscspn(string + 1, L"="); /* the first unit may be one */
}

/* How often the variable is in the environment; in a sorted one all of it lies before the first greater name. */
static int count_variable(const wchar_t *name, BOOL stop_at_greater)
{
    wchar_t *block = GetEnvironmentStringsW();
    int count = 0, order = CSTR_LESS_THAN;

    for (const wchar_t *at = block; *at != L'\0' && (!stop_at_greater || order != CSTR_GREATER_THAN);
         at += wcslen(at) + 1) {
        order = CompareStringOrdinal(at, (int)length_of_name(at), name, -1, TRUE);
        count += order == CSTR_EQUAL;
    }
    FreeEnvironmentStringsW(block);
    return count;
}

static void change_variable(const char *name)
{
    wchar_t wide[64];
    int before, found, between;

    swprintf(wide, 64, L"%hs", name);
    before = count_variable(wide, FALSE);
    found = count_variable(wide, TRUE);
    SetEnvironmentVariableW(wide, L"changed");
    between = count_variable(wide, FALSE);
    SetEnvironmentVariableW(wide, NULL);
    say("change %d %d %d, found %d", before, between, count_variable(wide, FALSE), found);
}

static void write_environment(void)
{
    const wchar_t *block = GetEnvironmentStringsW(), *end = block;

    while (*end != L'\0')
        end += wcslen(end) + 1;
    write_all(block, (DWORD)((end - block + 1) * (int)sizeof *block));
}

/* Starts this program with the arguments, inheriting everything; with `report`, its first argument is the
 * number of that handle. */
static PROCESS_INFORMATION start_self(const char *arguments, HANDLE report, DWORD flags)
{
    char line[2048], path[MAX_PATH];
    STARTUPINFOA startup = {.cb = sizeof startup};
    PROCESS_INFORMATION process = {0};

    GetModuleFileNameA(NULL, path, sizeof path);
    snprintf(line, sizeof line, "\"%s\" %u %s", path, (unsigned)(UINT_PTR)report, arguments);
    for (int tries = 0; tries < 3; tries++) {
        if (CreateProcessA(path, line, NULL, NULL, TRUE, flags, NULL, NULL, &startup, &process))
            return process;
    }
    say("cannot start itself: %lu", GetLastError());
    ExitProcess(3);
}

static int forward(int count, char **arguments)
{
    SECURITY_ATTRIBUTES inheritable = {.nLength = sizeof inheritable, .bInheritHandle = TRUE};
    char line[2048] = "", buffer[512];
    HANDLE from, to;
    PROCESS_INFORMATION process;
    DWORD size;

    for (int i = 0; i < count; i++)
        strcat(strcat(line, arguments[i]), " ");
    if (!CreatePipe(&from, &to, &inheritable, 0))
        return 3;
    process = start_self(line, to, 0);
    CloseHandle(to);
    say("grandchild %lu", process.dwProcessId);
    while (ReadFile(from, buffer, sizeof buffer, &size, NULL) && size > 0)
        write_all(buffer, size);
    return WaitForSingleObject(process.hProcess, INFINITE) != WAIT_OBJECT_0;
}

static void start_daemon(const char *name)
{
    char line[256], ready_name[256];
    HANDLE ready;
    PROCESS_INFORMATION process;

    snprintf(ready_name, sizeof ready_name, "%s ready", name);
    snprintf(line, sizeof line, "be-daemon %s", name);
    ready = CreateEventA(NULL, TRUE, FALSE, ready_name);
    process = start_self(line, NULL, DETACHED_PROCESS);
    WaitForSingleObject(ready, INFINITE);
    say("daemon %lu", process.dwProcessId);
}

static int be_daemon(const char *name)
{
    char ready_name[256];

    snprintf(ready_name, sizeof ready_name, "%s ready", name);
    SetEvent(OpenEventA(EVENT_MODIFY_STATE, FALSE, ready_name));
    return WaitForSingleObject(OpenEventA(SYNCHRONIZE, FALSE, name), INFINITE) != WAIT_OBJECT_0;
}

static void say_directory(void)
{
    char path[MAX_PATH];

    GetCurrentDirectoryA(sizeof path, path);
    say("%s", path);
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return 2;
    out = strcmp(argv[1], "-") == 0 ? GetStdHandle(STD_OUTPUT_HANDLE) : parse_handle(argv[1]);
    for (int i = 2; i < argc; i++) {
        const char *action = argv[i];

        if (strcmp(action, "block") == 0)
            say_block();
        else if (strcmp(action, "pid") == 0)
            say("pid %lu", GetCurrentProcessId());
        else if (strcmp(action, "streams") == 0)
            say_streams();
        else if (strcmp(action, "environment") == 0)
            write_environment();
        else if (strcmp(action, "directory") == 0)
            say_directory();
        else if (strcmp(action, "line") == 0)
            say("%s", GetCommandLineA());
        else if (strcmp(action, "title") == 0)
            say_title();
        else if (i + 1 == argc)
            return 2;
        else if (strcmp(action, "change") == 0)
            change_variable(argv[++i]);
        else if (strcmp(action, "variable") == 0)
            say_variable(argv[++i]);
        else if (strcmp(action, "note") == 0)
            i++;
        else if (strcmp(action, "fd") == 0)
            say_fd(atoi(argv[++i]));
        else if (strcmp(action, "handle") == 0)
            say_handle(parse_handle(argv[++i]));
        else if (strcmp(action, "of") == 0)
            say_handle((HANDLE)_get_osfhandle(atoi(argv[++i])));
        else if (strcmp(action, "signal") == 0)
            SetEvent(parse_handle(argv[++i]));
        else if (strcmp(action, "told") == 0)
            SetEvent(parse_handle(getenv(argv[++i])));
        else if (strcmp(action, "same") == 0 && i + 2 < argc) {
            say_same(parse_handle(argv[i + 1]), parse_handle(argv[i + 2]));
            i += 2;
        } else if (strcmp(action, "wait") == 0)
            wait_for_end(parse_handle(argv[++i]));
        else if (strcmp(action, "daemon") == 0)
            start_daemon(argv[++i]);
        else if (strcmp(action, "be-daemon") == 0)
            return be_daemon(argv[++i]);
        else if (strcmp(action, "forward") == 0)
            return forward(argc - i - 1, argv + i + 1);
        else if (strcmp(action, "copy") == 0 && i + 2 < argc) {
            copy_fd(atoi(argv[i + 1]), atoi(argv[i + 2]));
            i += 2;
        } else
            return 2;
    }
    return 0;
}
