#include "open.h"

static HANDLE open_file(const wchar_t *path, DWORD access, DWORD disposition)
{
    HANDLE file = CreateFileW(path, access, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL, disposition,
                              FILE_ATTRIBUTE_NORMAL, NULL);

    return file != INVALID_HANDLE_VALUE ? file : NULL;
}

HANDLE open_read(const wchar_t *path)
{
    return open_file(path, GENERIC_READ, OPEN_EXISTING);
}

HANDLE open_write(const wchar_t *path)
{
    return open_file(path, GENERIC_WRITE, CREATE_ALWAYS);
}

/* Without FILE_WRITE_DATA Windows itself puts every write at the end. */
HANDLE open_append(const wchar_t *path)
{
    return open_file(path, FILE_APPEND_DATA | FILE_READ_ATTRIBUTES | FILE_WRITE_ATTRIBUTES | READ_CONTROL | SYNCHRONIZE,
                     OPEN_ALWAYS);
}
