/* What a spawn costs as something grows. */
#include "bench.h"

#include <stdlib.h>

static const enum way_id contenders[] = {WAY_LIST, WAY_ONE_SHOT, WAY_RESIDENT};

enum { CONTENDERS = ARRAYSIZE(contenders), POINTS_MOST = 8, PARTS = 10, RESIDENT_PER_DIRECT = 5 };

static struct order order;

static void print_point(const char *curve, unsigned x, const double medians[CONTENDERS])
{
    printf("%10u", x);
    for (unsigned i = 0; i < CONTENDERS; i++) {
        printf("  %8.2f", medians[i]);
        fprintf(options.data, "curve\t%s\t%s\t%u\t%.3f\n", curve, ways[contenders[i]].name, x, medians[i]);
    }
    printf("\n");
}

static void print_head(const char *title)
{
    printf("\n%s: ms to the child's exit, medians\n%10s  %8s  %8s  %8s\n", title, "", "list", "one-shot", "resident");
}

/* One point of a curve. */
static void measure_point(const char *curve, unsigned x)
{
    unsigned rounds = options.rounds / 25 + 3, turn[CONTENDERS] = {0, 1, 2};
    double *ms[CONTENDERS], medians[CONTENDERS];

    for (unsigned i = 0; i < CONTENDERS; i++)
        ms[i] = allocate(rounds, sizeof *ms[i]);
    for (unsigned round = 0; round < rounds; round++) {
        shuffle(turn, CONTENDERS);
        for (unsigned i = 0; i < CONTENDERS; i++) {
            ms[turn[i]][round] = spawn(contenders[turn[i]], &order).ended;
            pause_a_while();
        }
    }
    for (unsigned i = 0; i < CONTENDERS; i++) {
        medians[i] = median_of(ms[i], rounds);
        free(ms[i]);
    }
    print_point(curve, x, medians);
}

static void begin_point(DWORD count, struct handoff_launcher *resident)
{
    make_order(&order, count);
    order.resident = resident;
}

static struct handoff_launcher *open_launcher(void)
{
    struct handoff_launcher *launcher = handoff_launcher_open(NULL, NULL);

    require(launcher != NULL, "a resident launcher");
    return launcher;
}

void measure_handles(void)
{
    static const DWORD counts[] = {0, 1, 4, 16, 64, 256, 1024};
    struct handoff_launcher *launcher = open_launcher();

    print_head("handles passed");
    for (size_t i = 0; i < ARRAYSIZE(counts); i++) {
        begin_point(counts[i], launcher);
        measure_point("handles", counts[i]);
        end_order(&order);
    }
    handoff_launcher_close(launcher);
}

void measure_line(void)
{
    static const DWORD lengths[] = {320, 1000, 3200, 10000, 32000};
    struct handoff_launcher *launcher = open_launcher();

    print_head("characters of command line");
    begin_point(1, launcher);
    measure_point("line", 32); /* as short as the paths let it be */
    for (size_t i = 0; i < ARRAYSIZE(lengths); i++) {
        order.length = lengths[i];
        measure_point("line", lengths[i]);
    }
    end_order(&order);
    handoff_launcher_close(launcher);
}

static void open_until(HANDLE *handles, DWORD *have, DWORD want)
{
    HANDLE self = GetCurrentProcess();

    for (; *have < want; ++*have)
        require(DuplicateHandle(self, handles[0], self, &handles[*have], 0, FALSE, DUPLICATE_SAME_ACCESS), "a handle");
}

void measure_table(void)
{
    static const DWORD sizes[] = {1, 1000, 5000, 20000, 50000};
    HANDLE *handles = allocate(sizes[ARRAYSIZE(sizes) - 1], sizeof *handles);
    struct handoff_launcher *launcher = open_launcher();
    DWORD have = 1;

    print_head("handles open in the parent");
    begin_point(1, launcher);
    handles[0] = order.handles[0];
    for (size_t i = 0; i < ARRAYSIZE(sizes); i++) {
        open_until(handles, &have, sizes[i]);
        measure_point("table", sizes[i]);
    }
    while (have > 1)
        CloseHandle(handles[--have]);
    end_order(&order);
    handoff_launcher_close(launcher);
    free(handles);
}

/* ---- many spawns on one launcher ---- */

/* Direct spawns between them show how the machine drifts. */
static void measure_part(unsigned part, unsigned spawns)
{
    double *resident = allocate(spawns, sizeof *resident), *direct = allocate(spawns, sizeof *direct);
    unsigned directs = 0;
    struct quartiles q;

    for (unsigned i = 0; i < spawns; i++) {
        resident[i] = spawn(WAY_RESIDENT, &order).ended;
        if (i % RESIDENT_PER_DIRECT == 0)
            direct[directs++] = spawn(WAY_DIRECT, &order).ended;
    }
    q = quartiles_of(resident, spawns);
    printf("%10u  %8.2f [%.2f-%.2f]  %8.2f\n", (part + 1) * spawns, q.median, q.low, q.high,
           median_of(direct, directs));
    fprintf(options.data, "curve\tspawns\t%s\t%u\t%.3f\n", ways[WAY_RESIDENT].name, (part + 1) * spawns, q.median);
    fprintf(options.data, "curve\tspawns\t%s\t%u\t%.3f\n", ways[WAY_DIRECT].name, (part + 1) * spawns,
            median_of(direct, directs));
    free(resident);
    free(direct);
}

static void print_open(DWORD own_before, DWORD own, DWORD its_before, DWORD its)
{
    printf("open handles before and after: parent %lu, %lu; launcher %lu, %lu\n", own_before, own, its_before, its);
    fprintf(options.data, "open\t%lu\t%lu\t%lu\t%lu\n", own_before, own, its_before, its);
}

void measure_spawns(void)
{
    struct handoff_launcher *launcher = open_launcher();
    DWORD own = GetCurrentProcessId(), own_before, its_before;

    begin_point(1, launcher);
    spawn(WAY_RESIDENT, &order);
    own_before = handles_of(own);
    its_before = handles_of(launcher_of(&order));
    printf("\nspawns on one resident launcher: ms to the child's exit [quartiles], direct beside it\n");
    for (unsigned part = 0; part < PARTS; part++)
        measure_part(part, options.spawns / PARTS);
    print_open(own_before, handles_of(own), its_before, handles_of(launcher_of(&order)));
    end_order(&order);
    handoff_launcher_close(launcher);
}
