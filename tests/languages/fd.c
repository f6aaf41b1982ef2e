/* Shows its descriptor 3, a variable and its arguments. */
#include <io.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    char text[64];
    int size = _read(3, text, sizeof text);

    printf("descriptor 3: %.*s", size, text);
    printf("KEY=%s\n", getenv("KEY"));
    for (int i = 1; i < argc; i++)
        printf("argument: %s\n", argv[i]);
    return 0;
}
