// Gives a file to a command through handoff.dll.
package main

import (
	"fmt"
	"log"
	"os"
	"syscall"
	"unsafe"
)

type pass struct {
	name                       *uint16
	handle                     uintptr
	streams, descriptor, flags uint32
}

type request struct {
	cb                                                           uint32
	application, commandLine                                     *uint16
	arguments                                                    uintptr
	environment, variables, directory                            *uint16
	creationFlags                                                uint32
	startup                                                      uintptr
	passes                                                       *pass
	passCount, closedStreams, sealAll                            uint32
	numbers                                                      *uint32
	timeout                                                      uint32
	launcher                                                     *uint16
	resident, trace, processSecurity, threadSecurity, attributes uintptr
}

type failure struct {
	stage, pass, code, unreclaimed uint32
	subject                        [96]uint16
}

var (
	dll       = syscall.NewLazyDLL("handoff.dll")
	spawn     = dll.NewProc("handoff_spawn")
	errorText = dll.NewProc("handoff_error_text")
)

// Starts a command with one handle, which the line names as {cfg}.
func start(line string, handle uintptr) (child syscall.ProcessInformation, err error) {
	commandLine, err := syscall.UTF16PtrFromString(line)
	if err != nil {
		return
	}
	name, _ := syscall.UTF16PtrFromString("cfg")
	r := request{commandLine: commandLine, passes: &pass{name: name, handle: handle}, passCount: 1}
	r.cb = uint32(unsafe.Sizeof(r))
	var f failure
	ok, _, _ := spawn.Call(uintptr(unsafe.Pointer(&r)), uintptr(unsafe.Pointer(&child)), uintptr(unsafe.Pointer(&f)))
	if ok == 0 {
		var text [512]uint16
		errorText.Call(uintptr(unsafe.Pointer(&f)), uintptr(unsafe.Pointer(&text)), uintptr(len(text)))
		err = fmt.Errorf("%s", syscall.UTF16ToString(text[:]))
	}
	return
}

func main() {
	file, err := os.Open("app.ini")
	if err != nil {
		log.Fatal(err)
	}
	if _, err = start("no-such-program {cfg}", file.Fd()); err == nil {
		log.Fatal("what is not there was started")
	}
	fmt.Println(err)
	child, err := start("perl child.pl {cfg}", file.Fd())
	if err != nil {
		log.Fatal(err)
	}
	syscall.WaitForSingleObject(child.Process, syscall.INFINITE)
	syscall.CloseHandle(child.Thread)
	syscall.CloseHandle(child.Process)
	file.Close()
}
