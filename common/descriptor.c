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

/* Flags of a stream mean this process' own stream: another handle that became it has its own. */
static void note_stream_flags(struct request *request, const struct fdblock *block)
{
    for (uint32_t i = 0; i < request->pass_count; i++) {
        const struct pass *pass = &request->passes[i];

        for (uint32_t stream = 0; pass->name == NULL && stream < STREAM_COUNT; stream++) {
            if ((pass->streams >> stream & 1) != 0)
                request->stream_flags[stream] = fdblock_flags(block, stream);
        }
    }
}

DWORD append_descriptors(struct request *request, const STARTUPINFOW *startup, HANDLE to, BOOL inheritable)
{
    struct fdblock block = open_block(startup);

    note_stream_flags(request, &block);
    for (uint32_t descriptor = STREAM_COUNT; descriptor < block.count; descriptor++) {
        uint32_t flags = fdblock_flags(&block, descriptor);
        struct pass *pass = &request->passes[request->pass_count];
        DWORD code;

        if (flags == 0 || is_taken(request, descriptor))
            continue;
        *pass = (struct pass){.descriptor = descriptor, .crt_flags = flags};
        code = put(to, fdblock_handle(&block, descriptor), inheritable, &pass->number);
        if (code == ERROR_INVALID_HANDLE)
            continue;
        if (code != ERROR_SUCCESS)
            return code;
        request->pass_count++;
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
