@echo off
rem daemon.bat [HANDOFF [PROGRAM]]
rem Something in the background must not hang a pipeline, as a build server, an agent or a cache does that
rem keeps the output of the job that started it open. Three ways, whoever is at fault.
setlocal
set "handoff=%~1"
if "%handoff%"=="" set "handoff=%~dp0..\..\build\x64\handoff.exe"
set "program=%~2"
if "%program%"=="" set "program=%~dp0..\..\build\x64\child.exe"

rem 1. We start it ourselves: it gets no stream, no console and no job of ours.
for /f %%p in ('""%handoff%" --detach -- "%program%" hold 0"') do set daemon=%%p
echo the daemon is %daemon%
taskkill /f /pid %daemon% >NUL

rem 2. A build starts it: the pipeline ends when the build does. (That it ends the daemon too is this
rem    example's wish to leave nothing behind: without --kill-on-exit it would stay.)
"%handoff%" --kill-on-exit --relay -- cmd /c "echo built& start /b "" "%program%" hold 0" | find "built"
if not %errorlevel%==0 exit /b 1

rem 3. A program that is given a handle cannot pass it on to what it starts: the handle is sealed.
"%handoff%" --seal --write lock=NUL -- "%program%" write {lock} x
if not %errorlevel%==0 exit /b 1
echo daemon: passed
