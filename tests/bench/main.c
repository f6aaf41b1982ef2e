#include "bench.h"

#include <stdlib.h>
#include <string.h>

FILE *data;

/* Together they take eight minutes. What is measured only where it is named has a wineserver of its own: see
 * bench.sh. */
static const struct section {
    const char *name;
    void (*measure)(double seconds);
    double seconds;
    BOOL crowded; /* on all processors; the others stay on those that the program was started on */
    BOOL named_only;
} sections[] = {{"latency", measure_latency, 160, FALSE, FALSE},
                {"numbers", measure_numbers, 35, FALSE, FALSE},
                {"pace", measure_pace, 30, FALSE, FALSE},
                {"handles", measure_handles, 35, FALSE, FALSE},
                {"line", measure_line, 25, FALSE, FALSE},
                {"table", measure_table, 30, FALSE, FALSE},
                {"environment", measure_environment, 25, FALSE, FALSE},
                {"spawns", measure_spawns, 40, FALSE, FALSE},
                {"size", measure_size, 5, FALSE, FALSE},
                {"throughput", measure_throughput, 90, TRUE, FALSE},
                {"leaks", measure_leaks, 15, TRUE, FALSE},
                {"requests", mark_requests, 1, FALSE, TRUE}};

enum { SECTIONS = ARRAYSIZE(sections) };

static void write_target(const char *name, struct quartiles value, const char *kind, double limit)
{
    fprintf(data, "target\t%s\t%.4f\t%.4f\t%.4f\t%s\t%.2f\n", name, value.median, value.low, value.high, kind, limit);
}

void tell_target(const char *name, struct quartiles value, double most)
{
    write_target(name, value, "at most", most);
}

void tell_target_least(const char *name, struct quartiles value, double least)
{
    write_target(name, value, "at least", least);
}

void tell_count(const char *name, double count, double most)
{
    write_target(name, (struct quartiles){count, count, count}, "at most", most);
}

static int usage(void)
{
    fprintf(stderr, "bench [--seconds N] [--data FILE] [SECTION]...\nsections:");
    for (unsigned i = 0; i < SECTIONS; i++)
        fprintf(stderr, " %s", sections[i].name);
    fprintf(stderr, "\n");
    return 2;
}

struct choice {
    BOOL selected[SECTIONS];
    double seconds; /* for all of them; 0: each its own */
};

static BOOL select_section(const char *name, struct choice *choice)
{
    for (unsigned i = 0; i < SECTIONS; i++) {
        if (strcmp(sections[i].name, name) == 0)
            return choice->selected[i] = TRUE;
    }
    return FALSE;
}

static BOOL set_option(const char *name, const char *value, struct choice *choice)
{
    if (strcmp(name, "--seconds") == 0)
        return (choice->seconds = atof(value)) > 0;
    if (strcmp(name, "--data") == 0)
        return data == NULL && (data = fopen(value, "w")) != NULL;
    return FALSE;
}

static BOOL parse(int argc, char **argv, struct choice *choice)
{
    BOOL any = FALSE;

    for (int i = 1; i < argc; i++) {
        if (select_section(argv[i], choice))
            any = TRUE;
        else if (i + 1 == argc || !set_option(argv[i], argv[i + 1], choice))
            return FALSE;
        else
            i++;
    }
    for (unsigned i = 0; i < SECTIONS && !any; i++)
        choice->selected[i] = !sections[i].named_only;
    if (data == NULL)
        data = fopen("nul", "w");
    return data != NULL;
}

/* What a section's time is multiplied with. */
static double scale_of(const struct choice *choice)
{
    double sum = 0;

    for (unsigned i = 0; i < SECTIONS; i++)
        sum += choice->selected[i] ? sections[i].seconds : 0;
    return choice->seconds > 0 ? choice->seconds / sum : 1;
}

static void measure(const struct section *section, double scale)
{
    DWORD_PTR processors = 0, all = 0;

    GetProcessAffinityMask(GetCurrentProcess(), &processors, &all);
    if (section->crowded)
        SetProcessAffinityMask(GetCurrentProcess(), all);
    section->measure(section->seconds * scale);
    SetProcessAffinityMask(GetCurrentProcess(), processors);
}

/* The starts of launcher and child take the lowest numbers, which so cost more to keep (HANDOFF_SAME_NUMBER). A program
 * with something to pass on has other handles before; this one has none otherwise. */
static void use_lowest_numbers(void)
{
    enum { MANY = 32 };

    for (int i = 0; i < MANY; i++)
        CreateEventW(NULL, TRUE, FALSE, NULL);
}

int main(int argc, char **argv)
{
    struct choice choice = {0};
    double began = now_ms();

    if (!parse(argc, argv, &choice))
        return usage();
    setvbuf(stdout, NULL, _IONBF, 0);
    use_lowest_numbers();
    prepare_ways();
    for (unsigned i = 0; i < SECTIONS; i++) {
        if (choice.selected[i])
            measure(&sections[i], scale_of(&choice));
    }
    finish_ways();
    printf("\n%ld starts that were refused and done again; %.0f s in all\n", refused_starts, (now_ms() - began) / 1000);
    fprintf(data, "refused\t%ld\n", refused_starts);
    fclose(data);
    return 0;
}
