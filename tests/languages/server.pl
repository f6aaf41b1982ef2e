# A command that is told the number of a listening socket, and serves one client.
use Socket;
use Win32API::File ':ALL';
OsFHandleOpen(*LISTENER, shift, 'rw') or die $^E;
accept(my $client, *LISTENER) or die $!;
syswrite $client, "served by $$\n";
