@echo off
rem lock.bat [HANDOFF [PROGRAM]]
rem A lock is held for exactly one command. handoff itself has it, so nothing that the command starts can keep it, and
rem it is free again however the command ends.
setlocal
set "handoff=%~1"
if "%handoff%"=="" set "handoff=%~dp0..\..\build\x64\handoff.exe"
set "program=%~2"
if "%program%"=="" set "program=%~dp0..\..\build\x64\child.exe"
set "lock=%TEMP%\recipe lock"

rem The command, which here tries to get the lock a second time: that ends with the code of what is taken, 123.
"%handoff%" --lock "%lock%" -- cmd /c ""%handoff%" --lock "%lock%" -- "%program%" exit 7"
if not %errorlevel%==123 exit /b 1
echo the lock was taken, and the other one was told so
rem After it the lock is free, though the command failed.
"%handoff%" --lock "%lock%" -- "%program%" exit 7
if not %errorlevel%==7 exit /b 1
rem Somebody has it for a second; who waits has it then.
for /f %%p in ('""%handoff%" --detach -- "%handoff%" --lock "%lock%" --timeout 1s -- "%program%" hold 0"') do echo %%p is first
"%handoff%" --lock "%lock%" --wait 30s -- "%program%" exit 7
if not %errorlevel%==7 exit /b 1
del "%lock%"
echo lock: passed
