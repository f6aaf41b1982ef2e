#include "descriptor.h"

#include "fdblock.h"
#include "steal.h"
#include "stream.h"

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

uint32_t startup_descriptor_flags(const STARTUPINFOW *startup, HANDLE handle)
{
    struct fdblock block = open_block(startup);

    return handle != NULL ? fdblock_flags_of(&block, handle_number(handle)) : 0;
}

void note_flags(struct request *request, uint32_t i, const STARTUPINFOW *startup, HANDLE handle)
{
    struct pass *pass = &request->passes[i];
    uint32_t flags = startup_descriptor_flags(startup, handle);

    if (flags != 0 && pass->descriptor != 0)
        pass->crt_flags = flags;
    for (int stream = 0; stream < STREAM_COUNT; stream++) {
        if ((pass->streams >> stream & 1) != 0)
            request->stream_flags[stream] = flags;
    }
}

void note_stream_flags(struct request *request, const STARTUPINFOW *startup, uint32_t first)
{
    for (uint32_t i = first; i < request->pass_count; i++) {
        int stream = STREAM_STDIN;

        while ((request->passes[i].streams >> stream & 1) == 0) /* if it is several, they are one handle */
            stream++;
        note_flags(request, i, startup, GetStdHandle(stream_id(stream)));
    }
}

/* With the numbers that they have here. */
static void append_open_ones(struct request *request, const struct fdblock *block)
{
    for (uint32_t descriptor = STREAM_COUNT; descriptor < block->count; descriptor++) {
        uint32_t flags = fdblock_flags(block, descriptor);
        uint64_t number = flags != 0 ? fdblock_handle(block, descriptor) : 0;

        if (flags != 0 && !is_taken(request, descriptor) && handle_is_open(number))
            request->passes[request->pass_count++] = (struct pass){
                .kind = PASS_GIVEN, .descriptor = descriptor, .crt_flags = flags, .number = (uint32_t)number};
    }
}

/* Finds out first which descriptors are open: copies are handles too, and may get the number of a closed descriptor. A
 * descriptor that another thread closes meanwhile is left out. */
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
