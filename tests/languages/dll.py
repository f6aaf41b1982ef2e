# Gives a file to a command through handoff.dll.
import ctypes, msvcrt
from ctypes import wintypes as w

class Pass(ctypes.Structure):
    _fields_ = [("name", w.LPCWSTR), ("handle", w.HANDLE), ("streams", w.DWORD),
                ("descriptor", w.DWORD), ("flags", w.DWORD)]

class Request(ctypes.Structure):
    _fields_ = [("cb", w.DWORD), ("application", w.LPCWSTR), ("command_line", w.LPCWSTR),
                ("arguments", ctypes.c_void_p), ("environment", ctypes.c_void_p),
                ("variables", ctypes.c_void_p), ("directory", w.LPCWSTR),
                ("creation_flags", w.DWORD), ("startup", ctypes.c_void_p),
                ("passes", ctypes.POINTER(Pass)), ("pass_count", w.DWORD),
                ("closed_streams", w.DWORD), ("seal_all", w.BOOL),
                ("numbers", ctypes.POINTER(w.DWORD)), ("timeout_ms", w.DWORD),
                ("launcher", w.LPCWSTR), ("resident", ctypes.c_void_p),
                ("trace", ctypes.c_void_p), ("process_security", ctypes.c_void_p),
                ("thread_security", ctypes.c_void_p), ("attributes", ctypes.c_void_p)]

class Error(ctypes.Structure):
    _fields_ = [("stage", w.DWORD), ("pass_index", w.DWORD), ("code", w.DWORD),
                ("unreclaimed", w.DWORD), ("subject", w.WCHAR * 96)]

class ProcessInformation(ctypes.Structure):
    _fields_ = [("process", w.HANDLE), ("thread", w.HANDLE), ("pid", w.DWORD), ("tid", w.DWORD)]

handoff = ctypes.WinDLL("handoff.dll")
kernel32 = ctypes.WinDLL("kernel32")
file = open("app.ini", "rb")
item = Pass(name="cfg", handle=msvcrt.get_osfhandle(file.fileno()))
request = Request(cb=ctypes.sizeof(Request), passes=ctypes.pointer(item), pass_count=1,
                  command_line="perl child.pl {cfg}")
child, error = ProcessInformation(), Error()
if not handoff.handoff_spawn(ctypes.byref(request), ctypes.byref(child), ctypes.byref(error)):
    text = ctypes.create_unicode_buffer(512)
    handoff.handoff_error_text(ctypes.byref(error), text, ctypes.c_size_t(512))
    raise OSError(text.value)
kernel32.WaitForSingleObject(w.HANDLE(child.process), w.DWORD(0xFFFFFFFF))
kernel32.CloseHandle(w.HANDLE(child.thread))
kernel32.CloseHandle(w.HANDLE(child.process))
