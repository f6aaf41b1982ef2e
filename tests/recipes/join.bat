@echo off
rem join.bat [HANDOFF [PROGRAM]]
rem Two commands are joined by a pipe of which the first has the descriptor 3 and the second the descriptor 4. What the
rem first says on its stdout goes elsewhere, here to stderr.
setlocal
set "handoff=%~1"
if "%handoff%"=="" set "handoff=%~dp0..\..\build\x64\handoff.exe"
set "program=%~2"
if "%program%"=="" set "program=%~dp0..\..\build\x64\child.exe"

"%handoff%" --fd 3=stdout --stdout stderr -- "%program%" tell 3 joined | "%handoff%" --fd 4=stdin -- "%program%" descriptor 4 | find "joined"
if not %errorlevel%==0 exit /b 1
echo join: passed
