#include "descriptor.h"

#include "fdblock.h"
#include "steal.h"

static struct fdblock open_block(const STARTUPINFOW *startup)
{
    return fdblock_open(startup->lpReserved2, startup->cbReserved2, sizeof(void *));
}

uint32_t count_startup_descriptors(const STARTUPINFOW *startup)
{
    return open_block(startup).count;
}

static BOOL is_taken(const struct request *request, uint32_t descriptor)
{
    for (uint32_t i = 0; i < request->pass_count; i++) {
        if (request->passes[i].descriptor == descriptor)
            return TRUE;
    }
    return FALSE;
}

void note_stream_flags(struct request *request, const STARTUPINFOW *startup, uint32_t first)
{
    struct fdblock block = open_block(startup);

    for (uint32_t i = first; i < request->pass_count; i++) {
        for (uint32_t stream = 0; stream < STREAM_COUNT; stream++) {
            if ((request->passes[i].streams >> stream & 1) != 0)
                request->stream_flags[stream] = fdblock_flags(&block, stream);
        }
    }
}

/* With the numbers that they have here. */
static void append_open_ones(struct request *request, const struct fdblock *block)
{
    for (uint32_t descriptor = STREAM_COUNT; descriptor < block->count; descriptor++) {
        uint32_t flags = fdblock_flags(block, descriptor);
        uint64_t number = flags != 0 ? fdblock_handle(block, descriptor) : 0;

        if (flags != 0 && !is_taken(request, descriptor) && handle_is_open(number))
            request->passes[request->pass_count++] =
                (struct pass){.descriptor = descriptor, .crt_flags = flags, .number = (uint32_t)number};
    }
}

/* Which are open is found out first: the copies are handles too, and may get the number of one that is not. What another
 * thread closes meanwhile is none. */
DWORD append_descriptors(struct request *request, const STARTUPINFOW *startup, HANDLE to, BOOL inheritable)
{
    struct fdblock block = open_block(startup);
    uint32_t first = request->pass_count, count;

    append_open_ones(request, &block);
    count = request->pass_count;
    request->pass_count = first;
    for (uint32_t i = first; i < count; i++) {
        struct pass pass = request->passes[i];
        DWORD code = put(to, handle_number(handle_from_number(pass.number)), inheritable, &pass.number);

        if (code == ERROR_SUCCESS)
            request->passes[request->pass_count++] = pass;
        else if (code != ERROR_INVALID_HANDLE)
            return code;
    }
    return ERROR_SUCCESS;
}

uint32_t descriptor_flags(HANDLE handle)
{
    switch (GetFileType(handle) & ~(DWORD)FILE_TYPE_REMOTE) {
    case FILE_TYPE_PIPE: return FD_OPEN | FD_PIPE;
    case FILE_TYPE_CHAR: return FD_OPEN | FD_DEVICE;
    default: return FD_OPEN;
    }
}
