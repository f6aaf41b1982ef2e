#include "fdblock.h"

#include <string.h>

static uint32_t block_size(uint32_t count, uint32_t pointer)
{
    return (uint32_t)sizeof count + count * (1 + pointer);
}

struct fdblock fdblock_open(const void *bytes, uint32_t size, uint32_t own_pointer)
{
    struct fdblock block = {.bytes = bytes};
    uint32_t count;

    if (bytes == NULL || size < sizeof count || size > FDBLOCK_MOST)
        return block;
    memcpy(&count, bytes, sizeof count);
    if (count == 0 || count > size)
        return block;
    if (size == block_size(count, 4) || size == block_size(count, 8))
        block.pointer = size == block_size(count, 4) ? 4 : 8;
    else if (size >= block_size(count, own_pointer))
        block.pointer = own_pointer;
    block.count = block.pointer != 0 ? count : 0;
    return block;
}

uint32_t fdblock_flags(const struct fdblock *block, uint32_t fd)
{
    uint32_t flags = fd < block->count ? block->bytes[sizeof(uint32_t) + fd] : 0;

    return (flags & FD_OPEN) != 0 && (flags & FD_NOINHERIT) == 0 ? flags : 0;
}

uint64_t fdblock_handle(const struct fdblock *block, uint32_t fd)
{
    int32_t handle;

    memcpy(&handle, block->bytes + sizeof(uint32_t) + block->count + fd * block->pointer, sizeof handle);
    return (uint64_t)(int64_t)handle;
}

uint32_t fdblock_flags_of(const struct fdblock *block, uint64_t handle)
{
    uint32_t flags = 0;

    for (uint32_t fd = 0; fd < block->count; fd++) {
        if (fdblock_handle(block, fd) == handle)
            flags |= fdblock_flags(block, fd);
    }
    return flags;
}

/* One more than the last descriptor, or 0. It is even, because the last byte of an odd size can be
 * lost on the way to a 32-bit program (Wine's WoW64 of 8.0). */
static uint32_t count_fds(const struct request *request)
{
    uint32_t count = 0;

    for (int stream = 0; stream < STREAM_COUNT; stream++) {
        if (request->stream_flags[stream] != 0)
            count = STREAM_COUNT;
    }
    for (uint32_t i = 0; i < request->pass_count; i++) {
        if (request->passes[i].fd >= count && request->passes[i].fd != 0)
            count = request->passes[i].fd + 1;
    }
    return count + count % 2;
}

static void put_entry(uint8_t *bytes, uint32_t count, uint32_t pointer, uint32_t fd, uint32_t flags, uint32_t number)
{
    int64_t handle = (int32_t)number;

    bytes[sizeof count + fd] = (uint8_t)(flags | FD_OPEN);
    memcpy(bytes + sizeof count + count + fd * pointer, &handle, pointer);
}

uint32_t fdblock_make(uint8_t *bytes, uint32_t capacity, uint32_t pointer, const struct request *request)
{
    uint32_t count = count_fds(request);
    uint32_t size = count != 0 ? block_size(count, pointer) : 0;

    if (size == 0 || size > capacity)
        return size;
    /* Those that are not open have no flags, and the handle -1. */
    memcpy(bytes, &count, sizeof count);
    memset(bytes + sizeof count, 0, count);
    memset(bytes + sizeof count + count, 0xFF, count * pointer);
    for (uint32_t i = 0; i < request->pass_count; i++) {
        const struct pass *pass = &request->passes[i];
        uint32_t number = pass_number(pass);

        if (pass->fd != 0)
            put_entry(bytes, count, pointer, pass->fd, pass->fd_flags, number);
        for (int stream = 0; stream < STREAM_COUNT; stream++) {
            if (has_stream(pass->streams, stream) && request->stream_flags[stream] != 0)
                put_entry(bytes, count, pointer, (uint32_t)stream, request->stream_flags[stream], number);
        }
    }
    return size;
}
