# Gives a file of this process to a command: handoff takes it out of the process by number.
$file = [IO.File]::OpenRead("$PWD\app.ini")
$number = [long]$file.SafeFileHandle.DangerousGetHandle()
handoff --parent $PID --copy "cfg=$number" -- perl child.pl '{cfg}'
$file.Close() # not before handoff has ended
exit $LASTEXITCODE
