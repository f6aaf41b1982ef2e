#include "engine.h"

#include "creation.h"
#include "steal.h"

#include <string.h>

BOOL fail(struct failure *failure, DWORD stage, DWORD pass, DWORD code)
{
    failure->stage = stage;
    failure->pass = pass;
    failure->code = code;
    return FALSE;
}

void close_passes(const struct request *request, uint32_t first, uint32_t end)
{
    for (uint32_t i = first; i < end; i++) {
        if (request->passes[i].number != 0)
            CloseHandle(handle_from_number(request->passes[i].number));
    }
}

BOOL create_child(struct request *request, const struct terms *terms, PROCESS_INFORMATION *child,
                  struct failure *failure)
{
    struct creation creation;
    BOOL done;

    memset(&creation, 0, sizeof creation);
    done = creation_prepare(&creation, request, terms->exposed, failure) &&
           creation_run(&creation, request, terms, child, failure) &&
           creation_place(&creation, request, child, failure);
    creation_release(&creation);
    return done;
}
