#include "request.h"

#include "fdblock.h"

uint32_t request_index(struct request *request)
{
    request->names = NULL;
    for (uint32_t i = 0; i < request->pass_count; i++) {
        struct pass *pass = &request->passes[i];

        pass->placeholder.number = pass_number(pass);
        if (pass->placeholder.name != NULL && !placeholder_insert(&request->names, &pass->placeholder))
            return i;
    }
    return request->pass_count;
}

struct pass *request_find(const struct request *request, const wchar_t *name)
{
    _Static_assert(offsetof(struct pass, placeholder) == 0, "a pass is where its placeholder is");
    return (struct pass *)(void *)placeholder_find(request->names, name, text_length(name));
}

/* What the passes before have. */
struct claims {
    uint32_t streams;
    struct fd_marks descriptors;
};

/* A descriptor with flags was in the block of some C runtime, so there may be as many as a block has. */
static bool fd_is_good(const struct pass *pass, struct fd_marks *marks)
{
    return pass->fd >= STREAM_COUNT && pass->fd <= (pass->fd_flags != 0 ? FDBLOCK_COUNT - 1 : FD_MOST) &&
           fd_mark(marks, pass->fd);
}

/* Whether it is of use without being mentioned. */
static bool has_place(const struct pass *pass)
{
    return (pass->streams | pass->fd | pass->wanted) != 0 || pass->kind == PASS_JOB;
}

static enum request_fault check_pass(const struct pass *pass, bool is_twice, struct claims *claims)
{
    if (pass->placeholder.name == NULL && !has_place(pass))
        return REQUEST_NO_PLACE;
    if (pass->placeholder.name != NULL && !name_is_valid(pass->placeholder.name))
        return REQUEST_NAME;
    if (is_twice)
        return REQUEST_NAME_TWICE;
    if (pass->streams >> STREAM_COUNT != 0)
        return REQUEST_STREAM;
    if ((pass->streams & claims->streams) != 0)
        return REQUEST_STREAM_TWICE;
    if (pass->fd != 0 && !fd_is_good(pass, &claims->descriptors))
        return REQUEST_DESCRIPTOR;
    claims->streams |= pass->streams;
    return REQUEST_OK;
}

enum request_fault request_check(struct request *request, uint32_t *pass)
{
    enum request_fault fault = REQUEST_OK;
    struct claims claims = {.streams = request->closed_streams | request->null_streams};
    uint32_t twice = request_index(request);

    if (request->application == NULL && request->command_line == NULL)
        return REQUEST_NO_PROGRAM;
    for (uint32_t i = 0; i < request->pass_count && fault == REQUEST_OK; i++) {
        *pass = i;
        fault = check_pass(&request->passes[i], i == twice, &claims);
    }
    return fault;
}

static bool must_be_used(const struct pass *pass)
{
    return !pass->placeholder.used && !has_place(pass) && (pass->flags & PASS_OPTIONAL) == 0;
}

uint32_t request_find_unused(const struct request *request)
{
    uint32_t i = 0;

    while (i < request->pass_count && !must_be_used(&request->passes[i]))
        i++;
    return i;
}

uint32_t request_claimed_streams(const struct request *request)
{
    uint32_t claimed = request->closed_streams | request->null_streams;

    for (uint32_t i = 0; i < request->pass_count; i++)
        claimed |= request->passes[i].streams;
    return claimed;
}
