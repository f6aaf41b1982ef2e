@echo off
rem config.bat [HANDOFF [PROGRAM]]
rem A program gets its configuration as a handle: it needs no right to the file, nor to know its name.
rem For a program of your own: handoff --read cfg=app.ini -- server.exe --config-handle {cfg}
setlocal
set "handoff=%~1"
if "%handoff%"=="" set "handoff=%~dp0..\..\build\x64\handoff.exe"
set "program=%~2"
if "%program%"=="" set "program=%~dp0..\..\build\x64\child.exe"
set "config=%TEMP%\recipe config.ini"

echo port=8080>"%config%"
"%handoff%" --read "cfg=%config%" -- "%program%" read {cfg}
if not %errorlevel%==0 exit /b 1
del "%config%"
echo config: passed
