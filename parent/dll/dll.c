/* handoff.dll has no C runtime, and nothing to do when it is loaded. */
#include <windows.h>

BOOL WINAPI dll_start(HINSTANCE module, DWORD reason, void *reserved);
BOOL WINAPI dll_start(HINSTANCE module, DWORD reason, void *reserved)
{
    (void)module, (void)reason, (void)reserved;
    return TRUE;
}
