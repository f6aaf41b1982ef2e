#include "startup.h"

/* With these the stream fields mean something: streams, a hot key, a monitor. They are not read. */
enum { STARTF_OF_STREAMS = STARTF_USESTDHANDLES | STARTF_USEHOTKEY | 0x400 /* STARTF_HASSHELLDATA */ };

void take_startup(struct request *request, const STARTUPINFOW *startup)
{
    request->desktop = startup->lpDesktop;
    request->title = startup->lpTitle;
    request->startup = (struct startup){.flags = startup->dwFlags & ~(DWORD)STARTF_OF_STREAMS,
                                        .x = startup->dwX,
                                        .y = startup->dwY,
                                        .x_size = startup->dwXSize,
                                        .y_size = startup->dwYSize,
                                        .x_chars = startup->dwXCountChars,
                                        .y_chars = startup->dwYCountChars,
                                        .fill = startup->dwFillAttribute,
                                        .show = startup->wShowWindow};
}

void give_startup(const struct request *request, STARTUPINFOW *startup)
{
    const struct startup *from = &request->startup;

    startup->dwFlags = from->flags & ~(DWORD)STARTF_OF_STREAMS;
    startup->dwX = from->x;
    startup->dwY = from->y;
    startup->dwXSize = from->x_size;
    startup->dwYSize = from->y_size;
    startup->dwXCountChars = from->x_chars;
    startup->dwYCountChars = from->y_chars;
    startup->dwFillAttribute = from->fill;
    startup->wShowWindow = (WORD)from->show;
    startup->lpDesktop = (wchar_t *)(UINT_PTR)request->desktop;
    startup->lpTitle = (wchar_t *)(UINT_PTR)request->title;
}
