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

static bool name_is_taken(const struct pass *passes, uint32_t before)
{
    for (uint32_t i = 0; i < before; i++) {
        if (passes[i].name != NULL && text_equal(passes[i].name, passes[before].name))
            return true;
    }
    return false;
}

static bool descriptor_is_good(const struct pass *passes, uint32_t before)
{
    uint32_t descriptor = passes[before].descriptor;

    for (uint32_t i = 0; i < before; i++) {
        if (passes[i].descriptor == descriptor)
            return false;
    }
    /* One that was handed on, flags and all, is what some C runtime could do, and was in a block. */
    return descriptor >= STREAM_COUNT && descriptor <= (passes[before].crt_flags != 0 ? FDBLOCK_MOST : FD_MOST);
}

static enum request_fault check_pass(const struct pass *passes, uint32_t i, uint32_t *streams)
{
    const struct pass *pass = &passes[i];

    if (pass->name == NULL && pass->streams == 0 && pass->descriptor == 0)
        return REQUEST_NO_PLACE;
    if (pass->name != NULL && !name_is_valid(pass->name))
        return REQUEST_NAME;
    if (pass->name != NULL && name_is_taken(passes, i))
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

enum request_fault request_check(const struct request *request, uint32_t *pass)
{
    enum request_fault fault = REQUEST_OK;
    uint32_t streams = request->closed_streams;

    if (request->application == NULL && request->command_line == NULL)
        return REQUEST_NO_PROGRAM;
    for (uint32_t i = 0; i < request->pass_count && fault == REQUEST_OK; i++) {
        *pass = i;
        fault = check_pass(request->passes, i, &streams);
    }
    return fault;
}

uint32_t request_find_unused(const struct pass *passes, uint32_t pass_count)
{
    uint32_t i = 0;

    while (i < pass_count && (passes[i].used || passes[i].streams != 0 || passes[i].descriptor != 0 ||
                              (passes[i].flags & PASS_OPTIONAL) != 0))
        i++;
    return i;
}
