#include "engine.h"

#include "creation.h"
#include "steal.h"

#include <string.h>

BOOL failure_set(struct failure *failure, DWORD stage, DWORD pass, DWORD code)
{
    failure->stage = stage;
    failure->pass = pass;
    failure->code = code;
    return FALSE;
}

void close_passes(const struct request *request, uint32_t kinds)
{
    for (uint32_t i = 0; i < request->pass_count; i++) {
        const struct pass *pass = &request->passes[i];

        if ((kinds >> pass->kind & 1) != 0 && pass->number != 0)
            CloseHandle(handle_from_number(pass->number));
    }
}

BOOL create_child(struct request *request, PROCESS_INFORMATION *child, struct failure *failure)
{
    struct creation creation;
    BOOL done;

    memset(&creation, 0, sizeof creation);
    done = creation_prepare(&creation, request, failure) && creation_run(&creation, request, child, failure) &&
           creation_place(&creation, request, child, failure);
    creation_release(&creation);
    return done;
}
