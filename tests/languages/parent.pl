# A parent that is no C program: it duplicates a handle and puts handoff in front of a command.
#
#   perl parent.pl steal HANDOFF FILE     the child, another perl, reads FILE by a stolen handle
#   perl parent.pl report HANDOFF FILE    the same, but told of the child by its report
use strict;
use warnings;
use Win32::API;
use Win32API::File qw(GetOsFHandle GetHandleInformation ReadFile CloseHandle);

sub api { Win32::API->new('kernel32', @_) || die "no function $_[0]: $^E\n" }
sub number { unpack 'Q', $_[0] }

my $self = api('GetCurrentProcess', '', 'N')->Call();
my ($how, $handoff, $path) = @ARGV;
open my $file, '<', $path or die "$path: $!\n";

# Not inheritable, and handoff's to take: whoever else starts a process now cannot leak it.
my $duplicate = "\0" x 8;
api('DuplicateHandle', 'NNNPNNN', 'N')->Call($self, GetOsFHandle($file), $self, $duplicate, 0, 0, 2)
    or die "DuplicateHandle: $^E\n";
my $number = number($duplicate);
my $child = qq("$^X" -e "use Win32API::File; Win32API::File::OsFHandleOpen(*F, {f}, 'r'); print <F>; exit 7");
my $prefix = qq("$handoff" --parent $$ --steal f=$number);

my $code;
if ($how eq 'steal') {
    $code = system("$prefix -- $child") >> 8;
} else {
    my ($read, $write) = ("\0" x 8, "\0" x 8);
    api('CreatePipe', 'PPPN', 'N')->Call($read, $write, "\0" x 24, 4096) or die "CreatePipe: $^E\n";
    my $pid = system(1, "$prefix --report " . number($write) . " -- $child");
    waitpid $pid, 0;    # the prefix: what it had to say is in the pipe
    CloseHandle(number($write));
    my ($report, $part) = ('', '');
    $report .= $part while ReadFile(number($read), $part, 4096, [], []);
    my %said = map { split /=/, $_, 2 } split /\n/, $report;
    die "no child: $said{message}\n" if !$said{process};
    api('WaitForSingleObject', 'NN', 'N')->Call($said{process}, 0xFFFFFFFF);
    my $exit = "\0" x 4;
    api('GetExitCodeProcess', 'NP', 'N')->Call($said{process}, $exit);
    CloseHandle($said{process});
    $code = unpack 'L', $exit;
}
print "exit code $code, ", GetHandleInformation($number, my $flags) ? "still open" : "gone", "\n";
