#include "unit.h"

#include <string.h>
#include <windows.h>

void *guard_end(enum guard guard)
{
    static uint8_t *ends[GUARD_COUNT];
    DWORD before;

    if (ends[guard] == NULL) {
        uint8_t *room = VirtualAlloc(NULL, GUARD_ROOM + 1, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);

        ck_assert_ptr_nonnull(room);
        ck_assert(VirtualProtect(room + GUARD_ROOM, 1, PAGE_NOACCESS, &before));
        ends[guard] = room + GUARD_ROOM;
    }
    return ends[guard];
}

void *guard_bytes(enum guard guard, const void *bytes, size_t size)
{
    require(size <= GUARD_ROOM, "%zu bytes are more than there is room for", size);
    return memcpy((uint8_t *)guard_end(guard) - size, bytes, size);
}

wchar_t *guard_string(enum guard guard, const wchar_t *string)
{
    return guard_bytes(guard, string, (wcslen(string) + 1) * sizeof *string);
}

int main(int argc, char **argv)
{
    static suite_maker *const suites[] = {
        text_suite,    handle_suite,  number_suite,  claim_suite,       channel_suite, token_suite,
        wire_suite,    error_suite,   request_suite, placeholder_suite, cmdline_suite, environment_suite,
        options_suite, fdblock_suite, clock_suite,   stream_suite,      ansi_suite,
    };

    return harness_run(argc, argv, suites, LENGTH(suites));
}
