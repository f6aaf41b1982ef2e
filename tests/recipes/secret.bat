@echo off
rem secret.bat [HANDOFF [PROGRAM]]
rem A secret goes through a handle: other users see command lines, and every program that the command starts
rem sees the environment.
setlocal
set "handoff=%~1"
if "%handoff%"=="" set "handoff=%~dp0..\..\build\x64\handoff.exe"
set "program=%~2"
if "%program%"=="" set "program=%~dp0..\..\build\x64\child.exe"
set "file=%TEMP%\recipe secret.txt"

echo correct horse>"%file%"
"%handoff%" --read "key=%file%" --seal -- "%program%" read {key} | find "correct horse"
if not %errorlevel%==0 exit /b 1
del "%file%"
echo secret: passed
