@echo off
rem testrun.bat [HANDOFF [PROGRAM]]
rem A test run with a server of its own on any free port. The server is handed the listening socket, which it must be
rem made for: one that opens a port by number finds this one taken. Whatever belongs to the run, clients too, runs below
rem the handoff that has opened the socket, and knows the port by a variable. All of it ends with the run.
setlocal
set "handoff=%~1"
if "%handoff%"=="" set "handoff=%~dp0..\..\build\x64\handoff.exe"
set "program=%~2"
if "%program%"=="" set "program=%~dp0..\..\build\x64\child.exe"

if "%~3"=="run" goto run
"%handoff%" --listen web=127.0.0.1:0 --env PORT={web.port} --kill-on-exit --timeout 1m -- "%~f0" "%handoff%" "%program%" run {web}
if not %errorlevel%==0 exit /b 1
echo testrun: passed
exit /b 0

:run
rem The server, in the background: start /b might not pass the socket on.
"%handoff%" --handle web=%4 --detach -- "%program%" accept {web} >NUL
if not %errorlevel%==0 exit /b 1
rem The client, which says what it is told.
"%handoff%" --connect server=127.0.0.1:%PORT% --stdin server -- "%program%" echo | find "accepted"
exit /b %errorlevel%
