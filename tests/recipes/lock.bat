@echo off
rem lock.bat [HANDOFF [PROGRAM]]
rem A lock file is held for exactly one command, and is free again however that ends.
setlocal
set "handoff=%~1"
if "%handoff%"=="" set "handoff=%~dp0..\..\build\x64\handoff.exe"
set "program=%~2"
if "%program%"=="" set "program=%~dp0..\..\build\x64\child.exe"
set "lock=%TEMP%\recipe lock"

rem The command, which here tries to get the lock a second time: that fails with handoff's code 125.
"%handoff%" --update "lock=%lock%" --env LOCK={lock} -- cmd /c ""%handoff%" --update "other=%lock%" -- "%program%" write {other} x"
if not %errorlevel%==125 exit /b 1
echo the lock was taken, and the other one was told so
rem After it the lock is free, though the command failed.
"%handoff%" --update "lock=%lock%" -- "%program%" write {lock} x
if not %errorlevel%==0 exit /b 1
del "%lock%"
echo lock: passed
