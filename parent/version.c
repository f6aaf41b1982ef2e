#include "handoff.h"

const char *WINAPI handoff_version(void)
{
    return HANDOFF_VERSION;
}
