@echo off
rem A batch file deep inside someone else's process tree: which process, and which number, it was told in
rem variables.
"%HANDOFF%" --parent %OWNER% --copy f=%NUMBER% -- "%CHILD%" read {f}
