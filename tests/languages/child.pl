# A command that is told the number of a handle, and prints the file.
use Win32API::File ':ALL';
OsFHandleOpen(*F, shift, 'r') or die $^E;
print <F>;
