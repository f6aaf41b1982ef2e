#include "fd.h"

#include "fdblock.h"
#include "steal.h"
#include "stream.h"

static struct fdblock open_block(const STARTUPINFOW *startup)
{
    return fdblock_open(startup->lpReserved2, startup->cbReserved2, sizeof(void *));
}

uint32_t startup_count_fds(const STARTUPINFOW *startup)
{
    return open_block(startup).count;
}

uint32_t startup_fd_flags(const STARTUPINFOW *startup, HANDLE handle)
{
    struct fdblock block = open_block(startup);

    return handle != NULL ? fdblock_flags_of(&block, handle_number(handle)) : 0;
}

void request_note_flags(struct request *request, uint32_t i, const STARTUPINFOW *startup, HANDLE handle)
{
    struct pass *pass = &request->passes[i];
    uint32_t flags = startup_fd_flags(startup, handle);

    if (flags != 0 && pass->fd != 0)
        pass->fd_flags = flags;
    for (int stream = 0; stream < STREAM_COUNT; stream++) {
        if (has_stream(pass->streams, stream))
            request->stream_flags[stream] = flags;
    }
}

void request_note_stream_flags(struct request *request, const STARTUPINFOW *startup, uint32_t first)
{
    for (uint32_t i = first; i < request->pass_count; i++) {
        int stream = STREAM_STDIN;

        /* If it is several, they are one handle. */
        while (stream < STREAM_STDERR && !has_stream(request->passes[i].streams, stream))
            stream++;
        request_note_flags(request, i, startup, GetStdHandle(stream_id(stream)));
    }
}

/* With the numbers that they have here. */
static void append_open_ones(struct request *request, const struct fdblock *block, const struct fd_marks *left_out)
{
    struct fd_marks taken = {0};

    if (left_out != NULL)
        taken = *left_out;
    for (uint32_t i = 0; i < request->pass_count; i++)
        fd_mark(&taken, request->passes[i].fd);
    for (uint32_t fd = STREAM_COUNT; fd < block->count; fd++) {
        uint32_t flags = fdblock_flags(block, fd);
        uint64_t number = flags != 0 ? fdblock_handle(block, fd) : 0;

        if (flags != 0 && fd_mark(&taken, fd) && handle_is_open(number))
            request->passes[request->pass_count++] =
                (struct pass){.kind = PASS_GIVEN, .fd = fd, .fd_flags = flags, .number = (uint32_t)number};
    }
}

/* Finds out first which descriptors are open: copies are handles too, and may get the number of a closed descriptor. A
 * descriptor that another thread closes meanwhile is left out. */
DWORD request_append_fds(struct request *request, const STARTUPINFOW *startup, HANDLE to, BOOL inheritable,
                         const struct fd_marks *left_out)
{
    struct fdblock block = open_block(startup);
    uint32_t first = request->pass_count, count;

    append_open_ones(request, &block, left_out);
    count = request->pass_count;
    request->pass_count = first;
    for (uint32_t i = first; i < count; i++) {
        struct pass pass = request->passes[i];
        DWORD code = handle_put(to, handle_number(handle_from_number(pass.number)), inheritable, &pass.number);

        if (code == ERROR_SUCCESS)
            request->passes[request->pass_count++] = pass;
        else if (code != ERROR_INVALID_HANDLE)
            return code;
    }
    return ERROR_SUCCESS;
}
