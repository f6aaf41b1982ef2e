/* For a child that knows of handoff: handoff_take() and all that it needs, in one file. Compile it with
 * -Iparent -Icommon; a program that links with the library has no use for it. */
#include "../../common/owner.c"
#include "../../common/steal.c"
#include "../../common/text.c"
#include "../take.c"
#include "../token.c"
