#include "stream.h"

#include "steal.h"

DWORD append_own_streams(struct request *request, HANDLE to)
{
    HANDLE own_stdout = NULL;
    uint32_t claimed = request_claimed_streams(request);

    for (int stream = 0; stream < STREAM_COUNT; stream++) {
        HANDLE own = GetStdHandle(stream_id(stream));
        struct pass *pass = &request->passes[request->pass_count];
        DWORD code;

        if ((claimed >> stream & 1) != 0)
            continue;
        if (stream == STREAM_STDERR && own == own_stdout && own != NULL) {
            pass[-1].streams |= 1u << stream;
            continue;
        }
        *pass = (struct pass){.kind = PASS_GIVEN, .streams = 1u << stream};
        code = put(to, handle_number(own), TRUE, &pass->number);
        if (code == ERROR_INVALID_HANDLE)
            continue;
        if (code != ERROR_SUCCESS)
            return code;
        request->pass_count++;
        if (stream == STREAM_STDOUT)
            own_stdout = own;
    }
    return ERROR_SUCCESS;
}
