// Runs a command through handoff.dll: only the DLL and the entry point differ from a declaration of CreateProcessW.
using System;
using System.ComponentModel;
using System.Runtime.InteropServices;

var startup = new STARTUPINFO { cb = Marshal.SizeOf<STARTUPINFO>() };
if (!CreateProcess(null, "cmd /c echo through the DLL", IntPtr.Zero, IntPtr.Zero, true, 0, IntPtr.Zero, null,
        ref startup, out var child))
    throw new Win32Exception();
WaitForSingleObject(child.process, uint.MaxValue);
CloseHandle(child.thread);
CloseHandle(child.process);

[DllImport("handoff.dll", EntryPoint = "handoff_CreateProcessW", CharSet = CharSet.Unicode, SetLastError = true)]
static extern bool CreateProcess(string? application, string commandLine, IntPtr processSecurity,
    IntPtr threadSecurity, bool inheritHandles, uint flags, IntPtr environment, string? directory,
    ref STARTUPINFO startup, out PROCESS_INFORMATION child);

[DllImport("kernel32.dll")]
static extern uint WaitForSingleObject(IntPtr handle, uint milliseconds);

[DllImport("kernel32.dll")]
static extern bool CloseHandle(IntPtr handle);

[StructLayout(LayoutKind.Sequential, CharSet = CharSet.Unicode)]
struct STARTUPINFO
{
    public int cb;
    public string reserved, desktop, title;
    public int x, y, width, height, widthInCharacters, heightInCharacters, fill, flags;
    public short show, reservedSize;
    public IntPtr reservedData, stdin, stdout, stderr;
}

[StructLayout(LayoutKind.Sequential)]
struct PROCESS_INFORMATION
{
    public IntPtr process, thread;
    public int processId, threadId;
}
