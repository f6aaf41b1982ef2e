@echo off
rem agent.bat [HANDOFF [PROGRAM]]
rem An agent in the background that can be stopped, with all that it has started: --detach gives it a console without
rem a window and takes it out of the job of whoever starts it, the second handoff holds its tree together, and its
rem script is found from the current directory. What it has to say goes into a log.
setlocal
set "handoff=%~1"
if "%handoff%"=="" set "handoff=%~dp0..\..\build\x64\handoff.exe"
set "program=%~2"
if "%program%"=="" set "program=%~dp0..\..\build\x64\child.exe"
set "log=%TEMP%\recipe agent.log"
if "%~3"=="agent" goto agent

cd /d "%~dp0"
for /f %%p in ('""%handoff%" --detach --append "log=%log%" --stdout log --stderr log -- "%handoff%" --kill-on-exit -- "%~nx0" "%handoff%" "%program%" agent"') do set agent=%%p
echo the agent is %agent%
rem It has its log open, so that nobody else can write there alone: a way to see that it lives.
"%handoff%" --update "log=%log%" --stdin log -- "%program%" exit 0 2>NUL
if not %errorlevel%==123 exit /b 1
taskkill /f /pid %agent% >NUL
"%handoff%" --wait 1m --update "log=%log%" --stdin log -- "%program%" exit 0
if errorlevel 1 exit /b 1
del "%log%"
echo agent: passed
exit /b 0

:agent
echo the agent works
"%program%" hold 0
