@echo off
rem server.bat [HANDOFF [PROGRAM]]
rem A server is handed its listening socket and restarted without closing the port: who connects
rem meanwhile waits in the socket's queue and is served by the next one.
setlocal
set "handoff=%~1"
if "%handoff%"=="" set "handoff=%~dp0..\..\build\x64\handoff.exe"
set "program=%~2"
if "%program%"=="" set "program=%~dp0..\..\build\x64\child.exe"

rem The loop below has the socket for as long as it runs; each server has it from the loop.
if "%~3"=="loop" goto loop
"%handoff%" --listen web=127.0.0.1:0 -- "%~f0" "%handoff%" "%program%" loop {web} {web.port}
if not %errorlevel%==0 exit /b 1
echo server: passed
exit /b 0

:loop
for %%n in (first second third) do call :serve %%n %4 %5
exit /b %failed%

:serve
rem A client comes before the server runs: it is a program with a connected socket.
"%handoff%" --connect client=127.0.0.1:%3 --detach -- "%program%" write {client} hello
"%handoff%" --handle web=%2 -- "%program%" accept {web}
if not %errorlevel%==0 set failed=1
if %errorlevel%==0 echo the %1 server has served on port %3
if not defined failed set failed=0
exit /b
