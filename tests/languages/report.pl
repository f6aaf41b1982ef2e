# Starts a command without waiting for handoff, which reports the command over a pipe of this program.
use strict;
use warnings;
use Win32API::File ':ALL';
use Win32::API;
Win32::API->Import('kernel32', 'DWORD WaitForSingleObject(HANDLE h, DWORD ms)');

open my $file, '<', 'app.ini' or die $!;
pipe my $reader, my $writer or die $!;
my ($number, $report) = map { GetOsFHandle($_) } $file, $writer;
system "handoff --parent $$ --copy cfg=$number --report $report -- perl child.pl {cfg}";
close $writer;
my %report = map { s/[\r\n]+$//; split /=/, $_, 2 } <$reader>;
die "handoff: $report{message}\n" unless $report{pid};
WaitForSingleObject($report{process}, 0xFFFFFFFF);
CloseHandle($report{process});
print "that was process $report{pid}, and the file was its handle $report{'handle.cfg'}\n";
