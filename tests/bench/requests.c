/*
 * Marks around single spawns, for who counts the requests to wineserver in its trace: see requests.awk. A mark is an
 * event that nobody has, by its name.
 */
#include "bench.h"

static const enum way_id marked[] = {WAY_DIRECT, WAY_FLOOR, WAY_RESIDENT, WAY_ONE_SHOT, WAY_DROP_IN, WAY_COMMAND};

enum { QUIET_MS = 200 }; /* until whoever took part has ended, or waits again */

static void mark(const char *name)
{
    char text[64];
    HANDLE event;

    Sleep(QUIET_MS);
    snprintf(text, sizeof text, "handoff-bench: %s", name);
    event = OpenEventA(SYNCHRONIZE, FALSE, text);
    require(event == NULL, "nobody's event");
}

static void mark_round(const struct order *order)
{
    for (size_t i = 0; i < ARRAYSIZE(marked); i++) {
        mark(ways[marked[i]].name);
        spawn(marked[i], order);
        mark("end");
    }
}

void mark_requests(double seconds)
{
    static struct order order;

    make_order(&order, 1);
    SetHandleInformation(order.handles[0], HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT);
    order.exposed = TRUE; /* once, so that the direct ways need no request for it */
    order.resident = open_resident();
    for (size_t i = 0; i < ARRAYSIZE(marked); i++)
        spawn(marked[i], &order); /* not counted: a first spawn makes what stays */
    for (struct rounds rounds = begin_rounds(seconds); next_round(&rounds);)
        mark_round(&order);
    handoff_launcher_close(order.resident);
    end_order(&order);
}
