@echo off
rem log.bat [HANDOFF [PROGRAM]]
rem Several tools of one script share a log: each adds to its end, and nobody overwrites anybody.
setlocal
set "handoff=%~1"
if "%handoff%"=="" set "handoff=%~dp0..\..\build\x64\handoff.exe"
set "program=%~2"
if "%program%"=="" set "program=%~dp0..\..\build\x64\child.exe"
set "log=%TEMP%\recipe build.log"
if exist "%log%" del "%log%"

rem By handle, and as the streams of a tool that knows nothing of handles.
"%handoff%" --append "log=%log%" -- "%program%" write {log} compiled,
"%handoff%" --append "log=%log%" --stdout log --stderr log -- cmd /c echo linked
"%handoff%" --append "log=%log%" -- "%program%" write {log} packed

find "compiled,linked" "%log%" >NUL
if not %errorlevel%==0 exit /b 1
find "packed" "%log%" >NUL
if not %errorlevel%==0 exit /b 1
type "%log%"
del "%log%"
echo.
echo log: passed
