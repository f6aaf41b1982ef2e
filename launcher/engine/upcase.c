#include "upcase.h"

#include <windows.h>

wchar_t upcase(wchar_t unit)
{
    wchar_t upper;

    return LCMapStringW(LOCALE_INVARIANT, LCMAP_UPPERCASE, &unit, 1, &upper, 1) == 1 ? upper : unit;
}
