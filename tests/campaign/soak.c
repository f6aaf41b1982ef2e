/* Many spawns from one parent leave nothing: no handle, no memory, here and in the resident launcher, and here no view
 * of a section. */
#include "campaign.h"

#include "closed.h"
#include "handle_table.h"
#include "views.h"

enum { PARTS = 10, WARM_PART = 2, RESIDENT_PER_ONE_SHOT = 10, GROWTH_MOST = 64 * 1024 };

static struct order order;
static HANDLE launcher; /* the resident one's process; NULL: each has its own */
static DWORD launcher_id;

struct state {
    DWORD own, its; /* handles */
    unsigned views;
    SIZE_T memory, its_memory; /* private */
};

static struct state look(void)
{
    struct state state = {
        .own = handles_of(GetCurrentProcessId()), .views = count_views(), .memory = private_bytes(GetCurrentProcess())};

    if (launcher != NULL) {
        state.its = handles_of(launcher_id);
        state.its_memory = private_bytes(launcher);
    }
    return state;
}

static void print_state(unsigned spawns, const struct state *state)
{
    printf("  %6u  %5lu handles %3u views %6lu KiB", spawns, state->own, state->views,
           (unsigned long)(state->memory / 1024));
    if (launcher != NULL)
        printf("   %5lu handles %6lu KiB", state->its, (unsigned long)(state->its_memory / 1024));
    printf("\n");
}

static void expect_no_growth(const struct state *before, const struct state *after)
{
    expect(after->own == before->own, "%lu handles instead of %lu", after->own, before->own);
    expect(after->views == before->views, "%u views instead of %u", after->views, before->views);
    expect(after->memory <= before->memory + GROWTH_MOST, "%lu bytes more",
           (unsigned long)(after->memory - before->memory));
    expect(after->its_memory <= before->its_memory + GROWTH_MOST, "%lu bytes more in the launcher",
           (unsigned long)(after->its_memory - before->its_memory));
}

/* A few at a time, or nearly all the time would go by with waiting for their ends. */
static void spawn_many(enum way_id way, unsigned count)
{
    enum { RUNNING = 8 };
    HANDLE running[RUNNING] = {NULL};

    for (unsigned i = 0; i < count + RUNNING; i++) {
        HANDLE *process = &running[i % RUNNING];

        if (*process != NULL) {
            WaitForSingleObject(*process, INFINITE);
            CloseHandle(*process);
        }
        *process = i < count ? start_way(way, &order).process : NULL;
    }
}

/* From the second tenth on nothing may change: by then heaps have their size. */
static void soak(enum way_id way, unsigned size)
{
    struct state state = look(), warm = state;

    printf("  %s\n  spawns  parent                              %s\n", ways[way].name,
           launcher != NULL ? "launcher" : "");
    print_state(0, &state);
    for (unsigned part = 1; part <= PARTS; part++) {
        spawn_many(way, size * part / PARTS - size * (part - 1) / PARTS);
        expect(launcher == NULL || table_settles(launcher_id, warm.its), "the launcher has more than %lu handles",
               warm.its);
        state = look();
        print_state(size * part / PARTS, &state);
        if (part <= WARM_PART)
            warm = state;
        expect_no_growth(&warm, &state);
    }
}

void campaign_soak(unsigned size)
{
    make_order(&order, 1);
    order.resident = handoff_launcher_open(NULL, NULL);
    require(order.resident != NULL, "a resident launcher");
    spawn(WAY_RESIDENT, &order);
    launcher_id = launcher_of(&order);
    launcher = open_closed(OpenProcess, PROCESS_QUERY_INFORMATION | PROCESS_VM_READ, launcher_id);
    require(launcher != NULL, "the resident launcher's process");
    printf("soak: at most %d KiB of growth\n", GROWTH_MOST / 1024);
    soak(WAY_RESIDENT, size);
    expect(launcher_of(&order) == launcher_id, "the launcher was replaced");
    CloseHandle(launcher);
    launcher = NULL;
    handoff_launcher_close(order.resident);
    soak(WAY_ONE_SHOT, size / RESIDENT_PER_ONE_SHOT);
    end_order(&order);
    count_left(NULL, 0);
}
