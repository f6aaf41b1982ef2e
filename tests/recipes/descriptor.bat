@echo off
rem descriptor.bat [HANDOFF [PROGRAM]]
rem A program that wants its data on descriptor 3, as node, ffmpeg pipe:3, ImageMagick fd:3 and perl do. cmd.exe
rem has 3 and a less-than sign, but hands on only the first three.
setlocal
set "handoff=%~1"
if "%handoff%"=="" set "handoff=%~dp0..\..\build\x64\handoff.exe"
set "program=%~2"
if "%program%"=="" set "program=%~dp0..\..\build\x64\child.exe"
set "data=%TEMP%\recipe data.txt"

echo three>"%data%"
"%handoff%" --read "data=%data%" --fd 3=data -- "%program%" descriptor 3 | find "three"
if not %errorlevel%==0 exit /b 1
del "%data%"
echo descriptor: passed
