#include "launcher.h"
#include "process.h"

DWORD open_parent(DWORD process_id, uint64_t created, HANDLE *parent)
{
    *parent = OpenProcess(PROCESS_DUP_HANDLE | PROCESS_QUERY_INFORMATION, FALSE, process_id);
    if (*parent == NULL)
        return GetLastError();
    return created == 0 || creation_time(*parent) == created ? ERROR_SUCCESS : ERROR_INVALID_PARAMETER;
}
