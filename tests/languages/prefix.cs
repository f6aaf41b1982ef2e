// Gives a file of this program to a command: handoff takes it out of the program by number.
using System;
using System.Diagnostics;
using System.IO;

using var file = File.OpenRead("app.ini"); // not closed before handoff has ended
long number = file.SafeFileHandle.DangerousGetHandle().ToInt64();
using var command = Process.Start(new ProcessStartInfo("handoff.exe",
    $"--parent {Environment.ProcessId} --copy cfg={number} -- perl child.pl {{cfg}}")
    { UseShellExecute = false })!;
command.WaitForExit();
return command.ExitCode;
