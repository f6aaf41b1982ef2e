/* One spawn at a time. */
#include "bench.h"

enum { ONE = 1, SOME = 8, MANY = 64, STEALS = 32 };

static struct order one, some, many;

/* A row: one way with that many handles. */
static const struct contender {
    enum way_id way;
    struct order *order;
} contenders[] = {{WAY_DIRECT, &one},  {WAY_LIST, &one},     {WAY_LOCK, &one},      {WAY_STUB, &one},
                  {WAY_FLOOR, &one},   {WAY_ONE_SHOT, &one}, {WAY_RESIDENT, &one},  {WAY_DROP_IN, &one},
                  {WAY_REPORT, &one},  {WAY_PREFIX, &one},   {WAY_COMMAND, &one},   {WAY_DIRECT, &some},
                  {WAY_LIST, &some},   {WAY_FLOOR, &some},   {WAY_ONE_SHOT, &some}, {WAY_RESIDENT, &some},
                  {WAY_PREFIX, &some}, {WAY_COMMAND, &some}, {WAY_RESIDENT, &many}, {WAY_DROP_IN, &many}};

enum { CONTENDERS = ARRAYSIZE(contenders) };

/* In ms. */
static struct series {
    struct samples held, ended;
} all_series[CONTENDERS];

static struct samples steals;
static struct samples resident_further, drop_in_further; /* what each handle from the second on adds to the exit */

static struct series *find(enum way_id way, const struct order *order)
{
    unsigned i = 0;

    while (contenders[i].way != way || contenders[i].order != order)
        i++;
    return &all_series[i];
}

/* ---- measuring ---- */

/* Puts handles into a process that waits, as a parent does, and takes them out again: ms for one. */
double steal_some(HANDLE holder)
{
    HANDLE self = GetCurrentProcess(), there[STEALS], back[STEALS];
    double began, ended;

    for (int i = 0; i < STEALS; i++)
        DuplicateHandle(self, self, holder, &there[i], 0, FALSE, DUPLICATE_SAME_ACCESS);
    began = now_ms();
    for (int i = 0; i < STEALS; i++)
        DuplicateHandle(holder, there[i], self, &back[i], 0, TRUE, DUPLICATE_SAME_ACCESS | DUPLICATE_CLOSE_SOURCE);
    ended = now_ms();
    for (int i = 0; i < STEALS; i++)
        CloseHandle(back[i]);
    return (ended - began) / STEALS;
}

static double last_of(const struct samples *samples)
{
    return samples->values[samples->count - 1];
}

/* What a process costs scatters by more than a few handles do: so from one to many. */
static void add_further(enum way_id way, struct samples *further)
{
    add_sample(further, (last_of(&find(way, &many)->ended) - last_of(&find(way, &one)->ended)) / (MANY - ONE));
}

static void run_round(HANDLE holder)
{
    unsigned turn[CONTENDERS];

    for (unsigned i = 0; i < CONTENDERS; i++)
        turn[i] = i;
    shuffle(turn, CONTENDERS);
    for (unsigned i = 0; i < CONTENDERS; i++) {
        struct latency latency = spawn(contenders[turn[i]].way, contenders[turn[i]].order);

        add_sample(&all_series[turn[i]].held, latency.held);
        add_sample(&all_series[turn[i]].ended, latency.ended);
        pause_a_while();
    }
    add_further(WAY_RESIDENT, &resident_further);
    add_further(WAY_DROP_IN, &drop_in_further);
    add_sample(&steals, steal_some(holder));
}

static void run_rounds(double seconds)
{
    PROCESS_INFORMATION holder;
    struct rounds rounds;

    start_program(path_of_nothing, L"!", 0, &holder);
    make_order(&one, ONE);
    make_order(&some, SOME);
    make_order(&many, MANY);
    one.resident = some.resident = many.resident = open_resident();
    for (unsigned i = 0; i < CONTENDERS; i++)
        spawn(contenders[i].way, contenders[i].order); /* not counted: files are read */
    for (rounds = begin_rounds(seconds); next_round(&rounds);)
        run_round(holder.hProcess);
    handoff_launcher_close(one.resident);
    end_order(&one);
    end_order(&some);
    end_order(&many);
    TerminateProcess(holder.hProcess, 0);
}

/* ---- telling ---- */

static void print_cell(const struct samples *samples, const struct samples *base)
{
    struct quartiles ratio = ratio_of(samples, base);
    double ms = quartiles_of(samples).median;

    printf("  %6.2f ms %5.2f [%.2f-%.2f]", ms, ratio.median, ratio.low, ratio.high);
    fprintf(data, "\t%.3f\t%.4f\t%.4f\t%.4f", ms, ratio.median, ratio.low, ratio.high);
}

static void print_row(const struct contender *contender)
{
    const struct series *series = find(contender->way, contender->order), *direct = find(WAY_DIRECT, contender->order);

    printf("%-31s", ways[contender->way].name);
    fprintf(data, "latency\t%lu\t%s", contender->order->count, ways[contender->way].name);
    print_cell(&series->ended, &direct->ended);
    if (ways[contender->way].gives_handle)
        print_cell(&series->held, &direct->held);
    printf("\n");
    fprintf(data, "\n");
}

static void print_rows(const struct order *order)
{
    printf("\nlatency, %lu handle%s, %zu rounds: median, ratio to direct [quartiles]\n", order->count,
           order->count == 1 ? "" : "s", steals.count);
    printf("%-31s  %-27s  %s\n", "", "to the child's exit", "to the child's handle");
    for (unsigned i = 0; i < CONTENDERS; i++) {
        if (contenders[i].order == order)
            print_row(&contenders[i]);
    }
}

/* To the child's exit, in floors of the same round. */
static void tell_floors(const char *name, enum way_id way, const struct order *order)
{
    tell_target(name, ratio_of(&find(way, order)->ended, &find(WAY_FLOOR, order)->ended), 1.05);
}

static void tell_targets(void)
{
    const struct series *direct = find(WAY_DIRECT, &one), *resident = find(WAY_RESIDENT, &one),
                        *drop_in = find(WAY_DROP_IN, &one);

    tell_floors("one-shot, to the exit, of its floor", WAY_ONE_SHOT, &one);
    tell_floors("handoff.exe, to the exit, of its floor", WAY_COMMAND, &one);
    tell_floors("handoff.exe, eight handles, to the exit, of its floor", WAY_COMMAND, &some);
    tell_floors("handoff --parent --copy, to the exit, of its floor", WAY_PREFIX, &one);
    tell_floors("handoff --parent --copy, eight handles, to the exit, of its floor", WAY_PREFIX, &some);
    tell_target("resident, to the exit, of direct", ratio_of(&resident->ended, &direct->ended), 1.03);
    tell_target("resident, to the handle, of direct", ratio_of(&resident->held, &direct->held), 1.06);
    tell_target("resident, each further handle, in bare steals", ratio_of(&resident_further, &steals), 1.2);
    tell_target("drop-in, to the exit, of direct", ratio_of(&drop_in->ended, &direct->ended), 1.03);
    tell_target("drop-in, to the handle, of direct", ratio_of(&drop_in->held, &direct->held), 1.06);
    /* Its handles keep their numbers, for which section numbers allows four more. */
    tell_target("drop-in, each further handle, in bare steals", ratio_of(&drop_in_further, &steals), 1.2 + 4);
}

void measure_latency(double seconds)
{
    run_rounds(seconds);
    print_rows(&one);
    print_rows(&some);
    printf("one bare steal %.3f ms; each further handle of a resident spawn %.3f ms, of the drop-in %.3f\n",
           quartiles_of(&steals).median, quartiles_of(&resident_further).median, quartiles_of(&drop_in_further).median);
    fprintf(data, "rounds\tlatency\t%zu\n", steals.count);
    tell_targets();
}
