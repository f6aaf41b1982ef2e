/* Holding nothing of what this process was given, while it waits. */
#include "command.h"

#include "fdblock.h"
#include "inherited.h"
#include "parameter.h"
#include "steal.h"
#include "stream.h"

/* Windows marks the directory of a removable disk in one of the two bits that are no part of the number. */
static BOOL is_same_number(HANDLE a, HANDLE b)
{
    return (UINT_PTR)a >> 2 == (UINT_PTR)b >> 2;
}

/* Not to be closed whatever its flag says: what connects this process with its console, which Ctrl-C must find
 * (since Windows 8), and the current directory, which Windows makes inheritable. */
static BOOL is_windows_own(HANDLE handle)
{
    return is_same_number(handle, own_parameter(PARAMETER_CONSOLE)) ||
           is_same_number(handle, own_parameter(PARAMETER_DIRECTORY));
}

static BOOL is_stream(HANDLE handle)
{
    for (int i = 0; i < STREAM_COUNT; i++) {
        if (GetStdHandle(stream_id(i)) == handle)
            return TRUE;
    }
    return FALSE;
}

/* The process that started this one may have protected its handle from being closed, which is inherited too. */
static void close_given(HANDLE handle)
{
    if (!CloseHandle(handle) && SetHandleInformation(handle, HANDLE_FLAG_PROTECT_FROM_CLOSE, 0))
        CloseHandle(handle);
}

static void close_inherited(HANDLE handle)
{
    if (!is_windows_own(handle) && !is_stream(handle)) /* streams are closed later: close_streams() */
        close_given(handle);
}

void let_go_of_inherited(void)
{
    handles_visit_inheritable(close_inherited);
}

/* Whether an option may have something to say when the command has ended. */
static BOOL may_speak(const struct command *command)
{
    if (command->lines.speaker != NULL || has_option(command, OPTION_TRACE) || has_option(command, OPTION_TRACE_JSON))
        return TRUE;
    return !has_option(command, OPTION_QUIET) &&
           (command->time.ms != INFINITE || command->lines.unsaid || has_option(command, OPTION_KILL_ON_EXIT) ||
            has_option(command, OPTION_RELAY) || has_tee(command));
}

/* Two of the streams may be one handle, which is closed once. */
static void close_streams(HANDLE kept)
{
    for (int i = 0; i < STREAM_COUNT; i++) {
        HANDLE stream = GetStdHandle(stream_id(i));

        if (stream == kept)
            continue;
        for (int j = i; j < STREAM_COUNT; j++) {
            if (GetStdHandle(stream_id(j)) == stream)
                SetStdHandle(stream_id(j), NULL);
        }
        if (handle_can_travel(handle_number(stream)))
            close_given(stream);
    }
}

void let_go_of_streams(const struct command *command)
{
    wchar_t directory[MAX_PATH];

    close_streams(may_speak(command) ? GetStdHandle(STD_ERROR_HANDLE) : NULL);
    if (GetSystemDirectoryW(directory, ARRAYSIZE(directory)) != 0)
        SetCurrentDirectoryW(directory);
}

void borrow_stderr(const struct request *request, HANDLE child)
{
    const LARGE_INTEGER nowhere = {0};
    HANDLE handle;

    for (uint32_t i = 0; i < request->pass_count; i++) {
        if (has_stream(request->passes[i].streams, STREAM_STDERR) &&
            handle_copy(child, request->passes[i].number, FALSE, &handle) == ERROR_SUCCESS)
            SetStdHandle(STD_ERROR_HANDLE, handle);
    }
    if ((request->stream_flags[STREAM_STDERR] & FD_APPEND) != 0) /* its position may still be the file's beginning */
        SetFilePointerEx(GetStdHandle(STD_ERROR_HANDLE), nowhere, NULL, FILE_END);
}

void release_lock(struct command *command)
{
    if (command->files.lock != NULL)
        CloseHandle(command->files.lock);
    command->files.lock = NULL;
}
