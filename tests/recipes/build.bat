@echo off
rem build.bat [HANDOFF [PROGRAM]]
rem A build step as a CI server wants it: its output is seen and kept in a file, its exit code stays its own (a pipe
rem to tee loses it), it has a time limit that says so, and it is over when all that it has started is over.
setlocal
set "handoff=%~1"
if "%handoff%"=="" set "handoff=%~dp0..\..\build\x64\handoff.exe"
set "program=%~2"
if "%program%"=="" set "program=%~dp0..\..\build\x64\child.exe"
set "log=%TEMP%\recipe build.log"

"%handoff%" --tee "%log%" --wait-tree --timeout 10m -- cmd /c "echo built& start /b "" "%program%" exit 0 & exit 7"
if not %errorlevel%==7 exit /b 1
find "built" "%log%" >NUL
if not %errorlevel%==0 exit /b 1
rem Everything that hangs is ended, and 124 tells it from the command's own codes.
"%handoff%" --timeout 0.5s -- "%program%" hold 0
if not %errorlevel%==124 exit /b 1
del "%log%"
echo build: passed
