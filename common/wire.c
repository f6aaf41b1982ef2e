#include "wire.h"

#include <string.h>

#include "text.h"

/* One function walks over all fields, for both directions: what is written and what is read cannot drift apart. */
struct wire {
    uint8_t *to;         /* encoding, if not NULL or if `from` is NULL */
    const uint8_t *from; /* decoding, if not NULL */
    size_t size;         /* of the buffer */
    size_t at;
    bool failed; /* decoding: sticky */
};

static bool is_encoding(const struct wire *wire)
{
    return wire->from == NULL;
}

/* The one bounds check of both directions. */
static void move_bytes(struct wire *wire, void *value, size_t size)
{
    bool fits = wire->at <= wire->size && size <= wire->size - wire->at;

    /* Nothing fits into a NULL buffer, whose size is 0, and absent data has no bytes. */
    if (fits && is_encoding(wire))
        memcpy(wire->to + wire->at, value, size); /* NOLINT(clang-analyzer-unix.cstring.NullArg) */
    else if (fits && !wire->failed)
        memcpy(value, wire->from + wire->at, size);
    else if (!is_encoding(wire))
        wire->failed = true;
    wire->at += size;
}

static void move_u32(struct wire *wire, uint32_t *value)
{
    move_bytes(wire, value, sizeof *value);
    if (wire->failed)
        *value = 0;
}

/* Up to where `unit` divides. */
static void move_padding(struct wire *wire, size_t unit)
{
    uint64_t zeros = 0;

    move_bytes(wire, &zeros, (unit - wire->at % unit) % unit);
    if (zeros != 0)
        wire->failed = true;
}

/* Data of `count` items; in place when decoding. The count is 0 for absent data. */
static const void *move_items(struct wire *wire, const void *items, uint32_t *count, size_t size)
{
    move_u32(wire, count);
    if (*count == 0)
        return NULL;
    if (is_encoding(wire)) {
        move_bytes(wire, (void *)(uintptr_t)items, *count * size);
    } else if (wire->failed || *count > (wire->size - wire->at) / size) {
        wire->failed = true;
        return NULL;
    } else {
        items = wire->from + wire->at;
        wire->at += *count * size;
    }
    move_padding(wire, 4);
    return items;
}

static void move_data(struct wire *wire, const uint8_t **data, uint32_t *size)
{
    *data = move_items(wire, *data, size, 1);
}

/* Units and their closing NUL. */
static void move_units(struct wire *wire, const wchar_t **units, uint32_t *count)
{
    *units = move_items(wire, *units, count, sizeof **units);
    if (*units != NULL && (*units)[*count - 1] != L'\0')
        wire->failed = true;
}

static void move_string(struct wire *wire, const wchar_t **string)
{
    uint32_t count = is_encoding(wire) && *string != NULL ? (uint32_t)text_length(*string) + 1 : 0;

    move_units(wire, string, &count);
    if (!wire->failed && count != 0 && text_length(*string) + 1 != count)
        wire->failed = true;
}

/* Units of a block, which is strings, each with its NUL, and a NUL more. An empty one has two, as CreateProcessW takes
 * it. */
static uint32_t block_length(const wchar_t *block)
{
    const wchar_t *end = block;

    while (*end != L'\0')
        end += text_length(end) + 1;
    return end == block ? 2 : (uint32_t)(end - block) + 1;
}

static void move_block(struct wire *wire, const wchar_t **block)
{
    uint32_t count = is_encoding(wire) && *block != NULL ? block_length(*block) : 0;

    move_units(wire, block, &count);
    if (!wire->failed && *block != NULL && (count < 2 || (*block)[count - 2] != L'\0' || block_length(*block) != count))
        wire->failed = true;
}

static void move_startup(struct wire *wire, struct startup *startup)
{
    move_u32(wire, &startup->flags);
    move_u32(wire, &startup->x);
    move_u32(wire, &startup->y);
    move_u32(wire, &startup->x_size);
    move_u32(wire, &startup->y_size);
    move_u32(wire, &startup->x_chars);
    move_u32(wire, &startup->y_chars);
    move_u32(wire, &startup->fill);
    move_u32(wire, &startup->show);
}

static void move_pass(struct wire *wire, struct pass *pass)
{
    move_u32(wire, &pass->kind);
    move_u32(wire, &pass->streams);
    move_u32(wire, &pass->fd);
    move_u32(wire, &pass->fd_flags);
    move_u32(wire, &pass->flags);
    move_u32(wire, &pass->number);
    move_u32(wire, &pass->wanted);
    move_string(wire, &pass->placeholder.name);
    /* The launcher has the copies already, and no other kind. */
    if (pass->kind > PASS_GIVEN || (pass->kind == PASS_GIVEN) != (pass->number != 0))
        wire->failed = wire->failed || !is_encoding(wire);
}

static void move_attribute(struct wire *wire, struct attribute *attribute)
{
    move_padding(wire, 8);
    move_u32(wire, &attribute->id);
    move_data(wire, &attribute->value, &attribute->size);
}

static void move_attributes(struct wire *wire, struct request *request)
{
    move_u32(wire, &request->attribute_count);
    if (request->attribute_count > ATTRIBUTE_MOST) {
        wire->failed = true;
        request->attribute_count = 0;
    }
    for (uint32_t i = 0; i < request->attribute_count && !wire->failed; i++)
        move_attribute(wire, &request->attributes[i]);
}

static void move_request(struct wire *wire, struct request *request)
{
    uint32_t room = request->pass_count;

    move_u32(wire, &request->pass_count); /* first: wire_pass_count() reads it there */
    if (request->pass_count != room)
        wire->failed = true;
    move_u32(wire, &request->creation_flags);
    move_startup(wire, &request->startup);
    move_string(wire, &request->application);
    move_string(wire, &request->command_line);
    move_string(wire, &request->directory);
    move_string(wire, &request->desktop);
    move_string(wire, &request->title);
    move_block(wire, &request->environment);
    move_block(wire, &request->variables);
    move_u32(wire, &request->closed_streams);
    move_u32(wire, &request->null_streams);
    for (int stream = 0; stream < STREAM_COUNT; stream++)
        move_u32(wire, &request->stream_flags[stream]);
    move_u32(wire, &request->refuse_batch);
    move_attributes(wire, request);
    move_data(wire, &request->process_descriptor, &request->process_descriptor_size);
    move_data(wire, &request->thread_descriptor, &request->thread_descriptor_size);
    for (uint32_t i = 0; i < request->pass_count && !wire->failed; i++)
        move_pass(wire, &request->passes[i]);
}

size_t wire_encode(void *to, size_t capacity, const struct request *request)
{
    struct wire wire = {.to = to, .size = capacity};
    struct request source = *request;

    move_request(&wire, &source);
    return wire.at;
}

uint32_t wire_pass_count(const void *from, size_t size)
{
    uint32_t count = 0;

    if (size >= sizeof count)
        memcpy(&count, from, sizeof count);
    return count <= size / WIRE_PASS ? count : 0;
}

bool wire_decode(const void *from, size_t size, struct request *request, struct pass *passes)
{
    struct wire wire = {.from = from, .size = size};

    memset(request, 0, sizeof *request);
    request->pass_count = wire_pass_count(from, size);
    request->passes = passes;
    if (request->pass_count != 0)
        memset(passes, 0, request->pass_count * sizeof *passes);
    move_request(&wire, request);
    return !wire.failed && wire.at == size;
}
