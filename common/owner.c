#include "owner.h"

#include "steal.h"

uint64_t creation_time(HANDLE process)
{
    FILETIME created, exited, kernel, user;

    if (!GetProcessTimes(process, &created, &exited, &kernel, &user))
        return 0;
    return (uint64_t)created.dwHighDateTime << 32 | created.dwLowDateTime;
}

DWORD open_owner(DWORD process_id, uint64_t created, HANDLE *owner)
{
    DWORD code = ERROR_SUCCESS;
    uint64_t found;

    *owner = OpenProcess(PROCESS_DUP_HANDLE | PROCESS_QUERY_INFORMATION, FALSE, process_id);
    if (*owner == NULL)
        return GetLastError();
    found = created != 0 ? creation_time(*owner) : created;
    if (found != created) /* as OpenProcess says of a pid that is nobody's */
        code = found != 0 ? ERROR_INVALID_PARAMETER : GetLastError();
    if (code != ERROR_SUCCESS) {
        CloseHandle(*owner);
        *owner = NULL;
    }
    return code;
}
