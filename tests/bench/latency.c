/* One spawn at a time. */
#include "bench.h"

#include <stdlib.h>

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
                  {WAY_PREFIX, &some}, {WAY_COMMAND, &some}, {WAY_RESIDENT, &many}};

enum { CONTENDERS = ARRAYSIZE(contenders) };

/* Of each round. */
struct series {
    double *held, *ended;
};

static unsigned find(enum way_id way, const struct order *order)
{
    unsigned i = 0;

    while (contenders[i].way != way || contenders[i].order != order)
        i++;
    return i;
}

/* The median of what two rows of one round make of each other. */
static double compare(const double *left, const double *right, double (*operate)(double, double))
{
    double *values = allocate(options.rounds, sizeof *values), median;

    for (unsigned i = 0; i < options.rounds; i++)
        values[i] = operate(left[i], right[i]);
    median = median_of(values, options.rounds);
    free(values);
    return median;
}

static double divide(double left, double right)
{
    return left / right;
}

static double subtract(double left, double right)
{
    return left - right;
}

static struct quartiles ratios(const double *values, const double *base)
{
    double *quotients = allocate(options.rounds, sizeof *quotients);
    struct quartiles quartiles;

    for (unsigned i = 0; i < options.rounds; i++)
        quotients[i] = values[i] / base[i];
    quartiles = quartiles_of(quotients, options.rounds);
    free(quotients);
    return quartiles;
}

/* ---- measuring ---- */

static void run_round(struct series *series, unsigned round)
{
    unsigned turn[CONTENDERS];

    for (unsigned i = 0; i < CONTENDERS; i++)
        turn[i] = i;
    shuffle(turn, CONTENDERS);
    for (unsigned i = 0; i < CONTENDERS; i++) {
        struct latency latency = spawn(contenders[turn[i]].way, contenders[turn[i]].order);

        series[turn[i]].held[round] = latency.held;
        series[turn[i]].ended[round] = latency.ended;
        pause_a_while();
    }
}

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

static void run_rounds(struct series *series, double *steals)
{
    PROCESS_INFORMATION holder;

    start_program(path_of_nothing, L"!", 0, &holder);
    make_order(&one, ONE);
    make_order(&some, SOME);
    make_order(&many, MANY);
    one.resident = some.resident = many.resident = handoff_launcher_open(NULL, NULL);
    require(one.resident != NULL, "a resident launcher");
    for (unsigned i = 0; i < CONTENDERS; i++)
        spawn(contenders[i].way, contenders[i].order); /* not counted: files are read */
    for (unsigned round = 0; round < options.rounds; round++) {
        run_round(series, round);
        steals[round] = steal_some(holder.hProcess);
    }
    handoff_launcher_close(one.resident);
    end_order(&one);
    end_order(&some);
    end_order(&many);
    TerminateProcess(holder.hProcess, 0);
}

/* ---- telling ---- */

static void print_cell(const double *values, const double *base)
{
    struct quartiles ratio = ratios(values, base);
    double ms = median_of(values, options.rounds);

    printf("  %6.2f ms %5.2f [%.2f-%.2f]", ms, ratio.median, ratio.low, ratio.high);
    fprintf(options.data, "\t%.3f\t%.4f\t%.4f\t%.4f", ms, ratio.median, ratio.low, ratio.high);
}

static void print_row(const struct series *series, unsigned row)
{
    const struct contender *contender = &contenders[row];
    unsigned base = find(WAY_DIRECT, contender->order);

    printf("%-31s", ways[contender->way].name);
    fprintf(options.data, "latency\t%lu\t%s", contender->order->count, ways[contender->way].name);
    print_cell(series[row].ended, series[base].ended);
    if (ways[contender->way].gives_handle)
        print_cell(series[row].held, series[base].held);
    printf("\n");
    fprintf(options.data, "\n");
}

static void print_rows(const struct series *series, const struct order *order)
{
    printf("\nlatency, %lu handle%s, %u rounds: median, ratio to direct [quartiles]\n", order->count,
           order->count == 1 ? "" : "s", options.rounds);
    printf("%-31s  %-27s  %s\n", "", "to the child's exit", "to the child's handle");
    for (unsigned i = 0; i < CONTENDERS; i++) {
        if (contenders[i].order == order)
            print_row(series, i);
    }
}

static const double FLOORS_MOST = 1.05;

/* To the child's exit, in floors of the same round. */
static double floors(const struct series *series, enum way_id way, const struct order *order)
{
    return compare(series[find(way, order)].ended, series[find(WAY_FLOOR, order)].ended, divide);
}

/* What a process costs scatters by more than a few handles do: so from one to many. */
static void print_targets(const struct series *series, const double *steals)
{
    const struct series *direct = &series[find(WAY_DIRECT, &one)], *resident = &series[find(WAY_RESIDENT, &one)],
                        *drop_in = &series[find(WAY_DROP_IN, &one)],
                        *resident_many = &series[find(WAY_RESIDENT, &many)];
    double steal = median_of(steals, options.rounds);
    double further = compare(resident_many->ended, resident->ended, subtract) / (MANY - ONE),
           further_held = compare(resident_many->held, resident->held, subtract) / (MANY - ONE);

    printf(
        "\none bare steal %.3f ms; each further handle of a resident spawn %.3f ms to the exit, %.3f to the handle\n",
        steal, further, further_held);
    fprintf(options.data, "steal\t%.4f\t%.4f\t%.4f\n", steal, further, further_held);
    print_target("one-shot, to the exit, of its floor", floors(series, WAY_ONE_SHOT, &one), FLOORS_MOST);
    print_target("handoff.exe, to the exit, of its floor", floors(series, WAY_COMMAND, &one), FLOORS_MOST);
    print_target("handoff.exe, eight handles, to the exit, of its floor", floors(series, WAY_COMMAND, &some),
                 FLOORS_MOST);
    print_target("handoff --parent --copy, to the exit, of its floor", floors(series, WAY_PREFIX, &one), FLOORS_MOST);
    print_target("handoff --parent --copy, eight handles, to the exit, of its floor", floors(series, WAY_PREFIX, &some),
                 FLOORS_MOST);
    print_target("resident, to the exit, of direct", compare(resident->ended, direct->ended, divide), 1.03);
    print_target("resident, to the handle, of direct", compare(resident->held, direct->held, divide), 1.06);
    print_target("drop-in, to the exit, of direct", compare(drop_in->ended, direct->ended, divide), 1.03);
    print_target("drop-in, to the handle, of direct", compare(drop_in->held, direct->held, divide), 1.06);
    print_target("resident, each further handle to the exit, in bare steals", further / steal, 1.2);
}

void measure_latency(void)
{
    struct series series[CONTENDERS];
    double *steals = allocate(options.rounds, sizeof *steals);

    for (unsigned i = 0; i < CONTENDERS; i++) {
        series[i].held = allocate(options.rounds, sizeof(double));
        series[i].ended = allocate(options.rounds, sizeof(double));
    }
    run_rounds(series, steals);
    print_rows(series, &one);
    print_rows(series, &some);
    print_targets(series, steals);
}
