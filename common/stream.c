#include "stream.h"

#include "steal.h"

DWORD append_own_streams(struct request *request, BOOL inheritable, HANDLE *copies)
{
    HANDLE own_stdout = NULL;
    uint32_t claimed = request->closed_streams;

    for (uint32_t i = 0; i < request->pass_count; i++)
        claimed |= request->passes[i].streams;
    for (int stream = 0; stream < STREAM_COUNT; stream++) {
        HANDLE own = GetStdHandle(stream_id(stream));
        DWORD code;

        if ((claimed >> stream & 1) != 0)
            continue;
        if (stream == STREAM_STDERR && own == own_stdout && own != NULL) {
            request->passes[request->pass_count - 1].streams |= 1u << stream;
            continue;
        }
        request->passes[request->pass_count] = (struct pass){.streams = 1u << stream};
        code = copy(GetCurrentProcess(), handle_number(own), inheritable, copies);
        if (code == ERROR_INVALID_HANDLE)
            continue;
        if (code != ERROR_SUCCESS)
            return code;
        copies++;
        request->pass_count++;
        if (stream == STREAM_STDOUT)
            own_stdout = own;
    }
    return ERROR_SUCCESS;
}
