# Gives a file, a pipe and a listening socket of this program to commands: handoff takes them out of it by number.
use strict;
use warnings;
use IO::Socket::INET;
use Win32API::File ':ALL';

# Runs a command with handles of this process, which the options name.
sub handoff {
    my ($options, $command) = @_;
    system("handoff --parent $$ $options -- $command") == 0 or die "exit code ", $? >> 8, "\n";
}

open my $file, '<', 'app.ini' or die $!;
handoff('--copy cfg=' . GetOsFHandle($file), 'perl child.pl {cfg}');

pipe my $reader, my $writer or die $!;
handoff('--copy out=' . GetOsFHandle($writer) . ' --stdout out', 'cmd /c echo through a pipe');
close $writer;    # the command has had its own
print <$reader>;

my $listener = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1') or die $!;
my $client = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $listener->sockport) or die $!;
handoff('--copy web=' . GetOsFHandle($listener), 'perl server.pl {web}');
print <$client>;
