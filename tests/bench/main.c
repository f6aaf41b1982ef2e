#include "bench.h"

#include <stdlib.h>
#include <string.h>

struct options options = {.rounds = 200, .spawns = 10000};

static const struct section {
    const char *name;
    void (*measure)(void);
} sections[] = {{"latency", measure_latency}, {"numbers", measure_numbers},
                {"pace", measure_pace},       {"throughput", measure_throughput},
                {"leaks", measure_leaks},     {"handles", measure_handles},
                {"line", measure_line},       {"table", measure_table},
                {"spawns", measure_spawns},   {"size", measure_size}};

enum { SECTIONS = ARRAYSIZE(sections) };

static void print_limit(const char *name, double value, const char *kind, double limit, BOOL kept)
{
    printf("%-66s %5.2f  (%s %.2f)%s\n", name, value, kind, limit, kept ? "" : "  MISSED");
    fprintf(options.data, "target\t%s\t%.4f\t%s\t%.2f\n", name, value, kind, limit);
}

void print_target(const char *name, double value, double most)
{
    print_limit(name, value, "at most", most, value <= most);
}

void print_target_least(const char *name, double value, double least)
{
    print_limit(name, value, "at least", least, value >= least);
}

static int usage(void)
{
    fprintf(stderr, "bench [--rounds N] [--spawns N] [--data FILE] [SECTION]...\nsections:");
    for (unsigned i = 0; i < SECTIONS; i++)
        fprintf(stderr, " %s", sections[i].name);
    fprintf(stderr, "\n");
    return 2;
}

static BOOL select_section(const char *name, BOOL *selected)
{
    for (unsigned i = 0; i < SECTIONS; i++) {
        if (strcmp(sections[i].name, name) == 0)
            return selected[i] = TRUE;
    }
    return FALSE;
}

static BOOL set_option(const char *name, const char *value)
{
    if (strcmp(name, "--rounds") == 0)
        return (options.rounds = (unsigned)atoi(value)) > 1;
    if (strcmp(name, "--spawns") == 0)
        return (options.spawns = (unsigned)atoi(value)) >= 10;
    if (strcmp(name, "--data") == 0)
        return (options.data = fopen(value, "w")) != NULL;
    return FALSE;
}

static BOOL parse(int argc, char **argv, BOOL *selected)
{
    BOOL any = FALSE;

    for (int i = 1; i < argc; i++) {
        if (select_section(argv[i], selected))
            any = TRUE;
        else if (i + 1 == argc || !set_option(argv[i], argv[i + 1]))
            return FALSE;
        else
            i++;
    }
    for (unsigned i = 0; i < SECTIONS && !any; i++)
        selected[i] = TRUE;
    if (options.data == NULL)
        options.data = fopen("nul", "w");
    return options.data != NULL;
}

int main(int argc, char **argv)
{
    BOOL selected[SECTIONS] = {FALSE};
    double began = now_ms();

    if (!parse(argc, argv, selected))
        return usage();
    setvbuf(stdout, NULL, _IONBF, 0);
    prepare_ways();
    for (unsigned i = 0; i < SECTIONS; i++) {
        if (selected[i])
            sections[i].measure();
    }
    finish_ways();
    printf("\n%ld starts that were refused and done again; %.0f s in all\n", refused_starts, (now_ms() - began) / 1000);
    fprintf(options.data, "refused\t%ld\n", refused_starts);
    fclose(options.data);
    return 0;
}
