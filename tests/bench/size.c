/* What is on the disk and what stays in memory. */
#include "bench.h"

#include "closed.h"

#include <stdlib.h>

/* ---- the file ---- */

static unsigned char *read_file(const wchar_t *path, size_t *size)
{
    FILE *file = _wfopen(path, L"rb");
    unsigned char *bytes;

    require(file != NULL, "a program's file");
    fseek(file, 0, SEEK_END);
    *size = (size_t)ftell(file);
    rewind(file);
    bytes = allocate(*size, 1);
    require(fread(bytes, 1, *size, file) == *size, "a program's file");
    fclose(file);
    return bytes;
}

static const IMAGE_NT_HEADERS64 *headers_of(const unsigned char *bytes)
{
    return (const void *)(bytes + ((const IMAGE_DOS_HEADER *)(const void *)bytes)->e_lfanew);
}

static const void *at(const unsigned char *bytes, DWORD address)
{
    const IMAGE_SECTION_HEADER *section = IMAGE_FIRST_SECTION(headers_of(bytes));

    while (address < section->VirtualAddress || address >= section->VirtualAddress + section->SizeOfRawData)
        section++;
    return bytes + section->PointerToRawData + (address - section->VirtualAddress);
}

/* One word, as many functions as it has. */
static unsigned count_functions(const unsigned char *bytes, const IMAGE_IMPORT_DESCRIPTOR *dll)
{
    const ULONGLONG *thunk = at(bytes, dll->FirstThunk);
    unsigned count = 0;

    while (thunk[count] != 0)
        count++;
    return count;
}

static void print_file(const char *name, const wchar_t *path)
{
    size_t size;
    unsigned char *bytes = read_file(path, &size);
    const IMAGE_IMPORT_DESCRIPTOR *dll =
        at(bytes, headers_of(bytes)->OptionalHeader.DataDirectory[IMAGE_DIRECTORY_ENTRY_IMPORT].VirtualAddress);

    printf("%-31s %6zu bytes, imports", name, size);
    fprintf(data, "file\t%s\t%zu", name, size);
    for (; dll->Name != 0; dll++) {
        const char *dll_name = at(bytes, dll->Name);
        unsigned functions = count_functions(bytes, dll);

        printf(" %s (%u functions)", dll_name, functions);
        fprintf(data, "\t%s\t%u", dll_name, functions);
    }
    printf("\n");
    fprintf(data, "\n");
    free(bytes);
}

/* ---- memory ---- */

enum { MORE_KIB = 256 };

/* How many KiB more than the process that does nothing, which may be less than none. */
static int print_memory(const char *name, HANDLE process, SIZE_T nothing)
{
    SIZE_T bytes = private_bytes(process);
    int more = ((int)bytes - (int)nothing) / 1024;

    printf("%-31s %6u KiB private, %+d\n", name, (unsigned)(bytes / 1024), more);
    fprintf(data, "memory\t%s\t%u\t%d\n", name, (unsigned)(bytes / 1024), more);
    return more;
}

static HANDLE open_used_launcher(struct order *order)
{
    make_order(order, 1);
    order->resident = open_resident();
    spawn(WAY_RESIDENT, order);
    return open_closed(OpenProcess, PROCESS_QUERY_INFORMATION | PROCESS_VM_READ, launcher_of(order));
}

static void measure_memory(void)
{
    static struct order order;
    wchar_t arguments[MAX_PATH + 8];
    PROCESS_INFORMATION nothing, prefix;
    HANDLE resident = open_used_launcher(&order);
    SIZE_T base;

    _snwprintf(arguments, ARRAYSIZE(arguments), L"-- \"%ls\" ?", path_of_nothing);
    start_program(path_of_nothing, L"?", 0, &nothing);
    start_program(path_of_prefix, arguments, 0, &prefix);
    Sleep(1000);
    base = private_bytes(nothing.hProcess);
    print_memory("a process that does nothing", nothing.hProcess, base);
    tell_count("handoff.exe, waiting, KiB more than a process that does nothing",
               print_memory("handoff.exe, waiting", prefix.hProcess, base), MORE_KIB);
    tell_count("resident launcher, waiting, KiB more than a process that does nothing",
               print_memory("resident launcher, waiting", resident, base), MORE_KIB);
    WaitForSingleObject(prefix.hProcess, INFINITE);
    handoff_launcher_close(order.resident);
    end_order(&order);
}

/* It takes as long as the processes that are looked at live. */
void measure_size(double seconds)
{
    (void)seconds;
    printf("\nsize\n");
    print_file("handoff-launcher.exe", path_of_launcher);
    print_file("handoff.exe", path_of_prefix);
    print_file("handoffw.exe", path_of_windowed);
    measure_memory();
}
