// Gives a file, a pipe and a listening socket of this program to commands: handoff takes them out of it by number.
use std::fs::File;
use std::io::{Error, ErrorKind, Read, Result};
use std::net::{TcpListener, TcpStream};
use std::os::windows::io::{AsRawHandle, AsRawSocket, FromRawHandle, RawHandle};
use std::os::windows::process::CommandExt;
use std::process::Command;

// Runs a command with handles of this process, which the options name.
fn handoff(options: &str, command: &str) -> Result<()> {
    let status = Command::new("handoff")
        .raw_arg(format!("--parent {} {} -- {}", std::process::id(), options, command))
        .status()?;
    if status.success() { Ok(()) } else { Err(Error::new(ErrorKind::Other, format!("{}", status))) }
}

fn pass_file() -> Result<()> {
    let file = File::open("app.ini")?; // not closed before handoff has ended
    handoff(&format!("--copy cfg={}", file.as_raw_handle() as usize), "perl child.pl {cfg}")
}

#[link(name = "kernel32")]
extern "system" {
    fn CreatePipe(read: *mut RawHandle, write: *mut RawHandle, security: *const u8, size: u32) -> i32;
}

fn pass_pipe() -> Result<()> {
    let (mut read, mut write) = (std::ptr::null_mut(), std::ptr::null_mut());
    if unsafe { CreatePipe(&mut read, &mut write, std::ptr::null(), 0) } == 0 {
        return Err(Error::last_os_error());
    }
    let (mut read, write) = unsafe { (File::from_raw_handle(read), File::from_raw_handle(write)) };
    handoff(&format!("--copy out={} --stdout out", write.as_raw_handle() as usize), "cmd /c echo through a pipe")?;
    drop(write); // the command has had its own
    let mut text = String::new();
    read.read_to_string(&mut text)?;
    print!("{}", text);
    Ok(())
}

fn pass_socket() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let mut client = TcpStream::connect(listener.local_addr()?)?;
    handoff(&format!("--copy web={}", listener.as_raw_socket()), "perl server.pl {web}")?;
    let mut text = String::new();
    client.read_to_string(&mut text)?;
    print!("{}", text);
    Ok(())
}

fn main() -> Result<()> {
    pass_file()?;
    pass_pipe()?;
    pass_socket()
}
