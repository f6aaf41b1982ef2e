/* What the child has of this process without being asked for: its streams, and the descriptors of its C runtime. */
#include "transaction.h"

#include "fd.h"
#include "steal.h"
#include "stream.h"

/*
 * Appends a pass for each stream that no pass of the request claims: a copy of this process' own, put into
 * the process `to`, inheritable. INVALID_HANDLE_VALUE, or one that is not open, is a closed one; stdout and stderr
 * that are the same handle stay the same, and in order. The request must have room for STREAM_COUNT more.
 * Returns a Win32 code: of the pass that it could not make, which lies behind those of the request.
 */
static DWORD append_own_streams(struct request *request, HANDLE to)
{
    HANDLE own_stdout = NULL;
    uint32_t claimed = request_claimed_streams(request);

    for (int stream = 0; stream < STREAM_COUNT; stream++) {
        HANDLE own = GetStdHandle(stream_id(stream));
        struct pass *pass = &request->passes[request->pass_count];
        DWORD code;

        if (has_stream(claimed, stream))
            continue;
        if (stream == STREAM_STDERR && own == own_stdout && own != NULL) {
            pass[-1].streams |= 1u << stream;
            continue;
        }
        *pass = (struct pass){.kind = PASS_GIVEN, .streams = 1u << stream};
        code = handle_put(to, handle_number(own), TRUE, &pass->number);
        if (code == ERROR_INVALID_HANDLE) {
            request->closed_streams |= own != NULL ? 1u << stream : 0;
            continue;
        }
        if (code != ERROR_SUCCESS)
            return code;
        request->pass_count++;
        if (stream == STREAM_STDOUT)
            own_stdout = own;
    }
    return ERROR_SUCCESS;
}

/* What the child gets as any child would stays the parent's, so there is nothing to steal: the launcher is given
 * copies, which go with it if it ends before it has the request. A failure is told of the pass that could not be
 * made, unless it is the launcher's death. */
BOOL put_own(struct transaction *t)
{
    uint32_t first = t->request.pass_count;
    DWORD code = ERROR_SUCCESS;

    t->in_step = FALSE;
    if ((t->asked->creation_flags & OTHER_CONSOLE_FLAGS) == 0)
        code = append_own_streams(&t->request, t->link->process);
    if (t->asked->startup != NULL)
        request_note_stream_flags(&t->request, t->asked->startup, first);
    if (code == ERROR_SUCCESS && t->asked->startup != NULL)
        code = request_append_fds(&t->request, t->asked->startup, t->link->process, TRUE, NULL);
    if (code != ERROR_SUCCESS)
        code = link_blame(t->link, code, deadline_left(&t->deadline));
    if (code == ERROR_PROCESS_ABORTED)
        return exchange_error(t, code);
    if (code != ERROR_SUCCESS)
        return set_error(t, HANDOFF_STAGE_DUPLICATE, t->request.pass_count++, code);
    for (uint32_t i = 0; t->asked->seal_all && i < t->request.pass_count; i++)
        t->request.passes[i].flags |= PASS_SEALED;
    return TRUE;
}
