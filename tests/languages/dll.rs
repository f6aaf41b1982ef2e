// Gives a file to a command through handoff.dll.
use std::ffi::c_void;
use std::fs::File;
use std::os::windows::io::{AsRawHandle, RawHandle};
use std::ptr::null_mut;

#[repr(C)]
struct Pass {
    name: *const u16,
    handle: RawHandle,
    streams: u32,
    descriptor: u32,
    flags: u32,
}

#[repr(C)]
struct Request {
    cb: u32,
    application: *const u16,
    command_line: *const u16,
    arguments: *const *const u16,
    environment: *const u16,
    variables: *const u16,
    directory: *const u16,
    creation_flags: u32,
    startup: *const c_void,
    passes: *const Pass,
    pass_count: u32,
    closed_streams: u32,
    seal_all: i32,
    numbers: *mut u32,
    timeout_ms: u32,
    launcher: *const u16,
    resident: *mut c_void,
    trace: *mut c_void,
    process_security: *const c_void,
    thread_security: *const c_void,
    attributes: *const c_void,
}

#[repr(C)]
struct Failure {
    stage: u32,
    pass: u32,
    code: u32,
    unreclaimed: u32,
    subject: [u16; 96],
}

#[repr(C)]
struct Child {
    process: RawHandle,
    thread: RawHandle,
    process_id: u32,
    thread_id: u32,
}

#[link(name = "handoff")]
extern "system" {
    fn handoff_spawn(request: *const Request, child: *mut Child, failure: *mut Failure) -> i32;
    fn handoff_error_text(failure: *const Failure, text: *mut u16, capacity: usize) -> usize;
}

#[link(name = "kernel32")]
extern "system" {
    fn WaitForSingleObject(handle: RawHandle, ms: u32) -> u32;
    fn CloseHandle(handle: RawHandle) -> i32;
}

fn wide(text: &str) -> Vec<u16> {
    text.encode_utf16().chain(Some(0)).collect()
}

// Starts a command with one handle, which the line names as {cfg}.
fn start(line: &str, handle: RawHandle) -> Result<Child, String> {
    let (name, line) = (wide("cfg"), wide(line));
    let pass = Pass { name: name.as_ptr(), handle, streams: 0, descriptor: 0, flags: 0 };
    let mut request: Request = unsafe { std::mem::zeroed() };
    request.cb = std::mem::size_of::<Request>() as u32;
    request.command_line = line.as_ptr();
    request.passes = &pass;
    request.pass_count = 1;
    let mut child = Child { process: null_mut(), thread: null_mut(), process_id: 0, thread_id: 0 };
    let mut failure: Failure = unsafe { std::mem::zeroed() };
    if unsafe { handoff_spawn(&request, &mut child, &mut failure) } != 0 {
        return Ok(child);
    }
    let mut text = [0u16; 512];
    let length = unsafe { handoff_error_text(&failure, text.as_mut_ptr(), text.len()) };
    Err(String::from_utf16_lossy(&text[..length]))
}

fn main() {
    let file = File::open("app.ini").unwrap();
    println!("{}", start("no-such-program {cfg}", file.as_raw_handle()).err().unwrap());
    let child = start("perl child.pl {cfg}", file.as_raw_handle()).unwrap();
    unsafe {
        WaitForSingleObject(child.process, u32::MAX);
        CloseHandle(child.thread);
        CloseHandle(child.process);
    }
}
