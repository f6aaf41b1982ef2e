@echo off
rem demo.bat [HANDOFF [GPGV [NODE]]]
rem GnuPG's verifier gets a file, its signature and two places to write to, each as a handle
rem that only it has. gpgv.exe is as its makers built it: it takes handle numbers anyway. It is a
rem 32-bit program; node.exe, which checks another signature in the same way, is a 64-bit one.
rem tests/run.sh says in HANDOFF_X86 how 32-bit programs run: "native", "emulated" or "none".
setlocal
set "here=%~dp0"
set "build=%~dp0..\..\build"
set "handoff=%~1"
if "%handoff%"=="" set "handoff=%build%\x64\handoff.exe"
set "gpgv=%~2"
if "%gpgv%"=="" set "gpgv=%build%\deps\gpgv\gpgv.exe"
if not exist "%gpgv%" set "gpgv=%ProgramFiles(x86)%\GnuPG\bin\gpgv.exe"
if not exist "%gpgv%" set "gpgv=%ProgramFiles%\GnuPG\bin\gpgv.exe"
set "node=%~3"
if "%node%"=="" set "node=%build%\deps\node-x64\node.exe"
set "ran="
if "%HANDOFF_X86%"=="none" goto without
if not exist "%gpgv%" goto missing

echo 1. A C program with the library, parent.c. It holds the files and starts gpgv:
echo.
call :clear
"%build%\x64\demo-parent.exe" "%gpgv%" "%here%keyring.gpg" "%here%data.sig" "%here%data.txt" "%build%\status.txt" "%build%\log.txt"
if not %errorlevel%==0 exit /b 1

echo.
echo 2. This batch file, which puts handoff before the command of gpgv:
echo.
call :clear
"%handoff%" --trace --read "sig=%here%data.sig" --read "data=%here%data.txt" --write "status=%build%\status.txt" --write "log=%build%\log.txt" -- "%gpgv%" --keyring "%here%keyring.gpg" --status-fd {status} --logger-fd {log} --enable-special-filenames -- "-&{sig}" "-&{data}"
set "code=%errorlevel%"
if not exist "%build%\status.txt" goto bad

echo.
echo status.txt, written by gpgv through the handle of {status}:
type "%build%\status.txt"
echo.
echo log.txt, through {log}:
type "%build%\log.txt"
echo.

set "key="
for /f "usebackq tokens=2,3" %%a in ("%build%\status.txt") do if "%%a"=="VALIDSIG" set "key=%%b"
if not "%code%"=="0" goto bad
if "%key%"=="" goto bad
echo demo: the batch file: the signature is valid, made by key %key%
set "ran=, and the 32-bit gpgv"
if "%HANDOFF_X86%"=="emulated" set "ran=, and in an emulator the 32-bit gpgv"
echo.
goto node

:without
echo demo: SKIP: 1. and 2. need gpgv, a 32-bit program, and this machine runs no 32-bit code
echo.

:node
if not exist "%node%" goto end
echo 3. The same with node, which has the files as descriptors:
echo.
"%handoff%" --trace --read "data=%here%data.txt" --read "sig=%here%data.rsa" --read "key=%here%key.pem" --fd 3=data --fd 4=sig --fd 5=key -- "%node%" -e "var f = require('fs'), v = require('crypto').createVerify('RSA-SHA512'); v.update(f.readFileSync(3)); process.exit(v.verify(f.readFileSync(5), f.readFileSync(4)) ? 0 : 1)"
if not %errorlevel%==0 goto badnode
echo demo: node: the signature is valid
set "ran= and node%ran%"
echo.

:end
echo demo: these ran: the 64-bit handoff%ran%
exit /b 0

:clear
if exist "%build%\status.txt" del "%build%\status.txt"
if exist "%build%\log.txt" del "%build%\log.txt"
exit /b 0

:bad
echo demo: the batch file: FAILED: no valid signature, and exit code %code%
exit /b 1

:badnode
echo demo: node: FAILED: no valid signature
exit /b 1

:missing
echo demo: FAILED: there is no gpgv.exe: install GnuPG or run demo.bat HANDOFF GPGV
exit /b 1
