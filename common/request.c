#include "request.h"

#include "fdblock.h"
#include "text.h"

bool name_has_unit(wchar_t unit)
{
    return (unit >= L'a' && unit <= L'z') || (unit >= L'A' && unit <= L'Z') || (unit >= L'0' && unit <= L'9') ||
           unit == L'_' || unit == L'-' || unit == L'.';
}

bool name_is_valid(const wchar_t *name)
{
    size_t length = 0;

    while (name_has_unit(name[length]))
        length++;
    return length > 0 && name[length] == L'\0';
}

static uint32_t hash(const wchar_t *name, size_t length)
{
    uint32_t sum = 0;

    while (length > 0)
        sum = sum * 31 + name[--length];
    return sum;
}

static bool has_name(const struct pass *pass, const wchar_t *name, size_t length)
{
    size_t same = 0;

    while (same < length && pass->name[same] == name[same])
        same++;
    return same == length && pass->name[length] == L'\0';
}

struct pass *request_find(struct pass *passes, uint32_t pass_count, const wchar_t *name, size_t length)
{
    uint32_t at = pass_count > 0 ? passes[hash(name, length) % pass_count].first : 0;

    while (at != 0 && !has_name(&passes[at - 1], name, length))
        at = passes[at - 1].next;
    return at != 0 ? &passes[at - 1] : NULL;
}

uint32_t request_index(struct pass *passes, uint32_t pass_count)
{
    for (uint32_t i = 0; i < pass_count; i++)
        passes[i].first = 0;
    for (uint32_t i = 0; i < pass_count; i++) {
        const wchar_t *name = passes[i].name;
        size_t length = name != NULL ? text_length(name) : 0;
        uint32_t *first = &passes[hash(name, length) % pass_count].first;

        if (name == NULL)
            continue;
        if (request_find(passes, pass_count, name, length) != NULL)
            return i;
        passes[i].next = *first;
        *first = i + 1;
    }
    return pass_count;
}

static bool descriptor_is_good(const struct pass *passes, uint32_t before)
{
    uint32_t descriptor = passes[before].descriptor;

    for (uint32_t i = 0; i < before; i++) {
        if (passes[i].descriptor == descriptor)
            return false;
    }
    /* A descriptor with flags was in the block of some C runtime, so there may be as many as a block has. */
    return descriptor >= STREAM_COUNT && descriptor <= (passes[before].crt_flags != 0 ? FDBLOCK_MOST : FD_MOST);
}

/* Whether it is of use without being mentioned. */
static bool has_place(const struct pass *pass)
{
    return (pass->streams | pass->descriptor | pass->wanted) != 0 || pass->kind == PASS_JOB;
}

static enum request_fault check_pass(const struct pass *passes, uint32_t i, uint32_t twice, uint32_t *streams)
{
    const struct pass *pass = &passes[i];

    if (pass->name == NULL && !has_place(pass))
        return REQUEST_NO_PLACE;
    if (pass->name != NULL && !name_is_valid(pass->name))
        return REQUEST_NAME;
    if (i == twice)
        return REQUEST_NAME_TWICE;
    if (pass->streams >> STREAM_COUNT != 0)
        return REQUEST_STREAM;
    if ((pass->streams & *streams) != 0)
        return REQUEST_STREAM_TWICE;
    if (pass->descriptor != 0 && !descriptor_is_good(passes, i))
        return REQUEST_DESCRIPTOR;
    *streams |= pass->streams;
    return REQUEST_OK;
}

/* UpdateProcThreadAttribute's page, and winbase.h. */
static const struct {
    uint32_t id;
    uint8_t sizes[3];
} plain_attributes[ATTRIBUTE_MOST] = {
    {0x20004, {2}},        /* preferred node */
    {0x20007, {4, 8, 16}}, /* mitigation policy */
    {0x2000B, {4}},        /* protection level */
    {0x2000E, {4, 8}},     /* child process policy */
    {0x20012, {4}},        /* desktop app policy */
    {0x30003, {12, 16}},   /* group affinity, of either width */
    {0x30005, {4}},        /* ideal processor */
};

bool attribute_is_good(uint32_t id, size_t size)
{
    bool good = false;

    for (uint32_t i = 0; i < ATTRIBUTE_MOST; i++) {
        for (uint32_t k = 0; k < 3; k++)
            good = good || (plain_attributes[i].id == id && size != 0 && plain_attributes[i].sizes[k] == size);
    }
    return good;
}

enum request_fault request_check(const struct request *request, uint32_t *pass)
{
    enum request_fault fault = REQUEST_OK;
    uint32_t streams = request->closed_streams, twice = request_index(request->passes, request->pass_count);

    if (request->application == NULL && request->command_line == NULL)
        return REQUEST_NO_PROGRAM;
    for (uint32_t i = 0; i < request->attribute_count; i++) {
        if (!attribute_is_good(request->attributes[i].id, request->attributes[i].size))
            return REQUEST_ATTRIBUTE;
    }
    for (uint32_t i = 0; i < request->pass_count && fault == REQUEST_OK; i++) {
        *pass = i;
        fault = check_pass(request->passes, i, twice, &streams);
    }
    return fault;
}

uint32_t request_find_unused(const struct pass *passes, uint32_t pass_count)
{
    uint32_t i = 0;

    while (i < pass_count && (passes[i].used || has_place(&passes[i]) || (passes[i].flags & PASS_OPTIONAL) != 0))
        i++;
    return i;
}

uint32_t request_claimed_streams(const struct request *request)
{
    uint32_t claimed = request->closed_streams;

    for (uint32_t i = 0; i < request->pass_count; i++)
        claimed |= request->passes[i].streams;
    return claimed;
}
