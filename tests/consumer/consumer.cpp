// The same as C++, where what the header declares has other names unless it says that they are C's.
#include "consumer.c"
